//! Runs of digits, blanks and dashes that are long enough for a card number. Hardly a text has one, so what decides over
//! the speed is how fast that is seen.

use crate::block::{Block, Places};

use super::{DIGITS_MIN, SPAN_BYTES_MAX, belongs};

/// Least digits in as many bytes as a card number has digits, with a separator between any two.
const NEAR_DIGITS_MIN: usize = DIGITS_MIN.div_ceil(2);

/// Finds the runs of a text, of which block after block is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Runs {
    /// Which bytes of the block before may be part of a card number.
    before: u64,
}

impl Runs {
    /// Places within runs that a block ends or goes on with: of each so many that any card number has one.
    #[inline]
    pub fn places(&mut self, text: &[u8], start: usize, block: &Block) -> Places {
        let belonging = block.bits(|part| part.digits() | part.equal(b' ') | part.equal(b'-'));
        let ends = ends_of_runs(self.before, belonging);
        self.before = belonging;
        Places::new(start, if ends == 0 { 0 } else { within_runs(text, start, ends) })
    }
}

/// Of the places up to which a run is long enough those up to which it has enough digits, one for as many bytes as the
/// shortest card number has.
#[cold]
fn within_runs(text: &[u8], start: usize, mut ends: u64) -> u64 {
    let mut places = 0;
    while ends != 0 {
        let bit = ends.trailing_zeros();
        ends &= ends - 1;
        if has_digits(text, start + bit as usize) {
            places |= 1 << bit;
            ends &= !(((1 << DIGITS_MIN) - 1) << bit);
        }
    }
    places
}

/// Where as many bytes end as a card number has at least, all of which may be part of one: bits of a block, by those of
/// the one before it and its own.
#[inline]
fn ends_of_runs(before: u64, belonging: u64) -> u64 {
    let mut ends = u128::from(belonging) << 64 | u128::from(before);
    let mut length = 1;
    while length < DIGITS_MIN {
        let more = length.min(DIGITS_MIN - length);
        ends &= ends << more;
        length += more;
    }
    (ends >> 64) as u64
}

/// Whether the run of which as many bytes end here as a card number has at least has enough digits for one, as far around as
/// one may reach.
fn has_digits(text: &[u8], end: usize) -> bool {
    // Blanks and dashes alone are told apart before all around is looked at.
    let near = &text[end + 1 - DIGITS_MIN..=end];
    if near.iter().filter(|byte| byte.is_ascii_digit()).count() < NEAR_DIGITS_MIN {
        return false;
    }
    let before = text[..end].iter().rev().take(SPAN_BYTES_MAX);
    let start = end - before.take_while(|byte| belongs(**byte)).count();
    let run = text[start..].iter().take(2 * SPAN_BYTES_MAX).take_while(|byte| belongs(**byte));
    run.filter(|byte| byte.is_ascii_digit()).take(DIGITS_MIN).count() == DIGITS_MIN
}
