//! Settings of the embedded index. It holds values and their defaults; it never opens anything.

use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

use crate::point_in_time::PointInTimeLimits;

/// Settings of the embedded index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddedConfig {
    /// How long documents stay, counted from receipt; whole weeks are dropped. Default `90d`.
    pub retention: Span,
    /// How long a bulk may wait for others, so that they share one commit: the newest event is found
    /// this much, and the length of a commit, later. Default `400ms`.
    pub commit_wait: Span,
    /// With this many documents waiting, a commit does not wait any longer. Default 16,000.
    pub commit_documents: usize,
    /// Bytes of documents that wait for a commit; a further bulk waits before it is taken. Default
    /// `32MiB`.
    pub pending_max: ByteSize,
    /// Memory of the writer of one week; there are two at most. Default `24MiB`, at least `16MiB`.
    pub writer_memory: ByteSize,
    /// Memory that remembers which ids are indexed, a byte an id. With more documents than that a
    /// new id more often costs a look-up. Default `16MiB`.
    pub identity_memory: ByteSize,
    /// Weeks that are kept open for reading. Default 16.
    pub open_parts_max: usize,
    /// Reads that run at the same time; further ones wait. Default 4.
    pub reads_max: usize,
    /// Bytes of documents that end a page before it has as many as were asked for. Default `16MiB`.
    pub page_bytes_max: ByteSize,
    /// How long one read may take. Default `30s`.
    pub read_time_max: Span,
    /// Consistent searches that are open at the same time. Each keeps the files of its moment on the disk, also those
    /// that merges or retention have taken away since. Default 16; 0 refuses them.
    pub points_in_time_max: usize,
    /// Consistent searches of one user that are open at the same time. Default 4.
    pub points_in_time_per_user_max: usize,
    /// How long a consistent search is held open after each page; an hour in all. Default `2m`.
    pub point_in_time_keep_alive: Span,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            retention: Span::from_secs(90 * 24 * 3_600),
            commit_wait: Span::from_millis(400),
            commit_documents: 16_000,
            pending_max: ByteSize(32 << 20),
            writer_memory: ByteSize(24 << 20),
            identity_memory: ByteSize(16 << 20),
            open_parts_max: 16,
            reads_max: 4,
            page_bytes_max: ByteSize(16 << 20),
            read_time_max: Span::from_secs(30),
            points_in_time_max: 16,
            points_in_time_per_user_max: 4,
            point_in_time_keep_alive: Span::from_secs(120),
        }
    }
}

impl EmbeddedConfig {
    /// The limits on consistent searches.
    pub(crate) fn point_in_time_limits(&self) -> PointInTimeLimits {
        PointInTimeLimits {
            open_max: self.points_in_time_max,
            per_user_max: self.points_in_time_per_user_max,
            keep_alive: self.point_in_time_keep_alive.0,
        }
    }
}
