//! The task of one partition: settles its batches one after another, in order.
//!
//! resolve -> state exclusive and loaded -> process -> deliver -> dead letters -> state saved -> commit.
//! A crash between any two of these reads the batch again, which is harmless: ids overwrite. Batches that follow
//! one another closely are committed together.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bus::{BusError, Committer, PartitionId, Positioned, Record, TOPIC_DEAD};
use bytes::Bytes;
use futures::FutureExt;
use service::CancellationToken;
use tokio::time::{Instant, timeout_at};

use super::RunnerSpec;
use super::assignment::{Batches, Taken};
use super::delivery::deliver;
use super::host::{Panicked, Processed, Slice, StageHost};
use super::progress::{Progress, Stop};
use super::settlement::Settlement;
use crate::dead_letter::DeadLetter;
use crate::ledger::{Counters, PartitionLedger};
use crate::sink::TopicSink;
use crate::stage::{Rejection, State, StateChange, StateErrorKind, StateKey, StateStore, Verdict};

/// Kind of the dead letters of records at which the stage panicked.
pub(super) const KIND_STAGE_PANIC: &str = "stage_panic";

/// How long what is settled waits for more to be committed with it.
const COMMIT_INTERVAL: Duration = Duration::from_millis(200);

/// A partition's task.
pub(super) struct PartitionTask {
    pub(super) spec: Arc<RunnerSpec>,
    pub(super) partition: PartitionId,
    pub(super) committer: Arc<dyn Committer>,
    pub(super) dead_letters: Arc<TopicSink>,
    pub(super) ledger: PartitionLedger,
    pub(super) host: StageHost,
    pub(super) progress: Progress,
    /// The group's next offset: commits never go back.
    pub(super) committed: u64,
    /// The latest time of receipt seen: the stage's event time.
    pub(super) watermark_ns: i64,
    pub(super) uncommitted: Option<Uncommitted>,
}

/// What is settled and not committed yet.
pub(super) struct Uncommitted {
    next_offset: u64,
    counters: Counters,
    batches: usize,
    /// When the first of them was settled.
    since: Instant,
}

/// Outputs that a stage gave out at its end. Dropped before they are delivered or buried, it says how many are lost.
struct Undelivered {
    stage: &'static str,
    partition: PartitionId,
    outputs: u64,
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        if self.outputs > 0 {
            let Self { stage, partition: PartitionId { topic, partition }, outputs } = &*self;
            tracing::error!(
                stage, %topic, partition, outputs,
                "what the stage remembered was not delivered in time; these outputs may be lost"
            );
        }
    }
}

/// State that a batch has changed and that is not saved yet: the version that was loaded, and the value.
type Changes = BTreeMap<StateKey, (Option<u64>, Bytes)>;

/// What the stage decided about a batch.
#[derive(Default)]
struct Decided {
    verdicts: Vec<Verdict>,
    derived: Vec<Record>,
    changes: Changes,
}

impl PartitionTask {
    /// Settles batches until told to stop, abandoned, or failed.
    pub(super) async fn run(mut self, mut batches: Batches, abandon: CancellationToken) {
        let work = AssertUnwindSafe(self.settle_all(&mut batches)).catch_unwind();
        match abandon.run_until_cancelled(work).await {
            None | Some(Ok(Ok(()) | Err(Stop::Told))) => {}
            Some(Ok(Err(Stop::Failed(reason)))) => self.fail(reason),
            Some(Err(payload)) => {
                let Panicked(message) = Panicked::from_payload(payload.as_ref());
                self.fail(format!("panic outside of the stage: {message}"));
            }
        }
    }

    fn fail(&self, reason: String) {
        self.progress.failed(reason);
        self.committer.pause(&self.partition);
    }

