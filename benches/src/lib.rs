//! What benches measure of a process beside the clock: CPU seconds and resident memory, from Linux's
//! /proc. Nothing here runs a bench.

use std::fs;

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
