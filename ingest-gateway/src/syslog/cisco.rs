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
    let Unmarked { text: unmarked, is_numbered, is_marked } = without_marks(text);
    if let Some((at, rest)) = time(unmarked, is_marked, clock) {
        let message = match without_zone(rest.trim_start_matches(' '), is_marked) {
            Some(content) => Message { timestamp_ns: Some(at), ..bsd::content(content) },
            None => bsd::after_time(at, None, rest, clock),
        };
        return Some(message);
    }
    if let Some(message) = from_node(unmarked, clock) {
        return Some(message);
    }
    // A device that writes its name does so behind the number: `29: edge-1: *Apr  1 12:34:56: `.
    if is_numbered
        && let Some((host, rest)) = unmarked.split_once(": ")
        && !host.contains(' ')
        && let Some((at, rest)) = time(rest.trim_start_matches(['*', '.', ' ']), true, clock)
    {
        let rest = rest.trim_start_matches(' ');
        let rest = without_zone(rest, true).or_else(|| rest.strip_prefix(':')).unwrap_or(rest);
        return Some(bsd::after_time(at, Some(host), rest, clock));
    }
    mnemonic(unmarked).map(|_| bsd::content(unmarked))
}

/// A time, or one with its year first, behind which a device says that it is one: by a colon, a zone, or a
/// mnemonic with perhaps the device's name before it.
fn time<'t>(text: &'t str, is_marked: bool, clock: Clock<'_>) -> Option<(i64, &'t str)> {
    timestamp::leading(text, clock).or_else(|| {
        let (at, rest) = timestamp::leading_with_year(text, clock)?;
        let behind = rest.trim_start_matches(' ');
        let is_named = || {
            let (_name, rest) = behind.split_once(' ')?;
            mnemonic(rest.trim_start_matches(' '))
        };
        let is_cisco = rest.starts_with(':')
            || without_zone(behind, is_marked).is_some()
            || mnemonic(behind).is_some()
            || is_named().is_some();
        is_cisco.then_some((at, rest))
    })
}

/// As IOS XR writes it: `RP/0/RSP0/CPU0:Nov 23 02:29:04.123 UTC: config[65710]: %MGBL-SYS-5-CONFIG_I : `,
/// the part of the device, the time, perhaps a zone, the process, and the mnemonic.
fn from_node<'a>(text: &'a str, clock: Clock<'_>) -> Option<Message<'a>> {
    let (node, rest) = text.split_once(':')?;
    if !node.contains('/') || node.contains(' ') {
        return None;
    }
    let read = timestamp::leading(rest, clock);
    let (at, rest) = read.or_else(|| timestamp::leading_with_year(rest, clock))?;
    let rest = rest.trim_start_matches([':', ' ']);
    let rest = match rest.split_once(": ") {
        Some((word, behind)) if is_zone(word, true) => behind.trim_start_matches(' '),
        _ => rest,
    };
    let (process, rest) = rest.split_once(": ")?;
    let (app, message) = mnemonic(rest.trim_start_matches(' '))?;
    let number = process.strip_suffix(']').and_then(|process| process.split_once('['));
    Some(Message {
        timestamp_ns: Some(at),
        app: Some(app),
        procid: number.map(|(_name, number)| number).filter(|number| !number.is_empty()),
        message: Some(message),
        ..Message::default()
    })
}

/// What a device wrote behind the host that a relay has put before it: without the number and the time that
/// stand there before the mnemonic.
pub(super) fn relayed<'a>(text: &'a str, clock: Clock<'_>) -> Option<&'a str> {
    let Unmarked { text: unmarked, is_marked, .. } = without_marks(text);
    let Some((_, rest)) = time(unmarked, is_marked, clock) else {
        return mnemonic(unmarked).map(|_| unmarked);
    };
    let rest = rest.trim_start_matches(' ');
    let rest = without_zone(rest, is_marked).unwrap_or(rest).trim_start_matches([':', ' ']);
    mnemonic(rest).map(|_| rest)
}

/// A text without what stood before its time.
#[derive(Clone, Copy, Debug)]
struct Unmarked<'a> {
    text: &'a str,
    /// There was a number.
    is_numbered: bool,
    /// There was a number or a mark.
    is_marked: bool,
}

/// Takes off what stands before a time: numbers with their colons (a count of messages, and perhaps a second
/// one of all events) and marks.
fn without_marks(text: &str) -> Unmarked<'_> {
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
    let text = if is_marked { rest.trim_start_matches(marks) } else { rest };
    Unmarked { text, is_numbered, is_marked }
}

/// What follows `UTC: `, if that stands there before a mnemonic.
pub(super) fn without_zone(text: &str, is_marked: bool) -> Option<&str> {
    let (word, rest) = text.split_once(": ")?;
    let rest = rest.trim_start_matches(' ');
    (is_zone(word, is_marked) && mnemonic(rest).is_some()).then_some(rest)
}

/// Whether a word names a zone. Where a number or a mark shows that a device wrote the time itself, so that a
/// name of a host would stand elsewhere, it is one whatever it is called.
fn is_zone(word: &str, is_marked: bool) -> bool {
    let is_like_one = (3..=5).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase());
    ZONES.contains(&word) || is_marked && is_like_one
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
