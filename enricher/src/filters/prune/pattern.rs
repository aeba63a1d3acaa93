//! Expressions of `prune`: compiled at load, or, where an event has a say in them, when they are first met.

use std::num::NonZeroUsize;
use std::sync::Arc;

use event::Event;
use lru::LruCache;

use crate::language::Span;
use crate::options::Options;
use crate::ruby_pattern::{PatternError, RubyPattern};
use crate::template::Template;

/// Compiled expressions that a worker keeps.
const KEPT_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);
/// Most bytes of an expression that an event has a say in; a longer one matches nothing.
const RENDERED_BYTES_MAX: usize = 4096;

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Fixed(RubyPattern),
    /// Fields of the event are put in, as text.
    Rendered(Template),
}

impl Pattern {
    /// Reads an expression; a mistake is recorded at `span`.
    pub(super) fn parse(
        options: &mut Options<'_>,
        text: &str,
        span: Span,
        interpolate: bool,
    ) -> Option<Self> {
        let template = if interpolate { Some(options.parse_template(text, span)?) } else { None };
        let template = template.filter(|template| template.literal().is_none());
        // What is wrong around the fields is wrong with any of them.
        let text = match &template {
            Some(template) => template.render_with(&Event::new(), 0, |_| "x".to_owned()),
            None => text.to_owned(),
        };
        match RubyPattern::compile(&text) {
            Ok(pattern) => Some(template.map_or(Self::Fixed(pattern), Self::Rendered)),
            Err(PatternError { message, way_out }) => {
                options.refuse_at(span, message, way_out);
                None
            }
        }
    }
}

/// A worker's compiled expressions, by their text; `None` is one that cannot be read.
pub(super) struct Compiled(LruCache<String, Option<Arc<RubyPattern>>>);

/// An expression as it is for one event.
pub(super) enum Ready<'p> {
    Fixed(&'p RubyPattern),
    Rendered(Arc<RubyPattern>),
    /// It cannot be read with what the event puts in.
    Never,
}

impl Ready<'_> {
    /// Whether it is found in a text; `steps` is what searches of the event may still cost.
    pub(super) fn is_match(&self, text: &str, steps: &mut u64) -> bool {
        match self {
            Self::Fixed(pattern) => pattern.is_match_within(text, steps),
            Self::Rendered(pattern) => pattern.is_match_within(text, steps),
            Self::Never => false,
        }
    }
}

impl Default for Compiled {
    fn default() -> Self {
        Self(LruCache::new(KEPT_MAX))
    }
}

impl Compiled {
    /// Makes an expression ready for an event.
    pub(super) fn ready<'p>(
        &mut self,
        pattern: &'p Pattern,
        event: &Event,
        now_ns: i64,
    ) -> Ready<'p> {
        match pattern {
            Pattern::Fixed(pattern) => Ready::Fixed(pattern),
            Pattern::Rendered(template) => {
                let expression = template.render_with(event, now_ns, regex::escape);
                self.get(&expression).map_or(Ready::Never, Ready::Rendered)
            }
        }
    }

    fn get(&mut self, expression: &str) -> Option<Arc<RubyPattern>> {
        if expression.len() > RENDERED_BYTES_MAX {
            return None;
        }
        if let Some(known) = self.0.get(expression) {
            return known.clone();
        }
        let compiled = RubyPattern::compile(expression).ok().map(Arc::new);
        self.0.put(expression.to_owned(), compiled.clone());
        compiled
    }
}