    /// Settles batches, and commits what is settled from time to time and at the end, whatever the reason.
    async fn settle_all(&mut self, batches: &mut Batches) -> Result<(), Stop> {
        let stop = batches.stop.clone();
        let committer = Arc::clone(&self.committer);
        loop {
            let next = batches.next(committer.as_ref());
            let taken = match self.commit_at() {
                Some(due) => timeout_at(due, next).await,
                None => Ok(next.await),
            };
            let settled = match taken {
                Ok(Some(taken)) => self.settle(taken, &stop).await,
                Ok(None) => return self.end(&stop).await,
                Err(_) => Ok(()),
            };
            let is_due = self.commit_at().is_some_and(|due| due <= Instant::now());
            // State that is saved must not be far ahead of what is committed.
            let committed = match is_due || settled.is_err() || self.spec.state.is_some() {
                true => self.commit(&stop).await,
                false => Ok(()),
            };
            let done = committed.and(settled);
            if done.is_err() {
                let (stage, PartitionId { topic, partition }) = (self.spec.name, &self.partition);
                tracing::warn!(
                    stage, %topic, partition,
                    "the batch in hand is not settled or not committed; what the stage remembered is lost"
                );
            }
            done?;
        }
    }

    /// Commits what is settled, which does not depend on the rest; then delivers what the stage still holds, and
    /// commits its number.
    async fn end(&mut self, stop: &CancellationToken) -> Result<(), Stop> {
        // What cannot be committed stays to be committed with the rest.
        drop(self.commit(stop).await);
        self.finish().await?;
        self.commit(stop).await
    }

    /// Delivers what the stage still holds. No record brings it again, so that it is tried until it works, or until
    /// the task is abandoned.
    async fn finish(&mut self) -> Result<(), Stop> {
        let stop = &CancellationToken::new();
        let last = self.progress.step("finish", self.host.finish()).await?;
        let last = last.map_err(|Panicked(message)| {
            Stop::Failed(format!("the stage panicked when it was let go: {message}"))
        })?;
        if last.is_empty() {
            return Ok(());
        }
        let (stage, partition) = (self.spec.name, self.partition.clone());
        let mut undelivered = Undelivered { stage, partition, outputs: last.len() as u64 };
        let mut settlement = Settlement::new(Vec::new(), last);
        let sink = Arc::clone(&self.spec.sink);
        let items = settlement.items();
        let answers = deliver(sink.as_ref(), items, "deliver", &self.progress, stop).await?;
        settlement.answered(self.spec.name, answers);
        undelivered.outputs -= settlement.delivered();
        let partition = self.partition.clone();
        self.bury(&settlement, &partition, &[], stop).await?;
        undelivered.outputs = 0;
        let counters = Counters { outputs: settlement.delivered(), ..Counters::default() };
        self.add_settled(self.committed, counters, 0);
        Ok(())
    }

    /// Notes what is settled and to be committed.
    fn add_settled(&mut self, next_offset: u64, counters: Counters, batches: usize) {
        match &mut self.uncommitted {
            Some(settled) => {
                settled.next_offset = settled.next_offset.max(next_offset);
                settled.counters.merge(&counters);
                settled.batches += batches;
            }
            None => {
                let next_offset = self.committed.max(next_offset);
                let since = Instant::now();
                self.uncommitted = Some(Uncommitted { next_offset, counters, batches, since });
            }
        }
    }

    /// When what is settled is to be committed at the latest.
    fn commit_at(&self) -> Option<Instant> {
        self.uncommitted.as_ref().map(|settled| settled.since + COMMIT_INTERVAL)
    }

    async fn settle(&mut self, taken: Taken, stop: &CancellationToken) -> Result<(), Stop> {
        let Taken { mut batch, redelivered } = taken;
        let records = Arc::new(std::mem::take(&mut batch.records));
        if let Some(resolver) = &self.spec.resolver {
            self.progress.step("resolve", resolver.resolve(&records)).await;
        }

        let state = self.spec.state.clone();
        let exclusive = match &state {
            Some(store) => {
                let exclusive = stop.run_until_cancelled(store.exclusive()).await;
                Some(exclusive.ok_or(Stop::Told)?)
            }
            None => None,
        };
        // Outputs of an attempt that met a conflict are overwritten by those of the next: same ids.
        let settlement = loop {
            let decided = self.process(&records, state.as_deref(), stop).await?;
            let mut settlement = Settlement::new(decided.verdicts, decided.derived);
            let sink = Arc::clone(&self.spec.sink);
            let items = settlement.items();
            let answers = deliver(sink.as_ref(), items, "deliver", &self.progress, stop).await?;
            settlement.answered(self.spec.name, answers);
            self.bury(&settlement, &batch.partition, &records, stop).await?;
            let Some(store) = &state else { break settlement };
            if self.save(store.as_ref(), decided.changes, stop).await? {
                break settlement;
            }
        };
        drop(exclusive);
        let counters = settlement.counters(&batch, redelivered);
        self.add_settled(batch.next_offset, counters, 1);
        Ok(())
    }

