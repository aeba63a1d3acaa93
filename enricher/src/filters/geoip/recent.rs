//! What was found for the addresses that were asked for last, by their text: shoppers come with many requests each, and
//! what is known here needs no reading of the address and no way through the tree of a database.
//!
//! Takes the same memory however many addresses there are, and knows nothing of longer texts than an IPv4 address has.

use std::sync::Arc;

use super::Member;

/// Places of a database, by the highest bits of a hash.
const PLACE_BITS: u32 = 12;

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
pub(super) struct Recent(Vec<Option<(AddressText, Found)>>);

impl Recent {
    /// Of so many databases.
    pub(super) fn new(databases: usize) -> Self {
        Self(vec![None; databases << PLACE_BITS])
    }

    /// What the database of this number has, if that is still known.
    pub(super) fn get(&self, number: usize, text: AddressText) -> Option<&Found> {
        let (known, found) = self.0.get(place(number, text))?.as_ref()?;
        (*known == text).then_some(found)
    }

    /// Takes note of what it has, in place of what another address had.
    pub(super) fn put(&mut self, number: usize, text: AddressText, found: Found) {
        if let Some(entry) = self.0.get_mut(place(number, text)) {
            *entry = Some((text, found));
        }
    }
}

fn place(number: usize, text: AddressText) -> usize {
    (number << PLACE_BITS) + text.place()
}

#[cfg(test)]
mod tests {
    use super::{AddressText, Recent};

    #[test]
    fn an_address_has_what_was_found_for_it_in_each_database() {
        let mut recent = Recent::new(2);
        let text = |text: &str| AddressText::new(text.as_bytes()).unwrap();
        recent.put(0, text("192.0.2.1"), None);
        recent.put(1, text("192.0.2.1"), Some([].into()));
        assert!(recent.get(0, text("192.0.2.1")).unwrap().is_none());
        assert!(recent.get(1, text("192.0.2.1")).unwrap().is_some());
        assert!(recent.get(1, text("192.0.2.2")).is_none());
        for number in 0..20_000 {
            recent.put(0, text(&format!("10.0.{}.{}", number / 256, number % 256)), None);
        }
        assert!(recent.get(1, text("192.0.2.1")).unwrap().is_some());
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
