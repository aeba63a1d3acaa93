//! What separates pairs, or keys from values: a set of characters, or a pattern in Ruby's notation. All places of a
//! text where one begins are found in one pass from its end, whatever the pattern.

use std::sync::Arc;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Class, HirKind};

use super::places::Places;
use crate::ruby_pattern::{LinearPattern, PatternError};

/// Most bytes of a separator and what its pattern looks at: what is longer is none.
const LENGTH_BYTES_MAX: usize = 1024;
/// Most bytes of a compiled pattern.
const COMPILED_BYTES_MAX: usize = 4 << 20;

/// A separator with one worker's memory.
#[derive(Debug)]
pub(super) enum Separator {
    /// One of these ASCII characters.
    Bytes(Box<[bool; 256]>),
    Pattern(Box<Pattern>),
}

/// Patterns are looked for backwards, and read forwards.
#[derive(Debug)]
pub(super) struct Pattern {
    backwards: Arc<DFA>,
    cache: Cache,
    forwards: Regex,
    /// Groups of which one ends where the separator does; where there are none, it is the whole.
    ends: Box<[usize]>,
}

impl Clone for Separator {
    fn clone(&self) -> Self {
        match self {
            Self::Bytes(wanted) => Self::Bytes(wanted.clone()),
            Self::Pattern(pattern) => Self::Pattern(Box::new(Pattern {
                backwards: Arc::clone(&pattern.backwards),
                cache: pattern.backwards.create_cache(),
                forwards: pattern.forwards.clone(),
                ends: pattern.ends.clone(),
            })),
        }
    }
}

impl Separator {
    /// One of the characters that a class of Ruby names, without its brackets.
    pub(super) fn one_of(class: &str) -> Result<Self, PatternError> {
        let refused = |message: String| PatternError {
            message,
            way_out: "a special character needs a backslash: `\\[`, `\\]`, `\\^`, `\\-`".to_owned(),
        };
        if class.is_empty() || class.starts_with('^') {
            return Err(refused(format!("`{class}` names no characters")));
        }
        let compiled = LinearPattern::compile(&format!("[{class}]"))?;
        let expression = compiled.regex.as_str();
        let hir = regex_syntax::parse(expression).map_err(|error| refused(error.to_string()))?;
        let mut wanted = Box::new([false; 256]);
        let mut is_ascii = true;
        match hir.kind() {
            HirKind::Literal(literal) if is_one_character(&literal.0) => match &*literal.0 {
                [byte] => wanted[usize::from(*byte)] = true,
                _ => is_ascii = false,
            },
            HirKind::Class(Class::Unicode(set)) => {
                for range in set.ranges() {
                    is_ascii &= range.end().is_ascii();
                    for code in u32::from(range.start())..=u32::from(range.end()).min(127) {
                        wanted[code as usize] = true;
                    }
                }
            }
            _ => return Err(refused(format!("`{class}` is more than a set of characters"))),
        }
        if wanted[usize::from(b'\\')] {
            return Err(PatternError {
                message: "a backslash takes away the meaning of what follows it, so it separates \
                          nothing"
                    .to_owned(),
                way_out: "use `field_split_pattern` or `value_split_pattern`".to_owned(),
            });
        }
        if is_ascii {
            return Ok(Self::Bytes(wanted));
        }
        Self::compile(expression, Box::default())
    }

    /// What a pattern finds. It may look at what follows, `(?=...)`, at the end of each alternative.
    pub(super) fn pattern(pattern: &str) -> Result<Self, PatternError> {
        let Some((rewritten, count)) = without_looks(pattern) else {
            return Self::compile(LinearPattern::compile(pattern)?.regex.as_str(), Box::default());
        };
        let compiled = LinearPattern::compile(&rewritten)?;
        let ends = (0..count).filter_map(|number| compiled.group(&group_name(number))).collect();
        Self::compile(compiled.regex.as_str(), ends)
    }

    fn compile(expression: &str, ends: Box<[usize]>) -> Result<Self, PatternError> {
        let refused = |error: &dyn std::fmt::Display| PatternError {
            message: format!("the pattern cannot be run: {error}"),
            way_out: "write it without `\\b` and with fewer repetitions".to_owned(),
        };
        let settings = thompson::Config::new()
            .reverse(true)
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(COMPILED_BYTES_MAX));
        let nfa = thompson::Compiler::new()
            .configure(settings)
            .build(expression)
            .map_err(|error| refused(&error))?;
        let settings = DFA::config().match_kind(MatchKind::All).skip_cache_capacity_check(true);
        let backwards = DFA::builder()
            .configure(settings)
            .build_from_nfa(nfa)
            .map_err(|error| refused(&error))?;
        let forwards = Regex::builder()
            .configure(Regex::config().nfa_size_limit(Some(COMPILED_BYTES_MAX)))
            .build(expression)
            .map_err(|error| refused(&error))?;
        let cache = backwards.create_cache();
        let backwards = Arc::new(backwards);
        Ok(Self::Pattern(Box::new(Pattern { backwards, cache, forwards, ends })))
    }

    /// Adds the places where a separator begins.
    pub(super) fn mark(&mut self, text: &str, places: &mut Places) {
        match self {
            Self::Bytes(wanted) => places.insert_bytes(text.as_bytes(), wanted),
            // An automaton without quit bytes and without a limit of emptied caches has no errors.
            Self::Pattern(pattern) => pattern.mark(text, places).unwrap_or_default(),
        }
    }

    /// Where the separator ends that begins at a marked place.
    pub(super) fn end(&self, text: &str, place: usize) -> Option<usize> {
        match self {
            Self::Bytes(_) => Some(place + 1),
            Self::Pattern(pattern) => pattern.end(text, place),
        }
    }
}

