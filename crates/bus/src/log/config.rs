//! Settings of the embedded log, each with its unit and default.
//!
//! They never change what a frame is: a log written under one setting opens under any other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::port::{BusError, ErrorKind, TopicSpec};

/// When written records reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fsync {
    /// Before they are acknowledged; publishers that come together share one sync.
    #[default]
    Batch,
    /// Every `fsync_interval_ms`: a power cut loses what was acknowledged since.
    Interval,
    /// When the operating system likes: a power cut loses what it has not written.
    Never,
}

/// Settings of the embedded log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Partitions of a topic that is created, unless its specification says otherwise; 8.
    pub partitions: u32,
    /// When written records reach the disk; `batch`.
    pub fsync: Fsync,
    /// Time between syncs for `fsync = "interval"`, milliseconds; 200.
    pub fsync_interval_ms: u64,
    /// Size at which a segment file is closed and the next begun, bytes; 64 MiB. Retention removes
    /// whole segments.
    pub segment_bytes: u64,
    /// Age at which a segment is closed though it is not full, seconds; 3,600.
    pub segment_age_s: u64,
    /// Size at which a frame is closed and the next begun, bytes; 256 KiB.
    pub frame_bytes: usize,
    /// Number of records at which a frame is closed; 1,024.
    pub frame_records: u32,
    /// Largest record, and so the largest frame, bytes; 8 MiB. A larger one is refused.
    pub frame_bytes_max: usize,
    /// Frames that wait to be written, over all topics, bytes; 32 MiB. Publishers wait beyond it.
    pub queue_bytes: usize,
    /// Records of one batch for a consumer; 1,024.
    pub batch_records: u32,
    /// Bytes of one batch for a consumer; 1 MiB. One larger frame is still delivered.
    pub batch_bytes: usize,
    /// Free disk space below which nothing is accepted from the doors, bytes; 1 GiB. The other
    /// topics may use half of it, so that what was accepted can still flow on.
    pub disk_reserve_bytes: u64,
    /// Age after which data is removed, unless a topic's specification says otherwise, hours; 72.
    pub retention_age_h: u64,
    /// Size of a topic above which its oldest data is removed, unless its specification says
    /// otherwise, bytes; 16 GiB.
    pub retention_bytes: u64,
    /// Time between looks at what retention may remove, milliseconds; 10,000.
    pub retention_interval_ms: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            partitions: 8,
            fsync: Fsync::Batch,
            fsync_interval_ms: 200,
            segment_bytes: 64 << 20,
            segment_age_s: 3_600,
            frame_bytes: 256 << 10,
            frame_records: 1_024,
            frame_bytes_max: 8 << 20,
            queue_bytes: 32 << 20,
            batch_records: 1_024,
            batch_bytes: 1 << 20,
            disk_reserve_bytes: 1 << 30,
            retention_age_h: 72,
            retention_bytes: 16 << 30,
            retention_interval_ms: 10_000,
        }
    }
}

impl LogConfig {
    /// A topic with this log's partitions and retention, held back by these groups.
    #[must_use]
    pub fn topic(&self, name: &str, holding_groups: &[&str]) -> TopicSpec {
        let hours = i64::try_from(self.retention_age_h).unwrap_or(i64::MAX);
        TopicSpec {
            name: Arc::from(name),
            partitions: self.partitions,
            retention_ns: hours.saturating_mul(3_600_000_000_000),
            retention_bytes: self.retention_bytes,
            holding_groups: holding_groups.iter().map(|group| Arc::from(*group)).collect(),
        }
    }

    /// The settings with which the log could not work: the setting's name, and what is allowed.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let frame_bytes_max = self.frame_bytes..=1 << 30;
        let rules = [
            (self.partitions >= 1, "partitions", "at least 1"),
            (self.fsync_interval_ms >= 1, "fsync_interval_ms", "at least 1"),
            (self.segment_bytes >= 4_096, "segment_bytes", "at least 4096"),
            (self.segment_age_s >= 1, "segment_age_s", "at least 1"),
            (self.frame_bytes >= 1_024, "frame_bytes", "at least 1024"),
            (self.frame_records >= 1, "frame_records", "at least 1"),
            (
                frame_bytes_max.contains(&self.frame_bytes_max),
                "frame_bytes_max",
                "between frame_bytes and 1 GiB",
            ),
            (self.queue_bytes >= 1_024, "queue_bytes", "at least 1024"),
            (self.batch_records >= 1, "batch_records", "at least 1"),
            (self.batch_bytes >= 1, "batch_bytes", "at least 1"),
            (self.retention_interval_ms >= 1, "retention_interval_ms", "at least 1"),
        ];
        let broken = rules.into_iter().filter(|(holds, ..)| !holds);
        broken.map(|(_, setting, allowed)| (setting, allowed)).collect()
    }

    /// Refuses settings with which the log could not work.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`], naming each of them and what is allowed.
    pub fn check(&self) -> Result<(), BusError> {
        let problems = self.problems();
        if problems.is_empty() {
            return Ok(());
        }
        let texts: Vec<_> = problems
            .iter()
            .map(|(setting, allowed)| format!("{setting} must be {allowed}"))
            .collect();
        let message = format!("settings of the bus: {}", texts.join("; "));
        Err(BusError::new(ErrorKind::Fatal, message))
    }
}
