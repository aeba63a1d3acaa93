//! A bucket that fills with time: how much one shop may still send, of events or of bytes.
//!
//! What was taken in is known only when it is over, so it is charged then, and the level may fall below zero:
//! the shop is in debt, and waits until it has earned what is missing. Whoever is let in promises about as much
//! as will be charged, so that a thousand who come at once are not all let in on the same level. A promise
//! that is not kept lapses with time, as a debt is paid by it. Pure: time is told.

use std::time::Duration;

use tokio::time::Instant;

/// Levels are counted in billionths, so that no part of a unit is lost however often time is told.
const BILLION: i128 = 1_000_000_000;
/// One promise is at most this part of what fits in: whoever then sends nothing holds no other up for long.
const PROMISE_PART: i128 = 8;
/// How deep in debt a bucket is at most for what others took in, in seconds of its rate.
const OTHERS_SECONDS_MAX: i128 = 60;

/// Allowance that was promised away, in billionths of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Promised(i128);

/// The bucket of one shop for one kind of unit.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Units a second, which are billionths a nanosecond.
    rate: i128,
    capacity: i128,
    level: i128,
    promised: i128,
    filled_at: Instant,
}

impl Bucket {
    /// A full one, which holds what its rate gives in the time of a burst.
    pub(super) fn new(units_per_second: u64, burst: Duration, now: Instant) -> Self {
        let rate = i128::from(units_per_second.max(1));
        let capacity = rate.saturating_mul(nanoseconds(burst));
        Self { rate, capacity, level: capacity, promised: 0, filled_at: now }
    }

    fn fill(&mut self, now: Instant) {
        let passed = nanoseconds(now.saturating_duration_since(self.filled_at));
        let earned = self.rate.saturating_mul(passed);
        self.level = self.level.saturating_add(earned).min(self.capacity);
        self.promised = self.promised.saturating_sub(earned).max(0);
        self.filled_at = self.filled_at.max(now);
    }

    /// How long it takes to earn what is missing; nothing if somebody may be let in.
    pub(super) fn debt(&mut self, now: Instant) -> Duration {
        self.fill(now);
        let missing = self.promised.saturating_sub(self.level);
        if missing <= 0 {
            return Duration::ZERO;
        }
        let nanoseconds = missing.saturating_add(self.rate - 1) / self.rate;
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    /// Promises so much, or the most that one may promise.
    pub(super) fn promise(&mut self, units: u64) -> Promised {
        let promised = self.promise_of(units);
        self.promised = self.promised.saturating_add(promised.0);
        promised
    }

    fn promise_of(&self, units: u64) -> Promised {
        Promised(billionths(units).min(self.capacity / PROMISE_PART))
    }

    /// So much of a promise is going to be charged; the rest of it is given back.
    pub(super) fn keep(&mut self, promised: Promised, units: u64) {
        let rest = promised.0.saturating_sub(self.promise_of(units).0).max(0);
        self.promised = self.promised.saturating_sub(rest).max(0);
    }

    /// Takes off what was taken in, as it was promised.
    pub(super) fn charge(&mut self, units: u64, now: Instant) {
        self.fill(now);
        let charged = billionths(units);
        self.level = self.level.saturating_sub(charged);
        self.promised = self.promised.saturating_sub(charged).max(0);
    }

    /// Takes off what others took in. They put nobody into debt for longer than a minute, whatever they
    /// say.
    pub(super) fn charge_of_others(&mut self, units: u64, now: Instant) {
        self.fill(now);
        let deepest = -self.rate.saturating_mul(OTHERS_SECONDS_MAX * BILLION);
        let level = self.level.saturating_sub(billionths(units)).max(deepest);
        self.level = self.level.min(level);
    }

    /// What is missing until it is full, in units.
    pub(super) fn missing(&mut self, now: Instant) -> u64 {
        self.fill(now);
        let missing = self.capacity.saturating_sub(self.level).max(0) / BILLION;
        u64::try_from(missing).unwrap_or(u64::MAX)
    }

    /// Whether it is as a new one would be.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.level == self.capacity && self.promised == 0
    }
}

fn billionths(units: u64) -> i128 {
    i128::from(units) * BILLION
}

