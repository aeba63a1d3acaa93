//! Reads a document's fields where they stand, without decoding it: for who needs two of them, of text that
//! somebody else checks. It never looks behind the member that it was asked for, so a document that is read
//! this way may still be no JSON.

use crate::text::skip_plain;

/// The members of the object that `document` begins with, in order: names between their quotes, and values with
/// theirs, as they stand. Ends at the first thing that is not written as our own output is: without
/// blanks, and sound as far as it was read.
#[must_use]
pub fn members(document: &[u8]) -> Members<'_> {
    Members { document, at: 0 }
}

/// The text of a value that is a string without escapes.
#[must_use]
pub fn plain_text(value: &[u8]) -> Option<&str> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    std::str::from_utf8(inner).ok().filter(|text| !text.contains('\\'))
}

/// See [`members`].
#[derive(Debug, Clone)]
pub struct Members<'a> {
    document: &'a [u8],
    /// The brace or the comma before the next member.
    at: usize,
}

impl Members<'_> {
    /// Whether every member was read, so that nothing but the object's end is left of the document.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        match self.at {
            0 => self.document == b"{}",
            at => self.document.get(at..) == Some(b"}"),
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let before = if self.at == 0 { b'{' } else { b',' };
        if self.document.get(self.at..self.at + 2)? != [before, b'"'] {
            return None;
        }
        let name = self.at + 2;
        let name_end = string_end(self.document, name)?;
        let value = name_end + 2;
        if self.document.get(name_end + 1) != Some(&b':') {
            return None;
        }
        self.at = value_end(self.document, value)?;
        Some((&self.document[name..name_end], &self.document[value..self.at]))
    }
}

/// The position of the quote that ends a string whose content begins at `at`.
#[inline]
fn string_end(document: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = skip_plain(document, at);
        match document.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The position after a value.
#[inline]
fn value_end(document: &[u8], at: usize) -> Option<usize> {
    match document.get(at)? {
        b'"' => Some(string_end(document, at + 1)? + 1),
        b'{' | b'[' => container_end(document, at),
        _ => {
            let rest = &document[at..];
            let length = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b'"'))?;
            (length > 0).then_some(at + length)
        }
    }
}

/// The position after an object or a list.
fn container_end(document: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match document.get(at)? {
            b'"' => at = string_end(document, at + 1)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::{members, plain_text};
    use crate::{Event, Limits};

    fn found(document: &str) -> Vec<(&str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).expect("it was text");
        members(document.as_bytes()).map(|(name, value)| (text(name), text(value))).collect()
    }

    #[test]
    fn members_are_found_where_they_stand() {
        let document = r#"{"@timestamp":"t","a":{"b":"}\"","c":[1,{"d":[]}]},"e":-1.5e3,"f":null,"g\"":[],"h":""}"#;
        let expected = [
            ("@timestamp", r#""t""#),
            ("a", r#"{"b":"}\"","c":[1,{"d":[]}]}"#),
            ("e", "-1.5e3"),
            ("f", "null"),
            (r#"g\""#, "[]"),
            ("h", r#""""#),
        ];
        assert_eq!(found(document), expected);
        assert_eq!(found("{}"), []);
    }

    #[test]
    fn what_is_not_written_as_ours_ends_the_reading() {
        for document in
            ["", "{", "[1]", " {\"a\":1}", "{\"a\" :1}", "{\"a\":", "{\"a\":}", "{\"a\":\"x"]
        {
            assert_eq!(found(document), [], "{document}");
        }
        assert_eq!(found(r#"{"a":1, "b":2}"#), [("a", "1")]);
        let is_whole = |document: &str| {
            let mut members = members(document.as_bytes());
            members.by_ref().count();
            members.is_at_end()
        };
        assert!(is_whole("{}") && is_whole(r#"{"a":1,"b":[2]}"#));
        for document in ["", "{", "{} ", r#"{"a":1, "b":2}"#, r#"{"a":1}}"#, r#"{"a":1,}"#] {
            assert!(!is_whole(document), "{document}");
        }
        assert_eq!(found(r#"{"a":[1,2"#), []);
    }

    #[test]
    fn only_strings_without_escapes_are_plain() {
        assert_eq!(plain_text(br#""transaction""#), Some("transaction"));
        for value in [&b"7"[..], br#""a\n""#, b"\"", b"\"\xff\"", b""] {
            assert_eq!(plain_text(value), None);
        }
    }

    proptest! {
        #[test]
        fn bytes_never_panic(document in proptest::collection::vec(any::<u8>(), 0..200)) {
            members(&document).count();
        }

        /// A decoded document says the same.
        #[test]
        fn decoding_agrees(
            names in proptest::collection::btree_set("[a-z\\\\\"é]{0,12}", 0..8),
            value in "[ -~é\\n]{0,24}",
        ) {
            let value = serde_json::json!({ "x": [value, 1.5, null], "y": value });
            let object: serde_json::Map<_, _> =
                names.into_iter().map(|name| (name, value.clone())).collect();
            let text = serde_json::to_string(&object).expect("JSON");
            let mut event = Event::new();
            event
                .decode_json(&Bytes::from(text.clone()), 0, &Limits::documents())
                .expect("an object");
            let decoded = event.children(event.root()).map(|(_, child)| {
                let mut raw = Vec::new();
                event.raw(child, &mut raw);
                raw
            });
            let read: Vec<Vec<u8>> =
                members(text.as_bytes()).map(|(_, value)| value.to_vec()).collect();
            prop_assert_eq!(read, decoded.collect::<Vec<_>>());
        }
    }
}
