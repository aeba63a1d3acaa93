//! `gsub`: replaces what a pattern finds.
//!
//! Event's text that comes in by `%{field}` is text: in a pattern it is taken literally, in a
//! replacement it refers to no group. As both come from the sender, what it makes of a field is
//! bounded.
//!
//! A search that takes too many steps is a failure: the field stays as it is.

use std::ops::Range;

use event::{Event, FieldPath, NodeId};
use smallvec::SmallVec;

use super::edit::each_text;
use super::{Failed, done};
use crate::backtracking::{OutOfSteps, STEPS_BY_DEFAULT};
use crate::field_reference::EscapeStyle;
use crate::ruby_pattern::{PatternError, RubyEngine, RubyPattern};
use crate::template::Template;

/// Most bytes by which one substitution may lengthen a field.
const GROWTH_BYTES_MAX: usize = 4 << 20;

/// A pattern and what takes the place of its matches.
#[derive(Debug)]
pub(super) struct Substitution {
    pattern: Pattern,
    replacement: Vec<Piece>,
}

#[derive(Debug)]
enum Pattern {
    Fixed(RubyEngine),
    /// Parts of a pattern, and texts between them that an event gives.
    Dynamic(Vec<PatternPart>),
}

#[derive(Debug)]
enum PatternPart {
    Pattern(String),
    Text(Template),
}

/// A part of a replacement, in Ruby's notation.
#[derive(Debug)]
enum Piece {
    Text(Template),
    /// `\0` to `\9`, or `\k<name>`.
    Group(usize),
}

/// Why it cannot be run.
#[derive(Debug)]
pub(super) struct SubstitutionError {
    pub(super) message: String,
    pub(super) way_out: String,
}

impl From<PatternError> for SubstitutionError {
    fn from(error: PatternError) -> Self {
        Self { message: error.message, way_out: error.way_out }
    }
}

impl Substitution {
    pub(super) fn parse(
        pattern: &str,
        replacement: &str,
        style: EscapeStyle,
    ) -> Result<Self, SubstitutionError> {
        let (pattern, compiled) = Pattern::parse(pattern, style)?;
        Ok(Self { pattern, replacement: pieces(replacement, &compiled, style)? })
    }

    /// Changes nothing if the field would become too long.
    pub(super) fn run(
        &self,
        event: &mut Event,
        field: &FieldPath,
        now_ns: i64,
        text: &mut String,
    ) -> Result<(), Failed> {
        let compiled;
        let pattern = match &self.pattern {
            Pattern::Fixed(pattern) => pattern,
            Pattern::Dynamic(parts) => {
                // A text of the event that makes the pattern too large finds nothing.
                let Some(pattern) = dynamic(parts, event, now_ns) else {
                    return Ok(());
                };
                compiled = pattern;
                &compiled
            }
        };
        text.clear();
        let mut changed: SmallVec<[(NodeId, Range<usize>); 1]> = SmallVec::new();
        let mut length_max = GROWTH_BYTES_MAX;
        let mut steps = STEPS_BY_DEFAULT;
        let mut outcome = Ok(());
        each_text(event, field, |event, id| {
            let Some(old) = event.text(id).filter(|_| outcome.is_ok()) else {
                return;
            };
            let start = text.len();
            length_max += old.len();
            let mut new = Building::new(&old, text, length_max, &mut steps);
            match self.replace(pattern, event, now_ns, &mut new) {
                Ok(true) => changed.push((id, start..text.len())),
                Ok(false) => text.truncate(start),
                Err(failed) => outcome = Err(failed),
            }
        });
        outcome?;
        for (id, part) in changed {
            event.rewrite_text(id, &text[part]);
        }
        Ok(())
    }

    /// Makes the new text; says whether the pattern was found.
    fn replace(
        &self,
        pattern: &RubyEngine,
        event: &Event,
        now_ns: i64,
        new: &mut Building<'_>,
    ) -> Result<bool, Failed> {
        let old = new.old;
        match (pattern, self.replacement.as_slice()) {
            // Without groups the engine need not find them.
            (RubyEngine::Linear(regex), [Piece::Text(template)]) => {
                for found in regex.find_iter(old) {
                    new.put(found.range(), |out| out.push_str(&template.render(event, now_ns)))?;
                }
            }
            (RubyEngine::Linear(regex), pieces) => {
                for groups in regex.captures_iter(old) {
                    let Some(found) = groups.get(0) else {
                        continue;
                    };
                    let group = |number| groups.get(number).map_or("", |group| group.as_str());
                    new.put(found.range(), |out| {
                        pieces.iter().for_each(|piece| piece.write(group, event, now_ns, out));
                    })?;
                }
            }
            (RubyEngine::Backtracking(backtracker), pieces) => {
                let mut steps = *new.steps;
                for groups in backtracker.matches(old, &mut steps) {
                    let groups = groups.map_err(|OutOfSteps| Failed)?;
                    let Some(found) = groups.get(0) else {
                        continue;
                    };
                    let group = |number| {
                        groups.get(number).and_then(|group| old.get(group.range())).unwrap_or("")
                    };
                    new.put(found.range(), |out| {
                        pieces.iter().for_each(|piece| piece.write(group, event, now_ns, out));
                    })?;
                }
                *new.steps = steps;
            }
        }
        if !new.is_changed {
            return Ok(false);
        }
        new.out.push_str(&old[new.copied_to..]);
        new.within()?;
        Ok(true)
    }
}

