//! Writes messages. Headers that would say nothing are left out.

use bus::frame::{Frame, TEXT_BYTES_MAX};
use bus::partitioner::write_key;
use bus::{Codec, Record};
use rdkafka::message::{Header, OwnedHeaders};

use super::{
    ATTEMPT, CODEC, CONTENT_TYPE, FORMAT, FORMAT_BATCH, ID, LISTENER, RECEIVED_AT, RECORDS,
    ROUTING_KEY, SHOP, SOURCE, TRACE_CONTEXT, TYPE, VERSION, VERSION_1,
};

/// Bytes of a message beside its key, value and headers, at most; and of each header beside its parts.
const FIXED_BYTES: usize = 64;
const HEADER_FIXED_BYTES: usize = 10;

/// A message that is ready to go.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) partition: u32,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: std::borrow::Cow<'a, [u8]>,
    pub(crate) headers: OwnedHeaders,
    pub(crate) bytes: usize,
}

/// The Kafka key of a record: what the partitioner hashes, so that others' clients choose alike.
fn key(record: &Record) -> Vec<u8> {
    let mut key = Vec::with_capacity(record.shop.len() + 1 + record.routing_key.len());
    write_key(record, &mut key);
    key
}

/// Bytes of a record as a message of its own, or `None` if one of its texts is too long.
pub(crate) fn message_bytes(record: &Record) -> Option<usize> {
    let texts = texts(record);
    let mut bytes =
        FIXED_BYTES + record.payload.len() + record.shop.len() + record.routing_key.len();
    // Version, id, time of receipt, codec, attempt and type.
    let log_type = log_type(record).unwrap_or_default();
    bytes += 16 + 6 * HEADER_FIXED_BYTES + 130 + TYPE.len() + log_type.len();
    for (name, text) in texts {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        if !text.is_empty() {
            bytes += HEADER_FIXED_BYTES + name.len() + text.len();
        }
    }
    Some(bytes)
}

fn log_type(record: &Record) -> Option<&'static str> {
    schema::LOG_TYPES.get(usize::from(record.log_type?)).copied()
}

fn texts(record: &Record) -> [(&'static str, &str); 6] {
    [
        (SHOP, &record.shop),
        (SOURCE, &record.source),
        (LISTENER, &record.listener),
        (CONTENT_TYPE, &record.content_type),
        (TRACE_CONTEXT, &record.trace_context),
        (ROUTING_KEY, &record.routing_key),
    ]
}

fn add(headers: OwnedHeaders, name: &str, value: &[u8]) -> OwnedHeaders {
    headers.insert(Header { key: name, value: Some(value) })
}

/// A record as a message of its own.
pub(crate) fn one_record(record: &Record, partition: u32, bytes: usize) -> Outgoing<'_> {
    let mut headers = OwnedHeaders::new_with_capacity(12);
    headers = add(headers, VERSION, VERSION_1);
    headers = add(headers, ID, record.id.to_string().as_bytes());
    headers = add(headers, RECEIVED_AT, record.received_at_ns.to_string().as_bytes());
    for (name, text) in texts(record) {
        if !text.is_empty() {
            headers = add(headers, name, text.as_bytes());
        }
    }
    if record.codec == Codec::Plain {
        headers = add(headers, CODEC, b"plain");
    }
    if record.attempt > 0 {
        headers = add(headers, ATTEMPT, record.attempt.to_string().as_bytes());
    }
    if let Some(log_type) = log_type(record) {
        headers = add(headers, TYPE, log_type.as_bytes());
    }
    Outgoing {
        partition,
        key: Some(key(record)),
        value: std::borrow::Cow::Borrowed(&record.payload),
        headers,
        bytes,
    }
}

/// A frame as a message.
pub(crate) fn whole_frame(frame: Frame, partition: u32) -> Outgoing<'static> {
    let mut headers = OwnedHeaders::new_with_capacity(3);
    headers = add(headers, VERSION, VERSION_1);
    headers = add(headers, FORMAT, FORMAT_BATCH);
    headers = add(headers, RECORDS, frame.records.to_string().as_bytes());
    let bytes = frame.bytes.len() + FRAME_OVERHEAD_BYTES;
    let value = std::borrow::Cow::Owned(frame.bytes);
    Outgoing { partition, key: None, value, headers, bytes }
}

/// Bytes of a message beside the frame it holds.
pub(crate) const FRAME_OVERHEAD_BYTES: usize = 192;
