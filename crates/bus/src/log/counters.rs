//! What went wrong or was repaired since the log was opened, for metrics.
//!
//! Counters never reset while the process lives.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the log was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Bytes that were cut off at opening, behind the last frame that could be reached. After a crash
    /// they are an unfinished frame, never acknowledged under `fsync = "batch"`; behind a damaged
    /// header they may hold acknowledged records.
    pub truncated_bytes: u64,
    /// Damaged places that readers stepped over; each group that meets one counts it.
    pub damaged_places: u64,
    /// Bytes of those.
    pub damaged_bytes: u64,
    /// Offsets (records) that a group never saw since retention or damage took them.
    pub skipped_records: u64,
    /// Segments that retention removed.
    pub removed_segments: u64,
    /// Publishes refused at the disk reserve or on a full disk.
    pub refused_for_space: u64,
    /// Syncs of segments and of the groups' files.
    pub syncs: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) truncated_bytes: AtomicU64,
    pub(super) damaged_places: AtomicU64,
    pub(super) damaged_bytes: AtomicU64,
    pub(super) skipped_records: AtomicU64,
    pub(super) removed_segments: AtomicU64,
    pub(super) refused_for_space: AtomicU64,
    pub(super) syncs: AtomicU64,
}

pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

impl Counters {
    pub(super) fn counts(&self) -> LogCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LogCounts {
            truncated_bytes: get(&self.truncated_bytes),
            damaged_places: get(&self.damaged_places),
            damaged_bytes: get(&self.damaged_bytes),
            skipped_records: get(&self.skipped_records),
            removed_segments: get(&self.removed_segments),
            refused_for_space: get(&self.refused_for_space),
            syncs: get(&self.syncs),
        }
    }
}
