//! Reads a document's fields where they stand, without making nodes of it: for who needs few of them. As strict as
//! the scan about what it reads, so who reads to the end knows that the document is sound; keys that an
//! object has twice are all given, and whether bytes are UTF-8 is not looked at.

use crate::scan::lexeme::{literal, number, skip_blanks, string};

/// The deepest nesting of a value that is read: a level for each bit.
const DEPTH_MAX: u32 = u128::BITS - 1;

/// The members of the object that `document` is, in order: names between their quotes, and values with theirs, as
/// they stand. Ends at the object's end and before the first thing that is no JSON.
#[must_use]
pub fn members(document: &[u8]) -> Members<'_> {
    Members { document, at: skip_blanks(document, 0), place: Place::Begin }
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
    at: usize,
    place: Place,
}

/// Where the reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the object's brace.
    Begin,
    /// After a member.
    Between,
    /// The object and nothing else was read.
    End,
    /// Before what is no JSON.
    Broken,
}

impl<'a> Members<'a> {
    /// What stands behind the members that were read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.document.get(self.at..).unwrap_or_default()
    }

    /// Whether everything was read: the document is one object, and sound.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.place == Place::End
    }

    /// The position of the next name; none at the object's end, and where something else stands.
    fn name(&mut self) -> Option<usize> {
        let place = std::mem::replace(&mut self.place, Place::Broken);
        let next = self.document.get(self.at)?;
        let mut at = self.at;
        match (place, next) {
            (Place::End, _) => {}
            (Place::Begin, b'{') => {
                at = skip_blanks(self.document, at + 1);
                if self.document.get(at) != Some(&b'}') {
                    return Some(at);
                }
            }
            (Place::Between, b',') => return Some(skip_blanks(self.document, at + 1)),
            (Place::Between, b'}') => {}
            _ => return None,
        }
        if skip_blanks(self.document, at + 1) == self.document.len() {
            self.place = Place::End;
        }
        None
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.name()?;
        let (name_end, value) = name_and_value(self.document, name)?;
        let end = value_end(self.document, value)?;
        self.at = skip_blanks(self.document, end);
        self.place = Place::Between;
        Some((&self.document[name + 1..name_end], &self.document[value..end]))
    }
}

/// Of a name that begins at `at` with its quote, where its content ends and where its value begins.
fn name_and_value(document: &[u8], at: usize) -> Option<(usize, usize)> {
    if document.get(at) != Some(&b'"') {
        return None;
    }
    let (end, _) = string(document, at + 1).ok()?;
    let colon = skip_blanks(document, end + 1);
    (document.get(colon) == Some(&b':')).then(|| (end, skip_blanks(document, colon + 1)))
}

/// The position after a value.
fn value_end(document: &[u8], mut at: usize) -> Option<usize> {
    // A bit for each container that is open, the innermost last: 1 for an object.
    let (mut open, mut depth) = (0_u128, 0);
    loop {
        match document.get(at)? {
            b'"' => at = string(document, at + 1).ok()?.0 + 1,
            b'-' | b'0'..=b'9' => at = number(document, at).ok()?,
            b't' => at = literal(document, &mut at, b"true").ok()?,
            b'f' => at = literal(document, &mut at, b"false").ok()?,
            b'n' => at = literal(document, &mut at, b"null").ok()?,
            bracket @ (b'{' | b'[') if depth < DEPTH_MAX => {
                let is_object = *bracket == b'{';
                (open, depth) = (open << 1 | u128::from(is_object), depth + 1);
                at = skip_blanks(document, at + 1);
                let is_empty = document.get(at) == Some(if is_object { &b'}' } else { &b']' });
                if !is_empty {
                    if is_object {
                        at = name_and_value(document, at)?.1;
                    }
                    continue;
                }
            }
            _ => return None,
        }
        // After a value, or before the end of an empty container.
        loop {
            if depth == 0 {
                return Some(at);
            }
            at = skip_blanks(document, at);
            match (document.get(at)?, open & 1 == 1) {
                (b',', is_object) => {
                    at = skip_blanks(document, at + 1);
                    if is_object {
                        at = name_and_value(document, at)?.1;
                    }
                    break;
                }
                (b'}', true) | (b']', false) => {
                    (open, depth) = (open >> 1, depth - 1);
                    at += 1;
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::{members, plain_text};
    use crate::{Event, Limits, scan};

    fn found(document: &str) -> Vec<(&str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).expect("it was text");
        members(document.as_bytes()).map(|(name, value)| (text(name), text(value))).collect()
    }

    fn is_sound(document: &str) -> bool {
        let mut members = members(document.as_bytes());
        members.by_ref().count();
        members.is_at_end()
    }

    /// What the scan says of the same text.
    fn is_scanned(document: &str) -> bool {
        scan(document.as_bytes(), &Limits::documents(), &mut Vec::new()).is_ok()
    }

    #[test]
    fn members_are_found_where_they_stand() {
        let document = r#" {"@timestamp":"t", "a" : {"b":"}\"", "c":[1,{"d":[]}]} ,"e":-1.5e3,"f":null,"g\"":[ ],"h":""} "#;
        let expected = [
            ("@timestamp", r#""t""#),
            ("a", r#"{"b":"}\"", "c":[1,{"d":[]}]}"#),
            ("e", "-1.5e3"),
            ("f", "null"),
            (r#"g\""#, "[ ]"),
            ("h", r#""""#),
        ];
        assert_eq!(found(document), expected);
        assert!(is_sound(document) && is_sound("{}") && is_sound(" { } "));
    }

    #[test]
    fn what_is_no_json_ends_the_reading_and_is_not_sound() {
        assert_eq!(found(r#"{"a":1,"b":tru}"#), [("a", "1")]);
        for document in [
            "",
            "{",
            "[1]",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":{"b":1]}"#,
            r#"{"a":01}"#,
            r#"{"a":1}}"#,
            r#"{"a":1}{"#,
            r#"{"a":1/*,"b":{*/,"c":{"d":1}/*},"e":1/*/}"#,
            "{\"a\":\"\n\"}",
        ] {
            assert!(!is_sound(document) && !is_scanned(document), "{document}");
        }
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_sound(&nested(127)) && is_scanned(&nested(127)));
        assert!(!is_sound(&nested(128)) && !is_scanned(&nested(128)));
    }

    #[test]
    fn only_strings_without_escapes_are_plain() {
        assert_eq!(plain_text(br#""transaction""#), Some("transaction"));
        for value in [&b"7"[..], br#""a\n""#, b"\"", b"\"\xff\"", b""] {
            assert_eq!(plain_text(value), None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn bytes_never_panic(document in proptest::collection::vec(any::<u8>(), 0..200)) {
            members(&document).count();
        }

        /// One edit of a sound document is taken, or refused, as the scan does.
        #[test]
        fn the_scan_agrees(at in any::<prop::sample::Index>(), put in "[]\\[{},:\" 0-9.eEtrufalsn\\\\/*+\n-]{0,3}", cut in 0..3usize) {
            let document = r#"{"a":{"b":[1,-2.5e+3,"x\"",{}],"c":null},"d":[true,false,[]],"e":"\u00e4"}"#;
            let at = at.index(document.len());
            let end = (at + cut).min(document.len());
            let edited = format!("{}{put}{}", &document[..at], &document[end..]);
            prop_assert_eq!(is_sound(&edited), is_scanned(&edited), "{}", edited);
        }

        /// Decoding finds the same values.
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
