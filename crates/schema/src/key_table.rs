//! A map from names to values for names that are known at load: one multiplication and one
//! comparison a look-up. It does not grow afterwards, so nobody's input can slow it down.

const EMPTY: u16 = u16::MAX;

/// Names with a value each.
#[derive(Debug)]
pub struct KeyTable<T> {
    /// Places in `entries`; a power of two of them.
    slots: Box<[u16]>,
    shift: u32,
    multiplier: u64,
    entries: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    ends: Ends,
    name: Box<[u8]>,
    value: T,
}

/// A name's length, its first eight bytes and its last eight: all of it, up to sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    length: usize,
    first: u64,
    last: u64,
}

/// The golden ratio in 64 bits; of its odd multiples the one is taken that gives most
/// names a slot of their own.
const FIRST_MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
const MULTIPLIERS_TRIED: u64 = 64;

/// Names up to this length are known by their ends.
const ENDS_BYTES: usize = 16;

impl Ends {
    #[inline]
    fn of(name: &[u8]) -> Self {
        let (first, last) = if let (Some(first), Some(last)) =
            (name.first_chunk::<8>(), name.last_chunk::<8>())
        {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>())
        {
            (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
        } else {
            (name.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0)
        };
        Self { length: name.len(), first, last }
    }

    #[inline]
    fn hash(self, multiplier: u64) -> u64 {
        let mixed = self.first ^ self.last.rotate_left(29) ^ (self.length as u64).rotate_left(56);
        (mixed ^ mixed >> 32).wrapping_mul(multiplier)
    }
}

impl<T> KeyTable<T> {
    /// The table of these names, of which there may be 65,534; of equal names the last counts.
    pub(crate) fn new(named: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut entries: Vec<Entry<T>> = Vec::new();
        for (name, value) in named {
            let name = name.into_bytes().into_boxed_slice();
            match entries.iter_mut().find(|entry| entry.name == name) {
                Some(entry) => entry.value = value,
                None => entries.push(Entry { ends: Ends::of(&name), name, value }),
            }
        }
        entries.truncate(usize::from(EMPTY));
        let size = (entries.len() * 8).next_power_of_two().max(2);
        let shift = 64 - size.trailing_zeros();
        let (_, multiplier, slots) = (0..MULTIPLIERS_TRIED)
            .map(|number| FIRST_MULTIPLIER.wrapping_mul(2 * number + 1))
            .map(|multiplier| {
                let (slots, collisions) = place_all(&entries, size, shift, multiplier);
                (collisions, multiplier, slots)
            })
            .min_by_key(|(collisions, ..)| *collisions)
            .expect("multipliers are tried");
        Self { slots, shift, multiplier, entries }
    }

    /// The value of a name.
    #[inline]
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&T> {
        let ends = Ends::of(name);
        let mut slot = (ends.hash(self.multiplier) >> self.shift) as usize;
        loop {
            let place = self.slots[slot];
            if place == EMPTY {
                return None;
            }
            let entry = &self.entries[usize::from(place)];
            if entry.ends == ends && (name.len() <= ENDS_BYTES || *entry.name == *name) {
                return Some(&entry.value);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// Names and values, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &T)> {
        self.entries.iter().map(|entry| (&*entry.name, &entry.value))
    }
}

/// Places names; says how many did not get the slot that they are looked for in first.
fn place_all<T>(
    entries: &[Entry<T>],
    size: usize,
    shift: u32,
    multiplier: u64,
) -> (Box<[u16]>, usize) {
    let mut slots = vec![EMPTY; size].into_boxed_slice();
    let mut collisions = 0;
    for (place, entry) in (0u16..).zip(entries) {
        let mut slot = (entry.ends.hash(multiplier) >> shift) as usize;
        collisions += usize::from(slots[slot] != EMPTY);
        while slots[slot] != EMPTY {
            slot = (slot + 1) & (size - 1);
        }
        slots[slot] = place;
    }
    (slots, collisions)
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
