//! `metrics`: counts events and sums up values by name, and tells the counts at intervals in events of its own.
//!
//! Time is the records' time of receipt: rates and intervals are those of the log, however fast it is read. Each shop's
//! records are counted by themselves, and each partition counts for itself, from its start on.

mod durations;
mod meter;
mod series;

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::Record;
use bytestring::ByteString;
use event::{Event, FieldPath};

use self::meter::WINDOWS_MINUTES;
use self::series::Series;
use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};
use crate::ruby_number::float;
use crate::template::{FieldTemplate, Template};
use crate::timer::{Moment, Outbox, TimedEvent, kept, origin};

/// Most names of one shop: all of them stand in one event.
const NAMES_MAX: usize = 1_000;
/// Most bytes of a name: names out of events are kept, and told again and again.
const NAME_BYTES_MAX: usize = 256;
/// Most names of all shops.
const ALL_NAMES_MAX: usize = 4_000;
/// Tag of an event that is not counted, since there are too many names.
const TOO_MANY_TAG: &str = "_metrics_too_many";
/// Tag of an event that is not counted, since what it puts into the name makes it none, or too long.
const NAME_TAG: &str = "_metrics_name_failure";
const NANOSECONDS: i64 = 1_000_000_000;
/// Seconds that say never.
const NEVER_S: i64 = -1;
/// Longest interval.
const INTERVAL_S_MAX: i64 = 366 * 24 * 60 * 60;
const PERCENTILES_DEFAULT: [f64; 7] = [1.0, 5.0, 10.0, 90.0, 95.0, 99.0, 100.0];

#[derive(Debug)]
struct Metrics {
    meters: Vec<FieldTemplate>,
    timers: Vec<(FieldTemplate, Template)>,
    flush_ns: i64,
    clear_ns: Option<i64>,
    oldest_ns: Option<i64>,
    rates_minutes: Vec<u64>,
    /// With the names of their fields.
    percentiles: Vec<(String, f64)>,
}

struct MetricsPlan(Arc<Metrics>);

filter_options! {
    /// Counts events and sums up values by name, and tells the counts at intervals in events of its
    /// own.
    ///
    /// Those go on behind it, with `[name][count]`, `[name][rate_1m]`, for a `timer` also `min`,
    /// `max`, `mean`, `stddev` and percentiles. Common options (`add_tag`) are for them; the
    /// counted ones pass as they are. A silence longer than the interval is told once. There is no
    /// `message` with the host's name, `stddev` is the standard deviation itself (Logstash gives
    /// its root), and averages are moved on every 5 seconds.
    ///
    /// Time is the records' time of receipt. Each shop's records are counted by themselves, and
    /// each partition counts for itself, from its start on (see [filters that
    /// remember](../pipelines.md#filters-that-remember)). There are at most 1,000 names of a shop
    /// and 4,000 of all in a partition.
    struct MetricsOptions {
        /// Names under which each event is counted.
        meter: Vec<FieldTemplate> = required_unless(
            "timer",
            "`metrics` without `meter` and `timer` would count nothing",
            "write `meter => [\"...\"]` or `timer => { ... }`"
        ),
        /// Names with the values that are summed up, as `"took" => "%{[event][duration]}"`.
        timer: Vec<(FieldTemplate, Template)> [Hash, timers] = required_unless("meter"),
        /// After how many seconds the counts are told again.
        flush_interval: i64 = 5,
        /// After how many seconds counting begins anew.
        clear_interval: i64 => "default `-1`, never",
        /// Events that are older than this many seconds when they are received are not counted. 0
        /// is for none.
        ignore_older_than: i64 = 0,
        /// Over how many minutes rates are averaged, some of 1, 5 and 15.
        rates: Vec<u64> [Numbers, rates] => "default `[1, 5, 15]`",
        /// Which percentiles of a timer are told, from 0 to 100.
        percentiles: Vec<(String, f64)> [Numbers, percentiles] => "default `[1, 5, 10, 90, 95, 99, 100]`",
    }
    tags {
        "_metrics_too_many" => "there are too many names; the event is not counted",
        "_metrics_name_failure" => "the name cannot be a field's (`@timestamp`, `tags`, `[open`), or has more than \
            256 bytes; the event is not counted",
    }
    example r#"metrics { meter => ["orders", "status_%{[order][status]}"] add_tag => ["metric"] }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = MetricsOptions::read(options);
    let flush_ns = interval(options, "flush_interval", given.flush_interval, 1);
    let clear_s = given.clear_interval.unwrap_or(NEVER_S);
    let clear_ns = interval(options, "clear_interval", clear_s, NEVER_S);
    let oldest_ns = interval(options, "ignore_older_than", given.ignore_older_than, 0);
    let percentiles = given.percentiles.unwrap_or_else(|| {
        PERCENTILES_DEFAULT.map(|percent| (format!("p{percent}"), percent)).to_vec()
    });
    Some(Arc::new(MetricsPlan(Arc::new(Metrics {
        meters: given.meter.unwrap_or_default(),
        timers: given.timer.unwrap_or_default(),
        flush_ns: flush_ns?,
        clear_ns: clear_ns.filter(|interval| *interval > 0),
        oldest_ns: oldest_ns.filter(|oldest| *oldest > 0),
        rates_minutes: given.rates.unwrap_or_else(|| WINDOWS_MINUTES.to_vec()),
        percentiles,
    }))))
}

