//! The conservation ledger: what came in, and what became of it, for every stage and door.
//!
//! `in = forwarded + discarded(reason) + dead(kind) + in flight`. A stage's numbers are stored in the
//! metadata of its commits and go on after a restart. Nothing here decides anything.

mod counters;
mod door;
mod metrics;
mod partition;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bus::{PartitionId, PartitionStart};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use service::Metrics;

pub use counters::{Counters, NAME_BYTES_MAX, NAMES_MAX, NamedCounts, OTHER};
pub use door::{DoorLedger, DoorSnapshot};
pub(crate) use partition::PartitionLedger;

/// The ledgers of a process: of each stage that runs in it and of each door.
#[derive(Debug)]
pub struct Ledgers {
    books: Arc<Mutex<Books>>,
}

#[derive(Debug, Default)]
struct Books {
    stages: BTreeMap<&'static str, StageBook>,
    doors: BTreeMap<&'static str, DoorLedger>,
}

#[derive(Debug, Default)]
struct StageBook {
    partitions: BTreeMap<PartitionId, PartitionLedger>,
    /// How far each partition was ever read by this process, so that what is read again is known.
    read_to: BTreeMap<PartitionId, u64>,
}

/// A stage's numbers over the partitions that this process runs, since their first commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageLedger {
    /// Name of the stage.
    pub stage: String,
    /// Records that the log's frames promised.
    pub received: u64,
    /// Records whose outputs were all delivered.
    pub forwarded: u64,
    /// Records that ended by intention, by reason.
    pub discarded: BTreeMap<String, u64>,
    /// Records that stand in the dead letters, by kind.
    pub dead: BTreeMap<String, u64>,
    /// Records delivered to the sink.
    pub outputs: u64,
    /// Records that were read more than once.
    pub redelivered: u64,
    /// Records taken and not yet committed.
    pub in_flight: u64,
    /// `received - forwarded - discarded - dead - in_flight`: 0, or records were lost (above) or
    /// counted twice (below).
    pub balance: i64,
}

/// How far a stage's progress is behind; beside the ledger, for alerts.
#[derive(Clone, Debug)]
pub(crate) struct StageProgress {
    pub(crate) stage: &'static str,
    pub(crate) oldest_unsettled: Duration,
    pub(crate) last_commit: Option<SystemTime>,
}

impl Ledgers {
    /// Makes empty ledgers that are shown as metrics.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Arc<Self> {
        let ledgers = Arc::new(Self { books: Arc::default() });
        metrics::show(&ledgers, metrics);
        ledgers
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger of a door, made when first asked for.
    #[must_use]
    pub fn door(&self, name: &'static str) -> DoorLedger {
        self.books().doors.entry(name).or_default().clone()
    }

    /// Every stage's numbers, by name.
    #[must_use]
    pub fn snapshot(&self) -> Vec<StageLedger> {
        let books = self.books();
        books.stages.iter().map(|(stage, book)| book.snapshot(stage)).collect()
    }

    /// Every door's numbers, by name.
    #[must_use]
    pub fn doors(&self) -> Vec<DoorSnapshot> {
        self.books().doors.iter().map(|(name, door)| door.snapshot(name)).collect()
    }

