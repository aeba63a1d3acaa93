//! A pattern of `grok` is compiled or refused, and takes any text apart in bounded time.

use bus::Codec;

use crate::{one_filter, trial};

/// The bytes up to the first end of line are the pattern, the others what it is matched with.
pub fn hold(data: &[u8]) {
    let (pattern, line) =
        data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len()));
    let Ok(pattern) = std::str::from_utf8(pattern) else { return };
    let options = vec![
        ("match", one_filter::pair("message", one_filter::text(pattern))),
        ("pattern_definitions", one_filter::pair("MINE", one_filter::text("[a-c]+|%{INT}"))),
    ];
    if let Some(plan) = one_filter::plan("grok", options) {
        trial::run(&plan, line.strip_prefix(b"\n").unwrap_or(line), Codec::Plain);
        trial::run(&plan, b"2026-11-24 11:59:01,5 ERROR [a-b] 192.0.2.1 \"x\" = abc", Codec::Plain);
    }
}
