//! What is counted of one shop, and when it is told.

use std::collections::BTreeMap;

use bus::Record;
use event::{Event, FieldPath};

use super::Metrics;
use super::durations::{Durations, percentile};
use super::meter::{Meter, TICK_NS, WINDOWS_MINUTES};

/// Metrics of one shop, by name.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) meters: BTreeMap<String, (FieldPath, Meter)>,
    pub(super) timers: BTreeMap<String, (FieldPath, Durations)>,
    /// The last record that was counted, without what it holds.
    pub(super) last: Record,
    /// Whether anything was counted that was not told yet.
    pub(super) has_news: bool,
    next_tick_ns: i64,
    next_flush_ns: i64,
    next_clear_ns: i64,
}

impl Series {
    /// Begins with the time of the first record.
    pub(super) fn new(plan: &Metrics, first: Record) -> Self {
        let now_ns = first.received_at_ns;
        Self {
            meters: BTreeMap::new(),
            timers: BTreeMap::new(),
            has_news: false,
            next_tick_ns: now_ns.saturating_add(TICK_NS),
            next_flush_ns: now_ns.saturating_add(plan.flush_ns),
            next_clear_ns: now_ns.saturating_add(plan.clear_ns.unwrap_or(i64::MAX)),
            last: first,
        }
    }

    pub(super) fn names(&self) -> usize {
        self.meters.len() + self.timers.len()
    }

    /// When it is told next.
    pub(super) fn next_flush_ns(&self) -> i64 {
        self.next_flush_ns
    }

    /// Moves rates on to a time.
    pub(super) fn tick_until(&mut self, now_ns: i64) {
        if now_ns < self.next_tick_ns {
            return;
        }
        let ticks = now_ns.saturating_sub(self.next_tick_ns) / TICK_NS + 1;
        self.next_tick_ns = self.next_tick_ns.saturating_add(ticks.saturating_mul(TICK_NS));
        let ticks = ticks.unsigned_abs();
        self.meters.values_mut().for_each(|(_, meter)| meter.tick(ticks));
        self.timers.values_mut().for_each(|(_, durations)| durations.meter.tick(ticks));
    }

    /// Sets when it is told next: the first time after `now_ns`. Whether it is cleared before that.
    pub(super) fn go_on(&mut self, plan: &Metrics, now_ns: i64) -> bool {
        let skipped = now_ns.saturating_sub(self.next_flush_ns).max(0) / plan.flush_ns;
        let last_flush_ns =
            self.next_flush_ns.saturating_add(skipped.saturating_mul(plan.flush_ns));
        self.next_flush_ns = last_flush_ns.saturating_add(plan.flush_ns);
        self.has_news = false;
        last_flush_ns >= self.next_clear_ns
    }

    /// All metrics as an event of this time.
    pub(super) fn event(&self, plan: &Metrics, made_at_ns: i64) -> Event {
        let mut event = Event::new();
        event.timestamp_ns = made_at_ns;
        for (path, meter) in self.meters.values() {
            set_rates(&mut event, plan, path, meter);
        }
        for (path, durations) in self.timers.values() {
            set_rates(&mut event, plan, path, &durations.meter);
            let Durations { min, max, mean, .. } = durations;
            let deviation = durations.deviation();
            for (name, value) in
                [("min", *min), ("max", *max), ("stddev", deviation), ("mean", *mean)]
            {
                set(&mut event, path, name, value);
            }
            let sorted = durations.sorted();
            for (name, percent) in &plan.percentiles {
                set(&mut event, path, name, percentile(&sorted, *percent));
            }
        }
        event
    }
}

fn set_rates(event: &mut Event, plan: &Metrics, path: &FieldPath, meter: &Meter) {
    event.set_number(&path.join(&FieldPath::key("count")), &meter.count.to_string());
    for (window, minutes) in WINDOWS_MINUTES.iter().enumerate() {
        if plan.rates_minutes.contains(minutes) {
            set(event, path, &format!("rate_{minutes}m"), meter.rate(window));
        }
    }
}

/// Sets a number. Of enormous values the deviation is more than a number can be, for which JSON has no word.
fn set(event: &mut Event, path: &FieldPath, name: &str, value: f64) {
    let value = value.clamp(f64::MIN, f64::MAX);
    event.set_number(&path.join(&FieldPath::key(name)), &format!("{value:?}"));
}
