//! The runner: the only consume loop of the project.
//!
//! It subscribes a stage to its topics and hands each partition's batches to that partition's own task.
//! It never commits an offset before every record of the batch is delivered or stands in the dead
//! letters, and never ends because one partition failed.

mod assignment;
mod delivery;
mod host;
mod partition;
mod progress;
mod settlement;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bus::{Batch, Bus, BusError, Committer, Consumer, Delivery, ErrorKind, PartitionId};
use bus::{PartitionStart, TOPIC_DEAD};
use service::{Context, HealthState};

use crate::ledger::Ledgers;
use crate::sink::{Sink, TopicSink};
use crate::stage::{Resolver, Stage, StateStore};
use assignment::{Assignment, Release};
use partition::PartitionTask;
use progress::{Meters, Progress, part_name};
use service::Backoff;

/// Batches of a partition that wait behind the one in hand; a full queue pauses the partition.
pub const QUEUE_BATCHES: usize = 1;
/// How long a partition that is taken away, or a process that stops, waits for the batch in hand.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(8);

/// A stage with where it reads and where it delivers.
pub struct RunnerSpec {
    /// Name of the stage, which is its consumer group too.
    pub name: &'static str,
    /// The topics it reads.
    pub topics: Vec<String>,
    /// Makes an instance for a partition; again after the stage has panicked.
    pub make_stage: Arc<dyn Fn() -> Box<dyn Stage> + Send + Sync>,
    /// Look-ups before each batch.
    pub resolver: Option<Arc<dyn Resolver>>,
    /// Where the stage's state lies; a stage without one is never asked for its keys.
    pub state: Option<Arc<dyn StateStore>>,
    /// Where its outputs go.
    pub sink: Arc<dyn Sink>,
}

impl std::fmt::Debug for RunnerSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("RunnerSpec");
        text.field("name", &self.name).field("topics", &self.topics).finish_non_exhaustive()
    }
}

/// What all runners of a process share; cloning shares.
#[derive(Clone)]
pub struct Runtime {
    /// Where records are read, and where dead letters go.
    pub bus: Arc<dyn Bus>,
    /// Where records are counted.
    pub ledgers: Arc<Ledgers>,
    /// Metrics, health and the end.
    pub context: Context,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("ledgers", &self.ledgers).finish_non_exhaustive()
    }
}

/// Why a runner ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// It could not join its group.
    #[error("stage {stage} cannot read its topics: {source}")]
    Subscribe {
        /// The stage.
        stage: &'static str,
        /// What the bus says.
        source: BusError,
    },
    /// The bus ended the subscription.
    #[error("stage {stage} lost its subscription: {source}")]
    Consumer {
        /// The stage.
        stage: &'static str,
        /// What the bus says.
        source: BusError,
    },
}

/// Runs a stage until the context's shutdown, when the batches in hand are settled.
///
/// # Errors
/// [`RunnerError`] when the bus refuses the subscription or ends it. A partition that fails does not
/// end the run: it stops, its reason stands in the health, and the others go on.
pub async fn run(spec: RunnerSpec, runtime: Runtime) -> Result<(), RunnerError> {
    let stage = spec.name;
    runtime.ledgers.register(stage);
    let health = runtime.context.health.clone();
    health.set(stage, HealthState::Waiting { reason: "joining its consumer group".into() });
    let result = match subscribe(&spec, &runtime).await {
        Ok(Some(consumer)) => {
            health.set(stage, HealthState::Ready);
            Runner::new(spec, runtime, consumer).run().await
        }
        Ok(None) => Ok(()),
        Err(source) => Err(RunnerError::Subscribe { stage, source }),
    };
    if let Err(error) = &result {
        health.set(stage, HealthState::Failed { reason: error.to_string() });
    }
    result
}

