//! The stored form of a document: what a hit is made of, with the document's bytes as they came. It knows no
//! field.

use bytes::Bytes;
use tantivy::schema::document::{
    DeserializeError, DocumentDeserialize, DocumentDeserializer, ValueDeserialize,
    ValueDeserializer,
};

use crate::{Hit, IndexOperation};

/// Timestamp, receipt, lengths of id, index and shop, these three, then the document.
pub(crate) fn write_record(operation: &IndexOperation, out: &mut Vec<u8>) {
    out.extend_from_slice(&operation.timestamp_ns.to_le_bytes());
    out.extend_from_slice(&operation.received_at_ns.to_le_bytes());
    let names: [&str; 3] = [&operation.id, &operation.index, &operation.shop];
    for name in names {
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&length.to_le_bytes());
    }
    for name in names {
        out.extend_from_slice(str::as_bytes(name));
    }
    out.extend_from_slice(&operation.document);
}

/// The hit that a record holds; `None` if it is damaged.
pub(crate) fn read_record(record: Vec<u8>) -> Option<Hit> {
    let record = Bytes::from(record);
    let mut at = 0usize;
    let mut take = |length: usize| {
        let slice = record.get(at..at.checked_add(length)?)?;
        at += length;
        Some(slice)
    };
    let timestamp_ns = i64::from_le_bytes(take(8)?.try_into().ok()?);
    let received_at_ns = i64::from_le_bytes(take(8)?.try_into().ok()?);
    let mut lengths = [0usize; 3];
    for length in &mut lengths {
        *length = usize::from(u16::from_le_bytes(take(2)?.try_into().ok()?));
    }
    let mut name = |length: usize| String::from_utf8(take(length)?.to_vec()).ok();
    let (id, index, shop) = (name(lengths[0])?, name(lengths[1])?, name(lengths[2])?);
    let document = record.slice(at..);
    Some(Hit { id, index, shop, timestamp_ns, received_at_ns, document })
}

/// The stored part of a document.
pub(crate) struct StoredRecord(pub(crate) Vec<u8>);

struct RecordBytes(Vec<u8>);

impl ValueDeserialize for RecordBytes {
    fn deserialize<'de, D>(deserializer: D) -> Result<Self, DeserializeError>
    where
        D: ValueDeserializer<'de>,
    {
        deserializer.deserialize_bytes().map(Self)
    }
}

impl DocumentDeserialize for StoredRecord {
    fn deserialize<'de, D>(mut deserializer: D) -> Result<Self, DeserializeError>
    where
        D: DocumentDeserializer<'de>,
    {
        match deserializer.next_field::<RecordBytes>()? {
            Some((_, RecordBytes(bytes))) => Ok(Self(bytes)),
            None => Err(DeserializeError::custom("a document without its record")),
        }
    }
}
