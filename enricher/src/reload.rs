//! The pipeline that runs, and how another takes its place: when a signal asks for it, and when the file
//! changes.
//!
//! A file that cannot run changes nothing but what the log, the health and the metrics say. Where there are several
//! pipelines, each is looked at by itself: the others change all the same. Files are
//! read here between batches, on a thread of its own, never while an event runs.

mod stale_files;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use service::metrics::IntCounterVec;
use service::{Context, HealthState, Secret};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use crate::compile;
use crate::config::Config;
use crate::pipeline_text;
use crate::pipelines::{Pipeline, Pipelines};
use crate::plan::Plan;
use crate::refreshed_file::Stamp;
use crate::tap::Taps;

use self::stale_files::StaleFiles;
pub use self::stale_files::{FILES_PART, STALE_SECONDS};

/// How often the file is looked at. A change counts once the file has stayed the same from one look to
/// the next, so that a half-written one does not run.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What the health calls the pipeline, with the id behind it where it has one; it only speaks up when its file cannot
/// run.
pub const PART: &str = "enricher pipeline";
/// The metric of attempts to read the pipeline again.
pub const RELOADS: &str = "millrace_pipeline_reloads_total";

/// The pipeline that runs. Cloning shares: all partitions of a process take the new one with their
/// next batch.
#[derive(Clone, Debug)]
pub struct CurrentPlan {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    generation: AtomicU64,
    plan: Mutex<Plan>,
    /// Of whichever plan runs.
    taps: Taps,
}

impl CurrentPlan {
    /// Begins with this plan.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let (generation, plan) = (AtomicU64::new(0), Mutex::new(plan));
        Self { shared: Arc::new(Shared { generation, plan, taps: Taps::default() }) }
    }

    /// Has this plan run from the next batch on.
    pub fn replace(&self, plan: Plan) {
        let mut current = self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner);
        *current = plan;
        // Within the lock: whoever sees the number gets this plan or a later one.
        self.shared.generation.fetch_add(1, Ordering::Release);
    }

    /// How often it was replaced.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// Who looks on at its filters, whichever plan it is.
    #[must_use]
    pub fn taps(&self) -> &Taps {
        &self.shared.taps
    }

    /// The plan.
    #[must_use]
    pub fn get(&self) -> Plan {
        self.shared.plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl From<Plan> for CurrentPlan {
    fn from(plan: Plan) -> Self {
        Self::new(plan)
    }
}

/// Why the pipeline is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody asked: it is read again, and with it all files that it names.
    Asked,
    /// It is time: it is read again if its file has changed.
    Time,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to do.
    Unchanged,
    /// The new pipeline runs.
    Loaded,
    /// The file cannot run: the old pipeline goes on.
    Refused,
}

/// What has become of the inputs and outputs since they were last read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Same,
    /// They are others than those that the process has opened.
    Changed,
    /// They are again those that the process has opened.
    AsStarted,
}

/// The files of a pipeline, and by what it is seen that one is another than before.
type Stamps = Vec<(PathBuf, Stamp)>;

/// Reads the pipeline again.
#[derive(Debug)]
pub struct Reloader {
    /// Of a pipeline that has doors of its own.
    id: Option<String>,
    part: String,
    /// Inputs and outputs at the start, which run until the next one.
    started_ends: String,
    config: Config,
    secret: Secret<String>,
    current: CurrentPlan,
    context: Context,
    reloads: IntCounterVec,
    stale_files: StaleFiles,
    /// The files as they were at the last look.
    looked_at: Option<Stamps>,
    /// The files that were last read, whether they could run or not.
    read: Option<Stamps>,
}

impl Reloader {
    /// Reads the pipeline of this configuration into `current`. `secret` is the installation's key.
    #[must_use]
    pub fn new(
        config: Config,
        secret: Secret<String>,
        current: CurrentPlan,
        context: Context,
    ) -> Self {
        Self::of(None, config, secret, current, context)
    }

    /// One for each of the pipelines that were compiled with this configuration.
    #[must_use]
    pub fn all(
        config: &Config,
        secret: &Secret<String>,
        pipelines: &Pipelines,
        context: &Context,
    ) -> Vec<Self> {
        let reloader = |pipeline: &Pipeline| {
            let own = pipeline.id().and_then(|id| config.pipelines.get(id));
            let config = own.map_or_else(|| config.clone(), |own| config.of_pipeline(own));
            let (secret, current) = (secret.clone(), pipeline.current().clone());
            Self::of(pipeline.id().map(str::to_owned), config, secret, current, context.clone())
        };
        pipelines.all().iter().map(reloader).collect()
    }

    fn of(
        id: Option<String>,
        config: Config,
        secret: Secret<String>,
        current: CurrentPlan,
        context: Context,
    ) -> Self {
        let part = id.as_ref().map_or_else(|| PART.to_owned(), |id| format!("{PART} {id}"));
        let help = "Attempts to read the pipeline again, by what came of it";
        let reloads = context.metrics.counter(RELOADS, help, &["result"]);
        // Both are there from the start, so that an alarm has something to look at.
        for result in ["loaded", "refused"] {
            reloads.with_label_values(&[result]).inc_by(0);
        }
        let started_ends = current.get().ends_hash().to_owned();
        let mut stale_files = StaleFiles::new(id.as_deref(), &context);
        stale_files.tell(&current.get(), &context);
        Self {
            id,
            part,
            started_ends,
            config,
            secret,
            current,
            context,
            reloads,
            stale_files,
            looked_at: None,
            read: None,
        }
    }

