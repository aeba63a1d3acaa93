//! Quotes, also those of JSON that stands in a string of JSON, where each has a backslash before it.
//!
//! At each level of nesting backslashes double, and one more stands before the quote: 0, 1, 3, 7.

use crate::text::Text;

/// Backslashes of quotes, level by level.
const LEVELS: [usize; 4] = [0, 1, 3, 7];

/// A quote as it begins or ends a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    /// `"` or `'`.
    pub(super) mark: u8,
    /// Backslashes before it.
    pub(super) slashes: usize,
}

impl Quote {
    /// The quote that stands at a place, its backslashes first.
    pub(super) fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let rest = bytes.get(at..)?;
        let slashes = rest.iter().take(LEVELS[3] + 1).take_while(|byte| **byte == b'\\').count();
        let mark = *rest.get(slashes)?;
        let is_quote = matches!(mark, b'"' | b'\'') && LEVELS.contains(&slashes);
        is_quote.then_some(Self { mark, slashes })
    }

    /// Bytes that it takes.
    pub(super) fn length(self) -> usize {
        self.slashes + 1
    }

    /// Where the text ends that this quote began and whose first byte stands at `from`: before its closing quote,
    /// or before that of a string around it, or at the end of the line.
    pub(super) fn end_of_text(self, text: &Text<'_>, from: usize) -> usize {
        let Some(rest) = text.bytes.get(from..) else { return text.bytes.len() };
        for at in memchr::memchr2_iter(b'"', self.mark, rest) {
            let slashes = rest[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
            let is_own = rest[at] == self.mark;
            let kept = if self.mark == b'\'' && text.is_json {
                self.kept_in_json(is_own, slashes)
            } else if is_own {
                self.kept_by(slashes)
            } else {
                None
            };
            if let Some(kept) = kept {
                return from + at - kept;
            }
        }
        text.bytes.len()
    }

    /// How many of the backslashes before a quote belong to it, if it ends the text or a string around it.
    fn kept_by(self, mut slashes: usize) -> Option<usize> {
        let (mut level, mut kept) = (self.slashes, 0);
        while level > 0 {
            if slashes.is_multiple_of(2) {
                return Some(kept);
            }
            // One belongs to the quote, and the others stand for half as many.
            (slashes, level, kept) = (slashes / 2, level / 2, 2 * kept + 1);
        }
        slashes.is_multiple_of(2).then_some(kept)
    }

    /// The same for `'` within a string of JSON, which ends at a `"` of its own, and where backslashes are double.
    fn kept_in_json(self, is_own: bool, slashes: usize) -> Option<usize> {
        let (ends_string, is_escaped) = (slashes.is_multiple_of(2), slashes % 4 >= 2);
        let ends = if is_own { !is_escaped } else { ends_string };
        ends.then_some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Quote;
    use crate::text::Text;

    /// What stands between the first quote of a text and its closing one.
    fn content(text: &str) -> &str {
        let start = text.find(['\\', '"', '\'']).unwrap();
        let quote = Quote::at(text.as_bytes(), start).unwrap();
        let from = start + quote.length();
        &text[from..quote.end_of_text(&Text::new(text.as_bytes(), false), from)]
    }

    #[test]
    fn a_text_ends_at_its_own_quote() {
        for (text, expected) in [
            (r#""abc" d"#, "abc"),
            (r#""a\"b" d"#, r#"a\"b"#),
            (r#""a\\" d"#, r"a\\"),
            (r#""a\\\"" d"#, r#"a\\\""#),
            (r#""open"#, "open"),
            (r#"\"abc\" d"#, "abc"),
            (r#"\"a\\\"b\" d"#, r#"a\\\"b"#),
            (r#"\"a\\\\\" d"#, r"a\\\\"),
            (r#"\\\"a\\\" d"#, "a"),
            (r#"'it\'s' d"#, r"it\'s"),
            (r#"'a"b' d"#, r#"a"b"#),
        ] {
            assert_eq!(content(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_ends_where_the_string_around_it_does() {
        for (text, expected) in
            [(r#"\"abc" d"#, "abc"), (r#"\"a\\" d"#, r"a\\"), (r#"\\\"a\" d"#, "a")]
        {
            assert_eq!(content(text), expected, "{text}");
        }
        let line = r#"{"m":"password='ab","n":"it's"}"#;
        let text = Text::new(line.as_bytes(), false);
        let quote = Quote::at(text.bytes, 15).unwrap();
        assert_eq!(quote.end_of_text(&text, 16), 18);
    }
}
