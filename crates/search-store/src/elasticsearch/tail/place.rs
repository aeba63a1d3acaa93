//! The cursor of those who follow: up to which stamp all is given, and which later ones are. Stamps of one bulk
//! stand close together, so their distances are written.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{StoreError, TailCursor};

/// Stamps that a cursor remembers.
pub(super) const GIVEN_MAX: usize = 1_000;
/// The longest text that can be a cursor.
const CURSOR_BYTES_MAX: usize = 16 << 10;

/// A place in the order of stamps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Up to here, included, nothing more is given.
    pub(super) settled: i64,
    /// What is given of what comes after, in order.
    pub(super) given: Vec<i64>,
}

impl Place {
    pub(super) fn cursor(&self) -> TailCursor {
        let mut bytes = Vec::with_capacity(self.given.len() * 2);
        let mut before = self.settled;
        for sent in &self.given {
            write_varint(sent.wrapping_sub(before) as u64, &mut bytes);
            before = *sent;
        }
        TailCursor(format!("2.{}.{}", self.settled, URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// # Errors
    /// For a text that this store did not make.
    pub(super) fn parse(cursor: &TailCursor) -> Result<Self, StoreError> {
        let place = Self::read(&cursor.0).filter(|place| place.cursor() == *cursor);
        place.ok_or_else(|| {
            StoreError::Invalid("this tail cursor is not one of this store".to_owned())
        })
    }

    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("2.").filter(|rest| rest.len() <= CURSOR_BYTES_MAX)?;
        let (settled, given) = rest.split_once('.')?;
        let settled: i64 = settled.parse().ok().filter(|settled| *settled >= 0)?;
        let bytes = URL_SAFE_NO_PAD.decode(given).ok()?;
        let mut place = Self { settled, given: Vec::new() };
        let (mut rest, mut before) = (&bytes[..], settled);
        while !rest.is_empty() {
            let distance = i64::try_from(read_varint(&mut rest)?).ok().filter(|one| *one > 0)?;
            before = before.checked_add(distance)?;
            place.given.push(before);
        }
        (place.given.len() <= GIVEN_MAX).then_some(place)
    }
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..63).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{GIVEN_MAX, Place, TailCursor};

    #[test]
    fn others_cursors_are_refused() {
        let texts = [
            "",
            "2",
            "2.",
            "2.5",
            "2.x.",
            "1.5",
            "2.-5.",
            "2.05.",
            "2.5.AA",
            "2.5.====",
            "2.5.gA",
            "2.5.______________________",
            "2.9223372036854775807.AQ",
        ];
        for text in texts {
            assert!(Place::parse(&TailCursor(text.to_owned())).is_err(), "{text}");
        }
        let long = TailCursor(format!("2.5.{}", "AQEB".repeat(10_000)));
        assert!(Place::parse(&long).is_err());
    }

    proptest! {
        #[test]
        fn places_are_read_back(
            settled in 0..i64::MAX / 2,
            steps in proptest::collection::vec(1..1_i64 << 40, 0..GIVEN_MAX),
        ) {
            let mut sent = settled;
            let given = steps.iter().map(|step| { sent += step; sent }).collect();
            let place = Place { settled, given };
            prop_assert_eq!(Place::parse(&place.cursor()).ok(), Some(place));
        }

        #[test]
        fn no_text_is_a_panic(text in ".{0,60}") {
            drop(Place::parse(&TailCursor(format!("2.7.{text}"))));
        }
    }
}
