//! Writes a tree as query text that parses to the same tree. It never changes what a query means:
//! each character with a meaning of its own is escaped.

use std::fmt::{self, Display, Formatter, Write};

use crate::{Bound, Pattern, PatternPart, Query};

/// How tightly the place binds in which a query is written.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Binding {
    Or,
    And,
    Not,
}

impl Display for Query {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write_query(self, Binding::Or, out)
    }
}

fn write_query(query: &Query, place: Binding, out: &mut Formatter<'_>) -> fmt::Result {
    match query {
        Query::All => out.write_char('*'),
        Query::And(all) => write_list(all, " AND ", Binding::And, place, out),
        Query::Or(all) => write_list(all, " OR ", Binding::Or, place, out),
        Query::Not(inner) => {
            out.write_str("NOT ")?;
            write_query(inner, Binding::Not, out)
        }
        Query::Term { field, value } => {
            write_field(field.as_deref(), out)?;
            write_word(value, field.is_some(), out)
        }
        Query::Phrase { field, text } => {
            write_field(field.as_deref(), out)?;
            write_quoted(text, out)
        }
        Query::Wildcard { field, pattern } => {
            write_field(field.as_deref(), out)?;
            write_pattern(pattern, field.is_some(), out)
        }
        Query::Range { field, from, to } => {
            write_field(Some(field), out)?;
            write_range(from, to, out)
        }
        Query::Exists { field } => {
            write_field(Some(field), out)?;
            out.write_char('*')
        }
    }
}

fn write_list(
    all: &[Query],
    operator: &str,
    own: Binding,
    place: Binding,
    out: &mut Formatter<'_>,
) -> fmt::Result {
    let enclosed = own < place;
    if enclosed {
        out.write_char('(')?;
    }
    for (index, query) in all.iter().enumerate() {
        if index > 0 {
            out.write_str(operator)?;
        }
        write_query(query, own, out)?;
    }
    if enclosed {
        out.write_char(')')?;
    }
    Ok(())
}

fn write_field(field: Option<&str>, out: &mut Formatter<'_>) -> fmt::Result {
    match field {
        None => Ok(()),
        Some(field) => {
            write_word(field, false, out)?;
            out.write_char(':')
        }
    }
}

/// A word; within a field's value a colon has no meaning.
fn write_word(word: &str, in_value: bool, out: &mut Formatter<'_>) -> fmt::Result {
    if matches!(word, "AND" | "OR" | "NOT") {
        out.write_char('\\')?;
    }
    write_characters(word, in_value, true, out)
}

fn write_characters(
    text: &str,
    in_value: bool,
    at_start: bool,
    out: &mut Formatter<'_>,
) -> fmt::Result {
    for (index, character) in text.chars().enumerate() {
        let has_meaning = match character {
            '+' | '-' | '!' => at_start && index == 0,
            ':' => !in_value,
            '(' | ')' | '{' | '}' | '[' | ']' | '^' | '"' | '~' | '*' | '?' | '\\' | '&' | '|'
            | '<' | '>' => true,
            other => other.is_whitespace(),
        };
        if has_meaning {
            out.write_char('\\')?;
        }
        out.write_char(character)?;
    }
    Ok(())
}

fn write_quoted(text: &str, out: &mut Formatter<'_>) -> fmt::Result {
    out.write_char('"')?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.write_char('\\')?;
        }
        out.write_char(character)?;
    }
    out.write_char('"')
}

fn write_pattern(pattern: &Pattern, in_value: bool, out: &mut Formatter<'_>) -> fmt::Result {
    for (index, part) in pattern.0.iter().enumerate() {
        match part {
            PatternPart::Text(text) => write_characters(text, in_value, index == 0, out)?,
            PatternPart::Any => out.write_char('*')?,
            PatternPart::One => out.write_char('?')?,
        }
    }
    Ok(())
}

fn write_range(from: &Bound, to: &Bound, out: &mut Formatter<'_>) -> fmt::Result {
    match (from, to) {
        (Bound::Exclusive(value), Bound::Unbounded) => write_comparison(">", value, out),
        (Bound::Inclusive(value), Bound::Unbounded) => write_comparison(">=", value, out),
        (Bound::Unbounded, Bound::Exclusive(value)) => write_comparison("<", value, out),
        (Bound::Unbounded, Bound::Inclusive(value)) => write_comparison("<=", value, out),
        _ => {
            out.write_char(if matches!(from, Bound::Exclusive(_)) { '{' } else { '[' })?;
            write_bound(from, out)?;
            out.write_str(" TO ")?;
            write_bound(to, out)?;
            out.write_char(if matches!(to, Bound::Exclusive(_)) { '}' } else { ']' })
        }
    }
}

fn write_comparison(operator: &str, value: &str, out: &mut Formatter<'_>) -> fmt::Result {
    out.write_str(operator)?;
    write_bound_text(value, out)
}

fn write_bound(bound: &Bound, out: &mut Formatter<'_>) -> fmt::Result {
    match bound.text() {
        None => out.write_char('*'),
        Some(text) => write_bound_text(text, out),
    }
}

fn write_bound_text(text: &str, out: &mut Formatter<'_>) -> fmt::Result {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '+');
    if !text.is_empty() && text.chars().all(plain) && text != "TO" {
        out.write_str(text)
    } else {
        write_quoted(text, out)
    }
}
