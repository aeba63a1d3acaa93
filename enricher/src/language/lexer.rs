//! The lexemes of the language, asked for by the parser: what `[` or `/` begins depends on where it
//! stands.
//!
//! Never looks behind a lexeme; knows no grammar beyond one.

use super::source::{Source, Span};
use super::tree::Number;

/// A place in a text and the lexemes that begin there.
#[derive(Debug)]
pub(super) struct Lexer<'s> {
    text: &'s str,
    pub(super) at: usize,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(source: &'s Source) -> Self {
        Self { text: source.text(), at: 0 }
    }

    pub(super) fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The span of the character here, for messages.
    pub(super) fn here(&self) -> Span {
        Span { start: self.at, end: self.at + self.peek().map_or(0, char::len_utf8) }
    }

    pub(super) fn since(&self, start: usize) -> Span {
        Span { start, end: self.at }
    }

    /// Blanks and comments; says whether there were any.
    pub(super) fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        loop {
            let trimmed = self.rest().trim_start_matches([' ', '\t', '\r', '\n']);
            self.at = self.text.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return self.at > start;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    /// Takes a sign if it stands here.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A name: letters, digits, `_` and `-`. Empty if there is none.
    pub(super) fn name(&mut self) -> &'s str {
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    }

    /// The name that stands here, which is not taken.
    pub(super) fn peek_name(&self) -> &'s str {
        Lexer { text: self.text, at: self.at }.name()
    }

    /// A string in either quotes; its content keeps every backslash. `None` if it does not end.
    pub(super) fn string(&mut self) -> Option<&'s str> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\''))?;
        self.delimited(quote)
    }

    /// A regular expression between slashes. `None` if it does not end.
    pub(super) fn regex(&mut self) -> Option<&'s str> {
        self.delimited('/')
    }

    /// Up to the next delimiter that no backslash stands before.
    fn delimited(&mut self, delimiter: char) -> Option<&'s str> {
        let inside = self.rest().strip_prefix(delimiter)?;
        let mut from = 0;
        loop {
            let end = from + inside[from..].find(delimiter)?;
            if inside[..end].ends_with('\\') {
                from = end + 1;
                continue;
            }
            self.at += 1 + end + 1;
            return Some(&inside[..end]);
        }
    }

    /// Whether a number begins here.
    pub(super) fn at_number(&self) -> bool {
        let digits = self.rest().strip_prefix('-').unwrap_or(self.rest());
        digits.starts_with(|c: char| c.is_ascii_digit())
    }

    /// A number; an integer that begins with 0 is octal. `None` where it is none after all.
    pub(super) fn number(&mut self) -> Option<Number> {
        let start = self.at;
        self.take("-");
        let digits = self.take_while(|c| c.is_ascii_digit());
        let float = self.take(".");
        if float {
            self.take_while(|c| c.is_ascii_digit());
        }
        let text = &self.text[start..self.at];
        if float {
            return text.parse().ok().map(Number::Float);
        }
        let octal = digits.len() > 1 && digits.starts_with('0');
        let value = i64::from_str_radix(digits, if octal { 8 } else { 10 }).ok()?;
        Some(Number::Integer(if text.starts_with('-') { -value } else { value }))
    }

    /// A selector as it is written, `[outer][inner]`. `None`, with nothing taken, for anything else.
    pub(super) fn selector(&mut self) -> Option<&'s str> {
        let start = self.at;
        while let Some(inside) = self.rest().strip_prefix('[') {
            let length = inside.find([']', ',']).filter(|end| inside[*end..].starts_with(']'));
            let Some(length) = length.filter(|length| *length > 0) else {
                break;
            };
            self.at += length + 2;
        }
        (self.at > start).then(|| &self.text[start..self.at])
    }
}
