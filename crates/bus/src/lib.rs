//! The bus port: records, frames, positions, and the contract that every bus keeps.
//!
//! `log` is the embedded backend, a segment log of checksummed frames. This crate never decodes a
//! payload and knows no stage, store or service.

pub mod contract;
pub mod described_request;
pub mod document_type;
pub mod frame;
pub mod inputs;
mod joined;
pub mod log;
pub mod partitioner;
pub mod port;
pub mod record;

pub use joined::{JoinLimit, Joined};
pub use port::{
    Batch, Bus, BusError, Committer, Consumer, Delivery, ErrorKind, PartitionId, PartitionLag,
    PartitionStart, Positioned, TopicSpec,
};
pub use record::{Codec, Position, Record, RecordId};

/// Events as the doors took them: private to the platform.
pub const TOPIC_RAW: &str = "logs.raw";
/// Events as the enricher made them, one JSON document each.
pub const TOPIC_ENRICHED: &str = "logs.enriched";
/// Scores of transactions.
pub const TOPIC_SCORED: &str = "fraud.scored";
/// Refused records, in a JSON envelope.
pub const TOPIC_DEAD: &str = "logs.dead";
/// All topics of the platform itself, which nobody else may own.
pub const TOPICS: [&str; 4] = [TOPIC_RAW, TOPIC_ENRICHED, TOPIC_SCORED, TOPIC_DEAD];