    /// The verdicts on all records. If the stage panics, halves are tried until the record at which
    /// it does is alone; that one is refused.
    async fn process(
        &mut self,
        records: &Arc<Vec<Positioned>>,
        store: Option<&dyn StateStore>,
        stop: &CancellationToken,
    ) -> Result<Decided, Stop> {
        let mut decided = Decided::default();
        let mut ranges = Vec::with_capacity(2);
        ranges.push(0..records.len());
        while let Some(range) = ranges.pop() {
            let slice = Slice { records: Arc::clone(records), range: range.clone() };
            match self.attempt(slice, store, &mut decided, stop).await? {
                Ok(()) => {}
                Err(Panicked(message)) if range.len() <= 1 => {
                    let Some(poison) = records.get(range.start) else {
                        return Err(Stop::Failed(format!("panic without a record: {message}")));
                    };
                    let id = poison.record.id;
                    tracing::error!(
                        stage = self.spec.name, %id, message,
                        "the stage panicked; whatever it remembered of the records before is lost"
                    );
                    decided.verdicts.push(Verdict::Reject(Rejection {
                        kind: KIND_STAGE_PANIC.into(),
                        message: format!("the stage panicked at this record: {message}"),
                        position_bytes: None,
                    }));
                }
                Err(Panicked(message)) => {
                    tracing::warn!(
                        stage = self.spec.name,
                        message,
                        "the stage panicked and begins anew: whatever it remembered is lost; parts of the batch are tried"
                    );
                    let middle = range.start + range.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
            }
        }
        Ok(decided)
    }

    /// Processes some records and adds what was decided, unless the stage panics.
    async fn attempt(
        &mut self,
        slice: Slice,
        store: Option<&dyn StateStore>,
        decided: &mut Decided,
        stop: &CancellationToken,
    ) -> Result<Result<(), Panicked>, Stop> {
        let records = slice.range.len();
        let mut state = State::default();
        let mut versions = Vec::new();
        if let Some(store) = store {
            let keys = self.progress.step("keys", self.host.keys(slice.clone())).await?;
            (state, versions) = match keys {
                Ok(keys) => self.load(store, keys, &decided.changes, stop).await?,
                Err(panicked) => return Ok(Err(panicked)),
            };
        }
        // Told after each slice: what time has made is delivered also where the instance panics in the next one.
        // What it remembers beyond that is lost with it.
        let received = slice.get().iter().map(|positioned| positioned.record.received_at_ns);
        let watermark_ns = received.fold(self.watermark_ns, i64::max);
        let process = self.host.process(slice, state, watermark_ns);
        let Processed { verdicts, state, derived } =
            match self.progress.step("process", process).await? {
                Ok(processed) => processed,
                Err(panicked) => return Ok(Err(panicked)),
            };
        if verdicts.len() != records {
            let given = verdicts.len();
            return Err(Stop::Failed(format!(
                "the stage gave {given} verdicts for {records} records"
            )));
        }
        let derived = derived.map_err(|Panicked(message)| {
            Stop::Failed(format!("the stage panicked when told the time: {message}"))
        })?;
        self.watermark_ns = watermark_ns;
        decided.verdicts.extend(verdicts);
        decided.derived.extend(derived);
        let slots = state.keys.into_iter().zip(state.values).zip(state.changed).zip(versions);
        decided.changes.extend(slots.filter_map(|(((key, value), changed), version)| {
            value.filter(|_| changed).map(|value| (key, (version, value)))
        }));
        Ok(Ok(()))
    }

    /// What is stored under the keys, with what this batch has changed already, and the versions that
    /// were loaded first.
    async fn load(
        &mut self,
        store: &dyn StateStore,
        keys: Vec<StateKey>,
        changes: &Changes,
        stop: &CancellationToken,
    ) -> Result<(State, Vec<Option<u64>>), Stop> {
        let load = || async { store.load(&keys).await.map_err(BusError::from) };
        let stored = self.progress.until_done("load", load, stop).await?;
        if stored.len() != keys.len() {
            let (got, asked) = (stored.len(), keys.len());
            return Err(Stop::Failed(format!(
                "the state store gave {got} values for {asked} keys"
            )));
        }
        let (mut values, mut versions) =
            (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        for (key, stored) in keys.iter().zip(stored) {
            let (version, value) = match changes.get(key) {
                Some((version, newer)) => (*version, Some(newer.clone())),
                None => stored.map(|stored| (stored.version, stored.body)).unzip(),
            };
            versions.push(version);
            values.push(value);
        }
        Ok((State { changed: vec![false; keys.len()], keys, values }, versions))
    }

    /// Publishes the dead letters. One that the bus refuses goes again without its payload: a bus with
    /// small frames has no room for it, and the reason and position must not be lost. What is refused
    /// of the dead letters themselves stands there already and is only logged: it would come round for
    /// ever.
    async fn bury(
        &mut self,
        settlement: &Settlement,
        partition: &PartitionId,
        records: &[Positioned],
        stop: &CancellationToken,
    ) -> Result<(), Stop> {
        let letters = settlement.dead_letters(self.spec.name, partition, records);
        if &*partition.topic == TOPIC_DEAD {
            for DeadLetter { id, kind, message, .. } in letters {
                tracing::error!(id, kind, message, "a dead letter is refused; it stays in the log");
            }
            return Ok(());
        }
        let letters: Vec<_> = letters.into_iter().map(DeadLetter::into_record).collect();
        let sink = self.dead_letters.as_ref();
        let answers = deliver(sink, &letters, "bury", &self.progress, stop).await?;
        if answers.iter().all(Option::is_none) {
            return Ok(());
        }
        let letters = settlement.dead_letters(self.spec.name, partition, records);
        let letters = letters.into_iter().zip(answers);
        let refused = letters.filter_map(|(letter, answer)| answer.map(|_| letter));
        let shorter: Vec<_> =
            refused.map(|letter| letter.without_payload().into_record()).collect();
        let answers = deliver(sink, &shorter, "bury", &self.progress, stop).await?;
        match answers.into_iter().flatten().next() {
            None => Ok(()),
            Some(refusal) => {
                let reason = format!("the bus refuses a dead letter: {}", refusal.message);
                Err(Stop::Failed(reason))
            }
        }
    }

    /// Saves what the batch has changed; `false` if another process was faster, so that the batch is to
    /// be processed anew.
    async fn save(
        &mut self,
        store: &dyn StateStore,
        changes: Changes,
        stop: &CancellationToken,
    ) -> Result<bool, Stop> {
        if changes.is_empty() {
            return Ok(true);
        }
        let change = |(key, (loaded_version, body))| StateChange { key, loaded_version, body };
        let changes: Vec<_> = changes.into_iter().map(change).collect();
        let save = || async {
            match store.save(changes.clone()).await {
                Ok(()) => Ok(true),
                Err(error) if error.kind == StateErrorKind::Conflict => Ok(false),
                Err(error) => Err(BusError::from(error)),
            }
        };
        let saved = self.progress.until_done("save", save, stop).await?;
        if !saved {
            self.progress.conflicted("save");
            if stop.is_cancelled() {
                return Err(Stop::Told);
            }
        }
        Ok(saved)
    }

    /// Commits what is settled.
    async fn commit(&mut self, stop: &CancellationToken) -> Result<(), Stop> {
        let Some(settled) = &self.uncommitted else { return Ok(()) };
        let metadata = self.ledger.metadata_with(&settled.counters);
        let (committer, partition) = (self.committer.as_ref(), &self.partition);
        let commit = || committer.commit(partition, settled.next_offset, metadata.clone());
        self.progress.until_done("commit", commit, stop).await?;
        self.committed = settled.next_offset;
        self.ledger.settled(&settled.counters, settled.batches);
        self.uncommitted = None;
        Ok(())
    }
}
