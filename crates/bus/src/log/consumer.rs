//! The one member of a group: its cursors, its turn among partitions, its commits.
//!
//! A cursor moves only when its batch is handed over, so a dropped future loses nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::commits::{Commit, Commits, Committed, Group, METADATA_BYTES_MAX};
use super::counters::count;
use super::failure::{fatal, transient};
use super::partition::Partition;
use super::reader::{BatchLimits, Cursor, read_batch};
use crate::port::{Batch, BusError, Committer, Consumer, Delivery, PartitionId, PartitionStart};

/// Flow control that the consumer and its committers share.
#[derive(Debug)]
struct Flow {
    partitions: Vec<Arc<Partition>>,
    paused: Vec<AtomicBool>,
    places: HashMap<PartitionId, usize>,
    changed: Arc<Notify>,
}

/// Membership in a group; ends when the consumer is dropped.
#[derive(Debug)]
struct Membership {
    group: Arc<Group>,
    epoch: u64,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.group.release(self.epoch);
    }
}

type Reading = JoinHandle<(Cursor, Result<Option<Batch>, BusError>)>;

/// A group's consumer of the embedded log.
#[derive(Debug)]
pub(super) struct LogConsumer {
    membership: Membership,
    flow: Arc<Flow>,
    commits: Arc<Commits>,
    closed: Arc<AtomicBool>,
    limits: BatchLimits,
    starts: Option<Vec<PartitionStart>>,
    cursors: Vec<Cursor>,
    /// A read that was begun for this partition; it outlives a dropped `next`.
    reading: Option<(usize, Reading)>,
    turn: usize,
}

impl LogConsumer {
    pub(super) fn new(
        group: Arc<Group>,
        partitions: Vec<Arc<Partition>>,
        commits: Arc<Commits>,
        closed: Arc<AtomicBool>,
        limits: BatchLimits,
    ) -> Result<Self, BusError> {
        let epoch = group.acquire()?;
        let starts: Vec<_> = partitions.iter().map(|part| start(&group, part)).collect();
        let cursors = starts.iter().map(|start| Cursor::new(start.offset)).collect();
        let changed = Arc::new(Notify::new());
        for partition in &partitions {
            partition.listen(&changed);
        }
        let places = partitions.iter().zip(0..).map(|(part, place)| (part.id.clone(), place));
        let flow = Flow {
            places: places.collect(),
            paused: partitions.iter().map(|_| AtomicBool::new(false)).collect(),
            partitions,
            changed,
        };
        Ok(Self {
            membership: Membership { group, epoch },
            flow: Arc::new(flow),
            commits,
            closed,
            limits,
            starts: Some(starts),
            cursors,
            reading: None,
            turn: 0,
        })
    }

    fn is_paused(&self, place: usize) -> bool {
        self.flow.paused[place].load(Ordering::Acquire)
    }

    /// Begins to read the next partition in turn that has something, if there is one.
    fn begin_reading(&mut self) -> bool {
        let partitions = &self.flow.partitions;
        let has_data = |place: &usize| {
            !self.is_paused(*place) && self.cursors[*place].offset < partitions[*place].end_offset()
        };
        let turns = (0..partitions.len()).map(|step| (self.turn + step) % partitions.len());
        let Some(place) = turns.into_iter().find(has_data) else { return false };
        self.turn = place + 1;
        let (partition, limits) = (Arc::clone(&partitions[place]), self.limits);
        let mut cursor = self.cursors[place].clone();
        let read = tokio::task::spawn_blocking(move || {
            let batch = read_batch(&partition, &mut cursor, limits);
            (cursor, batch)
        });
        self.reading = Some((place, read));
        true
    }
}

/// Where a group begins on a partition: after its last commit, else at the oldest frame.
fn start(group: &Group, partition: &Partition) -> PartitionStart {
    let oldest = partition.start_offset();
    let committed = group.committed(&partition.id);
    if let Some(committed) = &committed
        && committed.offset < oldest
    {
        count(&partition.counters.skipped_records, oldest - committed.offset);
        tracing::error!(
            group = %group.name, topic = %partition.id.topic, partition = partition.id.partition,
            committed = committed.offset, oldest,
            "retention removed records before the group read them: it goes on at the oldest"
        );
    }
    let committed = committed.unwrap_or_default();
    PartitionStart {
        partition: partition.id.clone(),
        offset: committed.offset.max(oldest),
        metadata: committed.metadata,
    }
}

#[async_trait]
impl Consumer for LogConsumer {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        if let Some(starts) = self.starts.take() {
            return Ok(Delivery::Assigned(starts));
        }
        loop {
            if self.closed.load(Ordering::Acquire) {
                return Err(fatal("the bus is closed"));
            }
            if let Some((place, reading)) = &mut self.reading {
                let place = *place;
                let read = reading.await;
                self.reading = None;
                let (cursor, batch) =
                    read.map_err(|error| transient(format!("reading the log failed: {error}")))?;
                let batch = batch?;
                if self.is_paused(place) {
                    continue;
                }
                self.cursors[place] = cursor;
                if let Some(batch) = batch {
                    return Ok(Delivery::Batch(batch));
                }
            }
            if !self.begin_reading() {
                self.flow.changed.notified().await;
            }
        }
    }

    fn committer(&self) -> Arc<dyn Committer> {
        Arc::new(LogCommitter {
            group: Arc::clone(&self.membership.group),
            epoch: self.membership.epoch,
            flow: Arc::clone(&self.flow),
            commits: Arc::clone(&self.commits),
        })
    }
}

impl Drop for LogConsumer {
    fn drop(&mut self) {
        for partition in &self.flow.partitions {
            partition.ignore(&self.flow.changed);
        }
    }
}

#[derive(Debug)]
struct LogCommitter {
    group: Arc<Group>,
    epoch: u64,
    flow: Arc<Flow>,
    commits: Arc<Commits>,
}

impl LogCommitter {
    fn set_paused(&self, partition: &PartitionId, paused: bool) {
        if let Some(place) = self.flow.places.get(partition) {
            self.flow.paused[*place].store(paused, Ordering::Release);
            self.flow.changed.notify_one();
        }
    }
}

#[async_trait]
impl Committer for LogCommitter {
    async fn commit(
        &self,
        partition: &PartitionId,
        next_offset: u64,
        metadata: Bytes,
    ) -> Result<(), BusError> {
        let named = || format!("{}/{}", partition.topic, partition.partition);
        let Some(place) = self.flow.places.get(partition) else {
            return Err(fatal(format!("{} is not assigned to {}", named(), self.group.name)));
        };
        if metadata.len() > METADATA_BYTES_MAX {
            return Err(fatal(format!(
                "the metadata of a commit has {} bytes, allowed are {METADATA_BYTES_MAX}",
                metadata.len()
            )));
        }
        let end = self.flow.partitions[*place].end_offset();
        if next_offset > end {
            return Err(fatal(format!(
                "{} ends at offset {end}: {next_offset} cannot be committed",
                named()
            )));
        }
        let committed = Committed { offset: next_offset, metadata };
        let group = Arc::clone(&self.group);
        let partition = partition.clone();
        self.commits.commit(Commit { group, epoch: self.epoch, partition, committed }).await
    }

    fn pause(&self, partition: &PartitionId) {
        self.set_paused(partition, true);
    }

    fn resume(&self, partition: &PartitionId) {
        self.set_paused(partition, false);
    }
}
