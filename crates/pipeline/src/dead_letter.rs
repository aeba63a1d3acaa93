//! A dead letter: a refused record with its reason and origin, as JSON on `logs.dead`.
//!
//! Its id is the record's and the stage's with a hash of the payload: a replay that fails again overwrites it,
//! and what else a sender sends under the same id has a letter of its own. It reads no clock.
//! It holds what the door gave it: card numbers and secrets were masked there, or they are in it, and masking is
//! for those who show it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bus::{Codec, Position, Record, RecordId, TOPIC_RAW};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::stage::Rejection;

/// Largest part of a payload that a dead letter holds; larger ones stand at their position.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;
/// Longest message that a dead letter holds, in bytes; longer ones are cut.
pub const MESSAGE_BYTES_MAX: usize = 2 * 1024;
/// How often a record may be replayed unless a setting says otherwise.
pub const REPLAY_ATTEMPTS_MAX: u16 = 16;

/// A refused record in its envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// `<record id>-<stage>-<hash of the payload>`; letters of before have no hash.
    pub id: String,
    /// Who refused it: a stage or a door.
    pub stage: String,
    /// Why, as a short name for counting.
    pub kind: String,
    /// Why, for a person.
    pub message: String,
    /// Byte of the payload where it went wrong, where that is known.
    pub position_bytes: Option<u64>,
    /// Topic it was read from; absent for what a door refused.
    pub topic: Option<String>,
    /// Partition of the topic.
    pub partition: Option<u32>,
    /// Offset of its frame.
    pub offset: Option<u64>,
    /// Place within the frame.
    pub index: Option<u32>,
    /// Tenant.
    pub shop: String,
    /// Who sent it.
    pub source: String,
    /// Which door took it, or the stage that made it.
    pub listener: String,
    /// How it is decoded.
    pub codec: Codec,
    /// Content type as the sender named it, or empty.
    pub content_type: String,
    /// W3C `traceparent`, or empty.
    pub trace_context: String,
    /// Chooses the partition; empty means that the id does.
    pub routing_key: String,
    /// How often it had been replayed when it was refused.
    pub attempt: u16,
    /// When the door took it.
    pub received_at: Timestamp,
    /// When it died, which is when it was received: stages have no clock.
    pub dead_at: Timestamp,
    /// Size of the original payload in bytes.
    pub payload_bytes: u64,
    /// The payload in base64. Absent if it is larger than [`PAYLOAD_BYTES_MAX`] and stands at its
    /// position, or if the bus took the letter only without it; its beginning if it stands nowhere.
    pub payload: Option<String>,
}

/// Why a dead letter is not replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It would go round for ever.
    #[error(
        "dead letter {id} was replayed {attempts} times already (at most {attempts_max}): mend \
         what refuses it, or raise replay_attempts_max"
    )]
    TooOften {
        /// The dead letter.
        id: String,
        /// How often it was replayed.
        attempts: u16,
        /// The limit.
        attempts_max: u16,
    },
    /// Its bytes are not in the letter: read them from this position and hand them over.
    #[error("the payload of dead letter {id} stands at {position}, not in the letter")]
    StoredAt {
        /// The dead letter.
        id: String,
        /// Where its bytes are, until retention removes them.
        position: Position,
    },
    /// Only a part of its bytes was kept, or what the letter says of them is not true.
    #[error("the payload of dead letter {id} is not whole, so it cannot be replayed")]
    NotWhole {
        /// The dead letter.
        id: String,
    },
}

/// Hexadecimal digits of the payload's hash in an id.
const HASH_DIGITS: usize = 16;
/// Bytes of an id that are the record's, with the dash behind them.
const RECORD_BYTES: usize = 33;

