//! Which host is asked next: one after the other, and one that fails rests for a while that grows, then is
//! tried with a single request. It keeps no connection and reads no clock.

use std::time::{Duration, Instant};

/// The first rest of a host that failed.
const REST_MIN: Duration = Duration::from_secs(1);
/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(60);

/// The hosts of an engine, by number.
#[derive(Debug)]
pub(crate) struct Hosts {
    all: Vec<Health>,
    next: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Health {
    failures: u32,
    resting_until: Option<Instant>,
}

impl Hosts {
    pub(crate) fn new(count: usize) -> Self {
        Self { all: vec![Health::default(); count.max(1)], next: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The host to ask. While all rest it is the one that has rested the longest part, so that
    /// somebody is always asked.
    pub(crate) fn choose(&mut self, now: Instant) -> usize {
        let count = self.all.len();
        let is_up = |health: &Health| health.resting_until.is_none_or(|until| until <= now);
        let in_turn = (0..count).map(|step| (self.next + step) % count);
        let chosen = in_turn.clone().find(|host| is_up(&self.all[*host]));
        let chosen = chosen.or_else(|| in_turn.min_by_key(|host| self.all[*host].resting_until));
        let chosen = chosen.unwrap_or_default();
        self.next = (chosen + 1) % count;
        let health = &mut self.all[chosen];
        if health.failures > 0 {
            // Others do not try it before this attempt is known.
            health.resting_until = Some(now + rest(health.failures));
        }
        chosen
    }

    /// The host answered.
    pub(crate) fn answered(&mut self, host: usize) {
        if let Some(health) = self.all.get_mut(host) {
            *health = Health::default();
        }
    }

    /// The host did not answer. Says whether it had been well until now.
    pub(crate) fn failed(&mut self, host: usize, now: Instant) -> bool {
        let Some(health) = self.all.get_mut(host) else { return false };
        health.failures = health.failures.saturating_add(1);
        health.resting_until = Some(now + rest(health.failures));
        health.failures == 1
    }
}

fn rest(failures: u32) -> Duration {
    REST_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(REST_MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Hosts, REST_MAX};

    #[test]
    fn hosts_take_turns_and_one_that_failed_rests() {
        let start = Instant::now();
        let mut hosts = Hosts::new(3);
        let turns: Vec<_> = (0..4).map(|_| hosts.choose(start)).collect();
        assert_eq!(turns, [0, 1, 2, 0]);
        assert!(hosts.failed(1, start));
        assert!(!hosts.failed(1, start));
        let turns: Vec<_> = (0..4).map(|_| hosts.choose(start)).collect();
        assert_eq!(turns, [2, 0, 2, 0]);
        // After its rest it is tried once.
        let later = start + Duration::from_secs(3);
        let turns: Vec<_> = (0..4).map(|_| hosts.choose(later)).collect();
        assert_eq!(turns, [1, 2, 0, 2]);
        hosts.answered(1);
        assert!((0..3).any(|_| hosts.choose(later) == 1));
    }

    #[test]
    fn somebody_is_asked_also_when_all_have_failed() {
        let start = Instant::now();
        let mut hosts = Hosts::new(2);
        hosts.failed(0, start);
        hosts.failed(0, start);
        hosts.failed(1, start);
        assert_eq!(hosts.choose(start), 1);
        for _ in 0..100 {
            hosts.failed(1, start);
        }
        assert_eq!(hosts.choose(start + Duration::from_secs(2)), 0);
        assert_eq!(hosts.choose(start + REST_MAX), 1);
    }
}
