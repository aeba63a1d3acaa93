//! Remembers which ids are indexed, a bit array of fixed size: an id that it does not know was never
//! indexed; one that it knows may have been, and the index itself must be asked.

/// Words of one block, a cache line.
const BLOCK_WORDS: usize = 8;
/// Bits that an id sets within its block.
const PROBES: u32 = 6;

/// A set of ids that sometimes holds too many and never too few.
#[derive(Debug, Clone)]
pub(crate) struct IdentityFilter {
    words: Vec<u64>,
}

impl IdentityFilter {
    pub(crate) fn new(memory_bytes: usize) -> Self {
        let blocks = (memory_bytes / (BLOCK_WORDS * 8)).max(1);
        Self { words: vec![0; blocks * BLOCK_WORDS] }
    }

    pub(crate) fn insert(&mut self, identity: &[u8]) {
        let (start, bits) = self.place(identity);
        for (word, bit) in bits {
            self.words[start + word] |= bit;
        }
    }

    pub(crate) fn may_contain(&self, identity: &[u8]) -> bool {
        let (start, mut bits) = self.place(identity);
        bits.all(|(word, bit)| self.words[start + word] & bit != 0)
    }

    /// Adds what another filter of the same size holds.
    pub(crate) fn unite(&mut self, other: &IdentityFilter) {
        self.words.iter_mut().zip(&other.words).for_each(|(mine, theirs)| *mine |= theirs);
    }

    fn place(&self, identity: &[u8]) -> (usize, impl Iterator<Item = (usize, u64)> + use<>) {
        let hash = hash(identity);
        let blocks = (self.words.len() / BLOCK_WORDS) as u64;
        let block = ((u128::from(hash) * u128::from(blocks)) >> 64) as usize;
        // Nine bits of another mix for each probe.
        let probes = mix(hash);
        let bits = (0..PROBES).map(move |probe| {
            let bit = probes >> (probe * 9) & 511;
            ((bit / 64) as usize, 1 << (bit % 64))
        });
        (block * BLOCK_WORDS, bits)
    }
}

/// The finaliser of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn hash(identity: &[u8]) -> u64 {
    identity.chunks(8).fold(0x9e37_79b9_7f4a_7c15 ^ identity.len() as u64, |sum, chunk| {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        mix(sum ^ u64::from_le_bytes(bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::IdentityFilter;

    fn id(number: u32) -> Vec<u8> {
        format!("id-{number:08}-of-a-document").into_bytes()
    }

    #[test]
    fn it_never_forgets_and_seldom_errs() {
        let mut filter = IdentityFilter::new(100_000);
        (0..100_000).for_each(|number| filter.insert(&id(number)));
        assert!((0..100_000).all(|number| filter.may_contain(&id(number))));
        let wrong = (100_000..200_000).filter(|number| filter.may_contain(&id(*number))).count();
        assert!(wrong < 5_000, "{wrong} of 100,000 unknown ids were taken for known");
    }

    #[test]
    fn two_filters_become_one() {
        let (mut one, mut other) = (IdentityFilter::new(4_096), IdentityFilter::new(4_096));
        one.insert(&id(1));
        other.insert(&id(2));
        one.unite(&other);
        assert!(one.may_contain(&id(1)) && one.may_contain(&id(2)) && !one.may_contain(&id(3)));
    }
}
