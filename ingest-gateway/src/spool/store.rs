//! The spool on disk: the embedded log in a folder of its own, with a bound for its bytes.
//!
//! A topic has one partition here, so that its records go on in the order in which they came. What the bus
//! has taken is removed by the log's retention, and nothing else ever is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bus::log::files::Files;
use bus::log::{EmbeddedBus, LogConfig};
use bus::{Bus, BusError, ErrorKind, PartitionLag, Position, Record, TopicSpec};

use super::LANES;
use crate::config::SpoolConfig;

/// The spool has at least this many segments when it is full: what the bus has taken is removed by whole ones.
const SEGMENTS_MIN: u64 = 16;
/// Age at which a segment is closed, in seconds, so that it can be removed once the bus has it.
const SEGMENT_AGE_S: u64 = 60;
/// Time between looks at what may be removed, in milliseconds.
const RETENTION_INTERVAL_MS: u64 = 1_000;
/// Records of one batch for the bus.
const BATCH_RECORDS: u32 = 4_096;
/// Bytes of one batch for the bus.
const BATCH_BYTES: usize = 2 << 20;
/// Bytes that a batch of the doors may have: with less room than that the spool counts as full.
const ROOM_BYTES_MIN: u64 = 1 << 20;

/// The log of the spool.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) log: EmbeddedBus,
    folder: PathBuf,
    bytes_max: u64,
}

impl Store {
    /// Opens the spool in this folder, and makes it if it is not there.
    pub(super) async fn open(
        files: Arc<dyn Files>,
        folder: &Path,
        config: &SpoolConfig,
        log: &LogConfig,
    ) -> Result<Self, BusError> {
        let way_out = "every gateway needs a spool of its own: name another folder in \
                       ingest_gateway.spool.folder, or end the other process";
        let log =
            EmbeddedBus::open_named("the spool", way_out, files, folder, settings(config, log))?;
        let spec = |(topic, group): (&str, &str)| TopicSpec {
            name: topic.into(),
            partitions: 1,
            // Nothing is kept that the bus has.
            retention_ns: 0,
            retention_bytes: 0,
            holding_groups: vec![group.into()],
        };
        log.ensure_topics(&LANES.map(spec)).await?;
        Ok(Self { log, folder: folder.to_owned(), bytes_max: config.bytes_max.0 })
    }

    /// Refuses what there is no room for.
    pub(super) fn check_room(&self, wanted_bytes: u64) -> Result<(), BusError> {
        let stored_bytes = self.log.stored_bytes();
        if stored_bytes.saturating_add(wanted_bytes) <= self.bytes_max {
            return Ok(());
        }
        let message = format!(
            "the spool in {} is full: it has {stored_bytes} of {} bytes (ingest_gateway.spool.bytes_max), and \
             takes more when the bus has taken some of it",
            self.folder.display(),
            self.bytes_max
        );
        Err(BusError::new(ErrorKind::Transient, message))
    }

    /// Why the spool takes nothing now; `reserved_bytes` are on their way into it.
    pub(super) fn shortage(&self, reserved_bytes: u64) -> Option<String> {
        let room = ROOM_BYTES_MIN.min(self.bytes_max / SEGMENTS_MIN);
        let full = self.check_room(reserved_bytes.saturating_add(room)).err();
        full.map(|error| error.message).or_else(|| self.log.shortage())
    }

    /// What an acknowledgement of the spool does not promise, if there is something.
    pub(super) fn durability_warning(&self) -> Option<String> {
        let warning = self.log.durability_warning()?;
        Some(format!("while the bus is away {warning} (ingest_gateway.spool)"))
    }

    /// How many records the bus has not taken. What cannot be asked counts as much.
    pub(super) fn held_records(&self) -> u64 {
        let records = |lags: Vec<PartitionLag>| lags.iter().map(|lag| lag.lag_records).sum::<u64>();
        let lags = LANES.into_iter().map(|(topic, group)| self.log.lag_now(group, &[topic]));
        lags.map(|lags| lags.map_or(u64::MAX, records)).fold(0, u64::saturating_add)
    }

    /// When the oldest record that the bus has not taken was received, in nanoseconds since 1970 UTC.
    pub(super) async fn oldest_received_at_ns(&self) -> Option<i64> {
        let mut oldest = None;
        for (topic, group) in LANES {
            for lag in self.log.lag_now(group, &[topic]).unwrap_or_default() {
                let received_at_ns =
                    self.first(topic, &lag).await.map(|first| first.received_at_ns);
                oldest = oldest.into_iter().chain(received_at_ns).min();
            }
        }
        oldest
    }

    /// The first record that the bus has not taken.
    async fn first(&self, topic: &str, lag: &PartitionLag) -> Option<Record> {
        if lag.lag_records == 0 {
            return None;
        }
        let (partition, offset) = (lag.partition, lag.committed_offset);
        let position = Position { topic: topic.into(), partition, offset, index: 0 };
        // What cannot be read is told by the replay.
        self.log.read(&position).await.ok().flatten()
    }
}

/// The log's own settings, with what makes a spool of it.
fn settings(config: &SpoolConfig, log: &LogConfig) -> LogConfig {
    LogConfig {
        fsync: config.fsync,
        segment_bytes: (config.bytes_max.0 / SEGMENTS_MIN).min(log.segment_bytes).max(4_096),
        segment_age_s: SEGMENT_AGE_S.min(log.segment_age_s),
        frame_bytes: log.frame_bytes.min(log.frame_bytes_max),
        batch_records: BATCH_RECORDS,
        batch_bytes: BATCH_BYTES,
        retention_interval_ms: RETENTION_INTERVAL_MS.min(log.retention_interval_ms),
        ..log.clone()
    }
}
