//! The door: every line of every protocol goes through here, to `logs.raw` or to the dead letters.
//!
//! A protocol's file does the framing in and the acknowledgement out; this one knows limits, identity,
//! ids, time and durability. It answers *accepted* only for what is durable, and never looks into a
//! payload.

mod batch;
mod identity;
mod ids;
mod lane;
mod letters;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use access::IngestToken;
use bus::{BusError, ErrorKind, Position, TOPIC_RAW};
use bytestring::ByteString;
use event::Limits;
use pipeline::{DoorLedger, Rejection, Runtime};
use service::{CancellationToken, Health, HealthState};

pub(crate) use batch::{Batch, Line, Origin};
pub(crate) use identity::{Identity, Pass, Shown, Unidentified};
pub(crate) use ids::Ids;
pub(crate) use lane::{Lane, Receipt};
pub(crate) use letters::{publish_letters, without_payload};

use crate::budget::Budget;
use crate::config::Config;
use crate::masking::Masking;
use crate::metrics::GatewayMetrics;
use crate::quota::{Quotas, Turnstile};
use crate::stores::Stores;
use crate::tokens::Tokens;

/// The stage that dead letters name, and the part that health names.
pub(crate) const STAGE: &str = "ingest-gateway";
/// When to try again after an error that only a person can mend.
const FATAL_RETRY_AFTER: Duration = Duration::from_secs(30);
/// The part under which health says that the disk is too full to take anything.
pub(crate) const DISK: &str = "disk";
/// How often a door says in the log that it takes nothing.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);
/// Waits between two tries for a sender that cannot be answered.
const PATIENCE_MIN: Duration = Duration::from_millis(50);
const PATIENCE_MAX: Duration = Duration::from_secs(5);

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is durable.
    Accepted,
    /// There was no room; the same line may be accepted later.
    Busy {
        /// The shortest wait.
        retry_after: Duration,
    },
    /// It is refused for good and stands in the dead letters.
    Refused(Box<Rejection>),
}

/// Nanoseconds since 1970 UTC. The platform's only clock for events: what comes later goes by
/// `received_at`.
#[derive(Clone)]
pub(crate) struct Clock(pub(crate) Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    pub(crate) fn system() -> Self {
        Self(Arc::new(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
        }))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What all doors share.
pub(crate) struct Foundation {
    pub(crate) runtime: Runtime,
    pub(crate) clock: Clock,
    /// The token of the settings.
    pub(crate) token: Option<IngestToken>,
    /// The tokens of shops.
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) requires_token: bool,
    pub(crate) budget: Arc<Budget>,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) metrics: GatewayMetrics,
    pub(crate) masking: Arc<Masking>,
    pub(crate) limits: Limits,
    pub(crate) retry_after: Duration,
    /// Cancelled when a stop has taken long enough: what is not durable by then is lost.
    pub(crate) give_up: CancellationToken,
    failed: AtomicBool,
}

impl Foundation {
    pub(crate) fn new(
        config: &Config,
        runtime: Runtime,
        clock: Clock,
        stores: &Stores,
    ) -> Arc<Self> {
        Arc::new(Self {
            metrics: GatewayMetrics::new(&runtime.context.metrics),
            masking: Arc::new(Masking::new(&config.masking, &runtime.context.metrics)),
            budget: Arc::new(Budget::of(config, &runtime.context.metrics)),
            quotas: Quotas::new(config, &runtime.context),
            tokens: Tokens::new(stores.documents.clone(), &runtime.context),
            runtime,
            clock,
            token: config.ingest_token.clone(),
            requires_token: config.require_token,
            limits: config.limits(),
            retry_after: config.retry_after.0,
            give_up: CancellationToken::new(),
            failed: AtomicBool::new(false),
        })
    }

    fn health(&self) -> &Health {
        &self.runtime.context.health
    }
}

/// The door as one protocol sees it; cloning shares.
#[derive(Clone)]
pub(crate) struct Intake {
    door: &'static str,
    ledger: DoorLedger,
    foundation: Arc<Foundation>,
    /// Whose it is what comes without a sign of whose it is.
    shop: ByteString,
    /// When this door last said that it takes nothing.
    warned_at: Arc<Mutex<Option<Instant>>>,
}

impl Intake {
    /// The door for a protocol, which is its name in ledgers, metrics and records.
    pub(crate) fn new(door: &'static str, foundation: &Arc<Foundation>) -> Self {
        let ledger = foundation.runtime.ledgers.door(door);
        let (foundation, shop) = (Arc::clone(foundation), identity::default_shop());
        Self { door, ledger, foundation, shop, warned_at: Arc::default() }
    }