    /// Whether every record that came in is accounted for.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.snapshot().iter().all(|stage| stage.balance == 0)
    }

    /// Makes the stage's ledger, so that it is shown before its first record.
    pub(crate) fn register(&self, stage: &'static str) {
        self.books().stages.entry(stage).or_default();
    }

    /// Opens the ledger of an assigned partition with the numbers of its last commit.
    pub(crate) fn open(&self, stage: &'static str, start: &PartitionStart) -> PartitionLedger {
        let counters = Counters::from_metadata(&start.metadata).unwrap_or_else(|error| {
            let PartitionId { topic, partition } = &start.partition;
            tracing::warn!(
                stage, %topic, partition, %error,
                "the last commit's metadata is not a ledger; its numbers start from zero"
            );
            Counters::default()
        });
        let mut books = self.books();
        let book = books.stages.entry(stage).or_default();
        let read_to = book.read_to.get(&start.partition).copied().unwrap_or_default();
        let ledger = PartitionLedger::restored(counters, read_to);
        book.partitions.insert(start.partition.clone(), ledger.clone());
        ledger
    }

    /// Every stage's numbers: those of this process, and of a stage that runs in other processes too what
    /// its last commits hold. `commits` gives each group of the platform with the metadata of its
    /// last commit on each partition.
    #[must_use]
    pub fn overview<'a>(
        &self,
        commits: impl IntoIterator<Item = (&'a str, Vec<Bytes>)>,
    ) -> Vec<StageLedger> {
        let mut stages: BTreeMap<String, StageLedger> =
            self.snapshot().into_iter().map(|ledger| (ledger.stage.clone(), ledger)).collect();
        for (group, commits) in commits {
            let ran = commits.iter().any(|metadata| !metadata.is_empty());
            if ran && self.partitions_of(group) < commits.len() {
                stages.insert(group.to_owned(), committed(group, &commits));
            }
        }
        stages.into_values().collect()
    }

    /// How many partitions of a stage this process runs.
    fn partitions_of(&self, stage: &str) -> usize {
        self.books().stages.get(stage).map_or(0, |book| book.partitions.len())
    }

    /// Forgets a partition that is no longer ours: its numbers go with its commits to the next owner.
    pub(crate) fn close(&self, stage: &'static str, partition: &PartitionId) {
        if let Some(book) = self.books().stages.get_mut(stage)
            && let Some(ledger) = book.partitions.remove(partition)
        {
            book.read_to.insert(partition.clone(), ledger.read_to());
        }
    }

    pub(crate) fn progress(&self) -> Vec<StageProgress> {
        self.books().stages.iter().map(|(stage, book)| book.progress(stage)).collect()
    }
}

impl StageBook {
    fn snapshot(&self, stage: &str) -> StageLedger {
        let (mut received, mut in_flight, mut settled) = (0, 0, Counters::default());
        for partition in self.partitions.values().map(PartitionLedger::snapshot) {
            received += partition.received;
            in_flight += partition.in_flight;
            settled.merge(&partition.settled);
        }
        StageLedger::new(stage, received, in_flight, &settled)
    }

    fn progress(&self, stage: &'static str) -> StageProgress {
        let partitions: Vec<_> = self.partitions.values().map(PartitionLedger::snapshot).collect();
        let oldest = partitions.iter().filter_map(|partition| partition.oldest_taken_at).min();
        StageProgress {
            stage,
            oldest_unsettled: oldest.map_or(Duration::ZERO, |taken_at| taken_at.elapsed()),
            last_commit: partitions.iter().filter_map(|partition| partition.last_commit).max(),
        }
    }
}

impl StageLedger {
    fn new(stage: &str, received: u64, in_flight: u64, settled: &Counters) -> Self {
        let accounted =
            settled.forwarded + settled.discarded.total() + settled.dead.total() + in_flight;
        Self {
            stage: stage.to_owned(),
            received,
            forwarded: settled.forwarded,
            discarded: settled.discarded.by_name().clone(),
            dead: settled.dead.by_name().clone(),
            outputs: settled.outputs,
            redelivered: settled.redelivered,
            in_flight,
            balance: received.cast_signed() - accounted.cast_signed(),
        }
    }
}

/// A stage's numbers as its commits hold them: nothing is in flight there.
fn committed(stage: &str, commits: &[Bytes]) -> StageLedger {
    let mut settled = Counters::default();
    for metadata in commits {
        match Counters::from_metadata(metadata) {
            Ok(counters) => settled.merge(&counters),
            Err(error) => tracing::warn!(stage, %error, "a commit's metadata is not a ledger"),
        }
    }
    StageLedger::new(stage, settled.received, 0, &settled)
}

#[cfg(test)]
mod tests;
