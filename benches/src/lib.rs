//! What benches share: shop events, a search engine that answers at once, services alone under
//! measurement, and what is measured of a process beside the clock: CPU seconds and resident memory, from
//! Linux's /proc. Nothing here is a bench.

pub mod doors;
pub mod dumb_engine;
pub mod services;

use std::fs;

use bus::{Record, RecordId};
use bytes::Bytes;
use millrace::generate::{Generator, Options};

/// Lets a platform take no usual port, which somebody else may have.
pub const NO_DEFAULT_DOORS: &str = "--no-default-doors";

/// When [`shop_events`] are received, 2026-11-20T02:00:00Z: soon after the last one, since an event whose time cannot be
/// believed takes another way.
pub const RECEIVED_AT_NS: i64 = 1_795_140_000_000_000_000;

/// The shop events that benches send: well-formed, 3 % with a value that does not convert, the same each
/// time.
///
/// # Panics
/// Never: the time is one.
#[must_use]
pub fn shop_events(count: u64) -> Generator {
    Generator::new(Options {
        count,
        seed: 7,
        start: "2026-11-20T00:00:00Z".parse().expect("a time"),
        span_seconds: 3_600,
        malformed_share: 0.0,
        dirty_share: 0.03,
        customers: 5_000,
    })
}

/// The same as records that came over TCP, each with an id of its own.
///
/// # Panics
/// Never: see [`shop_events`].
#[must_use]
pub fn shop_records(count: u64) -> Vec<Record> {
    let record = |(number, line): (usize, Vec<u8>)| Record {
        id: RecordId((number as u128).to_be_bytes()),
        received_at_ns: RECEIVED_AT_NS,
        shop: "default".into(),
        source: "127.0.0.1".into(),
        listener: "tcp".into(),
        payload: Bytes::from(line),
        ..Record::default()
    };
    shop_events(count).enumerate().map(record).collect()
}

/// Clock ticks of /proc a second: fixed in Linux's interface to programs.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds of a process, the kernel's share included; `process` is `self` or a process's number.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn cpu_seconds(process: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the process runs");
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// A line of a process's memory, in bytes: `VmHWM` is the most that was resident, `RssAnon` what of it
/// is not from files.
///
/// # Panics
/// There is no such process, or no such line.
#[must_use]
pub fn memory_bytes(process: &str, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process runs");
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kilobytes = value.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("a line of memory") << 10
}
