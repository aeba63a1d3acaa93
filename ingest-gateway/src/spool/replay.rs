//! The way out of the spool: a stage that passes records on, between the spool's log and the bus.
//!
//! The runner reads, tries again, counts and commits, as it does for every stage; it commits only what the bus
//! has. A record that the bus refuses for good becomes a dead letter of the door that took it: its place in the
//! spool would mean nothing to anybody.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::{
    Bus, BusError, Committer, Consumer, Delivery, ErrorKind, PartitionId, PartitionLag, Position,
    Positioned, Record, TOPIC_DEAD, TopicSpec,
};
use bytes::Bytes;
use pipeline::{
    DeadLetter, Fatal, Ledgers, Outcome, Rejection, RunnerSpec, Runtime, Sink, Stage, State,
    Verdict,
};
use service::{CancellationToken, Context, wait_for};

use super::LANES;
use super::junction::Junction;
use crate::intake::{STAGE, publish_letters, without_payload};

/// When to try again after an error that only a person can mend.
const FATAL_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Brings the bus what the spool holds, from when the bus is reached until the context's shutdown. Health and log of
/// the context say what is in the way.
pub(super) async fn run(
    junction: Arc<Junction>,
    topics: Vec<TopicSpec>,
    ledgers: Arc<Ledgers>,
    context: Context,
) {
    let attempt = || async {
        let ensured = junction.bus.ensure_topics(&topics).await;
        if let Err(error) = &ensured {
            junction.troubled(&error.message);
        }
        ensured
    };
    // Whatever is wrong, the spool goes on holding.
    let reached = wait_for(&context, "bus", |_| true, attempt).await;
    if !matches!(reached, Ok(Some(()))) {
        return;
    }
    if let Some(warning) = junction.durability_warning() {
        tracing::warn!("NOT DURABLE: {warning}");
    }
    junction.reach();
    let runtime = Runtime {
        bus: Arc::new(ReplayBus(Arc::clone(&junction))),
        ledgers,
        context: context.clone(),
    };
    let lane = |(topic, group): (&'static str, &'static str)| {
        let (junction, stop) = (Arc::clone(&junction), context.shutdown.clone());
        let spec = RunnerSpec {
            name: group,
            topics: vec![topic.to_owned()],
            make_stage: Arc::new(|| Box::new(PassOn)),
            resolver: None,
            state: None,
            sink: Arc::new(ReplaySink { junction, topic, stop }),
        };
        pipeline::run(spec, runtime.clone())
    };
    let [events, letters] = LANES.map(lane);
    // One that ends by itself has said so in the health.
    drop(tokio::join!(events, letters));
}

/// Passes records on as they are.
struct PassOn;

impl Stage for PassOn {
    fn process(&mut self, batch: &[Positioned], _state: &mut State) -> Vec<Verdict> {
        let forward =
            |at: &Positioned| Verdict::Forward(std::iter::once(at.record.clone()).collect());
        batch.iter().map(forward).collect()
    }

    fn is_light(&self) -> bool {
        true
    }
}

/// Gives records to a topic of the bus.
struct ReplaySink {
    junction: Arc<Junction>,
    topic: &'static str,
    /// What is on its way when the process stops is not waited for: it stays in the spool.
    stop: CancellationToken,
}

#[async_trait]
impl Sink for ReplaySink {
    async fn deliver(&self, items: &[Record]) -> Result<Vec<Outcome>, Fatal> {
        let Some(outcomes) = self.stop.run_until_cancelled(self.attempt(items)).await else {
            let stopped = || later(Duration::ZERO, "the process stops".to_owned());
            return Ok(items.iter().map(|_| stopped()).collect());
        };
        let (mut delivered, mut trouble) = (0, None);
        for outcome in &outcomes {
            match outcome {
                Outcome::Delivered => delivered += 1,
                Outcome::RetryLater { reason, .. } => trouble = trouble.or(Some(reason)),
                Outcome::Rejected(_) => {}
            }
        }
        self.junction.replayed(delivered);
        match trouble {
            Some(trouble) => self.junction.troubled(trouble),
            None => self.junction.works(),
        }
        Ok(outcomes)
    }
}