fn nanoseconds(time: Duration) -> i128 {
    i128::from(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::Bucket;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_goes_through_and_what_is_beyond_it_is_waited_for() {
        let begun = Instant::now();
        let mut bucket = Bucket::new(100, SECOND * 10, begun);
        bucket.charge(1_000, begun);
        assert_eq!(bucket.debt(begun), Duration::ZERO, "exactly all of it is no debt");
        bucket.charge(250, begun);
        assert_eq!(bucket.debt(begun), Duration::from_millis(2_500));
        assert_eq!(bucket.debt(begun + SECOND), Duration::from_millis(1_500));
        assert_eq!(bucket.debt(begun + SECOND * 3), Duration::ZERO);
        assert!(!bucket.is_full(begun + SECOND * 12));
        assert!(
            bucket.is_full(begun + SECOND * 13),
            "an hour of silence earns no more than a burst"
        );
        assert!(bucket.is_full(begun + SECOND * 3_600));
    }

    #[test]
    fn whoever_comes_at_once_is_let_in_on_what_is_left_by_the_others() {
        let begun = Instant::now();
        let mut bucket = Bucket::new(100, SECOND * 10, begun);
        let mut promises = Vec::new();
        while bucket.debt(begun).is_zero() {
            promises.push(bucket.promise(100));
        }
        assert_eq!(promises.len(), 11, "ten have used it up, and one more finds it at zero");
        for promise in promises.drain(..5) {
            bucket.keep(promise, 0);
        }
        assert_eq!(bucket.debt(begun), Duration::ZERO, "five have sent nothing");
        for promise in promises {
            bucket.keep(promise, 100);
            bucket.charge(100, begun);
        }
        assert_eq!(bucket.debt(begun), Duration::ZERO);
        bucket.charge(401, begun);
        assert_eq!(bucket.debt(begun), Duration::from_millis(10), "nothing is counted twice");
    }

    #[test]
    fn promises_of_those_who_never_send_lapse() {
        let begun = Instant::now();
        let mut bucket = Bucket::new(100, SECOND * 10, begun);
        for _ in 0..9 {
            // No single one may promise more than an eighth.
            bucket.promise(u64::MAX);
        }
        assert_eq!(bucket.debt(begun), Duration::from_millis(1_250));
        assert_eq!(bucket.debt(begun + SECOND * 2), Duration::ZERO);
    }

    #[test]
    fn others_put_nobody_into_debt_for_ever() {
        let begun = Instant::now();
        let mut bucket = Bucket::new(100, SECOND, begun);
        bucket.charge_of_others(600, begun);
        assert_eq!(bucket.debt(begun), SECOND * 5);
        bucket.charge_of_others(u64::MAX, begun);
        assert_eq!(bucket.debt(begun), SECOND * 60);
        bucket.charge(100, begun);
        bucket.charge_of_others(1, begun);
        assert_eq!(bucket.debt(begun), SECOND * 61, "its own debt is not lowered by it");
    }

    #[test]
    fn rates_and_times_without_sense_break_nothing() {
        let begun = Instant::now();
        for (rate, burst) in [(0, Duration::ZERO), (u64::MAX, Duration::MAX), (1, SECOND)] {
            let mut bucket = Bucket::new(rate, burst, begun);
            bucket.charge(u64::MAX, begun);
            bucket.charge(u64::MAX, begun);
            bucket.promise(u64::MAX);
            bucket.debt(begun + SECOND);
            // Time that seems to go back.
            bucket.debt(begun);
        }
    }

    proptest! {
        /// Whoever is let in only without a debt takes in, within any time, at most what that time gives, a
        /// burst, and one charge.
        #[test]
        fn no_window_has_more_than_its_rate_a_burst_and_a_charge(
            rate in 1_u64..5_000,
            burst_ms in 1_u64..20_000,
            steps in prop::collection::vec((0_u64..3_000, 0_u64..20_000, any::<bool>()), 1..60),
        ) {
            let begun = Instant::now();
            let burst = Duration::from_millis(burst_ms);
            let mut bucket = Bucket::new(rate, burst, begun);
            let mut now = begun;
            let mut taken: Vec<(Instant, u64)> = Vec::new();
            for (pause_ms, units, promises) in steps {
                now += Duration::from_millis(pause_ms);
                if !bucket.debt(now).is_zero() {
                    continue;
                }
                if promises {
                    let promised = bucket.promise(units * 2);
                    bucket.keep(promised, units);
                }
                bucket.charge(units, now);
                taken.push((now, units));
            }
            let largest = taken.iter().map(|(_, units)| *units).max().unwrap_or(0);
            for first in 0..taken.len() {
                let mut sum = 0_u64;
                for (at, units) in &taken[first..] {
                    sum += units;
                    let window = (*at - taken[first].0 + burst).as_secs_f64();
                    let most = rate as f64 * window + largest as f64;
                    prop_assert!(sum as f64 <= most + 0.001, "{sum} within {window} s, {most} at most");
                }
            }
        }

        /// A debt is paid exactly when it was said to be.
        #[test]
        fn the_wait_that_is_told_is_enough_and_no_more(
            rate in 1_u64..100_000,
            units in 1_u64..1_000_000,
        ) {
            let begun = Instant::now();
            let mut bucket = Bucket::new(rate, Duration::from_millis(100), begun);
            bucket.charge(units, begun);
            let wait = bucket.debt(begun);
            prop_assert_eq!(bucket.clone().debt(begun + wait), Duration::ZERO);
            if let Some(sooner) = wait.checked_sub(Duration::from_nanos(1)) {
                prop_assert!(!bucket.debt(begun + sooner).is_zero());
            }
        }
    }
}