fn timers(
    options: &mut Options<'_>,
    option: &'static str,
) -> Option<Vec<(FieldTemplate, Template)>> {
    let mut timers = Vec::new();
    for (name, value) in options.text_pairs(option)? {
        let span = options.span(option);
        let field = options.parse_field_template(&name.text, name.span);
        timers.push(field.zip(options.parse_template(&value, span))?);
    }
    Some(timers)
}

/// A number of seconds, in nanoseconds; `None` where it cannot be.
fn interval(options: &mut Options<'_>, name: &str, seconds: i64, least: i64) -> Option<i64> {
    let is_nothing = seconds == 0 && least < 0;
    if !(least..=INTERVAL_S_MAX).contains(&seconds) || is_nothing {
        let message = format!("`{name}` cannot be {seconds}");
        let way_out = match least {
            NEVER_S => format!("write a number of seconds up to {INTERVAL_S_MAX}, or -1 for never"),
            _ => format!("write a number of seconds, {least} to {INTERVAL_S_MAX}"),
        };
        options.refuse(name, message, way_out);
        return None;
    }
    Some(seconds * NANOSECONDS)
}

fn rates(options: &mut Options<'_>, option: &'static str) -> Option<Vec<u64>> {
    let mut rates = Vec::new();
    for text in options.texts(option)? {
        match text.parse() {
            Ok(minutes) if WINDOWS_MINUTES.contains(&minutes) => rates.push(minutes),
            _ => {
                let message = format!("there is no rate of {text} minutes");
                options.refuse(option, message, "write some of 1, 5 and 15");
                return None;
            }
        }
    }
    Some(rates)
}

fn percentiles(options: &mut Options<'_>, option: &'static str) -> Option<Vec<(String, f64)>> {
    let mut percentiles = Vec::new();
    for text in options.texts(option)? {
        let percent = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
        let Some(percent) = percent else {
            let message = format!("`{text}` is no percentile");
            options.refuse(option, message, "write numbers from 0 to 100");
            return None;
        };
        percentiles.push((format!("p{text}"), percent));
    }
    Some(percentiles)
}

impl FilterPlan for MetricsPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let plan = Arc::clone(&self.0);
        Box::new(Worker { plan, shops: BTreeMap::new(), names: 0, next_flush_ns: i64::MAX })
    }

    fn keeps_state(&self) -> bool {
        true
    }

    fn is_timed(&self) -> bool {
        true
    }
}

/// One worker's instance.
struct Worker {
    plan: Arc<Metrics>,
    shops: BTreeMap<ByteString, Series>,
    /// Names of all shops together.
    names: usize,
    /// When the first of the shops is told.
    next_flush_ns: i64,
}

impl Filter for Worker {
    /// Events pass as they are, whatever the common options say: those are for the events that are made.
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let now_ns = context.record.received_at_ns;
        let is_old = |oldest_ns| now_ns.saturating_sub(event.timestamp_ns) > oldest_ns;
        if !context.is_rehearsal() && !self.plan.oldest_ns.is_some_and(is_old) {
            let tags = self.count(event, context.record, context.number);
            tags.iter().for_each(|tag| event.add_tag(tag));
        }
        Applied::NotMatched
    }

    fn advance(&mut self, moment: Moment, outbox: &mut Outbox<'_>) {
        if moment.now_ns < self.next_flush_ns && !moment.is_end {
            return;
        }
        let plan = Arc::clone(&self.plan);
        let tell = |series: &mut Series, made_at_ns: i64, outbox: &mut Outbox<'_>| {
            series.tick_until(made_at_ns);
            let role = format!("metrics/{}/{made_at_ns}", outbox.place);
            let origin = origin(&series.last, &role, made_at_ns);
            let event = series.event(&plan, made_at_ns);
            outbox.events.push(TimedEvent { event, origin, is_matched: true, pushed_by: None });
        };
        self.shops.retain(|_, series| {
            if series.next_flush_ns() <= moment.now_ns {
                // What would be told once more in a long silence is not told again.
                tell(series, series.next_flush_ns(), outbox);
                if series.go_on(&plan, moment.now_ns) {
                    return false;
                }
                series.tick_until(moment.now_ns);
            }
            if moment.is_end && series.has_news {
                tell(series, moment.now_ns, outbox);
                series.has_news = false;
            }
            true
        });
        self.names = self.shops.values().map(Series::names).sum();
        let next = self.shops.values().map(Series::next_flush_ns).min();
        self.next_flush_ns = next.unwrap_or(i64::MAX);
    }
}

