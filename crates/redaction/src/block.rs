//! Bytes of a text looked at sixty-four at a time, with one bit for each: few instructions tell apart where nothing is
//! that anybody looks for, which is nearly everywhere.
//!
//! Decides nothing: what a byte means is said by what stands around it.

use std::ops::BitOr;

use wide::u8x16;

/// Bytes of a block.
pub const BLOCK_BYTES: usize = 64;
/// Bytes that are compared by one instruction on any processor.
const PART_BYTES: usize = 16;

/// Sixty-four bytes of a text that follow one another; those behind its end are zero.
#[derive(Clone, Copy, Debug)]
pub struct Block([u8; BLOCK_BYTES]);

/// Some bytes of a block.
#[derive(Clone, Copy, Debug)]
pub struct Part(u8x16);

/// Which of some bytes are of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Matches(u8x16);

/// Places in a text as bits of a block, lowest first.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// Where the block begins.
    start: usize,
    bits: u64,
}

/// The blocks of a text, each with the place at which it begins.
#[inline]
pub fn blocks(text: &[u8]) -> impl Iterator<Item = (usize, Block)> + '_ {
    let (whole, rest) = text.as_chunks::<BLOCK_BYTES>();
    let last = (!rest.is_empty()).then(|| {
        let mut last = [0; BLOCK_BYTES];
        last[..rest.len()].copy_from_slice(rest);
        Block(last)
    });
    let whole = whole.iter().map(|block| Block(*block));
    (0..).step_by(BLOCK_BYTES).zip(whole.chain(last))
}

impl Block {
    /// A bit for each byte that is of a kind, the first byte's lowest.
    #[inline]
    pub fn bits(&self, are: impl Fn(Part) -> Matches) -> u64 {
        let (parts, _) = self.0.as_chunks::<PART_BYTES>();
        let bits = |part: &[u8; PART_BYTES]| are(Part(u8x16::from(*part))).0.to_bitmask();
        parts.iter().rev().fold(0, |all, part| all << PART_BYTES | u64::from(bits(part)))
    }
}

impl Part {
    /// Which bytes are this one.
    #[inline]
    #[must_use]
    pub fn equal(self, byte: u8) -> Matches {
        Matches(self.0.simd_eq(u8x16::splat(byte)))
    }

    /// Which bytes are ASCII digits.
    #[inline]
    #[must_use]
    pub fn digits(self) -> Matches {
        // Below `0` it goes round to the highest numbers.
        let values = self.0 - u8x16::splat(b'0');
        Matches(values.min(u8x16::splat(9)).simd_eq(values))
    }
}

impl BitOr for Matches {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Places {
    /// The places of these bits in the block that begins at `start`.
    #[inline]
    #[must_use]
    pub fn new(start: usize, bits: u64) -> Self {
        Self { start, bits }
    }
}

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.bits == 0 {
            return None;
        }
        let bit = self.bits.trailing_zeros();
        self.bits &= self.bits - 1;
        Some(self.start + bit as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(text: &[u8], are: impl Fn(Part) -> Matches) -> Vec<usize> {
        blocks(text).flat_map(|(start, block)| Places::new(start, block.bits(&are))).collect()
    }

    fn expected(text: &[u8], is: impl Fn(u8) -> bool) -> Vec<usize> {
        (0..text.len()).filter(|at| is(text[*at])).collect()
    }

    proptest! {
        #[test]
        fn each_byte_is_seen_at_its_place(text in prop::collection::vec(any::<u8>(), 0..300), byte in 1..=u8::MAX) {
            prop_assert_eq!(places(&text, Part::digits), expected(&text, |byte| byte.is_ascii_digit()));
            prop_assert_eq!(places(&text, |part| part.equal(byte)), expected(&text, |other| other == byte));
            prop_assert_eq!(
                places(&text, |part| part.equal(byte) | part.digits()),
                expected(&text, |other| other == byte || other.is_ascii_digit())
            );
        }
    }
}
