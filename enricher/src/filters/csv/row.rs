//! One row of separated values as text. A quote is one only where a value begins, and it ends where the value does;
//! anything else is no row. Nothing here knows what the values mean.

use std::ops::Range;

/// What separates and quotes values.
#[derive(Clone, Debug)]
pub(super) struct Dialect {
    separator: String,
    quote: char,
    /// Whether a byte may be the first of what ends an unquoted value.
    may_end: [bool; 256],
    cells_max: usize,
}

/// The text begins with no row, or with one of too many cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A row; used again, it needs no new memory.
#[derive(Debug, Default)]
pub(super) struct Row {
    content: String,
    /// Places in the content; `None` is a value that has not even quotes.
    cells: Vec<Option<Range<usize>>>,
}

impl Dialect {
    /// The separator must not be empty.
    pub(super) fn new(separator: String, quote: char, cells_max: usize) -> Self {
        let mut may_end = [false; 256];
        let quoted = quote.encode_utf8(&mut [0; 4]).as_bytes()[0];
        let firsts = [b'\r', b'\n', quoted].into_iter().chain(separator.bytes().take(1));
        firsts.for_each(|first| may_end[usize::from(first)] = true);
        Self { separator, quote, may_end, cells_max }
    }

    /// Where an unquoted value ends.
    fn end(&self, text: &str) -> usize {
        let bytes = text.as_bytes();
        let ends = |at: &usize| {
            self.may_end[usize::from(bytes[*at])]
                && text.get(*at..).is_some_and(|rest| {
                    is_end(rest)
                        || rest.starts_with(self.quote)
                        || rest.starts_with(&self.separator)
                })
        };
        (0..bytes.len()).find(ends).unwrap_or(bytes.len())
    }
}

/// Whether a row ends here.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['\r', '\n'])
}

impl Row {
    /// Reads the first row of a text.
    pub(super) fn read(&mut self, text: &str, dialect: &Dialect) -> Result<(), Malformed> {
        self.content.clear();
        self.cells.clear();
        if is_end(text) {
            return Ok(());
        }
        let mut rest = text;
        loop {
            if self.cells.len() == dialect.cells_max {
                return Err(Malformed);
            }
            rest = match rest.strip_prefix(dialect.quote) {
                Some(quoted) => self.read_quoted(quoted, dialect.quote)?,
                None => {
                    let (value, rest) = rest.split_at(dialect.end(rest));
                    let start = self.content.len();
                    self.content.push_str(value);
                    self.cells.push((!value.is_empty()).then_some(start..self.content.len()));
                    rest
                }
            };
            if is_end(rest) {
                return Ok(());
            }
            rest = rest.strip_prefix(&dialect.separator).ok_or(Malformed)?;
        }
    }

    /// Reads a value behind its first quote; gives what stands behind the last. Two quotes are one of the value's.
    fn read_quoted<'t>(&mut self, mut rest: &'t str, quote: char) -> Result<&'t str, Malformed> {
        let start = self.content.len();
        loop {
            let (part, after) = rest.split_once(quote).ok_or(Malformed)?;
            self.content.push_str(part);
            let Some(more) = after.strip_prefix(quote) else {
                self.cells.push(Some(start..self.content.len()));
                return Ok(after);
            };
            self.content.push(quote);
            rest = more;
        }
    }

    /// Whether the row has no cells: its line is blank.
    pub(super) fn is_blank(&self) -> bool {
        self.cells.is_empty()
    }

    /// The values in order.
    pub(super) fn cells(&self) -> impl Iterator<Item = Option<&str>> {
        self.cells.iter().map(|cell| cell.clone().map(|place| &self.content[place]))
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Malformed, Row};

    fn read(text: &str, separator: &str) -> Result<Vec<Option<String>>, Malformed> {
        let mut row = Row::default();
        row.read(text, &Dialect::new(separator.to_owned(), '"', 100))?;
        Ok(row.cells().map(|cell| cell.map(str::to_owned)).collect())
    }

    #[test]
    fn values_with_and_without_quotes() {
        for (text, cells) in [
            ("a,b c,", vec![Some("a"), Some("b c"), None]),
            (",", vec![None, None]),
            ("\"\",\"a,b\",\"\"\"c\"\"\"", vec![Some(""), Some("a,b"), Some("\"c\"")]),
            ("\"two\nlines\",x\r\nnext,\"", vec![Some("two\nlines"), Some("x")]),
            ("é🂡,\"é\"", vec![Some("é🂡"), Some("é")]),
            (" a , b ", vec![Some(" a "), Some(" b ")]),
            ("\na,b", vec![]),
            ("", vec![]),
        ] {
            let cells = cells.into_iter().map(|cell| cell.map(str::to_owned)).collect();
            assert_eq!(read(text, ","), Ok(cells), "{text:?}");
        }
        let cells = read("a|b||\"|\"||", "||").unwrap();
        assert_eq!(cells, [Some("a|b".to_owned()), Some("|".to_owned()), None]);
    }

    #[test]
    fn broken_rows_are_none() {
        for text in ["a\"b", "\"a", "\"a\"b", "a, \"b\"", "\"a\"\"", "\""] {
            assert_eq!(read(text, ","), Err(Malformed), "{text:?}");
        }
        assert_eq!(read(&",".repeat(99), ",").map(|cells| cells.len()), Ok(100));
        assert_eq!(read(&",".repeat(100), ","), Err(Malformed));
    }

    proptest::proptest! {
        #[test]
        fn no_row_panics_and_quoted_values_come_back(
            text in "[a,\"\\r\\né|]{0,24}",
            values in proptest::collection::vec("[a,\"\\r\\né|]{0,8}", 1..5),
        ) {
            drop(read(&text, "|,"));
            let quoted = values.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\"")));
            let row = quoted.collect::<Vec<_>>().join("|,");
            let values = values.into_iter().map(Some).collect::<Vec<_>>();
            proptest::prop_assert_eq!(read(&row, "|,"), Ok(values));
        }
    }
}
