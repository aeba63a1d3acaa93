//! Values of one name: least, greatest, mean, spread, and a sample of them for percentiles.

use super::meter::Meter;

/// Most values in a sample.
const SAMPLE_MAX: usize = 1028;

/// What is known of the values of a name.
#[derive(Clone, Debug, Default)]
pub(super) struct Durations {
    pub(super) meter: Meter,
    pub(super) min: f64,
    pub(super) max: f64,
    pub(super) mean: f64,
    /// Sum of the squares of the distances from the mean.
    squares: f64,
    sample: Vec<f64>,
}

impl Durations {
    /// Adds a value. `chance` decides which values stay in the sample: it has to be even over all bits, and the same
    /// again for the same event.
    pub(super) fn add(&mut self, value: f64, chance: u64) {
        let is_first = self.meter.count == 0;
        self.meter.mark();
        self.min = if is_first { value } else { self.min.min(value) };
        self.max = if is_first { value } else { self.max.max(value) };
        let distance = value - self.mean;
        self.mean += distance / self.meter.count as f64;
        self.squares += distance * (value - self.mean);
        if self.sample.len() < SAMPLE_MAX {
            self.sample.push(value);
            return;
        }
        // Every value so far is in the sample with the same chance.
        if let Some(replaced) = self.sample.get_mut((chance % self.meter.count) as usize) {
            *replaced = value;
        }
    }

    /// The standard deviation, of a sample.
    pub(super) fn deviation(&self) -> f64 {
        match self.meter.count {
            0 | 1 => 0.0,
            count => (self.squares / (count - 1) as f64).sqrt(),
        }
    }

    /// The values of the sample from the least to the greatest.
    pub(super) fn sorted(&self) -> Vec<f64> {
        let mut values = self.sample.clone();
        values.sort_by(f64::total_cmp);
        values
    }
}

/// The value that so many per cent of sorted values are not above; between two of them by their distance.
pub(super) fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return 0.0 };
    let place = percent / 100.0 * (sorted.len() + 1) as f64;
    let below = place.floor() as usize;
    if below == 0 {
        return *first;
    }
    match (sorted.get(below - 1), sorted.get(below)) {
        (Some(lower), Some(upper)) => lower + place.fract() * (upper - lower),
        _ => *last,
    }
}

#[cfg(test)]
mod tests {
    use super::{Durations, SAMPLE_MAX, percentile};

    #[test]
    fn values_are_summed_up() {
        let mut durations = Durations::default();
        assert_eq!((durations.deviation(), percentile(&durations.sorted(), 50.0)), (0.0, 0.0));
        for value in [30.0, 10.0, 20.0] {
            durations.add(value, 0);
        }
        assert_eq!((durations.min, durations.max, durations.mean), (10.0, 30.0, 20.0));
        assert_eq!((durations.deviation(), durations.meter.count), (10.0, 3));
        let sorted = durations.sorted();
        for (percent, value) in
            [(1.0, 10.0), (25.0, 10.0), (37.5, 15.0), (50.0, 20.0), (99.0, 30.0), (100.0, 30.0)]
        {
            assert_eq!(percentile(&sorted, percent), value, "{percent}");
        }
    }

    #[test]
    fn a_sample_stays_small_and_even() {
        let mut durations = Durations::default();
        let mut chance = 1_u64;
        for value in 0..100_000_u32 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            durations.add(f64::from(value), chance >> 16);
        }
        let sorted = durations.sorted();
        assert_eq!(sorted.len(), SAMPLE_MAX);
        assert!((percentile(&sorted, 50.0) - 50_000.0).abs() < 6_000.0);
        assert_eq!((durations.min, durations.max), (0.0, 99_999.0));
    }
}
