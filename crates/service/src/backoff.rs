//! Waits between attempts: exponential with full jitter, so that those who failed together do not
//! return together. There is no last attempt.
//!
//! After "Exponential Backoff And Jitter" (M. Brooker, AWS Architecture Blog, 2015): a wait is drawn
//! evenly from nothing to a ceiling that doubles.

use std::time::Duration;

/// Ceiling of the first wait.
pub const RETRY_DELAY_FIRST: Duration = Duration::from_millis(100);
/// Ceiling of any wait; a sink that asks for longer is heard.
pub const RETRY_DELAY_MAX: Duration = Duration::from_secs(30);

/// What `Retry-After` tells of a wait: whole seconds, at least one, and never less than the wait.
#[must_use]
pub fn retry_after_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// The waits of one task that is tried again and again.
#[derive(Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next wait: at least what the other side asked for, and the drawn time on top.
    #[must_use]
    pub fn next_delay(&mut self, at_least: Duration) -> Duration {
        let doublings = self.attempts.min(16);
        let ceiling = RETRY_DELAY_FIRST.saturating_mul(1 << doublings).min(RETRY_DELAY_MAX);
        self.attempts = self.attempts.saturating_add(1);
        at_least.saturating_add(rand::random_range(Duration::ZERO..=ceiling))
    }

    /// How many waits there were since the last success.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_come_back_too_early() {
        for (wait_us, told_s) in [(0, 1), (1, 1), (1_000_000, 1), (1_000_001, 2), (59_400_000, 60)]
        {
            assert_eq!(retry_after_seconds(Duration::from_micros(wait_us)), told_s, "{wait_us} us");
        }
    }

    #[test]
    fn waits_grow_to_the_ceiling_and_never_below_what_was_asked() {
        let mut backoff = Backoff::default();
        for attempt in 0..40_u32 {
            let delay = backoff.next_delay(Duration::from_secs(1));
            let ceiling = RETRY_DELAY_FIRST * 2_u32.pow(attempt.min(9));
            let ceiling = ceiling.min(RETRY_DELAY_MAX);
            assert!(delay >= Duration::from_secs(1));
            assert!(delay <= Duration::from_secs(1) + ceiling, "attempt {attempt}: {delay:?}");
        }
    }

    #[test]
    fn waits_differ() {
        let draw = || Backoff { attempts: 20 }.next_delay(Duration::ZERO);
        let first = draw();
        assert!((0..50).any(|_| draw() != first));
    }
}
