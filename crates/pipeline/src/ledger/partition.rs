//! The ledger of one assigned partition, shared by the loop that takes batches and the task that
//! settles them.
//!
//! What is in flight is counted on its own, never computed as the rest: a record that vanishes
//! between the log and its verdict leaves the balance uneven.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bus::Batch;
use bytes::Bytes;
use tokio::time::Instant;

use super::counters::Counters;

/// A partition's numbers; cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct PartitionLedger {
    entry: Arc<Mutex<Entry>>,
}

#[derive(Debug)]
struct Entry {
    received: u64,
    in_flight: u64,
    settled: Counters,
    taken_at: VecDeque<Instant>,
    last_commit: Option<SystemTime>,
    /// Offset after the last frame that this process ever read.
    read_to: u64,
}

/// What a partition adds to its stage's snapshot.
#[derive(Debug)]
pub(super) struct PartitionSnapshot {
    pub(super) received: u64,
    pub(super) in_flight: u64,
    pub(super) settled: Counters,
    pub(super) oldest_taken_at: Option<Instant>,
    pub(super) last_commit: Option<SystemTime>,
}

impl PartitionLedger {
    /// Goes on from the numbers of the last commit. What begins below `read_to` is read again.
    pub(super) fn restored(settled: Counters, read_to: u64) -> Self {
        let entry = Entry {
            received: settled.received,
            in_flight: 0,
            settled,
            taken_at: VecDeque::new(),
            last_commit: None,
            read_to,
        };
        Self { entry: Arc::new(Mutex::new(entry)) }
    }

    fn entry(&self) -> MutexGuard<'_, Entry> {
        self.entry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch was taken off the bus; answers how many of its records were read before.
    pub(crate) fn taken(&self, batch: &Batch) -> u64 {
        let mut entry = self.entry();
        entry.received += batch.declared_records;
        entry.in_flight += batch.declared_records;
        entry.taken_at.push_back(Instant::now());
        let read_to = entry.read_to;
        entry.read_to = read_to.max(batch.next_offset);
        batch.records.iter().filter(|record| record.offset < read_to).count() as u64
    }

    /// What to store with the commit of a batch, so that a restart keeps the numbers.
    pub(crate) fn metadata_with(&self, batch: &Counters) -> Bytes {
        let mut counters = self.entry().settled.clone();
        counters.merge(batch);
        counters.to_metadata()
    }

    /// This many batches, the oldest, are committed; with what was counted in all of them.
    pub(crate) fn settled(&self, counters: &Counters, batches: usize) {
        let mut entry = self.entry();
        entry.in_flight = entry.in_flight.saturating_sub(counters.received);
        entry.settled.merge(counters);
        let batches = batches.min(entry.taken_at.len());
        entry.taken_at.drain(..batches);
        entry.last_commit = Some(SystemTime::now());
    }

    pub(super) fn read_to(&self) -> u64 {
        self.entry().read_to
    }

    pub(super) fn snapshot(&self) -> PartitionSnapshot {
        let entry = self.entry();
        PartitionSnapshot {
            received: entry.received,
            in_flight: entry.in_flight,
            settled: entry.settled.clone(),
            oldest_taken_at: entry.taken_at.front().copied(),
            last_commit: entry.last_commit,
        }
    }
}
