//! The bus port over the topics in memory.
//!
//! It keeps the promises of every backend, durability apart.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use ::bus::{
    Bus, BusError, Committer, Consumer, Delivery, ErrorKind, PartitionId, PartitionLag, Position,
    Record, TopicSpec,
};
use async_trait::async_trait;
use bytes::Bytes;

use super::{Frames, Inner, MemoryBus, RECORD_BYTES_MAX, id};

const METADATA_BYTES_MAX: usize = 4096;

fn unknown(topic: &str) -> BusError {
    BusError::new(ErrorKind::Fatal, format!("there is no topic {topic}"))
}

fn place(record: &Record, partitions: usize) -> usize {
    let mut hash = DefaultHasher::new();
    if record.routing_key.is_empty() {
        record.id.hash(&mut hash);
    } else {
        record.routing_key.hash(&mut hash);
    }
    usize::try_from(hash.finish() % partitions as u64).unwrap_or_default()
}

impl Inner {
    /// Whether this record is taken.
    fn admit(&mut self, topic: &str, record: &Record) -> Result<(), BusError> {
        if record.payload.len() > RECORD_BYTES_MAX {
            let message = format!("a record of {topic} may have {RECORD_BYTES_MAX} bytes");
            return Err(BusError::new(ErrorKind::Rejected, message));
        }
        self.on_publish.as_mut().map_or(Ok(()), |script| script(topic, record))
    }

    fn publish(&mut self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        let Some(ends) = self.topics.get(topic).map(|all| all.iter().map(Vec::len).collect())
        else {
            return batch.iter().map(|_| Err(unknown(topic))).collect();
        };
        let ends: Vec<usize> = ends;
        let mut frames = vec![Vec::new(); ends.len()];
        let mut answers = Vec::with_capacity(batch.len());
        for record in batch {
            let partition = place(&record, ends.len());
            let position = Position {
                topic: topic.into(),
                partition: u32::try_from(partition).unwrap_or(u32::MAX),
                offset: ends[partition] as u64,
                index: u32::try_from(frames[partition].len()).unwrap_or(u32::MAX),
            };
            let admitted = self.admit(topic, &record);
            if admitted.is_ok() {
                frames[partition].push(record);
            }
            answers.push(admitted.map(|()| position));
        }
        let partitions = self.topics.get_mut(topic).into_iter().flatten();
        for (partition, frame) in partitions.zip(frames) {
            if !frame.is_empty() {
                partition.push(frame);
            }
        }
        answers
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        let mut inner = self.inner();
        for topic in topics {
            let made = || vec![Frames::new(); topic.partitions as usize];
            let partitions = inner.topics.entry(topic.name.clone()).or_insert_with(made).len();
            if partitions != topic.partitions as usize {
                let message = format!("topic {} has {partitions} partitions", topic.name);
                return Err(BusError::new(ErrorKind::Fatal, message));
            }
        }
        Ok(())
    }

    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        let answers = self.inner().publish(topic, batch);
        self.shared.changed.notify_waiters();
        answers
    }

    async fn subscribe(&self, group: &str, topics: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        let mut inner = self.inner();
        let mut partitions = Vec::new();
        for topic in topics {
            let found = inner.topics.get(*topic).ok_or_else(|| unknown(topic))?;
            partitions.extend((0_u32..).zip(found).map(|(partition, _)| id(topic, partition)));
        }
        let state = inner.groups.entry(group.to_owned()).or_default();
        (state.reading, state.revoking, state.pending) = Default::default();
        state.epoch += 1;
        let epoch = state.epoch;
        let starts = partitions.iter().map(|partition| state.start(partition)).collect();
        state.pending.push_back(Delivery::Assigned(starts));
        drop(inner);
        Ok(Box::new(MemoryConsumer { bus: self.clone(), group: group.to_owned(), epoch }))
    }

    async fn lag(&self, group: &str, topics: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        let inner = self.inner();
        let mut lags = Vec::new();
        for topic in topics {
            let partitions = inner.topics.get(*topic).ok_or_else(|| unknown(topic))?;
            for (partition, frames) in (0_u32..).zip(partitions) {
                let group = inner.groups.get(group);
                let committed = group.and_then(|group| group.committed.get(&id(topic, partition)));
                let committed_offset = committed.map_or(0, |(offset, _)| *offset);
                let behind = frames.iter().skip(usize::try_from(committed_offset).unwrap_or(0));
                lags.push(PartitionLag {
                    topic: (*topic).to_owned(),
                    partition,
                    committed_offset,
                    end_offset: frames.len() as u64,
                    lag_records: behind.map(|frame| frame.len() as u64).sum(),
                    metadata: committed.map(|(_, metadata)| metadata.clone()).unwrap_or_default(),
                });
            }
        }
        Ok(lags)
    }

    async fn read(&self, position: &Position) -> Result<Option<Record>, BusError> {
        let inner = self.inner();
        let partitions = inner.topics.get(&position.topic);
        let frames = partitions.and_then(|all| all.get(position.partition as usize));
        let offset = usize::try_from(position.offset).unwrap_or(usize::MAX);
        let frame = frames.and_then(|frames| frames.get(offset));
        Ok(frame.and_then(|frame| frame.get(position.index as usize)).cloned())
    }

    fn durability_warning(&self) -> Option<String> {
        Some("records are kept in memory only".to_owned())
    }
}