/// The id of this record's letter. The hash is that of the whole payload, also where the letter holds a part.
fn id_of(stage: &str, record: &Record) -> String {
    let hash = record.id.derive_from("dead letter", &record.payload).to_string();
    format!("{}-{stage}-{}", record.id, &hash[..HASH_DIGITS])
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

impl DeadLetter {
    /// Puts a refused record into its envelope. `position` is where it was read, for a stage.
    #[must_use]
    pub fn new(
        stage: &str,
        record: &Record,
        position: Option<&Position>,
        rejection: &Rejection,
    ) -> Self {
        let whole = record.payload.len() <= PAYLOAD_BYTES_MAX;
        let kept = &record.payload[..record.payload.len().min(PAYLOAD_BYTES_MAX)];
        let received_at = Timestamp::from_nanosecond(record.received_at_ns.into())
            .expect("64 bits of nanoseconds end in the year 2262");
        Self {
            id: id_of(stage, record),
            stage: stage.to_owned(),
            kind: rejection.kind.clone().into_owned(),
            message: cut(&rejection.message, MESSAGE_BYTES_MAX).to_owned(),
            position_bytes: rejection.position_bytes,
            topic: position.map(|at| at.topic.to_string()),
            partition: position.map(|at| at.partition),
            offset: position.map(|at| at.offset),
            index: position.map(|at| at.index),
            shop: record.shop.to_string(),
            source: record.source.to_string(),
            listener: record.listener.to_string(),
            codec: record.codec,
            content_type: record.content_type.to_string(),
            trace_context: record.trace_context.to_string(),
            routing_key: record.routing_key.to_string(),
            attempt: record.attempt,
            received_at,
            dead_at: received_at,
            payload_bytes: record.payload.len() as u64,
            payload: (whole || position.is_none()).then(|| BASE64.encode(kept)),
        }
    }

    /// The letter for a bus that refuses it as it is. `payload_bytes` still says what was left out.
    #[must_use]
    pub fn without_payload(self) -> Self {
        Self { payload: None, ..self }
    }

    /// The letter as a record for `logs.dead`. Its id is derived, so that a letter of the same record,
    /// stage and payload overwrites it.
    #[must_use]
    pub fn into_record(self) -> Record {
        let told = self.id.get(RECORD_BYTES..).unwrap_or_default();
        let id = self.record_id().unwrap_or_default().derive(&format!("dead:{told}"));
        let received_at_ns = i64::try_from(self.received_at.as_nanosecond()).unwrap_or(i64::MAX);
        let payload = serde_json::to_vec(&self).expect("strings and numbers are always JSON");
        Record {
            id,
            received_at_ns,
            shop: self.shop.into(),
            source: self.source.into(),
            listener: self.stage.into(),
            codec: Codec::Json,
            content_type: "application/json".into(),
            trace_context: self.trace_context.into(),
            attempt: self.attempt,
            routing_key: self.id.into(),
            log_type: None,
            payload: Bytes::from(payload),
        }
    }

    /// Reads a record of `logs.dead`.
    ///
    /// # Errors
    /// A rejection of kind `invalid_dead_letter` for what is not a dead letter.
    pub fn from_record(record: &Record) -> Result<Self, Rejection> {
        let letter: Self = serde_json::from_slice(&record.payload).map_err(|error| Rejection {
            kind: "invalid_dead_letter".into(),
            message: format!("record {} of logs.dead is not a dead letter: {error}", record.id),
            position_bytes: None,
        })?;
        if letter.record_id().is_none() {
            return Err(Rejection {
                kind: "invalid_dead_letter".into(),
                message: format!("record {} of logs.dead names no record", record.id),
                position_bytes: None,
            });
        }
        Ok(letter)
    }

    /// The id of the refused record.
    #[must_use]
    pub fn record_id(&self) -> Option<RecordId> {
        RecordId::parse(self.id.get(..32)?)
    }

    /// The id without the payload's hash, which letters of before have: stores and logs may still hold such.
    /// `None` if this is one of them.
    #[must_use]
    pub fn id_without_hash(&self) -> Option<String> {
        let id = format!("{}-{}", self.record_id()?, self.stage);
        (id != self.id).then_some(id)
    }

    /// Whether this letter is of the same payload as `earlier`, a letter of the same record and stage without
    /// a hash in its id. Of two that hold no payload one must follow from the other: it was read at the same
    /// position, or replayed since.
    #[must_use]
    pub fn continues(&self, earlier: &Self) -> bool {
        let follows = || {
            let is_same_read = self.position().is_some_and(|at| earlier.position() == Some(at));
            is_same_read || self.attempt > earlier.attempt
        };
        let is_same = match (&self.payload, &earlier.payload) {
            (Some(payload), Some(before)) => payload == before,
            (None, None) => follows(),
            _ => false,
        };
        is_same && self.payload_bytes == earlier.payload_bytes
    }

    /// Where the refused record stands, if a stage read it from a topic.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        Some(Position {
            topic: self.topic.as_deref()?.into(),
            partition: self.partition?,
            offset: self.offset?,
            index: self.index?,
        })
    }

    /// The topic that a replay goes to: the one it was read from, or `logs.raw` for what a door
    /// refused.
    #[must_use]
    pub fn replay_topic(&self) -> &str {
        self.topic.as_deref().unwrap_or(TOPIC_RAW)
    }

    /// The record to send again, with one more attempt. `stored` are the bytes at
    /// [`DeadLetter::position`] for a letter that does not hold them.
    ///
    /// # Errors
    /// [`ReplayError`] says what is in the way.
    pub fn replay(&self, stored: Option<Bytes>, attempts_max: u16) -> Result<Record, ReplayError> {
        if self.attempt >= attempts_max {
            let (id, attempts) = (self.id.clone(), self.attempt);
            return Err(ReplayError::TooOften { id, attempts, attempts_max });
        }
        let not_whole = || ReplayError::NotWhole { id: self.id.clone() };
        let payload = match (stored, &self.payload, self.position()) {
            (Some(bytes), ..) => bytes,
            (None, Some(text), _) => BASE64.decode(text).map_err(|_| not_whole())?.into(),
            (None, None, Some(position)) => {
                return Err(ReplayError::StoredAt { id: self.id.clone(), position });
            }
            (None, None, None) => return Err(not_whole()),
        };
        if payload.len() as u64 != self.payload_bytes {
            return Err(not_whole());
        }
        Ok(Record {
            id: self.record_id().ok_or_else(not_whole)?,
            received_at_ns: i64::try_from(self.received_at.as_nanosecond()).unwrap_or(i64::MAX),
            shop: self.shop.clone().into(),
            source: self.source.clone().into(),
            listener: self.listener.clone().into(),
            codec: self.codec,
            content_type: self.content_type.clone().into(),
            trace_context: self.trace_context.clone().into(),
            attempt: self.attempt + 1,
            routing_key: self.routing_key.clone().into(),
            log_type: None,
            payload,
        })
    }
}

#[cfg(test)]
mod tests;
