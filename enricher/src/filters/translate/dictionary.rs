//! A dictionary and the three ways to look something up in it.

use std::borrow::Cow;
use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};
use event::Fragment;
use indexmap::IndexMap;
use regex::{RegexSet, RegexSetBuilder};
use serde_json::Value;

use crate::ruby_pattern::{RubyEngine, RubyPattern};

/// Most bytes by which the parts that are translated may lengthen a text.
const GROWTH_BYTES_MAX: usize = 4 << 20;
/// Most bytes of all patterns of a dictionary together when compiled.
const PATTERNS_BYTES_MAX: usize = 64 << 20;
/// Patterns of a dictionary that no engine of linear time runs.
const SLOW_PATTERNS_MAX: usize = 100;

/// How a text is compared with the names of a dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// The text is a name.
    Exact,
    /// The names are patterns: the first that is found in the text.
    Pattern,
    /// Every name that is part of the text is replaced.
    Part,
}

/// What stands for a name.
#[derive(Clone, Debug)]
enum Translation {
    Text(Box<str>),
    /// Anything else. Boxed: most are texts.
    Json(Box<Fragment>),
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found<'d> {
    Text(Cow<'d, str>),
    Json(&'d Fragment),
}

/// Names in their order, and what stands for them.
pub(super) type Entries = IndexMap<String, Entry>;

/// What stands for a name, as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Text(String),
    /// Anything else, as JSON.
    Json(String),
}

impl From<Value> for Entry {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            other => Self::Json(other.to_string()),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Dictionary {
    entries: IndexMap<Box<str>, Translation>,
    comparison: Comparison,
    engine: Engine,
}

#[derive(Clone, Debug)]
enum Engine {
    None,
    Patterns(Patterns),
    Parts(AhoCorasick),
}

/// The names of a dictionary as patterns.
#[derive(Clone, Debug)]
struct Patterns {
    /// All of them, some as looser ones.
    all: RegexSet,
    /// Those that stand among all as looser ones, by their place.
    whole: HashMap<usize, RubyPattern>,
}

impl Dictionary {
    /// # Errors
    /// Which entry cannot be used and why, in words.
    pub(super) fn new(entries: Entries, comparison: Comparison) -> Result<Self, String> {
        let dictionary = Self { entries: IndexMap::default(), comparison, engine: Engine::None };
        dictionary.with(entries)
    }

    /// The same with more entries, in place of those that have the same names.
    ///
    /// # Errors
    /// Which entry cannot be used and why, in words.
    pub(super) fn with(mut self, added: Entries) -> Result<Self, String> {
        self.entries.reserve(added.len());
        for (name, entry) in added {
            let translation = Translation::new(entry)
                .ok_or_else(|| format!("what stands for `{name}` is nested too deeply"))?;
            self.entries.insert(name.into(), translation);
        }
        self.engine = match self.comparison {
            Comparison::Exact => Engine::None,
            Comparison::Pattern => Engine::Patterns(Patterns::compile(self.entries.keys())?),
            Comparison::Part => {
                let automaton = AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostFirst)
                    .build(self.entries.keys().map(|name| name.as_bytes()));
                Engine::Parts(automaton.map_err(|error| error.to_string())?)
            }
        };
        Ok(self)
    }

    /// What stands for a text; `steps` is what searches of the event may still cost.
    pub(super) fn find(&self, text: &str, steps: &mut u64) -> Option<Found<'_>> {
        match &self.engine {
            Engine::None => self.entries.get(text).map(Translation::found),
            Engine::Patterns(patterns) => {
                let first = patterns.first(text, steps)?;
                self.entries.get_index(first).map(|(_, translation)| translation.found())
            }
            Engine::Parts(automaton) => self.replace(automaton, text).map(Found::Text),
        }
    }

    /// `None` if the text stays as it is, or would become too long.
    fn replace(&self, automaton: &AhoCorasick, text: &str) -> Option<Cow<'_, str>> {
        let mut out = String::new();
        let mut copied_to = 0;
        for part in automaton.find_iter(text) {
            let (_, translation) = self.entries.get_index(part.pattern().as_usize())?;
            out.push_str(text.get(copied_to..part.start())?);
            out.push_str(translation.as_text());
            copied_to = part.end();
            if out.len() > text.len() + GROWTH_BYTES_MAX {
                return None;
            }
        }
        out.push_str(text.get(copied_to..)?);
        (out != text).then_some(Cow::Owned(out))
    }
}

impl Patterns {
    /// # Errors
    /// Which pattern cannot be used and why, in words.
    fn compile<'n>(names: impl Iterator<Item = &'n Box<str>>) -> Result<Self, String> {
        let mut expressions = Vec::new();
        let mut whole = HashMap::new();
        for (place, name) in names.enumerate() {
            let pattern =
                RubyPattern::compile(name).map_err(|error| format!("`{name}`: {error}"))?;
            match &pattern.engine {
                RubyEngine::Linear(regex) => expressions.push(regex.as_str().to_owned()),
                RubyEngine::Backtracking(backtracker) => {
                    expressions.push(backtracker.looser().to_owned());
                    whole.insert(place, pattern);
                }
            }
            if whole.len() > SLOW_PATTERNS_MAX {
                return Err(format!(
                    "more than {SLOW_PATTERNS_MAX} patterns have look-around or refer to groups, the last of them `{name}`"
                ));
            }
        }
        let all =
            RegexSetBuilder::new(expressions).size_limit(PATTERNS_BYTES_MAX).build().map_err(
                |_| format!("the patterns need more than {PATTERNS_BYTES_MAX} bytes together"),
            )?;
        Ok(Self { all, whole })
    }

    /// The place of the first that is found in a text. Behind one that takes too long none is looked for: it would
    /// stand for the text in the place of the one before it.
    fn first(&self, text: &str, steps: &mut u64) -> Option<usize> {
        for place in self.all.matches(text).iter() {
            let Some(pattern) = self.whole.get(&place) else { return Some(place) };
            if pattern.search(text, steps).ok()? {
                return Some(place);
            }
        }
        None
    }
}

impl Translation {
    /// `None` for what is nested deeper than an event may be.
    fn new(entry: Entry) -> Option<Self> {
        match entry {
            Entry::Text(text) => Some(Self::Text(text.into())),
            Entry::Json(json) => Fragment::constant(json.as_bytes()).map(Box::new).map(Self::Json),
        }
    }

    fn found(&self) -> Found<'_> {
        match self {
            Self::Text(text) => Found::Text(Cow::Borrowed(text)),
            Self::Json(fragment) => Found::Json(fragment),
        }
    }

    /// As it stands in a text: nothing for null.
    fn as_text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Json(fragment) => {
                match std::str::from_utf8(fragment.json()).unwrap_or_default() {
                    "null" => "",
                    json => json,
                }
            }
        }
    }
}
