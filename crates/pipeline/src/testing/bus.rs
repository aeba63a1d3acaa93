//! A bus in memory: frames, groups, commits, and the faults of real ones on demand.
//!
//! Revoking, losing and giving partitions, failing publishes and commits, and records that vanish
//! behind the runner's back.

mod port;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::bus::{Batch, BusError, Delivery, PartitionId, PartitionStart, Positioned, Record, RecordId};
use bytes::Bytes;
use tokio::sync::Notify;

type Frames = Vec<Vec<Record>>;
type PublishScript = Box<dyn FnMut(&str, &Record) -> Result<(), BusError> + Send>;
type CommitScript = Box<dyn FnMut(&PartitionId, u64) -> Result<(), BusError> + Send>;

/// Largest payload that the bus takes, in bytes.
pub(super) const RECORD_BYTES_MAX: usize = 1 << 20;

/// Topics in memory; cloning shares.
#[derive(Clone, Default)]
pub struct MemoryBus {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    topics: BTreeMap<Arc<str>, Vec<Frames>>,
    groups: BTreeMap<String, Group>,
    hidden: HashSet<RecordId>,
    on_publish: Option<PublishScript>,
    on_commit: Option<CommitScript>,
}

#[derive(Default)]
struct Group {
    /// How often it was subscribed: an earlier member commits no more.
    epoch: u64,
    committed: BTreeMap<PartitionId, (u64, Bytes)>,
    /// Next offset to deliver of each partition that the consumer holds.
    reading: BTreeMap<PartitionId, u64>,
    paused: BTreeSet<PartitionId>,
    /// Told to let go, and held until the consumer asks for more.
    revoking: Vec<PartitionId>,
    pending: VecDeque<Delivery>,
}

impl fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBus").finish_non_exhaustive()
    }
}

/// Names a partition.
fn id(topic: &str, partition: u32) -> PartitionId {
    PartitionId { topic: topic.into(), partition }
}

impl MemoryBus {
    /// A bus with these topics and numbers of partitions.
    #[must_use]
    pub fn with_topics(topics: &[(&str, u32)]) -> Self {
        let bus = Self::default();
        for (name, partitions) in topics {
            bus.inner().topics.insert((*name).into(), vec![Frames::new(); *partitions as usize]);
        }
        bus
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn group<T>(&self, group: &str, change: impl FnOnce(&mut Group) -> T) -> T {
        let done = change(self.inner().groups.entry(group.to_owned()).or_default());
        self.shared.changed.notify_waiters();
        done
    }

    /// Adds one frame to a partition. A topic or partition that is not there is made.
    pub fn append(&self, topic: &str, partition: u32, records: Vec<Record>) {
        let mut inner = self.inner();
        let partitions = inner.topics.entry(topic.into()).or_default();
        let wanted = partitions.len().max(partition as usize + 1);
        partitions.resize(wanted, Frames::new());
        partitions[partition as usize].push(records);
        drop(inner);
        self.shared.changed.notify_waiters();
    }

    /// All records of a topic, partition by partition.
    #[must_use]
    pub fn records(&self, topic: &str) -> Vec<Record> {
        let inner = self.inner();
        inner.topics.get(topic).into_iter().flatten().flatten().flatten().cloned().collect()
    }

    /// The group's next offset; 0 if it never committed.
    #[must_use]
    pub fn committed(&self, group: &str, topic: &str, partition: u32) -> u64 {
        self.group(group, |group| group.committed.get(&id(topic, partition)).map_or(0, |at| at.0))
    }

    /// Whether the consumer has paused a partition.
    #[must_use]
    pub fn is_paused(&self, group: &str, topic: &str, partition: u32) -> bool {
        self.group(group, |group| group.paused.contains(&id(topic, partition)))
    }

    /// Leaves a record out of the batches it belongs to, which go on declaring it.
    pub fn hide(&self, record: RecordId) {
        self.inner().hidden.insert(record);
    }

    /// Asks this script about every record that is published.
    pub fn on_publish(
        &self,
        script: impl FnMut(&str, &Record) -> Result<(), BusError> + Send + 'static,
    ) {
        self.inner().on_publish = Some(Box::new(script));
    }

    /// Asks this script about every commit, with the next offset. It must not call this bus.
    pub fn on_commit(
        &self,
        script: impl FnMut(&PartitionId, u64) -> Result<(), BusError> + Send + 'static,
    ) {
        self.inner().on_commit = Some(Box::new(script));
    }

    /// Takes a partition away in good order, if the consumer holds it: it may commit until it asks
    /// for more.
    pub fn revoke(&self, group: &str, topic: &str, partition: u32) {
        let partition = id(topic, partition);
        self.group(group, |group| {
            if group.reading.contains_key(&partition) && !group.revoking.contains(&partition) {
                group.revoking.push(partition.clone());
                group.pending.push_back(Delivery::Revoked(vec![partition]));
            }
        });
    }

    /// Takes a partition away at once.
    pub fn lose(&self, group: &str, topic: &str, partition: u32) {
        let partition = id(topic, partition);
        self.group(group, |group| {
            group.revoking.retain(|other| *other != partition);
            if group.reading.remove(&partition).is_some() {
                group.pending.push_back(Delivery::Lost(vec![partition]));
            }
        });
    }

    /// Gives the consumer a partition that it does not hold.
    pub fn assign(&self, group: &str, topic: &str, partition: u32) {
        let partition = id(topic, partition);
        self.group(group, |group| {
            if !group.reading.contains_key(&partition) {
                let start = group.start(&partition);
                group.pending.push_back(Delivery::Assigned(vec![start]));
            }
        });
    }

    /// Delivers a partition again from this offset, as brokers do after an unclean failover.
    pub fn rewind(&self, group: &str, topic: &str, partition: u32, offset: u64) {
        self.group(group, |group| {
            if let Some(reading) = group.reading.get_mut(&id(topic, partition)) {
                *reading = offset;
            }
        });
    }
}

impl Group {
    /// Starts a partition where the group has committed.
    fn start(&mut self, partition: &PartitionId) -> PartitionStart {
        let (offset, metadata) = self.committed.get(partition).cloned().unwrap_or_default();
        self.reading.insert(partition.clone(), offset);
        self.paused.remove(partition);
        PartitionStart { partition: partition.clone(), offset, metadata }
    }
}

impl Inner {
    fn next(&mut self, group: &str) -> Option<Delivery> {
        let group = self.groups.entry(group.to_owned()).or_default();
        if let Some(delivery) = group.pending.pop_front() {
            return Some(delivery);
        }
        for (partition, next) in &mut group.reading {
            let frames = self.topics.get(&partition.topic)?.get(partition.partition as usize)?;
            let Some(frame) = frames.get(usize::try_from(*next).unwrap_or(usize::MAX)) else {
                continue;
            };
            if group.paused.contains(partition) || group.revoking.contains(partition) {
                continue;
            }
            let shown = (0_u32..).zip(frame).filter(|(_, at)| !self.hidden.contains(&at.id));
            let positioned = |(index, record): (u32, &Record)| Positioned {
                offset: *next,
                index,
                record: record.clone(),
            };
            let records = shown.map(positioned).collect();
            *next += 1;
            return Some(Delivery::Batch(Batch {
                partition: partition.clone(),
                next_offset: *next,
                declared_records: frame.len() as u64,
                records,
            }));
        }
        None
    }
}

#[cfg(test)]
mod tests;
