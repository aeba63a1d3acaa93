//! What makes a text worth a closer look: an `@`, digits, or the sign behind a secret's name. Where these stand in the
//! payload of an event is found in one pass over it, so that its values and names, which are parts of it, need not be
//! looked through one by one.
//!
//! A sign may turn out to be nothing; where there is none nothing has to be masked.

use redaction::block::{self, BLOCK_BYTES, blocks};
use redaction::card::{self, Runs};

use super::{assignment, email};

/// Shorter texts hold neither a card number nor an address: `a@b.cc`.
const TEXT_BYTES_MIN: usize = 6;

/// `\u0031` is a digit too, and `\u0040` is `@`.
const UNICODE_ESCAPE: &[u8] = b"\\u";

/// What in a text makes it worth a closer look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signs {
    pub(super) at: bool,
    pub(super) digits: bool,
    /// The `=` or `:` behind a secret's name.
    pub(super) assigned: bool,
}

impl Signs {
    pub(super) fn any(self) -> bool {
        self.at || self.digits || self.assigned
    }

    /// Whether one of these signs is in the content of a string.
    pub(super) fn are_in(self, text: &[u8]) -> bool {
        text.len() >= TEXT_BYTES_MIN
            && (self.at && email::may_be_in(text)
                || self.digits && card::may_be_in(text)
                || self.assigned && assignment::may_be_in(text))
    }

    /// Whether one of these signs is in a value's name.
    pub(super) fn are_in_name(self, name: &[u8]) -> bool {
        name.len() >= TEXT_BYTES_MIN
            && (self.at && email::may_be_in(name) || self.digits && card::may_be_in(name))
    }
}

/// Whether a string with escapes may hide a sign in one of them.
pub(super) fn may_be_hidden(text: &[u8]) -> bool {
    memchr::memmem::find(text, UNICODE_ESCAPE).is_some()
}

/// Where the signs of a payload stand, in order.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<usize>);

impl Places {
    /// Finds the signs of a JSON text and says which there are of those that are wanted.
    pub(super) fn find(&mut self, payload: &[u8], wanted: Signs) -> Signs {
        self.0.clear();
        let mut found = Signs::default();
        if !wanted.any() {
            return found;
        }
        let mut runs = Runs::default();
        let mut quotes_before = 0;
        for (start, block) in blocks(payload) {
            // The colons behind the names of JSON are none.
            let quotes = block.bits(|part| part.equal(b'"'));
            let colons = block.bits(|part| part.equal(b':')) & !(quotes << 1 | quotes_before);
            quotes_before = quotes >> (BLOCK_BYTES - 1);
            let others = block.bits(|part| part.equal(b'@') | part.equal(b'%') | part.equal(b'='));
            let first = self.0.len();
            self.0.extend(
                block::Places::new(start, colons | others)
                    .filter(|at| is_mark(payload, *at, wanted, &mut found)),
            );
            if !wanted.digits {
                continue;
            }
            let marks = self.0.len();
            self.0.extend(runs.places(payload, start, &block));
            if self.0.len() > marks {
                found.digits = true;
                self.0[first..].sort_unstable();
            }
        }
        found
    }

    /// Whether a sign stands in a part of the payload; `None` if this is no part of it.
    pub(super) fn are_in(&self, payload: &[u8], part: &[u8]) -> Option<bool> {
        let start = part.as_ptr().addr().checked_sub(payload.as_ptr().addr())?;
        let end = start.checked_add(part.len())?;
        if end > payload.len() {
            return None;
        }
        let has_place = || {
            let next = self.0.partition_point(|place| *place < start);
            self.0.get(next).is_some_and(|place| *place < end)
        };
        Some(part.len() >= TEXT_BYTES_MIN && has_place())
    }
}

/// Whether a byte is a sign that is wanted; notes which.
#[inline]
fn is_mark(payload: &[u8], at: usize, wanted: Signs, found: &mut Signs) -> bool {
    let is_found = match payload[at] {
        b'@' | b'%' if wanted.at && email::is_sign(payload, at) => &mut found.at,
        b'=' | b':' if wanted.assigned && assignment::is_sign(payload, at) => &mut found.assigned,
        _ => return false,
    };
    *is_found = true;
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Signs = Signs { at: true, digits: true, assigned: true };

    #[test]
    fn signs_are_found_in_the_parts_of_a_payload_that_hold_them() {
        for pad in 0..70 {
            let pad = "x".repeat(pad);
            let payload = format!(
                r#"{{"pad":"{pad}","a@b.cc":"https://a.example/x","password":"%41 1 10:11:12","b":"of a%40b.cc","c":"4111 1111 1111 1111","d":"my token=x"}}"#
            );
            let payload = payload.as_bytes();
            let mut places = Places::default();
            assert_eq!(places.find(payload, ALL), ALL);
            let has_place = |text: &str| {
                let start = memchr::memmem::find(payload, text.as_bytes()).unwrap();
                places.are_in(payload, &payload[start..start + text.len()])
            };
            for text in ["a@b.cc", "of a%40b.cc", "4111 1111 1111 1111", "my token=x"] {
                assert_eq!(has_place(text), Some(true), "{text} behind {pad}");
            }
            for text in ["https://a.example/x", "password", "%41 1 10:11:12"] {
                assert_eq!(has_place(text), Some(false), "{text} behind {pad}");
            }
            assert_eq!(places.are_in(payload, b"of a%40b.cc"), None);
        }
    }

    #[test]
    fn only_wanted_signs_are_found() {
        let payload = br#"{"a":"a@b.cc","c":"4111111111111111","d":"my token=x"}"#;
        let none = Signs::default();
        for wanted in [
            none,
            Signs { at: true, ..none },
            Signs { digits: true, ..none },
            Signs { assigned: true, ..none },
        ] {
            assert_eq!(Places::default().find(payload, wanted), wanted);
        }
        assert_eq!(Places::default().find(b"", ALL), none);
        assert_eq!(Places::default().find(br#"{"a":"b","c":[1,"x"]}"#, ALL), none);
    }

    /// Texts that have signs more often than others do, as they stand in JSON.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        let piece = prop_oneof![
            "[0-9]{1,16}",
            "[0-9 -]{4,30}",
            "[a-z@%40.]{1,12}",
            "[a-z]{0,4}(password|token|cvv|Cookie)[=: ]{1,2}",
            "[ -!#-\\[\\]-~é]{0,40}",
        ];
        let text = prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat());
        prop::collection::vec(text, 1..8)
    }

    proptest! {
        #[test]
        fn of_a_part_that_is_masked_a_sign_is_seen_in_the_payload(texts in texts(), cut in 0..60_usize) {
            let payload = format!("[\"{}\"]", texts.join("\",\""));
            let mut places = Places::default();
            let found = places.find(payload.as_bytes(), ALL);
            let mut begin = 2;
            for text in &texts {
                let part = &payload[begin..begin + text.len()];
                begin += text.len() + 3;
                let cut = (0..=cut.min(part.len())).rfind(|at| part.is_char_boundary(*at)).unwrap_or(0);
                // Filters cut texts too.
                for part in [part, &part[..cut], &part[cut..]] {
                    let is_masked = || super::super::ALL.masked_text(part).is_some();
                    if ALL.are_in(part.as_bytes()) && is_masked() {
                        let has_place = places.are_in(payload.as_bytes(), part.as_bytes());
                        prop_assert_eq!(has_place, Some(true), "{}", part);
                        prop_assert!(found.any());
                    }
                }
            }
        }
    }
}
