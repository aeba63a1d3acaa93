//! Records as Kafka messages, and back: version 1 of the headers.
//!
//! A message says by its headers what it is, so a topic may hold both forms, and messages of others
//! beside ours. Headers that are not known are ignored; a version that is not known is never guessed at.

mod decode;
mod encode;

pub(crate) use decode::{Decoder, Incoming, Raw};
pub(crate) use encode::{FRAME_OVERHEAD_BYTES, Outgoing, message_bytes, one_record, whole_frame};

/// Says that a message is ours, and the version of its headers.
pub(crate) const VERSION: &str = "millrace-version";
/// The version that is written.
pub(crate) const VERSION_1: &[u8] = b"1";
/// What the value is; a message without it holds one record.
pub(crate) const FORMAT: &str = "millrace-format";
/// The value is a frame of many records.
pub(crate) const FORMAT_BATCH: &[u8] = b"batch";
/// The value is the payload of one record.
pub(crate) const FORMAT_JSON: &[u8] = b"json";
/// Number of records in a frame.
pub(crate) const RECORDS: &str = "millrace-records";
/// Id of the record, 32 hexadecimal digits.
pub(crate) const ID: &str = "millrace-id";
/// When the door took it, nanoseconds since 1970 UTC.
pub(crate) const RECEIVED_AT: &str = "millrace-received-at-ns";
/// Tenant.
pub(crate) const SHOP: &str = "millrace-shop";
/// Who sent it.
pub(crate) const SOURCE: &str = "millrace-source";
/// Which door or stage made it.
pub(crate) const LISTENER: &str = "millrace-listener";
/// Log type of the event, for others' clients: never read back.
pub(crate) const TYPE: &str = "millrace-type";
/// How the payload is decoded: `json`, where it is missing, or `plain`.
pub(crate) const CODEC: &str = "millrace-codec";
/// Content type as the sender named it.
pub(crate) const CONTENT_TYPE: &str = "content-type";
/// W3C trace context.
pub(crate) const TRACE_CONTEXT: &str = "traceparent";
/// How often it was replayed; 0 where it is missing.
pub(crate) const ATTEMPT: &str = "millrace-attempt";
/// What chooses the partition together with the shop.
pub(crate) const ROUTING_KEY: &str = "millrace-routing-key";

#[cfg(test)]
mod tests;
