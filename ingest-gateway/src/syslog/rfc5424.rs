//! The header of RFC 5424 behind its PRI: version, time, host, program, process, message id, structured
//! data, and the message.
//!
//! Strict where the RFC says MUST; lengths are not held against a sender.

use super::timestamp::{self, Rfc3339};
use super::{Message, structured_data};

/// How the RFC writes "nothing".
const NIL: &str = "-";
/// It begins a message that is UTF-8 for certain (6.4).
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What says that a line has this header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version<'a> {
    /// Version 1, and what follows.
    One(&'a str),
    /// A version that nobody has written down.
    Unknown,
    /// It is another format.
    Absent,
}

/// Reads the version. A number before anything but a time may be a word of RFC 3164's message.
pub(super) fn version(text: &str) -> Version<'_> {
    let Some((version, rest)) = text.split_once(' ') else { return Version::Absent };
    if version == "1" {
        return Version::One(rest);
    }
    let is_number = (1..=3).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit());
    let word = rest.split(' ').next().unwrap_or_default();
    let is_time = word == NIL || !matches!(timestamp::rfc3339(word), Rfc3339::Illegal);
    if is_number && is_time { Version::Unknown } else { Version::Absent }
}

/// Reads what follows the version; `None` if it breaks the rules.
pub(super) fn read(text: &str) -> Option<Message<'_>> {
    let (time, text) = field(text)?;
    let timestamp_ns = match time.map(timestamp::rfc3339) {
        None | Some(Rfc3339::Unusable) => None,
        Some(Rfc3339::At(instant)) => Some(instant),
        Some(Rfc3339::Illegal) => return None,
    };
    let (host, text) = field(text)?;
    let (app, text) = field(text)?;
    let (procid, text) = field(text)?;
    let (msgid, text) = field(text)?;
    let (structured_data, rest) = match text.strip_prefix(NIL) {
        Some(rest) => (None, rest),
        None => structured_data::read(text).map(|(data, rest)| (Some(data), rest))?,
    };
    let message = match rest.strip_prefix(' ') {
        Some(message) => Some(message.strip_prefix(BYTE_ORDER_MARK).unwrap_or(message)),
        None if rest.is_empty() => None,
        None => return None,
    };
    Some(Message {
        version: Some(1),
        timestamp_ns,
        host,
        app,
        procid,
        msgid,
        structured_data,
        message,
        ..Message::default()
    })
}

/// A word of the header, which has at least one character and a blank behind it.
fn field(text: &str) -> Option<(Option<&str>, &str)> {
    let (word, rest) = text.split_once(' ')?;
    match word {
        "" => None,
        NIL => Some((None, rest)),
        word => Some((Some(word), rest)),
    }
}
