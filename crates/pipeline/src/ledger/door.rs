//! The ledger of a door: what it took, what it refused, and what it turned away for later.
//!
//! A door starts at zero with its process; the stages behind it keep their numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::counters::NamedCounts;

/// Counts for one door; cloning shares.
#[derive(Clone, Debug, Default)]
pub struct DoorLedger {
    counts: Arc<DoorCounts>,
}

#[derive(Debug, Default)]
struct DoorCounts {
    accepted: AtomicU64,
    busy: AtomicU64,
    refused: Mutex<NamedCounts>,
}

impl DoorLedger {
    /// Records that are durable and acknowledged.
    pub fn accepted(&self, records: u64) {
        self.counts.accepted.fetch_add(records, Ordering::Relaxed);
    }

    /// Records refused for good, by kind.
    pub fn refused(&self, kind: &str, records: u64) {
        self.counts.refused.lock().unwrap_or_else(PoisonError::into_inner).add(kind, records);
    }

    /// Requests, lines or datagrams turned away because there was no room.
    pub fn busy(&self, times: u64) {
        self.counts.busy.fetch_add(times, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, door: &str) -> DoorSnapshot {
        let refused = self.counts.refused.lock().unwrap_or_else(PoisonError::into_inner);
        DoorSnapshot {
            door: door.to_owned(),
            accepted: self.counts.accepted.load(Ordering::Relaxed),
            refused: refused.by_name().clone(),
            busy: self.counts.busy.load(Ordering::Relaxed),
        }
    }
}

/// A door's numbers since the process began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorSnapshot {
    /// Name of the door.
    pub door: String,
    /// Records that are durable and acknowledged.
    pub accepted: u64,
    /// Records refused for good, by kind.
    pub refused: BTreeMap<String, u64>,
    /// Times that something was turned away for later.
    pub busy: u64,
}