impl Pattern {
    fn mark(&mut self, text: &str, places: &mut Places) -> Option<()> {
        let cache = &mut self.cache;
        let mut state = self.backwards.start_state_reverse(cache, &Input::new(text)).ok()?;
        // A state says of the place behind it whether a separator begins there.
        for (place, byte) in text.bytes().enumerate().rev() {
            state = self.backwards.next_state(cache, state, byte).ok()?;
            if state.is_match() && text.is_char_boundary(place + 1) {
                places.insert(place + 1);
            }
        }
        if self.backwards.next_eoi_state(cache, state).ok()?.is_match() {
            places.insert(0);
        }
        Some(())
    }

    fn end(&self, text: &str, place: usize) -> Option<usize> {
        let last = text.floor_char_boundary(place.saturating_add(LENGTH_BYTES_MAX));
        let input = Input::new(text).range(place..last).anchored(Anchored::Yes);
        if self.ends.is_empty() {
            return self.forwards.find(input).map(|found| found.end());
        }
        let mut captures = self.forwards.create_captures();
        self.forwards.search_captures(&input, &mut captures);
        self.ends.iter().find_map(|group| captures.get_group(*group)).map(|group| group.end)
    }
}

/// No group of a user has such a name.
fn group_name(number: usize) -> String {
    format!("#{number}")
}

/// A pattern in which what is looked at is matched too, with groups for what is not, and how many: `a(?=b)|c` becomes
/// `(?<#0>a)(?:b)|(?<#1>c)`. `None` if nothing is looked at, or not at the end of an alternative.
fn without_looks(pattern: &str) -> Option<(String, usize)> {
    let alternatives = alternatives(pattern)?;
    if alternatives.iter().all(|(_, look)| look.is_empty()) {
        return None;
    }
    let rewritten = alternatives.iter().enumerate().map(|(number, (alternative, look))| {
        format!("(?<{}>{alternative})(?:{look})", group_name(number))
    });
    Some((rewritten.collect::<Vec<_>>().join("|"), alternatives.len()))
}

/// The alternatives of a pattern, each with what it looks at in the end. `None` where flags may hold for several.
fn alternatives(pattern: &str) -> Option<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    let (mut depth, mut classes) = (0usize, 0usize);
    let mut start = 0;
    // Of the last look-ahead that is in no group, where it begins and, once it is closed, what follows it.
    let mut look = None;
    let mut characters = pattern.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '[' => {
                classes += 1;
                characters.next_if(|(_, next)| *next == '^');
                characters.next_if(|(_, next)| *next == ']');
            }
            ']' => classes = classes.saturating_sub(1),
            _ if classes > 0 => {}
            '(' => {
                let inside = &pattern[at + 1..];
                if sets_flags(inside) {
                    return None;
                }
                if depth == 0 {
                    look = inside.starts_with("?=").then_some((at, 0));
                }
                depth += 1;
            }
            ')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    look = look.map(|(begin, _)| (begin, at + 1));
                }
            }
            '|' if depth == 0 => {
                found.push(split_look(pattern, start, at, look.take()));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(split_look(pattern, start, pattern.len(), look));
    Some(found)
}

/// Whether a group that begins so sets flags for what follows it.
fn sets_flags(group: &str) -> bool {
    let Some(rest) = group.strip_prefix('?') else {
        return false;
    };
    let flags = rest.bytes().take_while(|byte| b"imx-".contains(byte)).count();
    flags > 0 && rest[flags..].starts_with(')')
}

/// An alternative, cut where its look-ahead begins if it ends with it.
fn split_look(
    pattern: &str,
    start: usize,
    end: usize,
    look: Option<(usize, usize)>,
) -> (&str, &str) {
    match look {
        Some((begin, after)) if after == end => {
            (&pattern[start..begin], &pattern[begin + "(?=".len()..end - 1])
        }
        _ => (&pattern[start..end], ""),
    }
}

fn is_one_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().count() == 1)
}
