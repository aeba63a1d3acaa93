//! The spool: while the bus is away, what the doors accept waits on this disk and goes on in its order when the
//! bus is back.
//!
//! `junction` is the bus that the doors see, `switch` decides the way of what they publish, `store` is the log on
//! disk, `replay` brings the bus what that holds. An acknowledgement means durable either way, and no record leaves
//! the spool before the bus has it, or its dead letter. What is accepted is decided elsewhere.

mod junction;
mod replay;
mod report;
mod store;
mod switch;

use std::path::Path;
use std::sync::Arc;

use bus::log::LogConfig;
use bus::log::files::{DiskFiles, Files};
use bus::{Bus, BusError, TOPIC_DEAD, TOPIC_RAW, TopicSpec};
use pipeline::Runtime;
use service::{CancellationToken, Context, Health};

use crate::config::SpoolConfig;
use junction::Junction;
use store::Store;

/// The topics that go through the spool, each with the stage that replays it, which is its group too.
const LANES: [(&str, &str); 2] = [(TOPIC_RAW, "spool"), (TOPIC_DEAD, "spool-dead-letters")];

/// A spool before a bus, open and not replayed yet.
#[derive(Debug)]
pub struct Spool {
    junction: Arc<Junction>,
    /// Of the bus.
    topics: Vec<TopicSpec>,
    runtime: Runtime,
}

impl Spool {
    /// Opens the spool that the settings name, before the runtime's bus; `None` if they name none. The bus may be
    /// away, and `topics` missing there. `log` has the settings of an embedded log: what the spool does not set
    /// itself, the disk reserve and the largest record among it, is as there.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`](bus::ErrorKind::Fatal) if another process has the folder open, or of the file system.
    pub async fn open(
        config: &SpoolConfig,
        log: &LogConfig,
        runtime: &Runtime,
        topics: Vec<TopicSpec>,
    ) -> Result<Option<Self>, BusError> {
        let Some(folder) = &config.folder else { return Ok(None) };
        let spool = Self::open_on(Arc::new(DiskFiles), folder, config, log, runtime, topics);
        spool.await.map(Some)
    }

    async fn open_on(
        files: Arc<dyn Files>,
        folder: &Path,
        config: &SpoolConfig,
        log: &LogConfig,
        runtime: &Runtime,
        topics: Vec<TopicSpec>,
    ) -> Result<Self, BusError> {
        let store = Store::open(files, folder, config, log).await?;
        let bus = Arc::clone(&runtime.bus);
        let shutdown = runtime.context.shutdown.clone();
        let junction = Junction::new(bus, store, config.publish_timeout.0, shutdown);
        let junction = Arc::new(junction);
        report::show(&junction, &runtime.context.metrics);
        Ok(Self { junction, topics, runtime: runtime.clone() })
    }

    /// What the doors need: with a bus that uses the spool.
    #[must_use]
    pub fn runtime(&self) -> Runtime {
        let bus: Arc<dyn Bus> = self.junction.clone();
        Runtime { bus, ..self.runtime.clone() }
    }

    /// Cancelled when the bus was reached and has its topics, which the replay sees to. Others need not.
    #[must_use]
    pub fn reached(&self) -> CancellationToken {
        self.junction.reached.clone()
    }

    /// Replays the spool while the doors are served, and closes it when they have ended. A replay that fails does not
    /// end them: it says so in the health.
    pub async fn replay_beside<T>(self, doors: impl Future<Output = T>) -> T {
        let Self { junction, topics, runtime } = self;
        let Runtime { ledgers, context, .. } = runtime;
        let stop = context.shutdown.child_token();
        // Its runners call a bus that is away not ready; the doors are.
        let inside = Health::default();
        let own = Context {
            metrics: context.metrics.clone(),
            health: inside.clone(),
            shutdown: stop.clone(),
        };
        let serving = async {
            let ended = doors.await;
            stop.cancel();
            ended
        };
        let watching = stop.run_until_cancelled(report::watch(&junction, &inside, &context.health));
        let replaying = replay::run(Arc::clone(&junction), topics, ledgers, own);
        let (ended, ..) = tokio::join!(serving, replaying, watching);
        let held_records = junction.store.held_records();
        if held_records > 0 {
            tracing::info!(
                records = held_records,
                "the spool keeps what the bus has not taken, for the next start"
            );
        }
        if let Err(error) = junction.store.log.close().await {
            tracing::error!(%error, "the spool is not closed in good order");
        }
        ended
    }
}

#[cfg(test)]
mod tests;