/// Joins the group as often as it takes; `None` when told to stop meanwhile.
async fn subscribe(
    spec: &RunnerSpec,
    runtime: &Runtime,
) -> Result<Option<Box<dyn Consumer>>, BusError> {
    let mut backoff = Backoff::default();
    let topics: Vec<_> = spec.topics.iter().map(String::as_str).collect();
    let shutdown = &runtime.context.shutdown;
    while !shutdown.is_cancelled() {
        match runtime.bus.subscribe(spec.name, &topics).await {
            Ok(consumer) => return Ok(Some(consumer)),
            Err(error) if error.kind == ErrorKind::Transient => {
                tracing::warn!(stage = spec.name, %error, "cannot join the consumer group yet");
                let delay = backoff.next_delay(Duration::ZERO);
                shutdown.run_until_cancelled(tokio::time::sleep(delay)).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// A subscription at work.
struct Runner {
    spec: Arc<RunnerSpec>,
    runtime: Runtime,
    consumer: Box<dyn Consumer>,
    committer: Arc<dyn Committer>,
    dead_letters: Arc<TopicSink>,
    meters: Meters,
    cores: Arc<tokio::sync::Semaphore>,
    assignments: HashMap<PartitionId, Assignment>,
}

impl Runner {
    fn new(spec: RunnerSpec, runtime: Runtime, consumer: Box<dyn Consumer>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            committer: consumer.committer(),
            dead_letters: Arc::new(TopicSink::new(Arc::clone(&runtime.bus), TOPIC_DEAD)),
            meters: Meters::new(&runtime.context.metrics),
            cores: Arc::new(tokio::sync::Semaphore::new(cores)),
            spec: Arc::new(spec),
            runtime,
            consumer,
            assignments: HashMap::new(),
        }
    }

    async fn run(mut self) -> Result<(), RunnerError> {
        let shutdown = self.runtime.context.shutdown.clone();
        let mut backoff = Backoff::default();
        let result = loop {
            let Some(next) = shutdown.run_until_cancelled(self.consumer.next()).await else {
                break Ok(());
            };
            match next {
                Ok(delivery) => {
                    backoff = Backoff::default();
                    self.take(delivery).await;
                }
                Err(error) if error.kind == ErrorKind::Transient => {
                    tracing::warn!(stage = self.spec.name, %error, "cannot read the bus");
                    let delay = backoff.next_delay(Duration::ZERO);
                    shutdown.run_until_cancelled(tokio::time::sleep(delay)).await;
                }
                Err(source) => {
                    break Err(RunnerError::Consumer { stage: self.spec.name, source });
                }
            }
        };
        let all = self.assignments.drain().map(|(_, assignment)| assignment).collect();
        assignment::release(all, Release::Drain).await;
        result
    }

    async fn take(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Assigned(starts) => {
                let known: Vec<_> = starts.iter().map(|start| start.partition.clone()).collect();
                self.let_go(&known, Release::Abandon).await;
                for start in starts {
                    self.assign(start);
                }
            }
            Delivery::Batch(batch) => self.enqueue(batch).await,
            Delivery::Revoked(partitions) => self.let_go(&partitions, Release::Drain).await,
            Delivery::Lost(partitions) => self.let_go(&partitions, Release::Abandon).await,
        }
    }

    fn assign(&mut self, start: PartitionStart) {
        let stage = self.spec.name;
        let PartitionId { topic, partition } = &start.partition;
        tracing::debug!(stage, %topic, partition, offset = start.offset, "partition assigned");
        let ledger = self.runtime.ledgers.open(stage, &start);
        let health = self.runtime.context.health.clone();
        let progress = Progress::new(stage, &start.partition, health, self.meters.clone());
        let task = PartitionTask {
            spec: Arc::clone(&self.spec),
            partition: start.partition.clone(),
            committer: Arc::clone(&self.committer),
            dead_letters: Arc::clone(&self.dead_letters),
            ledger: ledger.clone(),
            host: host::StageHost::new(Arc::clone(&self.spec), Arc::clone(&self.cores)),
            progress,
            committed: start.offset,
            watermark_ns: 0,
            uncommitted: None,
        };
        self.assignments.insert(start.partition, Assignment::spawn(task, ledger));
    }

    async fn enqueue(&mut self, batch: Batch) {
        if let Some(assignment) = self.assignments.get(&batch.partition) {
            assignment.enqueue(batch, self.committer.as_ref()).await;
        } else {
            let PartitionId { topic, partition } = &batch.partition;
            let stage = self.spec.name;
            tracing::warn!(stage, %topic, partition, "a batch of a partition that is not ours");
        }
    }

    /// Ends the tasks of these partitions; the bus may give them away once this returns.
    async fn let_go(&mut self, partitions: &[PartitionId], release: Release) {
        let ours = |id| self.assignments.remove(id);
        let released = partitions.iter().filter_map(ours).collect();
        assignment::release(released, release).await;
        for partition in partitions {
            self.runtime.ledgers.close(self.spec.name, partition);
            self.runtime.context.health.clear(&part_name(self.spec.name, partition));
        }
    }
}

#[cfg(test)]
mod tests;
