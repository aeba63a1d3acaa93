//! The order in which documents are sent: a clock that never gives the same moment twice within a process, and
//! hardly ever in two. Those who follow live go by it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// Low bits that tell processes apart; the rest are microseconds since 1970.
const PROCESS_BITS: u32 = 10;

/// Gives stamps.
#[derive(Debug)]
pub(crate) struct Stamps {
    last: AtomicI64,
    process: i64,
}

/// One document's step in stamps.
pub(crate) const STEP: i64 = 1 << PROCESS_BITS;

impl Stamps {
    pub(crate) fn new() -> Self {
        // Of 1,024 numbers, so that two processes seldom have the same one, and then seldom the same moment.
        let process = i64::from(random_bits()) & (STEP - 1);
        Self { last: AtomicI64::new(0), process }
    }

    /// The first of as many stamps, a [`STEP`] apart, as documents are sent.
    pub(crate) fn take(&self, count: usize) -> i64 {
        let count = i64::try_from(count.max(1)).unwrap_or(i64::MAX >> PROCESS_BITS);
        let now = now() | self.process;
        let next = |last: i64| now.max(last.saturating_add(STEP));
        let end = |last: i64| next(last).saturating_add((count - 1).saturating_mul(STEP));
        let previous = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(end(last)))
            .unwrap_or_default();
        next(previous)
    }
}

/// The stamp of this moment, before any of this microsecond's documents.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_microsecond() << PROCESS_BITS
}

/// A length of time in stamps.
pub(crate) fn length(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).map_or(i64::MAX, |micros| micros.saturating_mul(STEP))
}

fn random_bits() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(std::process::id()) & 0xffff) as u16
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{STEP, Stamps, length, now};

    #[test]
    fn no_stamp_is_given_twice() {
        let stamps = Stamps::new();
        let first = stamps.take(1_000_000);
        let second = stamps.take(1);
        assert_eq!(second, first + 1_000_000 * STEP);
        assert_eq!(stamps.take(0), second + STEP);
        assert_eq!(first & (STEP - 1), stamps.process);
    }

    #[test]
    fn stamps_follow_the_clock() {
        let before = now();
        let stamp = Stamps::new().take(1);
        assert!(before <= stamp && stamp - before < length(Duration::from_secs(60)));
    }
}