/// A text while it is made of another one.
struct Building<'b> {
    old: &'b str,
    out: &'b mut String,
    /// Most bytes of it.
    length_max: usize,
    /// What the search may still cost.
    steps: &'b mut u64,
    /// Up to where the old one stands in it.
    copied_to: usize,
    is_changed: bool,
}

impl<'b> Building<'b> {
    fn new(old: &'b str, out: &'b mut String, length_max: usize, steps: &'b mut u64) -> Self {
        Self { old, out, length_max, steps, copied_to: 0, is_changed: false }
    }

    /// Puts what is written in the place of a match.
    fn put(&mut self, place: Range<usize>, write: impl FnOnce(&mut String)) -> Result<(), Failed> {
        self.out.push_str(&self.old[self.copied_to..place.start]);
        write(self.out);
        self.copied_to = place.end;
        self.is_changed = true;
        self.within()
    }

    fn within(&self) -> Result<(), Failed> {
        done(self.out.len() <= self.length_max)
    }
}

impl Piece {
    fn write<'t>(
        &self,
        group: impl Fn(usize) -> &'t str,
        event: &Event,
        now_ns: i64,
        out: &mut String,
    ) {
        match self {
            Self::Text(template) => out.push_str(&template.render(event, now_ns)),
            Self::Group(number) => out.push_str(group(*number)),
        }
    }
}

impl Pattern {
    /// Gives what it is compiled to as well: of a dynamic one, with a letter for each text.
    fn parse(text: &str, style: EscapeStyle) -> Result<(Self, RubyPattern), SubstitutionError> {
        if !text.contains("%{") {
            let compiled = RubyPattern::compile(text)?;
            return Ok((Self::Fixed(compiled.engine.clone()), compiled));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        // Something harmless in place of each text tells whether the pattern is one.
        let mut trial = String::new();
        while let Some((before, inside)) = rest.split_once("%{") {
            let Some((name, after)) = inside.split_once('}') else {
                break;
            };
            parts.push(PatternPart::Pattern(before.to_owned()));
            parts.push(PatternPart::Text(template(&format!("%{{{name}}}"), style)?));
            trial.push_str(before);
            trial.push('x');
            rest = after;
        }
        parts.push(PatternPart::Pattern(rest.to_owned()));
        trial.push_str(rest);
        Ok((Self::Dynamic(parts), RubyPattern::compile(&trial)?))
    }
}

fn dynamic(parts: &[PatternPart], event: &Event, now_ns: i64) -> Option<RubyEngine> {
    let mut pattern = String::new();
    for part in parts {
        match part {
            PatternPart::Pattern(text) => pattern.push_str(text),
            PatternPart::Text(template) => {
                pattern.push_str(&regex::escape(&template.render(event, now_ns)));
            }
        }
    }
    RubyPattern::compile(&pattern).ok().map(|compiled| compiled.engine)
}

fn template(text: &str, style: EscapeStyle) -> Result<Template, SubstitutionError> {
    Template::parse_as(text, style)
        .map_err(|error| SubstitutionError { message: error.message, way_out: error.way_out })
}

/// Reads a replacement: `\1`, `\0`, `\k<name>`, `\\`; any other backslash is text.
fn pieces(
    text: &str,
    pattern: &RubyPattern,
    style: EscapeStyle,
) -> Result<Vec<Piece>, SubstitutionError> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        literal.push_str(before);
        let mut after = from[1..].chars();
        let piece = match after.next() {
            Some(digit) if digit.is_ascii_digit() => {
                Piece::Group(digit.to_digit(10).unwrap_or_default() as usize)
            }
            Some('k') if from[2..].starts_with('<') && from.contains('>') => {
                let (name, behind) = from[3..].split_once('>').unwrap_or((&from[3..], ""));
                after = behind.chars();
                let group = pattern.group(name).ok_or_else(|| SubstitutionError {
                    message: format!("the pattern has no group `{name}`"),
                    way_out: format!("name one: `(?<{name}>...)`"),
                })?;
                Piece::Group(group)
            }
            Some('\\') => {
                literal.push('\\');
                rest = after.as_str();
                continue;
            }
            _ => {
                literal.push('\\');
                rest = &from[1..];
                continue;
            }
        };
        if !literal.is_empty() {
            pieces.push(Piece::Text(template(&std::mem::take(&mut literal), style)?));
        }
        pieces.push(piece);
        rest = after.as_str();
    }
    literal.push_str(rest);
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(template(&literal, style)?));
    }
    Ok(pieces)
}
