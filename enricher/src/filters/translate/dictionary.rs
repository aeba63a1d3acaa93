//! A dictionary and the three ways to look something up in it.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, MatchKind};
use event::Fragment;
use indexmap::IndexMap;
use regex::{RegexSet, RegexSetBuilder};
use serde_json::Value;

use crate::ruby_pattern::RubyPattern;

/// Most bytes by which the parts that are translated may lengthen a text.
const GROWTH_BYTES_MAX: usize = 4 << 20;
/// Most bytes of all patterns of a dictionary together when compiled.
const PATTERNS_BYTES_MAX: usize = 64 << 20;

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
    Patterns(RegexSet),
    Parts(AhoCorasick),
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
            Comparison::Pattern => Engine::Patterns(patterns(self.entries.keys())?),
            Comparison::Part => {
                let automaton = AhoCorasick::builder()
                    .match_kind(MatchKind::LeftmostFirst)
                    .build(self.entries.keys().map(|name| name.as_bytes()));
                Engine::Parts(automaton.map_err(|error| error.to_string())?)
            }
        };
        Ok(self)
    }

    pub(super) fn find(&self, text: &str) -> Option<Found<'_>> {
        match &self.engine {
            Engine::None => self.entries.get(text).map(Translation::found),
            Engine::Patterns(patterns) => {
                let first = patterns.matches(text).iter().next()?;
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

fn patterns<'n>(names: impl Iterator<Item = &'n Box<str>>) -> Result<RegexSet, String> {
    let mut expressions = Vec::new();
    for name in names {
        let pattern = RubyPattern::compile(name).map_err(|error| format!("`{name}`: {error}"))?;
        expressions.push(pattern.regex.as_str().to_owned());
    }
    RegexSetBuilder::new(expressions)
        .size_limit(PATTERNS_BYTES_MAX)
        .build()
        .map_err(|_| format!("the patterns need more than {PATTERNS_BYTES_MAX} bytes together"))
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