impl Worker {
    /// Counts an event under all its names; what it is to be tagged with.
    fn count(&mut self, event: &Event, record: &Record, number: usize) -> Vec<&'static str> {
        let plan = Arc::clone(&self.plan);
        let now_ns = record.received_at_ns;
        let mut tags = Vec::new();
        for name in &plan.meters {
            let Some(path) = named(name, event, now_ns, &mut tags) else { continue };
            if let Some(series) = self.series(record, &path, false, &mut tags) {
                let (_, meter) =
                    series.meters.entry(path.to_string()).or_insert_with(|| (path, <_>::default()));
                meter.mark();
            }
        }
        for (place, (name, value)) in plan.timers.iter().enumerate() {
            let Some(path) = named(name, event, now_ns, &mut tags) else { continue };
            let value: f64 = float(&value.render(event, now_ns)).parse().unwrap_or(0.0);
            // As in Logstash: nothing takes less than no time.
            if value < 0.0 {
                continue;
            }
            if let Some(series) = self.series(record, &path, true, &mut tags) {
                let (_, durations) =
                    series.timers.entry(path.to_string()).or_insert_with(|| (path, <_>::default()));
                durations.add(value, chance(record, number, place, durations.meter.count));
            }
        }
        tags
    }

    /// The shop's metrics, if there is room for this name.
    fn series(
        &mut self,
        record: &Record,
        path: &FieldPath,
        is_timer: bool,
        tags: &mut Vec<&'static str>,
    ) -> Option<&mut Series> {
        let name = path.to_string();
        let known = self.shops.get(&record.shop);
        let is_known = known.is_some_and(|series| match is_timer {
            true => series.timers.contains_key(&name),
            false => series.meters.contains_key(&name),
        });
        if !is_known {
            if known.map_or(0, Series::names) >= NAMES_MAX || self.names >= ALL_NAMES_MAX {
                tags.push(TOO_MANY_TAG);
                return None;
            }
            self.names += 1;
        }
        let counted = kept(record);
        let series = self
            .shops
            .entry(record.shop.clone())
            .or_insert_with(|| Series::new(&self.plan, counted.clone()));
        // Before it counts: ticks that have passed had only the events before.
        series.tick_until(record.received_at_ns);
        series.last = counted;
        series.has_news = true;
        self.next_flush_ns = self.next_flush_ns.min(series.next_flush_ns());
        Some(series)
    }
}

/// The field of a metric. The event's own words do not stand under a metric's name.
fn named(
    name: &FieldTemplate,
    event: &Event,
    now_ns: i64,
    tags: &mut Vec<&'static str>,
) -> Option<FieldPath> {
    let path = name.resolve(event, now_ns).filter(|path| {
        let first = path.segments().first();
        let bytes: usize = path.segments().iter().map(|segment| segment.key.len() + 2).sum();
        let fits = bytes <= NAME_BYTES_MAX + 2;
        fits && first.is_some_and(|first| !first.key.starts_with('@') && &*first.key != "tags")
    });
    if path.is_none() {
        tags.push(NAME_TAG);
    }
    path.map(std::borrow::Cow::into_owned)
}

/// A number that is even over all bits, and the same again for the same event.
fn chance(record: &Record, number: usize, place: usize, count: u64) -> u64 {
    let seed = record
        .id
        .0
        .iter()
        .fold(0_u64, |seed, byte| seed.wrapping_mul(0x0000_0100_0000_01b3) ^ u64::from(*byte));
    let mixed = seed ^ count.rotate_left(20) ^ (number as u64).rotate_left(40) ^ place as u64;
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests;