    pub(crate) fn door(&self) -> &'static str {
        self.door
    }

    pub(crate) fn line_bytes_max(&self) -> usize {
        self.foundation.limits.payload_bytes_max
    }

    /// What a line may hold.
    pub(crate) fn limits(&self) -> &Limits {
        &self.foundation.limits
    }

    pub(crate) fn retry_after(&self) -> Duration {
        self.foundation.retry_after
    }

    pub(crate) fn metrics(&self) -> &GatewayMetrics {
        &self.foundation.metrics
    }

    /// What must not be stored, nor told to anybody.
    pub(crate) fn masking(&self) -> &Masking {
        &self.foundation.masking
    }

    /// Counts something that is turned away for later.
    pub(crate) fn count_busy(&self) {
        self.ledger.busy(1);
    }

    /// Why accepted does not mean durable, if it does not.
    pub(crate) fn durability_warning(&self) -> Option<String> {
        self.foundation.runtime.bus.durability_warning()
    }

    /// Waits until a stop has taken long enough.
    pub(crate) async fn give_up(&self) {
        self.foundation.give_up.cancelled().await;
    }

    /// Whether the door takes nothing until a person mends it. Senders are strangers: why stands in the
    /// log and in the process's health, which tell of folders and settings.
    pub(crate) fn is_failed(&self) -> bool {
        let parts = self.foundation.health().parts();
        let failed = |part| matches!(parts.get(part), Some(HealthState::Failed { .. }));
        failed(STAGE) || failed(DISK)
    }

    /// Says in the log that nothing is taken, now and then however often it happens.
    fn warn_busy(&self, error: &BusError) {
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        if warned_at.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL) {
            *warned_at = Some(Instant::now());
            tracing::warn!(door = self.door, %error, "the log takes nothing at the moment: senders must wait");
        }
    }

    /// The time now, in nanoseconds since 1970 UTC.
    pub(crate) fn now_ns(&self) -> i64 {
        (self.foundation.clock.0)()
    }

    /// An empty batch that is received now. Whoever makes it before its first line has come must say when that has
    /// ([`Batch::set_received_at_ns`]).
    pub(crate) fn batch(&self, ids: Ids) -> Batch {
        Batch::new(self.now_ns(), ids, self.door, &self.foundation.masking)
    }

    /// Whether any shop has a quota.
    pub(crate) fn has_quotas(&self) -> bool {
        self.foundation.quotas.is_on()
    }

    /// Where senders of a shop wait that cannot be answered, if it has a quota.
    pub(crate) fn turnstile(&self, shop: &ByteString) -> Option<Turnstile> {
        self.foundation.quotas.turnstile(shop)
    }

    /// Lets a request of a shop in, of so many bytes as it says, or says when it should come again. It is let in whole,
    /// and passes nobody of its shop who waits.
    pub(crate) async fn admit(
        &self,
        shop: &ByteString,
        bytes: Option<u64>,
    ) -> Result<(), Duration> {
        self.foundation.quotas.admit(shop, bytes).await
    }

    /// Makes a batch durable, once: an answer for each line, in order. What is taken in counts against the quotas
    /// of shops.
    pub(crate) async fn take(&self, batch: &Batch) -> Vec<Answer> {
        let _room = self.foundation.budget.publishing(&batch.shop(), batch.lines.len()).await;
        let started = Instant::now();
        let mut answers: Vec<Answer> = batch.lines.iter().map(Self::before_the_log).collect();
        self.publish_good(batch, &mut answers).await;
        self.publish_refused(batch, &mut answers).await;
        let took = started.elapsed().as_secs_f64();
        self.metrics().publish_seconds.with_label_values(&[self.door]).observe(took);
        self.count(&answers);
        self.charge(batch, &answers);
        answers
    }

    fn charge(&self, batch: &Batch, answers: &[Answer]) {
        let quotas = &self.foundation.quotas;
        if quotas.is_on() {
            for (shop, events, bytes) in batch.taken_in(answers) {
                quotas.charge(&shop, events, bytes);
            }
        }
    }

    fn before_the_log(line: &Line) -> Answer {
        match &line.fault {
            None => Answer::Accepted,
            Some(fault) => Answer::Refused(Box::new(fault.rejection.clone())),
        }
    }

    async fn publish_good(&self, batch: &Batch, answers: &mut [Answer]) {
        let mut records = Vec::with_capacity(batch.lines.len());
        records.extend(batch.lines.iter().filter(|l| l.fault.is_none()).map(|l| batch.record(l)));
        if records.is_empty() {
            return;
        }
        let mut outcomes =
            self.foundation.runtime.bus.publish(TOPIC_RAW, records).await.into_iter();
        for answer in answers.iter_mut().filter(|answer| **answer == Answer::Accepted) {
            *answer = self.answer(outcomes.next());
        }
    }

    /// A refused line is answered as such only when its dead letter is durable.
    async fn publish_refused(&self, batch: &Batch, answers: &mut [Answer]) {
        let mut letters = Vec::new();
        for (line, answer) in batch.lines.iter().zip(answers.iter()) {
            if let Answer::Refused(rejection) = answer {
                letters.push(batch.dead_letter(line, rejection));
            }
        }
        if letters.is_empty() {
            return;
        }
        let bus = self.foundation.runtime.bus.as_ref();
        let mut outcomes = publish_letters(bus, letters).await.into_iter();
        for answer in answers.iter_mut().filter(|answer| matches!(answer, Answer::Refused(_))) {
            match self.answer(outcomes.next()) {
                Answer::Accepted => {}
                busy @ Answer::Busy { .. } => *answer = busy,
                Answer::Refused(reason) => {
                    let reason = reason.message;
                    tracing::error!(door = self.door, reason, "the log refuses a dead letter");
                }
            }
        }
    }

    fn answer(&self, outcome: Option<Result<Position, BusError>>) -> Answer {
        let foundation = &self.foundation;
        let error = match outcome {
            Some(Ok(_)) => {
                // Asked before it is written: many cores come by here with every record.
                let failed = &foundation.failed;
                if failed.load(Ordering::Relaxed) && failed.swap(false, Ordering::Relaxed) {
                    foundation.health().set(STAGE, HealthState::Ready);
                }
                return Answer::Accepted;
            }
            Some(Err(error)) => error,
            None => BusError::new(ErrorKind::Transient, "the log gave no outcome for a record"),
        };
        match error.kind {
            ErrorKind::Transient => {
                self.warn_busy(&error);
                Answer::Busy { retry_after: foundation.retry_after }
            }
            ErrorKind::Rejected => Answer::Refused(Box::new(Rejection {
                kind: "publish_refused".into(),
                message: error.message,
                position_bytes: None,
            })),
            ErrorKind::Fatal => {
                if !foundation.failed.swap(true, Ordering::Relaxed) {
                    tracing::error!(door = self.door, %error, "the log takes nothing");
                    foundation.health().set(STAGE, HealthState::Failed { reason: error.message });
                }
                Answer::Busy { retry_after: FATAL_RETRY_AFTER }
            }
        }
    }

    fn count(&self, answers: &[Answer]) {
        let mut accepted = 0;
        for answer in answers {
            match answer {
                Answer::Accepted => accepted += 1,
                Answer::Refused(rejection) => self.ledger.refused(&rejection.kind, 1),
                Answer::Busy { .. } => {}
            }
        }
        self.ledger.accepted(accepted);
    }

    /// Makes a batch durable, however long it takes, for senders that cannot be told to come again.
    /// Ends early, with the rest counted as lost, only when the process must stop. Gives back what is
    /// left of the batch.
    pub(crate) async fn settle(&self, batch: Batch) -> Batch {
        let rest = self.deliver(batch).await;
        if rest.lines.is_empty() { rest } else { self.lose(rest) }
    }

    /// Makes a batch durable, however long it takes. Gives back what is left of it: lines only when
    /// the process must stop before the log took them.
    pub(crate) async fn deliver(&self, mut batch: Batch) -> Batch {
        let mut wait = PATIENCE_MIN;
        loop {
            let answers = tokio::select! {
                answers = self.take(&batch) => answers,
                () = self.foundation.give_up.cancelled() => return batch,
            };
            batch.keep_busy(&answers);
            if batch.lines.is_empty() {
                return batch;
            }
            if wait == PATIENCE_MIN {
                self.count_busy();
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.foundation.give_up.cancelled() => return batch,
            }
            wait = (wait * 2).min(PATIENCE_MAX);
        }
    }

    fn lose(&self, batch: Batch) -> Batch {
        let lines = batch.lines.len() as u64;
        self.metrics().lost_records.with_label_values(&[self.door]).inc_by(lines);
        tracing::error!(
            door = self.door,
            lines,
            "the process stops before the log took these lines; they are lost"
        );
        batch
    }
}

#[cfg(test)]
pub(crate) mod tests;
