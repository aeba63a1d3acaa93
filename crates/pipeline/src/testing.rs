//! A bus, a sink and a state store in memory that fail when told to, for tests of stages and of the
//! runner itself. Nothing here is durable and nothing here serves a running process.

mod bus;
mod sink;
mod state;

use ::bus::{Record, RecordId};
use bytes::Bytes;

pub use bus::MemoryBus;
pub use sink::MemorySink;
pub use state::MemoryState;

/// A record with an id and a time of receipt made from `number`.
#[must_use]
pub fn record(number: u64, payload: impl Into<Bytes>) -> Record {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    Record {
        id: RecordId(id),
        received_at_ns: 1_700_000_000_000_000_000 + number.cast_signed(),
        shop: "default".into(),
        source: "192.0.2.1".into(),
        listener: "http".into(),
        content_type: "application/json".into(),
        payload: payload.into(),
        ..Record::default()
    }
}
