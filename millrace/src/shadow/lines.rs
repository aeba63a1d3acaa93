//! Lines of a file, one by one, none longer than it may be.

use std::io::{self, BufRead, Read};

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    pub(super) text: Vec<u8>,
}

/// See the module.
pub(super) struct Lines<R> {
    source: R,
    line_bytes_max: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R, line_bytes_max: usize) -> Self {
        Self { source, line_bytes_max, number: 0 }
    }

    /// The next line; of one that is too long just so much that it is too long.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut text = Vec::new();
        // With a carriage return and the end of the line.
        let most = self.line_bytes_max as u64 + 2;
        if self.source.by_ref().take(most).read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if text.ends_with(b"\n") {
            text.pop();
        } else if text.len() as u64 == most {
            self.source.skip_until(b'\n')?;
            return Ok(Some(Line { number: self.number, text }));
        }
        if text.ends_with(b"\r") {
            text.pop();
        }
        Ok(Some(Line { number: self.number, text }))
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_end_in_any_way_and_are_cut_where_they_are_too_long() {
        let mut lines = Lines::new(&b"one\r\n\nmuch too long\nlast"[..], 4);
        let mut read = Vec::new();
        while let Some(line) = lines.next().expect("it reads") {
            read.push((line.number, String::from_utf8(line.text).expect("a text")));
        }
        let expected = [(1, "one"), (2, ""), (3, "much t"), (4, "last")];
        assert_eq!(read, expected.map(|(number, text)| (number, text.to_owned())));
    }
}
