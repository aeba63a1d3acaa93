//! `throttle`: counts events of the same key in periods of time, and does its work on those that are too few or too
//! many.
//!
//! Periods are those of the events' own times, as in Logstash; how long a key is kept, the records' times of receipt
//! say. Each partition counts for itself, from its start on: what is counted is not stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use event::Event;
use lru::LruCache;
use sha2::{Digest, Sha256};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};
use crate::ruby_number::integer;
use crate::template::Template;

/// `period` where it is no number, in seconds.
const PERIOD_DEFAULT_S: i64 = 60;
/// Largest `max_counters`.
const COUNTERS_MAX: i64 = 10_000_000;
const NANOSECONDS: i64 = 1_000_000_000;

#[derive(Debug)]
struct Throttle {
    key: Template,
    period: Template,
    /// Fewer are throttled.
    before_count: Option<u64>,
    /// More are throttled.
    after_count: Option<u64>,
    age_s: i64,
    counters_max: usize,
}

struct ThrottlePlan(Arc<Throttle>);

filter_options! {
    /// Counts events of the same key in periods of time, and does its work on those that are too
    /// few or too many.
    ///
    /// It changes nothing by itself: give it `add_tag`, and look at the tag behind it. Periods are
    /// those of the events' own times, as in Logstash. Each partition counts for itself, from its
    /// start on (see [filters that remember](../pipelines.md#filters-that-remember)). Keys without
    /// events for `max_age` by the time of receipt are forgotten, and the oldest where there are
    /// more counters than `max_counters`.
    struct ThrottleOptions {
        /// What is counted together, as `%{[client][ip]}`.
        key: Template = required,
        /// Events before this many of a period are throttled; -1 for none.
        before_count: i64 => "required unless `after_count` is given",
        /// Events after this many of a period are throttled; -1 for none.
        after_count: i64 => "required unless `before_count` is given",
        /// How many seconds a period has; the event may say it.
        period: Template = "60",
        /// After how many seconds a period is forgotten: twice the period or more.
        max_age: i64 = 3600,
        /// How many counters are kept.
        max_counters: i64 = 100_000,
    }
    example r#"throttle { key => "%{[client][ip]}" after_count => 100 add_tag => ["throttled"] }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let ThrottleOptions { key, before_count, after_count, period, max_age: age_s, max_counters } =
        ThrottleOptions::read(options);
    let before_count = count(options, "before_count", before_count);
    let after_count = count(options, "after_count", after_count);
    if before_count.is_none() && after_count.is_none() {
        let message = "`throttle` without a count would throttle nothing";
        options.refuse("after_count", message, "write `after_count => ...` or `before_count`");
    }
    if period.literal().is_some_and(|text| !text.parse().is_ok_and(|seconds: i64| seconds > 0)) {
        let message = "`period` is no number of seconds";
        options.refuse("period", message, "write 1 or more, or a `%{field}`");
    }
    if !(1..=NANOSECONDS).contains(&age_s) {
        let message = format!("`max_age` cannot be {age_s}");
        options.refuse("max_age", message, "write a number of seconds, twice the period or more");
    }
    if !(1..=COUNTERS_MAX).contains(&max_counters) {
        let message = format!("`max_counters` cannot be {max_counters}: they need memory");
        options.refuse("max_counters", message, format!("write 1 to {COUNTERS_MAX}"));
    }
    let counters_max = usize::try_from(max_counters).unwrap_or(1);
    let key = key?;
    Some(Arc::new(ThrottlePlan(Arc::new(Throttle {
        key,
        period,
        before_count,
        after_count,
        age_s,
        counters_max,
    }))))
}

/// A count; -1 is none.
fn count(options: &mut Options<'_>, name: &str, given: Option<i64>) -> Option<u64> {
    let count = given?;
    if count < -1 {
        options.refuse(name, format!("`{name}` cannot be {count}"), "write 0 or more");
    }
    u64::try_from(count).ok()
}

impl FilterPlan for ThrottlePlan {
    fn instance(&self) -> Box<dyn Filter> {
        let plan = Arc::clone(&self.0);
        Box::new(Worker { plan, keys: LruCache::unbounded(), counters: 0 })
    }

    fn keeps_state(&self) -> bool {
        true
    }
}

/// One worker's instance.
struct Worker {
    plan: Arc<Throttle>,
    /// By digests of the keys, which are as long as the events like.
    keys: LruCache<[u8; 32], Periods>,
    /// How many counters there are of all keys.
    counters: usize,
}

/// What is counted of one key.
struct Periods {
    /// Where periods begin: the time of the first event, in seconds.
    origin_s: i64,
    received_at_ns: i64,
    /// Counts by the beginnings of their periods.
    counts: BTreeMap<i64, u64>,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        if context.is_rehearsal() {
            // Nothing is counted, and what depends on counts is not known.
            return Applied::NotMatched;
        }
        let now_ns = context.record.received_at_ns;
        self.forget(now_ns);
        let count = self.count(event, now_ns);
        let Throttle { before_count, after_count, .. } = &*self.plan;
        let is_throttled = before_count.is_some_and(|least| count < least)
            || after_count.is_some_and(|most| count > most);
        if is_throttled { Applied::Matched } else { Applied::NotMatched }
    }
}

impl Worker {
    /// Counts an event in its period.
    fn count(&mut self, event: &Event, now_ns: i64) -> u64 {
        let plan = &*self.plan;
        let key = Sha256::digest(plan.key.render(event, now_ns).as_bytes()).into();
        let period_s = integer(&plan.period.render(event, now_ns)).parse().unwrap_or(0);
        let period_s = if period_s > 0 { period_s } else { PERIOD_DEFAULT_S };
        let time_s = event.timestamp_ns.div_euclid(NANOSECONDS);
        let counts =
            || Periods { origin_s: time_s, received_at_ns: now_ns, counts: BTreeMap::new() };
        let periods = self.keys.get_or_insert_mut(key, counts);
        periods.received_at_ns = now_ns;
        let begin_s = time_s - (time_s - periods.origin_s).rem_euclid(period_s);
        let before = periods.counts.len();
        let count = periods.counts.entry(begin_s).or_insert(0);
        *count += 1;
        let count = *count;
        // As in Logstash the period of a latecomer may go at once.
        let last_s = periods.counts.last_key_value().map_or(begin_s, |(last_s, _)| *last_s);
        while periods.counts.first_key_value().is_some_and(|(s, _)| *s < last_s - plan.age_s) {
            periods.counts.pop_first();
        }
        self.counters = self.counters + periods.counts.len() - before;
        count
    }

    /// Forgets keys that had no event for long, and those that are too many.
    fn forget(&mut self, now_ns: i64) {
        let oldest_ns = now_ns.saturating_sub(self.plan.age_s.saturating_mul(NANOSECONDS));
        while let Some((_, periods)) = self.keys.peek_lru()
            && (periods.received_at_ns < oldest_ns || self.counters > self.plan.counters_max)
        {
            let forgotten = self.keys.pop_lru();
            self.counters -= forgotten.map_or(0, |(_, periods)| periods.counts.len());
        }
    }
}

#[cfg(test)]
mod tests;
