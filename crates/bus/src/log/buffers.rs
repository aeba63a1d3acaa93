//! Buffers of frames that were written, kept for the next ones: memory that the system has to give anew for each of
//! them costs more than what is written into it.
//!
//! Bounded: what is more than a few is given back.

use std::sync::Mutex;

use super::locked;

/// Buffers that are kept.
const KEPT_MAX: usize = 8;
/// A smaller one costs little, and a larger one holds too much.
const KEPT_BYTES: std::ops::RangeInclusive<usize> = 64 << 10..=2 << 20;

/// Buffers that nobody uses at the moment.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    kept: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// An empty one for so many bytes.
    pub(super) fn take(&self, bytes: usize) -> Vec<u8> {
        if KEPT_BYTES.contains(&bytes) {
            let mut kept = locked(&self.kept);
            if let Some(place) = kept.iter().position(|buffer| buffer.capacity() >= bytes) {
                return kept.swap_remove(place);
            }
        }
        Vec::with_capacity(bytes)
    }

    /// Gives one back.
    pub(super) fn give(&self, mut buffer: Vec<u8>) {
        if !KEPT_BYTES.contains(&buffer.capacity()) {
            return;
        }
        buffer.clear();
        let mut kept = locked(&self.kept);
        if kept.len() < KEPT_MAX {
            kept.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffers, KEPT_MAX};

    #[test]
    fn what_was_given_back_is_used_again_where_it_is_large_enough() {
        let buffers = Buffers::default();
        let mut first = buffers.take(100 << 10);
        first.extend_from_slice(b"a frame");
        let place = first.as_ptr();
        buffers.give(first);
        let larger = buffers.take(200 << 10);
        assert_ne!(larger.as_ptr(), place);
        let again = buffers.take(70 << 10);
        assert!(again.as_ptr() == place && again.is_empty());
    }

    #[test]
    fn no_more_is_kept_than_a_few_of_usual_sizes() {
        let buffers = Buffers::default();
        for _ in 0..2 * KEPT_MAX {
            buffers.give(Vec::with_capacity(1 << 20));
        }
        buffers.give(Vec::with_capacity(10));
        buffers.give(Vec::with_capacity(64 << 20));
        assert_eq!(buffers.kept.lock().unwrap().len(), KEPT_MAX);
    }
}
