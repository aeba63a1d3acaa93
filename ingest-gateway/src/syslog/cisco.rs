//! What Cisco's devices write before and behind the time: sequence numbers, marks of clocks that are not
//! set, zones, and `%FACILITY-SEVERITY-MNEMONIC:`.

use super::timestamp::{self, Clock};
use super::{Message, bsd};

/// Names of zones that stand between a time and a colon.
const ZONES: [&str; 27] = [
    "UTC", "GMT", "Z", "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "WET", "WEST",
    "CET", "CEST", "MET", "MEST", "EET", "EEST", "MSK", "BST", "IST", "JST", "AEST", "AEDT",
    "NZST", "NZDT",
];

/// Reads a header with marks before its time, or a message that begins with its mnemonic.
pub(super) fn read<'a>(text: &'a str, clock: Clock<'_>) -> Option<Message<'a>> {
    let (unmarked, is_numbered) = without_marks(text);
    let timed = |text: &'a str, host| {
        let (at, rest) = time(text, clock)?;
        Some(bsd::after_time(at, host, rest, clock))
    };
    if let Some(message) = timed(unmarked, None) {
        return Some(message);
    }
    // A device that writes its name does so behind the number: `29: edge-1: *Apr  1 12:34:56: `.
    if is_numbered
        && let Some((host, rest)) = unmarked.split_once(": ")
        && !host.contains(' ')
        && let Some((at, rest)) = time(rest.trim_start_matches(['*', '.', ' ']), clock)
    {
        let rest = rest.trim_start_matches(' ');
        let rest = without_zone(rest).or_else(|| rest.strip_prefix(':')).unwrap_or(rest);
        return Some(bsd::after_time(at, Some(host), rest, clock));
    }
    mnemonic(unmarked).map(|_| bsd::content(unmarked))
}

/// A time, or one with its year first, which must have a colon behind it.
fn time<'t>(text: &'t str, clock: Clock<'_>) -> Option<(i64, &'t str)> {
    timestamp::leading(text, clock).or_else(|| {
        let (at, rest) = timestamp::leading_with_year(text, clock)?;
        let is_cisco =
            rest.starts_with(':') || without_zone(rest.trim_start_matches(' ')).is_some();
        is_cisco.then_some((at, rest))
    })
}

/// What a device wrote behind the host that a relay has put before it: without the number and the time that
/// stand there before the mnemonic.
pub(super) fn relayed<'a>(text: &'a str, clock: Clock<'_>) -> Option<&'a str> {
    let (unmarked, _) = without_marks(text);
    let Some((_, rest)) = time(unmarked, clock) else {
        return mnemonic(unmarked).map(|_| unmarked);
    };
    let rest = rest.trim_start_matches(' ');
    let rest = without_zone(rest).unwrap_or(rest).trim_start_matches([':', ' ']);
    mnemonic(rest).map(|_| rest)
}

/// Takes off what stands before a time: numbers with their colons (a count of messages, and perhaps a second
/// one of all events) and marks, and says whether there was a number.
fn without_marks(text: &str) -> (&str, bool) {
    let mut rest = text;
    for _ in 0..2 {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        match rest[digits..].strip_prefix(": ") {
            Some(after) if digits > 0 => rest = after.trim_start_matches(' '),
            _ => break,
        }
    }
    let is_numbered = rest.len() < text.len();
    let marks = [':', '*', '.', ' '];
    // A blank alone is no mark: what it stands before is a message.
    let is_marked = is_numbered || rest.starts_with(&marks[..3]);
    (if is_marked { rest.trim_start_matches(marks) } else { rest }, is_numbered)
}

/// What follows `UTC: `, if that stands there before a mnemonic.
pub(super) fn without_zone(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once(": ")?;
    let rest = rest.trim_start_matches(' ');
    (ZONES.contains(&word) && mnemonic(rest).is_some()).then_some(rest)
}

/// `%FACILITY-SEVERITY-MNEMONIC` and the message behind its colon.
pub(super) fn mnemonic(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('%')?;
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/' | b'.');
    let length = inner.bytes().take_while(is_part).count();
    let name = &text[..=length];
    let is_severity = |part: &str| matches!(part.as_bytes(), [b'0'..=b'7']);
    let mut parts = inner[..length].split('-');
    if parts.next() == Some("") || !parts.any(is_severity) {
        return None;
    }
    let rest = &inner[length..];
    let message = rest.strip_prefix(':').or_else(|| rest.strip_prefix(" :"))?;
    Some((name, message.strip_prefix(' ').unwrap_or(message)))
}
