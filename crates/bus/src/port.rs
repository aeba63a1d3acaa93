//! The contract between those who publish and consume records and the backend that stores them.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::record::{Position, Record};

/// What the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// It may work later: the disk is full, a broker is away.
    Transient,
    /// This record is refused for good: too large.
    Rejected,
    /// It will not work until somebody changes something: wrong settings, a broken disk.
    Fatal,
}

/// An error of the bus. Its text says what happened and where.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct BusError {
    /// What the caller can do.
    pub kind: ErrorKind,
    /// What happened and where, and what to do.
    pub message: String,
}

impl BusError {
    /// Makes an error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// A topic as the platform wants it.
#[derive(Clone, Debug)]
pub struct TopicSpec {
    /// Name.
    pub name: Arc<str>,
    /// Number of partitions, recorded when created; opening with another number is refused.
    pub partitions: u32,
    /// Largest age in nanoseconds before whole segments are removed.
    pub retention_ns: i64,
    /// Largest size in bytes over all partitions before whole segments are removed.
    pub retention_bytes: u64,
    /// Consumer groups that hold data back from retention until they have committed past it.
    pub holding_groups: Vec<Arc<str>>,
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId {
    /// Topic.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: u32,
}

/// A record with its position within the partition of its batch.
#[derive(Clone, Debug)]
pub struct Positioned {
    /// Offset of its frame.
    pub offset: u64,
    /// Place within the frame.
    pub index: u32,
    /// The record.
    pub record: Record,
}

/// Whole frames of one partition, in order.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Where they stand.
    pub partition: PartitionId,
    /// What to commit once every record is settled: the offset after the last frame.
    pub next_offset: u64,
    /// How many records the frames' headers promise. The ledger counts these as *in*, so a record
    /// that is lost between the log and the verdict shows.
    pub declared_records: u64,
    /// The records.
    pub records: Vec<Positioned>,
}

/// Where a partition's consumption begins, with what the group stored at its last commit.
#[derive(Clone, Debug)]
pub struct PartitionStart {
    /// Partition.
    pub partition: PartitionId,
    /// First offset that will be delivered.
    pub offset: u64,
    /// Metadata of the last commit, empty if there was none.
    pub metadata: Bytes,
}

/// What a consumer is told.
#[derive(Debug)]
pub enum Delivery {
    /// These partitions are now ours.
    Assigned(Vec<PartitionStart>),
    /// Records.
    Batch(Batch),
    /// These partitions go to somebody else: drain, commit, let go.
    Revoked(Vec<PartitionId>),
    /// These partitions are gone already: discard what is in flight, commit nothing.
    Lost(Vec<PartitionId>),
}

/// How far a group is behind on a partition.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PartitionLag {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// Next offset the group would read.
    pub committed_offset: u64,
    /// Offset after the last durable frame.
    pub end_offset: u64,
    /// Records in between.
    pub lag_records: u64,
    /// Metadata of the group's last commit, empty if there was none.
    #[serde(skip)]
    pub metadata: Bytes,
}

/// A place that stores records durably and hands them to consumer groups.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Creates the topics that are missing and checks the others.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`] where an existing topic has another number of partitions.
    async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError>;

    /// Publishes records to a topic and returns when they are durable: one outcome a record, in
    /// order. Order is kept for each key (shop and routing key, else the id).
    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>>;

    /// Joins a consumer group.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`] for an unknown topic or a group that is held by someone else.
    async fn subscribe(&self, group: &str, topics: &[&str]) -> Result<Box<dyn Consumer>, BusError>;

    /// How far a group is behind and what it stored at its last commit, for every partition of these
    /// topics.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`] for an unknown topic.
    async fn lag(&self, group: &str, topics: &[&str]) -> Result<Vec<PartitionLag>, BusError>;

    /// Reads one record again; `None` if retention has removed it.
    ///
    /// # Errors
    /// Of reading the store.
    async fn read(&self, position: &Position) -> Result<Option<Record>, BusError>;

    /// Why nothing is taken from the doors now, for a lack of room that a person must mend; `None` while
    /// there is room, or where the backend knows nothing of its disk.
    fn shortage(&self) -> Option<String> {
        None
    }

    /// What an acknowledgement promises: `None` when it means synced to disk, else why not.
    fn durability_warning(&self) -> Option<String>;
}

/// One member of a consumer group.
#[async_trait]
pub trait Consumer: Send {
    /// Waits for what comes next. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Transient`] may be tried again; anything else ends the consumer.
    async fn next(&mut self) -> Result<Delivery, BusError>;

    /// The handle with which partitions are committed, paused and resumed from elsewhere.
    fn committer(&self) -> Arc<dyn Committer>;
}

/// Commits and flow control of a consumer, shared by the tasks that run its partitions.
#[async_trait]
pub trait Committer: Send + Sync {
    /// Stores the group's next offset together with `metadata`, durably and atomically. At most
    /// 4,096 bytes of metadata.
    ///
    /// # Errors
    /// [`ErrorKind::Transient`] or [`ErrorKind::Fatal`]; nothing was stored then.
    async fn commit(
        &self,
        partition: &PartitionId,
        next_offset: u64,
        metadata: Bytes,
    ) -> Result<(), BusError>;

    /// Delivers no batch of this partition until resumed.
    fn pause(&self, partition: &PartitionId);

    /// Delivers batches of this partition again.
    fn resume(&self, partition: &PartitionId);
}
