//! `gsub`: replaces what a pattern finds.
//!
//! Event's text that comes in by `%{field}` is text: in a pattern it is taken literally, in a
//! replacement it refers to no group.

use event::{Event, FieldPath};
use regex::{Captures, Regex};

use super::edit::each_text;
use crate::ruby_pattern::{PatternError, RubyPattern};
use crate::template::Template;

/// A pattern and what takes the place of its matches.
#[derive(Debug)]
pub(super) struct Substitution {
    pattern: Pattern,
    replacement: Vec<Piece>,
}

#[derive(Debug)]
enum Pattern {
    Fixed(Regex),
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
    pub(super) fn parse(pattern: &str, replacement: &str) -> Result<Self, SubstitutionError> {
        let (pattern, compiled) = Pattern::parse(pattern)?;
        Ok(Self { pattern, replacement: pieces(replacement, &compiled)? })
    }

    pub(super) fn run(&self, event: &mut Event, field: &FieldPath, now_ns: i64, text: &mut String) {
        let compiled;
        let pattern = match &self.pattern {
            Pattern::Fixed(pattern) => pattern,
            Pattern::Dynamic(parts) => {
                // A text of the event that makes the pattern too large finds nothing.
                let Some(pattern) = dynamic(parts, event, now_ns) else {
                    return;
                };
                compiled = pattern;
                &compiled
            }
        };
        each_text(event, field, |event, id| {
            text.clear();
            let changed = {
                let Some(old) = event.text(id) else {
                    return;
                };
                self.replace(pattern, &old, event, now_ns, text)
            };
            if changed {
                event.rewrite_text(id, text);
            }
        });
    }

    fn replace(
        &self,
        pattern: &Regex,
        old: &str,
        event: &Event,
        now_ns: i64,
        out: &mut String,
    ) -> bool {
        let mut copied_to = 0;
        let mut changed = false;
        if let [Piece::Text(template)] = self.replacement.as_slice() {
            // Without groups the engine need not find them.
            for found in pattern.find_iter(old) {
                out.push_str(&old[copied_to..found.start()]);
                out.push_str(&template.render(event, now_ns));
                copied_to = found.end();
                changed = true;
            }
        } else {
            for groups in pattern.captures_iter(old) {
                let Some(found) = groups.get(0) else {
                    continue;
                };
                out.push_str(&old[copied_to..found.start()]);
                for piece in &self.replacement {
                    piece.write(&groups, event, now_ns, out);
                }
                copied_to = found.end();
                changed = true;
            }
        }
        out.push_str(&old[copied_to..]);
        changed
    }
}

impl Piece {
    fn write(&self, groups: &Captures<'_>, event: &Event, now_ns: i64, out: &mut String) {
        match self {
            Self::Text(template) => out.push_str(&template.render(event, now_ns)),
            Self::Group(number) => {
                out.push_str(groups.get(*number).map_or("", |group| group.as_str()));
            }
        }
    }
}

impl Pattern {
    /// Gives what it is compiled to as well: of a dynamic one, with a letter for each text.
    fn parse(text: &str) -> Result<(Self, RubyPattern), SubstitutionError> {
        if !text.contains("%{") {
            let compiled = RubyPattern::compile(text)?;
            return Ok((Self::Fixed(compiled.regex.clone()), compiled));
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
            parts.push(PatternPart::Text(template(&format!("%{{{name}}}"))?));
            trial.push_str(before);
            trial.push('x');
            rest = after;
        }
        parts.push(PatternPart::Pattern(rest.to_owned()));
        trial.push_str(rest);
        Ok((Self::Dynamic(parts), RubyPattern::compile(&trial)?))
    }
}

fn dynamic(parts: &[PatternPart], event: &Event, now_ns: i64) -> Option<Regex> {
    let mut pattern = String::new();
    for part in parts {
        match part {
            PatternPart::Pattern(text) => pattern.push_str(text),
            PatternPart::Text(template) => {
                pattern.push_str(&regex::escape(&template.render(event, now_ns)));
            }
        }
    }
    RubyPattern::compile(&pattern).ok().map(|compiled| compiled.regex)
}

fn template(text: &str) -> Result<Template, SubstitutionError> {
    Template::parse(text)
        .map_err(|error| SubstitutionError { message: error.message, way_out: error.way_out })
}

/// Reads a replacement: `\1`, `\0`, `\k<name>`, `\\`; any other backslash is text.
fn pieces(text: &str, pattern: &RubyPattern) -> Result<Vec<Piece>, SubstitutionError> {
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
            pieces.push(Piece::Text(template(&std::mem::take(&mut literal))?));
        }
        pieces.push(piece);
        rest = after.as_str();
    }
    literal.push_str(rest);
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(template(&literal)?));
    }
    Ok(pieces)
}
