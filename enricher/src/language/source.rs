//! A configuration's text, of one file or of several one after the other, and places in it.
//!
//! Never reads a file: whoever does gives the texts and names for them.

use super::diagnostic::{Diagnostic, Severity};

/// An editor's mark at the start of a file is no part of its text.
const MARK: char = '\u{feff}';

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
    text: String,
    /// Where each file begins, and its name; the first begins at 0.
    files: Vec<(usize, String)>,
}

impl Source {
    /// Takes a text; `name` is what messages call it, usually the file's path.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::joined([(name.into(), text.into())])
    }

    /// Takes the texts of several files, each with its name, as one in which each begins with a line.
    #[must_use]
    pub fn joined(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut source = Self { text: String::new(), files: Vec::new() };
        for (name, text) in files {
            if !source.files.is_empty() {
                source.text.push('\n');
            }
            source.files.push((source.text.len(), name));
            source.text.push_str(text.strip_prefix(MARK).unwrap_or(&text));
        }
        source
    }

    /// What messages call the file in which a byte stands.
    #[must_use]
    pub fn name_at(&self, at: usize) -> &str {
        self.file_at(at).1
    }

    /// How many files it is made of.
    #[must_use]
    pub fn files_count(&self) -> usize {
        self.files.len()
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

    /// The place of a part of what stands at a span; the span itself where the part does not stand there letter by
    /// letter.
    #[must_use]
    pub(crate) fn part(&self, span: Span, part: &str) -> Span {
        match self.slice(span).find(part) {
            Some(before) if !part.is_empty() => {
                let start = span.start + before;
                Span { start, end: start + part.len() }
            }
            _ => span,
        }
    }

    /// Line of a byte in its file, from 1.
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

    /// Where the file of a byte begins, and its name.
    fn file_at(&self, at: usize) -> (usize, &str) {
        let place = self.files.partition_point(|(start, _)| *start <= at);
        match place.checked_sub(1).and_then(|place| self.files.get(place)) {
            Some((start, name)) => (*start, name),
            None => (0, ""),
        }
    }

    /// What stands before a byte in its file.
    fn before(&self, at: usize) -> &str {
        let at = self.text.floor_char_boundary(at);
        &self.text[self.file_at(at).0..at]
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
        let at = self.text.floor_char_boundary(span.start);
        let line_start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let whole = self.text[line_start..].lines().next().unwrap_or_default();
        let column = self.column_of(at);
        let left = whole.chars().count().saturating_sub(column - 1);
        let end = self.text.floor_char_boundary(span.end).max(at);
        let marked = self.text[at..end].chars().take_while(|c| *c != '\n').count();
        Diagnostic {
            severity,
            file: self.name_at(at).into(),
            line: self.line_of(at),
            column,
            message,
            way_out,
            offset: at,
            source_line: whole.trim_end_matches('\r').into(),
            width: marked.clamp(1, left.max(1)),
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

    #[test]
    fn a_place_in_several_files_is_one_in_its_own() {
        let files = [("a", "\u{feff}one\ntwo # end"), ("empty", ""), ("b", "three\nfour")];
        let source = Source::joined(files.map(|(name, text)| (name.to_owned(), text.to_owned())));
        let place = |word: &str| {
            let at = source.text().find(word).unwrap();
            (source.name_at(at), source.line_of(at), source.column_of(at))
        };
        assert_eq!(place("one"), ("a", 1, 1));
        assert_eq!(place("end"), ("a", 2, 7));
        assert_eq!(place("three"), ("b", 1, 1));
        assert_eq!(place("our"), ("b", 2, 2));
        let start = source.text().find("three").unwrap();
        let mistake = source.mistake(Span { start, end: start + 99 }, "m", "");
        assert_eq!(mistake.to_string(), "b:1:1: m\n    1 | three\n      | ^^^^^");
    }
}