impl ReplaySink {
    async fn attempt(&self, items: &[Record]) -> Vec<Outcome> {
        let answers = self.junction.bus.publish(self.topic, items.to_vec()).await;
        let mut outcomes = Vec::with_capacity(answers.len());
        for (item, answer) in items.iter().zip(answers) {
            outcomes.push(match answer {
                Ok(_) => Outcome::Delivered,
                Err(error) if error.kind == ErrorKind::Rejected => {
                    self.bury(item, error.message).await
                }
                Err(error) => not_now(error),
            });
        }
        outcomes
    }

    /// Makes a refused record a dead letter, as the intake does. One that is a letter already tells the rest of what
    /// it holds.
    async fn bury(&self, item: &Record, message: String) -> Outcome {
        let kind = "publish_refused".into();
        let rejection = Rejection { kind, message, position_bytes: None };
        let letter = match self.topic {
            TOPIC_DEAD => without_payload(item),
            _ => Some(DeadLetter::new(STAGE, item, None, &rejection).into_record()),
        };
        if let Some(letter) = letter {
            match publish_letters(self.junction.bus.as_ref(), vec![letter]).await.pop() {
                Some(Ok(_)) => return Outcome::Rejected(rejection),
                Some(Err(error)) if error.kind == ErrorKind::Rejected => {}
                Some(Err(error)) => return not_now(error),
                None => return later(Duration::ZERO, "the bus gave no outcome".to_owned()),
            }
        }
        let reason = &rejection.message;
        tracing::error!(id = %item.id, reason, "the bus refuses a record and its dead letter");
        Outcome::Rejected(rejection)
    }
}

/// The answer for what may work later; an error that needs a person too, since the spool goes on holding.
fn not_now(error: BusError) -> Outcome {
    let after = match error.kind {
        ErrorKind::Fatal => FATAL_RETRY_AFTER,
        ErrorKind::Transient | ErrorKind::Rejected => Duration::ZERO,
    };
    later(after, error.message)
}

fn later(after: Duration, reason: String) -> Outcome {
    Outcome::RetryLater { after, reason }
}

/// The bus as the runner sees it: it reads the spool.
struct ReplayBus(Arc<Junction>);

#[async_trait]
impl Bus for ReplayBus {
    async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.0.store.log.ensure_topics(topics).await
    }

    /// The runner's own dead letters, which name places in the spool: the sink has written better ones.
    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        let nowhere = Position { topic: topic.into(), partition: 0, offset: 0, index: 0 };
        batch.iter().map(|_| Ok(nowhere.clone())).collect()
    }

    async fn subscribe(&self, group: &str, topics: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        let spool = self.0.store.log.subscribe(group, topics).await?;
        Ok(Box::new(ReplayConsumer { junction: Arc::clone(&self.0), spool }))
    }

    async fn lag(&self, group: &str, topics: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        self.0.store.log.lag(group, topics).await
    }

    async fn read(&self, position: &Position) -> Result<Option<Record>, BusError> {
        self.0.store.log.read(position).await
    }

    fn durability_warning(&self) -> Option<String> {
        self.0.store.durability_warning()
    }
}

/// A consumer of the spool whose commits are told to the junction.
struct ReplayConsumer {
    junction: Arc<Junction>,
    spool: Box<dyn Consumer>,
}

#[async_trait]
impl Consumer for ReplayConsumer {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        self.spool.next().await
    }

    fn committer(&self) -> Arc<dyn Committer> {
        let junction = Arc::clone(&self.junction);
        Arc::new(ReplayCommitter { junction, spool: self.spool.committer() })
    }
}

struct ReplayCommitter {
    junction: Arc<Junction>,
    spool: Arc<dyn Committer>,
}

#[async_trait]
impl Committer for ReplayCommitter {
    async fn commit(
        &self,
        partition: &PartitionId,
        next_offset: u64,
        metadata: Bytes,
    ) -> Result<(), BusError> {
        self.spool.commit(partition, next_offset, metadata).await?;
        self.junction.advance();
        Ok(())
    }

    fn pause(&self, partition: &PartitionId) {
        self.spool.pause(partition);
    }

    fn resume(&self, partition: &PartitionId) {
        self.spool.resume(partition);
    }
}
