//! Places in a text: a bit for each byte.

/// A set of places; used again, it needs no new memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    words: Vec<u64>,
}

const BITS: usize = u64::BITS as usize;

impl Places {
    /// No place of a text of this length, its end included.
    pub(super) fn clear(&mut self, length: usize) {
        self.words.clear();
        self.words.resize(length / BITS + 1, 0);
    }

    pub(super) fn insert(&mut self, place: usize) {
        if let Some(word) = self.words.get_mut(place / BITS) {
            *word |= 1 << (place % BITS);
        }
    }

    pub(super) fn contains(&self, place: usize) -> bool {
        self.words.get(place / BITS).is_some_and(|word| word >> (place % BITS) & 1 == 1)
    }

    /// The places of bytes that are wanted.
    pub(super) fn insert_bytes(&mut self, text: &[u8], wanted: &[bool; 256]) {
        for (word, chunk) in self.words.iter_mut().zip(text.chunks(BITS)) {
            for (bit, byte) in chunk.iter().enumerate() {
                *word |= u64::from(wanted[usize::from(*byte)]) << bit;
            }
        }
    }

    /// Adds the places of another set.
    pub(super) fn join(&mut self, other: &Self) {
        for (word, added) in self.words.iter_mut().zip(&other.words) {
            *word |= added;
        }
    }

    /// The first place from `from` on; `None` if there is none.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let mut number = from / BITS;
        let mut word = self.words.get(number)? & (u64::MAX << (from % BITS));
        while word == 0 {
            number += 1;
            word = *self.words.get(number)?;
        }
        Some(number * BITS + word.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn places_are_found_in_order() {
        let mut places = Places::default();
        places.clear(200);
        [0, 63, 64, 130, 200].into_iter().for_each(|place| places.insert(place));
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(place) = places.next(from) {
            found.push(place);
            from = place + 1;
        }
        assert_eq!(found, [0, 63, 64, 130, 200]);
        assert!(places.contains(130) && !places.contains(131) && !places.contains(100_000));
        places.clear(10);
        assert_eq!(places.next(0), None);
        let mut wanted = [false; 256];
        wanted[usize::from(b'=')] = true;
        places.insert_bytes(b"a=b=", &wanted);
        assert_eq!((places.next(0), places.next(2), places.next(4)), (Some(1), Some(3), None));
    }
}
