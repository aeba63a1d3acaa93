//! A set of documents of one segment, a bit each. It knows nothing of queries.

/// Documents `0..length` of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bits {
    words: Vec<u64>,
    length: u32,
}

impl Bits {
    pub(crate) fn none(length: u32) -> Self {
        Self { words: vec![0; length.div_ceil(64) as usize], length }
    }

    pub(crate) fn all(length: u32) -> Self {
        let mut all = Self { words: vec![u64::MAX; length.div_ceil(64) as usize], length };
        all.clear_beyond_length();
        all
    }

    fn clear_beyond_length(&mut self) {
        let used = self.length % 64;
        if used > 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << used) - 1;
        }
    }

    pub(crate) fn insert(&mut self, document: u32) {
        if let Some(word) = self.words.get_mut((document / 64) as usize) {
            *word |= 1 << (document % 64);
        }
    }

    pub(crate) fn contains(&self, document: u32) -> bool {
        let word = self.words.get((document / 64) as usize).copied().unwrap_or(0);
        word >> (document % 64) & 1 == 1
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(crate) fn intersect(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine &= theirs);
    }

    pub(crate) fn unite(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine |= theirs);
    }

    pub(crate) fn invert(&mut self) {
        self.words.iter_mut().for_each(|word| *word = !*word);
        self.clear_beyond_length();
    }

    /// The documents, in rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(place, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    place as u32 * 64 + bit
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn a_set_keeps_to_its_length() {
        for length in [0, 1, 63, 64, 65, 200] {
            assert_eq!(Bits::all(length).count(), u64::from(length));
            let mut inverted = Bits::none(length);
            inverted.invert();
            assert_eq!(inverted, Bits::all(length));
        }
    }

    #[test]
    fn sets_are_united_and_intersected() {
        let mut even = Bits::none(130);
        let mut third = Bits::none(130);
        (0..130).filter(|n| n % 2 == 0).for_each(|n| even.insert(n));
        (0..130).filter(|n| n % 3 == 0).for_each(|n| third.insert(n));
        let mut both = even.clone();
        both.intersect(&third);
        assert_eq!(both.iter().collect::<Vec<_>>(), (0..130).step_by(6).collect::<Vec<_>>());
        even.unite(&third);
        assert!(even.contains(129) && even.contains(128) && !even.contains(127));
        assert_eq!(even.count(), 65 + 44 - 22);
    }
}
