//! What went wrong or was stepped over since the bus was made, for metrics.
//!
//! It never decides anything.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the bus was made, which never reset while the process lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KafkaCounts {
    /// Offsets that a group never saw since retention had passed them.
    pub skipped_offsets: u64,
    /// Times that a partition began again at its oldest message since the committed offset lies beyond
    /// its end: it was made again, or an unclean election cut it.
    pub rewound_partitions: u64,
    /// Messages whose frame is damaged; each was delivered as one record for the stage to refuse.
    pub damaged_messages: u64,
    /// Messages without a value, which are stepped over.
    pub empty_messages: u64,
    /// Messages that others wrote.
    pub foreign_messages: u64,
    /// Records refused since they are larger than a message may be.
    pub oversize_records: u64,
    /// Partitions that were lost to others without being handed over.
    pub lost_partitions: u64,
    /// Times the producer was made anew after the client library gave up on it.
    pub renewed_producers: u64,
}

impl KafkaCounts {
    /// Each count by the name that metrics give it.
    #[must_use]
    pub fn by_name(&self) -> [(&'static str, u64); 8] {
        [
            ("skipped_offsets", self.skipped_offsets),
            ("rewound_partitions", self.rewound_partitions),
            ("damaged_messages", self.damaged_messages),
            ("empty_messages", self.empty_messages),
            ("foreign_messages", self.foreign_messages),
            ("oversize_records", self.oversize_records),
            ("lost_partitions", self.lost_partitions),
            ("renewed_producers", self.renewed_producers),
        ]
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) skipped_offsets: AtomicU64,
    pub(crate) rewound_partitions: AtomicU64,
    pub(crate) damaged_messages: AtomicU64,
    pub(crate) empty_messages: AtomicU64,
    pub(crate) foreign_messages: AtomicU64,
    pub(crate) oversize_records: AtomicU64,
    pub(crate) lost_partitions: AtomicU64,
    pub(crate) renewed_producers: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn counts(&self) -> KafkaCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        KafkaCounts {
            skipped_offsets: get(&self.skipped_offsets),
            rewound_partitions: get(&self.rewound_partitions),
            damaged_messages: get(&self.damaged_messages),
            empty_messages: get(&self.empty_messages),
            foreign_messages: get(&self.foreign_messages),
            oversize_records: get(&self.oversize_records),
            lost_partitions: get(&self.lost_partitions),
            renewed_producers: get(&self.renewed_producers),
        }
    }
}
