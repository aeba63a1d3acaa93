//! What was found for the addresses that were asked for last, by their text: shoppers come with many requests each, and
//! what is known here needs no reading of the address and no way through the tree of a database.
//!
//! Takes the same memory however many addresses there are, none before the first, and knows nothing of longer texts than
//! an IPv4 address has.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::Member;

/// The highest bits of a hash, by which a text has its place: no database has more places.
const PLACE_BITS: u32 = 12;
/// Addresses share records, those of a country in the embedded database by the thousands.
const ADDRESSES_OF_RECORD: usize = 4;

/// A text of an address, short enough to be kept: its bytes, and its length in the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AddressText(u128);

impl AddressText {
    /// None of a text that is empty or too long.
    pub(super) fn new(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; 16];
        if text.is_empty() || text.len() >= bytes.len() {
            return None;
        }
        bytes[..text.len()].copy_from_slice(text);
        bytes[15] = text.len() as u8;
        Some(Self(u128::from_le_bytes(bytes)))
    }

    fn place(self) -> usize {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        let folded = (self.0 as u64).wrapping_mul(SPREAD) ^ (self.0 >> 64) as u64;
        (folded.wrapping_mul(SPREAD) >> (u64::BITS - PLACE_BITS)) as usize
    }
}

/// What a database has of an address, if anything.
pub(super) type Found = Option<Arc<[Member]>>;

/// What was found last, for each database.
#[derive(Debug)]
pub(super) struct Recent {
    /// None before the first is noted: filters that see no event take no memory.
    places: Vec<Option<(AddressText, Found)>>,
    databases: usize,
    /// Places of each database, a power of two.
    of_each: usize,
}

impl Recent {
    /// Of so many databases, for the addresses of about so many records in each.
    pub(super) fn new(databases: usize, records: NonZeroUsize) -> Self {
        let addresses = records.get().saturating_mul(ADDRESSES_OF_RECORD).min(1 << PLACE_BITS);
        let of_each = addresses.next_power_of_two();
        Self { places: Vec::new(), databases, of_each }
    }

    /// What the database of this number has, if that is still known.
    pub(super) fn get(&self, number: usize, text: AddressText) -> Option<&Found> {
        let (known, found) = self.places.get(self.place(number, text))?.as_ref()?;
        (*known == text).then_some(found)
    }

    /// Takes note of what it has, in place of what another address had.
    pub(super) fn put(&mut self, number: usize, text: AddressText, found: Found) {
        if self.places.is_empty() {
            self.places = vec![None; self.databases * self.of_each];
        }
        let place = self.place(number, text);
        if let Some(entry) = self.places.get_mut(place) {
            *entry = Some((text, found));
        }
    }

    fn place(&self, number: usize, text: AddressText) -> usize {
        number * self.of_each + (text.place() & (self.of_each - 1))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::{AddressText, Recent};

    fn recent(records: usize) -> Recent {
        Recent::new(2, NonZeroUsize::new(records).unwrap())
    }

    fn text(text: &str) -> AddressText {
        AddressText::new(text.as_bytes()).unwrap()
    }

    /// The text of one of 65,536 addresses.
    fn numbered(number: u32) -> AddressText {
        text(&format!("10.0.{}.{}", number / 256, number % 256))
    }

    /// How many of the first 20,000 are known.
    fn known(recent: &Recent, database: usize) -> usize {
        (0..20_000).filter(|number| recent.get(database, numbered(*number)).is_some()).count()
    }

    #[test]
    fn an_address_has_what_was_found_for_it_in_each_database() {
        let mut recent = recent(1_000_000);
        recent.put(0, text("192.0.2.1"), None);
        recent.put(1, text("192.0.2.1"), Some([].into()));
        assert!(recent.get(0, text("192.0.2.1")).unwrap().is_none());
        assert!(recent.get(1, text("192.0.2.1")).unwrap().is_some());
        assert!(recent.get(1, text("192.0.2.2")).is_none());
        for number in 0..20_000 {
            recent.put(0, numbered(number), None);
        }
        assert!(recent.get(1, text("192.0.2.1")).unwrap().is_some());
    }

    #[test]
    fn memory_is_taken_with_the_first_address_and_for_no_more_than_asked_for() {
        for (records, places) in [(1, 4), (3, 16), (200, 1_024), (1_000_000, 4_096)] {
            let mut recent = recent(records);
            assert!(recent.get(1, numbered(0)).is_none());
            assert_eq!(recent.places.capacity(), 0, "nothing came yet");
            for number in 0..20_000 {
                recent.put(0, numbered(number), None);
            }
            assert_eq!(recent.places.len(), 2 * places);
            assert!(recent.get(0, numbered(19_999)).is_some(), "the last one is known");
            let of_first = known(&recent, 0);
            assert!((places / 2..=places).contains(&of_first), "{of_first} in {places}");
            assert_eq!(known(&recent, 1), 0, "the other database has places of its own");
        }
    }

    #[test]
    fn texts_that_differ_are_told_apart() {
        assert_ne!(AddressText::new(b"192.0.2.1"), AddressText::new(b"192.0.2.1\0"));
        assert!(AddressText::new(b"255.255.255.255").is_some());
        assert!(
            AddressText::new(b"").is_none() && AddressText::new(b"2001:db8:0:1::0:1").is_none()
        );
    }
}
