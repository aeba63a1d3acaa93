//! A count with its rates: averages that are exponentially weighted by age, moved on every five seconds.

/// How often averages are moved on.
pub(super) const TICK_NS: i64 = 5_000_000_000;
const TICK_S: f64 = 5.0;

/// A count of events, and how many a second there were in the last 1, 5 and 15 minutes.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    pub(super) count: u64,
    /// Since the last tick.
    uncounted: u64,
    /// `None` before the first tick.
    rates: Option<[f64; 3]>,
}

/// The lengths of the windows, in minutes, in the order of [`Meter::rate`].
pub(super) const WINDOWS_MINUTES: [u64; 3] = [1, 5, 15];

impl Meter {
    pub(super) fn mark(&mut self) {
        self.count += 1;
        self.uncounted += 1;
    }

    /// Moves on by so many ticks, of which all but the first had no events.
    pub(super) fn tick(&mut self, ticks: u64) {
        if ticks == 0 {
            return;
        }
        let seen = std::mem::take(&mut self.uncounted) as f64 / TICK_S;
        let mut rates = self.rates.unwrap_or([seen; 3]);
        for (rate, minutes) in rates.iter_mut().zip(WINDOWS_MINUTES) {
            let kept = (-TICK_S / 60.0 / minutes as f64).exp();
            *rate += (1.0 - kept) * (seen - *rate);
            *rate *= kept.powf((ticks - 1) as f64);
        }
        self.rates = Some(rates);
    }

    /// Events a second in a window.
    pub(super) fn rate(&self, window: usize) -> f64 {
        self.rates.map_or(0.0, |rates| rates[window])
    }
}

#[cfg(test)]
mod tests {
    use super::Meter;

    #[test]
    fn rates_are_averages_in_which_older_events_count_less() {
        let mut meter = Meter::default();
        assert_eq!(meter.rate(0), 0.0);
        (0..3).for_each(|_| meter.mark());
        meter.tick(1);
        assert_eq!([0, 1, 2].map(|window| meter.rate(window)), [0.6; 3]);
        // A minute without events leaves 1/e of the rate of a minute.
        meter.tick(12);
        for (window, minutes) in [(0, 1.0), (1, 5.0), (2, 15.0_f64)] {
            assert!((meter.rate(window) - 0.6 * (-1.0 / minutes).exp()).abs() < 1e-12);
        }
        assert_eq!(meter.count, 3);
        meter.tick(0);
        let mut steady = Meter::default();
        for _ in 0..1_000 {
            (0..10).for_each(|_| steady.mark());
            steady.tick(1);
        }
        assert!((steady.rate(2) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn many_ticks_at_once_are_as_one_after_the_other() {
        let (mut at_once, mut singly) = (Meter::default(), Meter::default());
        for meter in [&mut at_once, &mut singly] {
            (0..7).for_each(|_| meter.mark());
        }
        at_once.tick(100);
        (0..100).for_each(|_| singly.tick(1));
        assert!((at_once.rate(1) - singly.rate(1)).abs() < 1e-12);
        at_once.tick(u64::MAX);
        assert_eq!(at_once.rate(2), 0.0);
    }
}
