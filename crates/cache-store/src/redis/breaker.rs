//! Leaves a cache that fails alone for a while, so that a cache that is away costs little. Time is
//! given by the caller; nothing here waits.

use std::time::{Duration, Instant};

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// Ask the cache.
    Go,
    /// Do not ask it.
    Stay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The cache answers; this many calls in a row have failed.
    Closed { failures: u32 },
    /// The cache is left alone until then.
    Open { until: Instant },
    /// One call tries the cache; if it has not come back by then, another one may.
    Trying { until: Instant },
}

/// Counts failures in a row.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    state: State,
    failures_until_pause: u32,
    pause: Duration,
}

impl Breaker {
    pub(super) fn new(failures_until_pause: u32, pause: Duration) -> Self {
        Self { state: State::Closed { failures: 0 }, failures_until_pause, pause }
    }

    /// Asks for leave for one call.
    pub(super) fn ask(&mut self, now: Instant) -> Leave {
        match self.state {
            State::Closed { .. } => Leave::Go,
            State::Open { until } | State::Trying { until } if now < until => Leave::Stay,
            State::Open { .. } | State::Trying { .. } => {
                self.state = State::Trying { until: now + self.pause };
                Leave::Go
            }
        }
    }

    /// Whether calls may ask the cache as they like.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// A call has been answered. Says whether the cache had been left alone until now.
    pub(super) fn succeeded(&mut self) -> bool {
        let was_closed = self.is_closed();
        self.state = State::Closed { failures: 0 };
        !was_closed
    }

    /// A call has failed. Says whether the cache is left alone from now on and was not before.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        let open = State::Open { until: now + self.pause };
        match self.state {
            State::Closed { failures } if failures + 1 < self.failures_until_pause => {
                self.state = State::Closed { failures: failures + 1 };
                false
            }
            State::Closed { .. } => {
                self.state = open;
                true
            }
            State::Trying { .. } => {
                self.state = open;
                false
            }
            // A call that had begun before.
            State::Open { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::new(3, PAUSE);
        assert_eq!([0; 3].map(|_| breaker.failed(now)), [false, false, true]);
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_others_do_not() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, PAUSE);
        for _ in 0..10 {
            assert!(!breaker.failed(now) && !breaker.failed(now));
            assert!(!breaker.succeeded());
            assert_eq!(breaker.ask(now), Leave::Go);
        }
        let mut breaker = opened(now);
        assert_eq!(breaker.ask(now), Leave::Stay);
        assert!(!breaker.failed(now), "a call that had begun before says nothing new");
    }

    #[test]
    fn one_call_tries_after_the_pause() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!(breaker.ask(now + PAUSE / 2), Leave::Stay);
        assert_eq!(breaker.ask(now + PAUSE), Leave::Go);
        assert_eq!(breaker.ask(now + PAUSE), Leave::Stay, "one is enough");
        assert!(!breaker.failed(now + PAUSE));
        assert_eq!(breaker.ask(now + PAUSE), Leave::Stay);
        assert_eq!(breaker.ask(now + 2 * PAUSE), Leave::Go);
        assert!(breaker.succeeded());
        assert_eq!(breaker.ask(now + 2 * PAUSE), Leave::Go);
        assert_eq!(breaker.ask(now + 2 * PAUSE), Leave::Go);
    }

    #[test]
    fn a_call_that_tried_and_went_away_holds_nobody_up() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!(breaker.ask(now + PAUSE), Leave::Go);
        assert_eq!(breaker.ask(now + 2 * PAUSE), Leave::Go);
    }
}
