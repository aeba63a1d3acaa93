//! Settings of the embedded index. It holds values and their defaults; it never opens anything.

use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

use crate::point_in_time::PointsInTimeConfig;

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
    /// Consistent searches: `[search.points_in_time]`, which is handed to whichever store is opened.
    #[serde(skip)]
    pub points_in_time: PointsInTimeConfig,
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
            points_in_time: PointsInTimeConfig::default(),
        }
    }
}
