//! Makes a shop's log events of five types, with a known truth beside them.
//!
//! The same seed, start and counts give the same bytes on every machine. Reads no clock: the caller
//! says when the stream starts.

mod body;
mod catalog;
mod customer;
mod fault;
mod spelling;
mod timestamp;

use std::collections::BTreeMap;

use jiff::Timestamp;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use customer::{Customer, pick, weighted};

/// What the stream holds.
#[derive(Clone, Debug)]
pub struct Options {
    /// Lines in all.
    pub count: u64,
    /// Seed.
    pub seed: u64,
    /// Time of the first event.
    pub start: Timestamp,
    /// Event time that the stream covers, in seconds.
    pub span_seconds: u64,
    /// Share of lines that are not one JSON object, 0 to 1.
    pub malformed_share: f64,
    /// Share of events with one value that does not convert, 0 to 1.
    pub dirty_share: f64,
    /// Different customers.
    pub customers: u32,
}

/// A log type that shops write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogType {
    Transaction,
    Error,
    UserBehavior,
    Performance,
    FraudDetection,
}

impl LogType {
    fn name(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Error => "error",
            Self::UserBehavior => "user_behavior",
            Self::Performance => "performance",
            Self::FraudDetection => "fraud_detection",
        }
    }
}

/// How often each type comes.
const MIX: &[(u32, LogType)] = &[
    (20, LogType::Transaction),
    (10, LogType::Error),
    (50, LogType::UserBehavior),
    (15, LogType::Performance),
    (5, LogType::FraudDetection),
];

/// How late an event may be, in milliseconds, with weights.
const LATENESS_MILLIS: &[(u32, i64)] = &[(80, 0), (15, 400), (4, 5_000), (1, 7_200_000)];

/// What a correct platform counts after this stream.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize, PartialEq, Eq)]
pub struct Summary {
    /// Lines written.
    pub lines: u64,
    /// Lines that are one JSON object.
    pub well_formed: u64,
    /// Events by log type.
    pub by_type: BTreeMap<String, u64>,
    /// Events with a usable time by UTC day, `YYYY.MM.DD`.
    pub by_day: BTreeMap<String, u64>,
    /// Events with a usable time by index, without its prefix: `transaction-2026.11.20`.
    pub by_index: BTreeMap<String, u64>,
    /// Events without a usable time: they go to the day of receipt.
    pub no_usable_timestamp: u64,
    /// The same by log type.
    pub no_usable_timestamp_by_type: BTreeMap<String, u64>,
    /// Events with an awkward value, which may still be converted.
    pub dirty: u64,
    /// Events with a value that cannot be converted, by field: it stands in `shop.unparsed`.
    pub unparsed_by_field: BTreeMap<String, u64>,
    /// Malformed lines by what is wrong with them.
    pub malformed_by_kind: BTreeMap<String, u64>,
    /// The dead letters that these lines become, by kind.
    pub dead_by_kind: BTreeMap<String, u64>,
}

/// The stream: an iterator over lines without their newline.
#[derive(Debug)]
pub struct Generator {
    options: Options,
    random: ChaCha8Rng,
    customers: Vec<Customer>,
    next: u64,
    summary: Summary,
}

impl Generator {
    /// Starts a stream.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        let customers =
            (0..options.customers.max(1)).map(|n| Customer::make(&mut random, n)).collect();
        Self { options, random, customers, next: 0, summary: Summary::default() }
    }

    /// The truth about the lines made so far.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn time_of(&mut self, number: u64) -> Timestamp {
        let span_millis = self.options.span_seconds * 1000;
        let count = self.options.count.max(1);
        let offset = u128::from(span_millis) * u128::from(number) / u128::from(count);
        let late = weighted(&mut self.random, LATENESS_MILLIS);
        let millis = self.options.start.as_millisecond() + offset as i64 - late;
        Timestamp::from_millisecond(millis).unwrap_or(self.options.start)
    }

    fn customer(&mut self) -> usize {
        // Half the visits come from few people: a draw squared twice leans to the first ones.
        let uniform: f64 = self.random.random();
        let share = if self.random.random_bool(0.5) { uniform.powi(4) } else { uniform };
        ((share * self.customers.len() as f64) as usize).min(self.customers.len() - 1)
    }

    fn line(&mut self, number: u64) -> Line {
        let kind = weighted(&mut self.random, MIX);
        let customer = self.customer();
        let mut event = body::make(&mut self.random, kind, &self.customers[customer], number);
        let time = self.time_of(number);
        let mut stamp = Some(timestamp::written(&mut self.random, time));
        let mut line =
            Line { bytes: Vec::new(), kind, time: Some(time), dirty: false, unparsed: None };
        if self.random.random_bool(self.options.dirty_share) {
            if self.random.random_bool(0.1) {
                stamp = fault::unusable_timestamp(&mut self.random);
                line.time = None;
            } else {
                line.dirty = true;
                line.unparsed = fault::soil(&mut self.random, kind, &mut event);
            }
        }
        let mut whole = serde_json::Map::with_capacity(event.len() + 2);
        whole.insert("event_id".to_owned(), json!(format!("{}-{number}", self.options.seed)));
        if let Some(stamp) = stamp {
            whole.insert("timestamp".to_owned(), stamp);
        }
        whole.extend(event);
        line.bytes = spelling::spelled(&mut self.random, &Value::Object(whole));
        line
    }
}

/// A line that is one JSON object, and what is known of it.
#[derive(Debug)]
struct Line {
    bytes: Vec<u8>,
    kind: LogType,
    /// When it happened, if the line says so.
    time: Option<Timestamp>,
    /// It has an awkward value.
    dirty: bool,
    /// The field whose value cannot be converted.
    unparsed: Option<&'static str>,
}

impl Summary {
    fn count(&mut self, line: &Line) {
        let log_type = line.kind.name();
        add(&mut self.by_type, log_type);
        match line.time {
            Some(time) => {
                let day = time.strftime("%Y.%m.%d").to_string();
                add(&mut self.by_day, &day);
                add(&mut self.by_index, &format!("{log_type}-{day}"));
            }
            None => add(&mut self.no_usable_timestamp_by_type, log_type),
        }
        if let Some(field) = line.unparsed {
            add(&mut self.unparsed_by_field, field);
        }
        self.well_formed += 1;
        self.no_usable_timestamp += u64::from(line.time.is_none());
        self.dirty += u64::from(line.dirty);
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str) {
    *counts.entry(name.to_owned()).or_default() += 1;
}

impl Iterator for Generator {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.next >= self.options.count {
            return None;
        }
        let line = self.line(self.next);
        self.next += 1;
        self.summary.lines += 1;
        if self.random.random_bool(self.options.malformed_share) {
            let &(fault, dead) = pick(&mut self.random, fault::MALFORMED);
            add(&mut self.summary.malformed_by_kind, fault);
            add(&mut self.summary.dead_by_kind, dead);
            return Some(fault::break_line(&mut self.random, fault, &line.bytes));
        }
        self.summary.count(&line);
        Some(line.bytes)
    }
}

#[cfg(test)]
mod tests;