    /// Looks at the pipeline, and reads it again where there is a reason to. Tells which of the files that its filters
    /// read cannot be read any more.
    pub fn look(&mut self, occasion: Occasion) -> Outcome {
        let outcome = self.look_at_pipeline(occasion);
        self.stale_files.tell(&self.current.get(), &self.context);
        outcome
    }

    fn look_at_pipeline(&mut self, occasion: Occasion) -> Outcome {
        // None while a file is not there: whoever replaces it may be between two steps.
        let stamps = self.config.pipeline.as_deref().and_then(pipeline_text::stamps);
        if occasion == Occasion::Time {
            let is_settled = stamps.is_some() && stamps == self.looked_at;
            self.looked_at.clone_from(&stamps);
            if !is_settled || stamps == self.read {
                return Outcome::Unchanged;
            }
        }
        self.read = stamps;
        match compile(&self.config, self.secret.reveal()) {
            Ok(plan) => self.load(plan, occasion),
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn load(&self, plan: Plan, occasion: Occasion) -> Outcome {
        let was_refused = self.context.health.parts().contains_key(&self.part);
        self.context.health.clear(&self.part);
        let id = self.id.as_deref();
        if occasion == Occasion::Time && plan.is_same(&self.current.get()) {
            if was_refused {
                tracing::info!(
                    id,
                    hash = plan.hash(),
                    "the pipeline's file is again the one that runs"
                );
            }
            return Outcome::Unchanged;
        }
        let (hash, filters) = (plan.hash().to_owned(), plan.filters().len());
        match self.ends_of(&plan) {
            Ends::Same => {}
            Ends::Changed => tracing::warn!(
                id,
                "the pipeline's inputs or outputs have changed: they count from the next start on"
            ),
            Ends::AsStarted => {
                tracing::info!(id, "the pipeline's inputs and outputs are again those that run");
            }
        }
        self.current.replace(plan);
        tracing::info!(
            id,
            hash,
            filters,
            "the pipeline was read again: it runs from the next batch on"
        );
        self.reloads.with_label_values(&["loaded"]).inc();
        Outcome::Loaded
    }

    fn ends_of(&self, plan: &Plan) -> Ends {
        if plan.has_same_ends(&self.current.get()) {
            Ends::Same
        } else if plan.ends_hash() == self.started_ends {
            Ends::AsStarted
        } else {
            Ends::Changed
        }
    }

    fn refuse(&mut self, reason: &str) -> Outcome {
        let hash = self.current.get().hash().to_owned();
        tracing::error!(
            id = self.id.as_deref(),
            reason,
            running = hash,
            "the pipeline's file cannot run: the old one goes on"
        );
        self.reloads.with_label_values(&["refused"]).inc();
        let reason = format!("the file cannot run, {hash} goes on: {reason}");
        self.context.health.set(&self.part, HealthState::Degraded { reason });
        Outcome::Refused
    }
}

/// Reads pipelines again, all at SIGHUP and each when its file changes, until the process stops. A terminal
/// that is closed ends the process as ever, though it sends the same signal.
///
/// # Errors
/// The signal cannot be listened to.
pub async fn watch(reloaders: Vec<Reloader>) -> io::Result<()> {
    let hangups = signal(SignalKind::hangup())?;
    let Some(shutdown) = reloaders.first().map(|first| first.context.shutdown.clone()) else {
        return Ok(());
    };
    let had_terminal = io::stdin().is_terminal();
    let reloaders: Arc<[_]> =
        reloaders.into_iter().map(|reloader| Arc::new(Mutex::new(reloader))).collect();
    let all = looks(hangups, |occasion| {
        if occasion == Occasion::Asked && had_terminal && !io::stdin().is_terminal() {
            shutdown.cancel();
        }
        look_at_all(Arc::clone(&reloaders), occasion)
    });
    shutdown.run_until_cancelled(all).await;
    Ok(())
}

/// Looks for ever, at its times and whenever it is asked to.
async fn looks<Look: Future<Output = ()>>(
    mut hangups: Signal,
    mut look: impl FnMut(Occasion) -> Look,
) {
    let mut times = interval(LOOK_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let occasion = tokio::select! {
            Some(()) = hangups.recv() => Occasion::Asked,
            _ = times.tick() => Occasion::Time,
        };
        look(occasion).await;
    }
}

async fn look_at_all(reloaders: Arc<[Arc<Mutex<Reloader>>]>, occasion: Occasion) {
    for reloader in &*reloaders {
        look(Arc::clone(reloader), occasion).await;
    }
}

/// Files and large pipelines take a while.
async fn look(reloader: Arc<Mutex<Reloader>>, occasion: Occasion) {
    let lock = |reloader: &Arc<Mutex<Reloader>>, work: &dyn Fn(&mut Reloader)| {
        work(&mut reloader.lock().unwrap_or_else(PoisonError::into_inner));
    };
    let shared = Arc::clone(&reloader);
    let looked = tokio::task::spawn_blocking(move || {
        lock(&shared, &|reloader| {
            reloader.look(occasion);
        });
    });
    if looked.await.is_err_and(|error| error.is_panic()) {
        lock(&reloader, &|reloader| {
            reloader.refuse("reading it failed, which is a bug");
        });
    }
}

#[cfg(test)]
mod tests;
