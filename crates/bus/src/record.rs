//! A record: bytes on the bus with their identity and origin, never looked into here.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The identity of a record, from the door to the document's `_id`.
///
/// A UUIDv7 made by the door, or a hash of shop, idempotency key and line number, or derived from a
/// parent's, or a hash of a shop and a text that names one of its documents. Written as 32 lower-case
/// hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RecordId(pub [u8; 16]);

impl RecordId {
    /// Makes a new time-ordered id.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7().into_bytes())
    }

    /// The id of line `line` of the request with this idempotency key, so that a re-send collapses.
    #[must_use]
    pub fn from_idempotency_key(shop: &str, key: &str, line: u64) -> Self {
        Self::hashed(&[b"idempotency", shop.as_bytes(), key.as_bytes(), &line.to_be_bytes()])
    }

    /// The id of all events of a shop that are one document, which this text names. No text of another
    /// shop and no idempotency key gives the same.
    #[must_use]
    pub fn of_document(shop: &str, text: &str) -> Self {
        Self::hashed(&[b"document", shop.as_bytes(), text.as_bytes()])
    }

    /// The id of something made from this record: `role` names what (a stage, a clone, a score).
    #[must_use]
    pub fn derive(&self, role: &str) -> Self {
        Self::hashed(&[b"derived", &self.0, role.as_bytes()])
    }

    /// The id of what was made from this record and these bytes: `role` names what. Other bytes give another id.
    #[must_use]
    pub fn derive_from(&self, role: &str, bytes: &[u8]) -> Self {
        Self::hashed(&[b"derived from", &self.0, role.as_bytes(), bytes])
    }

    fn hashed(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digest = hash.finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }

    /// Reads 32 hexadecimal digits; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 {
            return None;
        }
        Uuid::try_parse(text).ok().map(|id| Self(id.into_bytes()))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        f.write_str(Uuid::from_bytes(self.0).simple().encode_lower(&mut text))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How the enricher turns the payload into an event.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// The payload is one JSON object; anything else is refused.
    #[default]
    Json,
    /// The payload is the text of `message`.
    Plain,
}

/// Bytes on the bus, with where they came from. Cloning shares all bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Identity, kept by every replay.
    pub id: RecordId,
    /// When the door took it, nanoseconds since 1970 UTC: the stages' only "now".
    pub received_at_ns: i64,
    /// Tenant; `default` until shops are made.
    pub shop: ByteString,
    /// Who sent it: the peer's address without port for sockets.
    pub source: ByteString,
    /// Which door took it: `tcp`, `udp`, `http`, or the stage that made it.
    pub listener: ByteString,
    /// How to decode the payload.
    pub codec: Codec,
    /// Content type as the sender named it, or empty, and behind it what [`crate::described_request`] tells; of lines
    /// that a door joined, what [`crate::Joined`] tells, and of a document what [`crate::document_type`] does.
    pub content_type: ByteString,
    /// W3C `traceparent`, or empty.
    pub trace_context: ByteString,
    /// How often it was replayed from the dead letters: 0 the first time.
    pub attempt: u16,
    /// Chooses the partition together with the shop; empty means that the id does.
    pub routing_key: ByteString,
    /// Log type of its event, where the stage that made it says so: its place in the schema's list. For
    /// others' clients, who read the name in a message's headers: frames leave it out, and nothing reads
    /// it back.
    pub log_type: Option<u8>,
    /// The original bytes.
    pub payload: Bytes,
}

/// Where a record stands: committed offsets are those of whole frames.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition within the topic.
    pub partition: u32,
    /// Offset of the frame within the partition.
    pub offset: u64,
    /// Place of the record within the frame.
    pub index: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.topic, self.partition, self.offset, self.index)
    }
}

#[cfg(test)]
mod tests;
