//! A map from names to values for names that are known at load: one multiplication and one
//! comparison a look-up. It does not grow afterwards, so nobody's input can slow it down.

const EMPTY: u16 = u16::MAX;

/// Names with a value each.
#[derive(Debug)]
pub struct KeyTable<T> {
    /// Places in `entries`; a power of two of them.
    slots: Box<[u16]>,
    shift: u32,
    entries: Vec<(Box<[u8]>, T)>,
}

impl<T> KeyTable<T> {
    /// The table of these names, of which there may be 65,534; of equal names the last counts.
    pub(crate) fn new(named: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut entries: Vec<(Box<[u8]>, T)> = Vec::new();
        for (name, value) in named {
            let name = name.into_bytes().into_boxed_slice();
            match entries.iter_mut().find(|(known, _)| *known == name) {
                Some(entry) => entry.1 = value,
                None => entries.push((name, value)),
            }
        }
        entries.truncate(usize::from(EMPTY));
        let size = (entries.len() * 4).next_power_of_two().max(2);
        let mut table = Self {
            slots: vec![EMPTY; size].into_boxed_slice(),
            shift: 64 - size.trailing_zeros(),
            entries,
        };
        for (place, (name, _)) in (0u16..).zip(&table.entries) {
            let mut slot = table.first_slot(name);
            while table.slots[slot] != EMPTY {
                slot = (slot + 1) & (size - 1);
            }
            table.slots[slot] = place;
        }
        table
    }

    #[inline]
    fn first_slot(&self, name: &[u8]) -> usize {
        (hash(name) >> self.shift) as usize
    }

    /// The value of a name.
    #[inline]
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&T> {
        let mut slot = self.first_slot(name);
        loop {
            let place = self.slots[slot];
            if place == EMPTY {
                return None;
            }
            let (known, value) = &self.entries[usize::from(place)];
            if **known == *name {
                return Some(value);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// Names and values, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        self.entries.iter().map(|(name, value)| (&**name, value))
    }
}

/// Made of a name's length, its first eight bytes and its last eight.
#[inline]
fn hash(name: &[u8]) -> u64 {
    let (first, last) = if let (Some(first), Some(last)) =
        (name.first_chunk::<8>(), name.last_chunk::<8>())
    {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
    } else {
        (name.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0)
    };
    let mixed = first ^ last.rotate_left(29) ^ (name.len() as u64).rotate_left(56);
    (mixed ^ mixed >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        let names: Vec<String> = (0..500)
            .map(|n| "x".repeat(n % 20) + &n.to_string())
            .chain(
                ["", "a", "ab", "abc", "status", "timestamp", "billing_country"].map(str::to_owned),
            )
            .collect();
        let table = KeyTable::new(names.iter().cloned().zip(0..));
        for (place, name) in names.iter().enumerate() {
            assert_eq!(table.get(name.as_bytes()), Some(&place), "{name}");
        }
        for name in ["b", "x", "statu", "timestamq", "shipping_country_code"] {
            assert_eq!(table.get(name.as_bytes()), None, "{name}");
        }
        assert_eq!(KeyTable::<u8>::new([]).get(b"anything"), None);
    }
}
