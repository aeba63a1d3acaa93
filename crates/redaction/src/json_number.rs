//! Which digits of a line are a number of JSON, and which stand in a text.
//!
//! A number must stay one, or the line is no JSON any more. Looks at quotes and at what stands around the digits,
//! and passes over a line once.

use std::ops::Range;

use crate::text::Text;

/// Tells numbers from texts, for places in their order.
pub(crate) struct JsonNumbers<'t> {
    text: Text<'t>,
    /// What was looked at.
    at: usize,
    in_string: bool,
}

impl<'t> JsonNumbers<'t> {
    pub(crate) fn new(text: Text<'t>) -> Self {
        Self { text, at: 0, in_string: false }
    }

    /// The number that these digits are the whole part of, with its sign and all behind; `None` if they stand in a
    /// text. It is one behind a name in quotes, also in JSON that is part of a text, and in an array.
    pub(crate) fn around(&mut self, digits: &Range<usize>) -> Option<&'t [u8]> {
        let bytes = self.text.bytes;
        if !bytes[digits.clone()].iter().all(u8::is_ascii_digit) {
            return None;
        }
        let start = digits.start - usize::from(bytes[..digits.start].ends_with(b"-"));
        let before = bytes[..start].trim_ascii_end();
        let is_member =
            before.strip_suffix(b":").is_some_and(|name| name.trim_ascii_end().ends_with(b"\""));
        // What stands behind is looked at last: of numbers that only dashes hold apart, each would look over all others.
        let is_element = self.text.is_json && matches!(before.last(), Some(b',' | b'['));
        if !is_member && !is_element {
            return None;
        }
        let in_number =
            |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
        let end = self.text.end_of(digits.end, in_number);
        let behind = bytes[end..].trim_ascii_start();
        if !matches!(behind.first(), None | Some(b',' | b'}' | b']')) {
            return None;
        }
        let is_number = is_member || !self.is_in_string(digits.start);
        is_number.then(|| &bytes[start..end])
    }

    /// Whether a place that was not passed over lies in a string.
    fn is_in_string(&mut self, place: usize) -> bool {
        while self.at < place {
            let rest = &self.text.bytes[self.at..place];
            let found = if self.in_string {
                memchr::memchr2(b'"', b'\\', rest)
            } else {
                memchr::memchr(b'"', rest)
            };
            let Some(found) = found else {
                self.at = place;
                break;
            };
            let is_escape = rest[found] == b'\\';
            self.at += found + if is_escape { 2 } else { 1 };
            self.in_string ^= !is_escape;
        }
        self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::JsonNumbers;
    use crate::text::Text;

    /// The numbers around each run of digits.
    fn numbers(line: &str) -> Vec<&str> {
        let text = Text::new(line.as_bytes(), false);
        let mut numbers = JsonNumbers::new(text);
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(start) = line[at..].find(|character: char| character.is_ascii_digit()) {
            let start = at + start;
            at = text.end_of(start, |byte| byte.is_ascii_digit());
            found.extend(numbers.around(&(start..at)));
        }
        found.into_iter().map(|number| std::str::from_utf8(number).unwrap()).collect()
    }

    #[test]
    fn numbers_stand_behind_names_and_in_arrays() {
        for (line, expected) in [
            (r#"{"a":1}"#, vec!["1"]),
            (r#"{ "a" : -12 , "b": 3 }"#, vec!["-12", "3"]),
            (r#"{"a":[4,5 , 6]}"#, vec!["4", "5", "6"]),
            (r#"[7,{"b":8}]"#, vec!["7", "8"]),
            (r#"{"a":9.0}"#, vec!["9.0"]),
            (r#"{"a":"{\"b\":1}"}"#, vec!["1"]),
            (r#"2026 pays {"a":1}"#, vec!["1"]),
        ] {
            assert_eq!(numbers(line), expected, "{line}");
        }
    }

    #[test]
    fn digits_of_texts_are_none() {
        for line in [
            r#"{"a":"1"}"#,
            r#"{"a":"x, 1, 2"}"#,
            r#"{"a":"[1,2]\" ,3, \\"}"#,
            r#"{"1":true}"#,
            "cards: 1, 2",
            "[web-1] card 13, ok",
            "1",
        ] {
            assert_eq!(numbers(line), Vec::<&str>::new(), "{line}");
        }
    }
}