struct MemoryConsumer {
    bus: MemoryBus,
    group: String,
    epoch: u64,
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        self.bus.group(&self.group, |group| {
            // A partition is let go once the consumer, told so, asks for more.
            let told = |at: &PartitionId| {
                let says = |delivery: &Delivery| matches!(delivery, Delivery::Revoked(these) if these.contains(at));
                !group.pending.iter().any(says)
            };
            let gone: Vec<_> = group.revoking.iter().filter(|at| told(at)).cloned().collect();
            group.revoking.retain(|at| !gone.contains(at));
            for partition in gone {
                group.reading.remove(&partition);
            }
        });
        loop {
            let changed = self.bus.shared.changed.notified();
            if let Some(delivery) = self.bus.inner().next(&self.group) {
                return Ok(delivery);
            }
            changed.await;
        }
    }

    fn committer(&self) -> Arc<dyn Committer> {
        let (bus, group) = (self.bus.clone(), self.group.clone());
        Arc::new(MemoryCommitter { bus, group, epoch: self.epoch })
    }
}

struct MemoryCommitter {
    bus: MemoryBus,
    group: String,
    epoch: u64,
}

#[async_trait]
impl Committer for MemoryCommitter {
    async fn commit(
        &self,
        partition: &PartitionId,
        next_offset: u64,
        metadata: Bytes,
    ) -> Result<(), BusError> {
        let mut inner = self.bus.inner();
        let Inner { topics, groups, on_commit, .. } = &mut *inner;
        let group = groups.entry(self.group.clone()).or_default();
        let partitions = topics.get(&partition.topic).into_iter().flatten();
        let end = partitions.map(Vec::len).nth(partition.partition as usize).unwrap_or_default();
        let refused = if group.epoch != self.epoch || !group.reading.contains_key(partition) {
            Some("the partition has another owner")
        } else if metadata.len() > METADATA_BYTES_MAX {
            Some("more than 4,096 bytes of metadata")
        } else if next_offset > end as u64 {
            Some("more than the partition holds")
        } else {
            None
        };
        if let Some(reason) = refused {
            return Err(BusError::new(ErrorKind::Fatal, reason));
        }
        if let Some(script) = on_commit {
            script(partition, next_offset)?;
        }
        group.committed.insert(partition.clone(), (next_offset, metadata));
        Ok(())
    }

    fn pause(&self, partition: &PartitionId) {
        self.bus.group(&self.group, |group| group.paused.insert(partition.clone()));
    }

    fn resume(&self, partition: &PartitionId) {
        self.bus.group(&self.group, |group| group.paused.remove(partition));
    }
}
