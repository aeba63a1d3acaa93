//! Syslog messages: RFC 5424, RFC 3164 and what Cisco's devices make of the latter, to records.
//!
//! Pure: bytes and the time of receipt in, a record of JSON out, named as the Elastic Common Schema and
//! Logstash's input name them. The line stays with it whole, as `event.original`, and where it is not UTF-8
//! its bytes too, as `event.original_base64`. Nothing is refused: what breaks the rules becomes a record
//! whose `message` is the line, with a tag. Knows no socket and no framing, and reads no clock.

mod bsd;
mod cisco;
mod priority;
mod record;
mod rfc5424;
mod structured_data;
mod timestamp;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::tz::TimeZone;
use redaction::LineMask;

pub use priority::Priority;
pub use structured_data::StructuredData;
pub use timestamp::zone_by_name;

use priority::Found;

/// The tag of a message that breaks the rules of its format, as Logstash's input names it.
pub const FAILURE_TAG: &str = "_grokparsefailure_sysloginput";
/// The tag of a message that is not UTF-8.
pub const INVALID_UTF8_TAG: &str = "_invalid_utf8";

/// A message as it goes to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// One JSON object.
    pub record: Vec<u8>,
    /// Whether the message says a time that can be used.
    pub has_time: bool,
}

/// Reads messages; cloning shares.
#[derive(Clone, Debug)]
pub struct Parser {
    zone: TimeZone,
    mask: Option<Arc<LineMask>>,
}

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message<'a> {
    /// Facility and severity.
    pub priority: Priority,
    /// Version of RFC 5424's header, if it has that.
    pub version: Option<u8>,
    /// When it happened, nanoseconds since 1970 UTC.
    pub timestamp_ns: Option<i64>,
    /// Who wrote it: a name or an address.
    pub host: Option<&'a str>,
    /// The program: APP-NAME, the name of RFC 3164's TAG, or Cisco's `%FACILITY-SEVERITY-MNEMONIC`.
    pub app: Option<&'a str>,
    /// The process: PROCID, or what stood in the tag's brackets.
    pub procid: Option<&'a str>,
    /// MSGID.
    pub msgid: Option<&'a str>,
    /// STRUCTURED-DATA.
    pub structured_data: Option<StructuredData<'a>>,
    /// What it says; none where RFC 5424's message is absent.
    pub message: Option<&'a str>,
    /// It breaks the rules: only the priority may be from it, and the message is the whole line.
    pub is_failure: bool,
}

impl Parser {
    /// For senders whose times without a zone are of this one.
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, mask: None }
    }

    /// Masks the bytes of lines that are not UTF-8: in base64 nobody would see what they hold. All else is for
    /// whoever takes the records.
    #[must_use]
    pub fn masking(self, mask: Arc<LineMask>) -> Self {
        Self { mask: Some(mask), ..self }
    }

    /// Reads one message, which came at `received_at_ns` (nanoseconds since 1970 UTC): a time without a year
    /// is the nearest one to it. `None` for a line without a byte.
    #[must_use]
    pub fn parse<'a>(&self, line: &'a str, received_at_ns: i64) -> Option<Message<'a>> {
        let line = without_trailer(line);
        if line.is_empty() {
            return None;
        }
        let clock = timestamp::Clock { zone: &self.zone, received_at_ns };
        Some(match priority::read(line) {
            Found::Given(priority, rest) => match rfc5424::version(rest) {
                rfc5424::Version::One(rest) => rfc5424::read(rest)
                    .map_or_else(|| failure(priority, line), |read| Message { priority, ..read }),
                rfc5424::Version::Unknown => failure(priority, line),
                rfc5424::Version::Absent => Message { priority, ..bsd::read(rest, clock) },
            },
            Found::Absent => bsd::read(line, clock),
            Found::Broken => failure(Priority::default(), line),
        })
    }

    /// The record of a message, which came at `received_at_ns`: one JSON object. `None` for a line without
    /// a byte.
    #[must_use]
    pub fn record(&self, line: &[u8], received_at_ns: i64) -> Option<Vec<u8>> {
        self.write(line, received_at_ns).map(|written| written.record)
    }

    /// The same, with what its door counts.
    #[must_use]
    pub fn write(&self, line: &[u8], received_at_ns: i64) -> Option<Written> {
        let text = String::from_utf8_lossy(line);
        let message = self.parse(&text, received_at_ns)?;
        let original = without_trailer(&text);
        // What is left out at the end is ASCII, and as long in the bytes as in the text.
        let bytes = &line[..line.len() - (text.len() - original.len())];
        let is_utf8 = matches!(text, Cow::Borrowed(_));
        let mask = self.mask.as_ref().filter(|_| !is_utf8);
        let masked = mask.and_then(|mask| mask.mask(bytes, false));
        let bytes = masked.as_ref().map_or(bytes, |masked| masked.bytes.as_slice());
        let record = record::write(&message, original, (!is_utf8).then_some(bytes));
        Some(Written { record, has_time: message.timestamp_ns.is_some() })
    }
}

/// RFC 3164 4.3.3: what is no message is the text of one.
fn failure(priority: Priority, line: &str) -> Message<'_> {
    Message { priority, message: Some(line), is_failure: true, ..Message::default() }
}

/// One line feed, carriage return with it, and one NUL at the end are framing that senders leave in.
fn without_trailer(line: &str) -> &str {
    let without_nul = line.strip_suffix('\0');
    let line = without_nul.unwrap_or(line);
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    if without_nul.is_some() { line } else { line.strip_suffix('\0').unwrap_or(line) }
}

#[cfg(test)]
mod tests;
