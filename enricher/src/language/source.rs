//! A configuration's text, and places in it.
//!
//! Never reads a file: whoever does gives the text and a name for it.

use super::diagnostic::{Diagnostic, Severity};

/// A range of bytes in a configuration's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Span {
    /// From the start of this to the end of the other.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end.max(self.start) }
    }
}

/// A configuration's text with its name for messages.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// Takes a text; `name` is what messages call it, usually the file's path.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span; empty for one that does not lie in this source.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Line of a byte, from 1.
    #[must_use]
    pub fn line_of(&self, at: usize) -> usize {
        1 + self.before(at).bytes().filter(|byte| *byte == b'\n').count()
    }

    /// Column of a byte in characters, from 1.
    #[must_use]
    pub fn column_of(&self, at: usize) -> usize {
        let before = self.before(at);
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        1 + before[line..].chars().count()
    }

    fn before(&self, at: usize) -> &str {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        &self.text[..at]
    }

    /// A mistake at a place.
    #[must_use]
    pub fn mistake(
        &self,
        span: Span,
        message: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Diagnostic {
        self.diagnostic(Severity::Mistake, span, message.into(), way_out.into())
    }

    /// A warning of a place.
    #[must_use]
    pub fn warning(
        &self,
        span: Span,
        message: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Diagnostic {
        self.diagnostic(Severity::Warning, span, message.into(), way_out.into())
    }

    fn diagnostic(
        &self,
        severity: Severity,
        span: Span,
        message: String,
        way_out: String,
    ) -> Diagnostic {
        let line = self.line_of(span.start);
        let whole = self.text.lines().nth(line - 1).unwrap_or_default();
        let column = self.column_of(span.start);
        let left = whole.chars().count().saturating_sub(column - 1);
        Diagnostic {
            severity,
            file: self.name.clone(),
            line,
            column,
            message,
            way_out,
            source_line: whole.trim_end_matches('\r').to_owned(),
            width: self
                .slice(span)
                .chars()
                .take_while(|c| *c != '\n')
                .count()
                .clamp(1, left.max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, Span};

    #[test]
    fn places_are_counted_in_characters() {
        let source = Source::new("a.conf", "one\n  né => \"x\"\r\nlast");
        let at = source.text().find("=>").unwrap();
        assert_eq!((source.line_of(at), source.column_of(at)), (2, 6));
        let end = source.text().len();
        assert_eq!((source.line_of(end + 9), source.column_of(end + 9)), (3, 5));
        let mistake = source.mistake(Span { start: at, end: at + 2 }, "no arrow", "write one");
        assert_eq!(
            mistake.to_string(),
            "a.conf:2:6: no arrow\n    2 |   né => \"x\"\n      |      ^^\n  way out: write one"
        );
    }
}
