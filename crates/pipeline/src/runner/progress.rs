//! How a partition's task says that it goes on: its steps' times, its retries, and its health.
//!
//! Liveness is progress: a step that takes longer than [`STALL_AFTER`] shows as stalled. A wait before
//! a retry is no step: an engine that is away is no reason to start the process anew.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bus::{BusError, ErrorKind, PartitionId};
use service::metrics::{HistogramVec, IntCounterVec, Metrics};
use service::{CancellationToken, Health, HealthState};
use tokio::time::Instant;

use service::Backoff;

/// How long one step (a process call, a delivery, a commit) may take before it counts as stalled.
pub(super) const STALL_AFTER: Duration = Duration::from_secs(300);
/// Failed attempts in a row before the health says what is in the way.
pub(super) const ATTEMPTS_BEFORE_WAITING: u32 = 3;

const STEP_SECONDS_BUCKETS: [f64; 10] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Why a batch is not settled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The task was told to stop while something had to be tried again.
    Told,
    /// It cannot go on until somebody changes something.
    Failed(String),
}

/// The runners' own metrics; cloning shares.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    retries: IntCounterVec,
    step_seconds: HistogramVec,
}

impl Meters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Self {
            retries: metrics.counter(
                "millrace_stage_retries_total",
                "Steps of a stage that failed and were tried again",
                &["stage", "step"],
            ),
            step_seconds: metrics.histogram(
                "millrace_stage_step_seconds",
                "Time that a batch spent in one step of a stage",
                &["stage", "step"],
                STEP_SECONDS_BUCKETS.to_vec(),
            ),
        }
    }
}

/// Name of a partition's part in the health.
pub(super) fn part_name(stage: &str, partition: &PartitionId) -> String {
    format!("{stage} {}/{}", partition.topic, partition.partition)
}

/// One partition's progress.
#[derive(Debug)]
pub(super) struct Progress {
    stage: &'static str,
    /// Name of the partition in the health.
    part: String,
    health: Health,
    meters: Meters,
    troubled: AtomicBool,
}

impl Progress {
    pub(super) fn new(
        stage: &'static str,
        partition: &PartitionId,
        health: Health,
        meters: Meters,
    ) -> Self {
        let part = part_name(stage, partition);
        Self { stage, part, health, meters, troubled: AtomicBool::new(false) }
    }

    /// Does one step, measures it, and shows when it hangs.
    pub(super) async fn step<T>(&self, step: &'static str, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let mut work = std::pin::pin!(work);
        let done = match tokio::time::timeout(STALL_AFTER, work.as_mut()).await {
            Ok(done) => done,
            Err(_) => {
                let reason = format!("{step} has taken more than {} s", STALL_AFTER.as_secs());
                tracing::error!(part = self.part, step, "stalled");
                self.trouble(HealthState::Stalled { reason });
                let done = work.await;
                self.recovered();
                done
            }
        };
        let seconds = began.elapsed().as_secs_f64();
        self.meters.step_seconds.with_label_values(&[self.stage, step]).observe(seconds);
        done
    }

    /// Does a step again and again until it works.
    ///
    /// # Errors
    /// [`Stop::Told`], or [`Stop::Failed`] for an error that is not transient.
    pub(super) async fn until_done<T, F>(
        &self,
        step: &'static str,
        attempt: impl Fn() -> F,
        stop: &CancellationToken,
    ) -> Result<T, Stop>
    where
        F: Future<Output = Result<T, BusError>>,
    {
        let mut backoff = Backoff::default();
        loop {
            match self.step(step, attempt()).await {
                Ok(done) => {
                    self.recovered();
                    return Ok(done);
                }
                Err(error) if error.kind == ErrorKind::Transient => {
                    let reason = &error.message;
                    self.wait_to_retry(step, reason, &mut backoff, Duration::ZERO, stop).await?;
                }
                Err(error) => return Err(Stop::Failed(format!("cannot {step}: {error}"))),
            }
        }
    }

    /// Waits before a step is tried again.
    ///
    /// # Errors
    /// [`Stop::Told`] if the task is told to stop before the wait is over.
    pub(super) async fn wait_to_retry(
        &self,
        step: &'static str,
        reason: &str,
        backoff: &mut Backoff,
        at_least: Duration,
        stop: &CancellationToken,
    ) -> Result<(), Stop> {
        let delay = backoff.next_delay(at_least);
        let attempts = backoff.attempts();
        self.meters.retries.with_label_values(&[self.stage, step]).inc();
        if attempts.is_power_of_two() {
            tracing::warn!(
                part = self.part,
                step,
                attempts,
                reason,
                "not possible now, trying again"
            );
        }
        if attempts >= ATTEMPTS_BEFORE_WAITING {
            let reason = format!("{step} was tried {attempts} times: {reason}");
            self.trouble(HealthState::Waiting { reason });
        }
        let waited = stop.run_until_cancelled(tokio::time::sleep(delay)).await;
        waited.ok_or(Stop::Told)
    }

    /// A step has to be done anew, because another process was faster.
    pub(super) fn conflicted(&self, step: &'static str) {
        self.meters.retries.with_label_values(&[self.stage, step]).inc();
        tracing::debug!(part = self.part, step, "another process was faster: doing it anew");
    }

    fn trouble(&self, state: HealthState) {
        self.troubled.store(true, Ordering::Relaxed);
        self.health.set(&self.part, state);
    }

    /// What was in the way is gone.
    pub(super) fn recovered(&self) {
        if self.troubled.swap(false, Ordering::Relaxed) {
            self.health.clear(&self.part);
        }
    }

    /// The partition stops and needs a person.
    pub(super) fn failed(&self, reason: String) {
        tracing::error!(part = self.part, reason, "the partition stops; nothing was committed");
        self.health.set(&self.part, HealthState::Failed { reason });
    }
}
