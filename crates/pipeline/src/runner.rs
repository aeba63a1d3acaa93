//! The runner: the only consume loop of the project.
//!
//! It subscribes a stage to its topics and runs one task for each assigned partition. It never commits
//! an offset before every record of the batch is delivered or stands in the dead letters.

use std::sync::Arc;

use bus::{Bus, BusError};

use crate::ledger::Ledgers;
use crate::sink::Sink;
use crate::stage::{Resolver, Stage, StateStore};

/// A stage with where it reads and where it delivers.
pub struct RunnerSpec {
    /// Name of the stage, which is its consumer group too.
    pub name: &'static str,
    /// The topics it reads.
    pub topics: Vec<&'static str>,
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
    pub context: service::Context,
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
    let consumer = runtime.bus.subscribe(stage, &spec.topics).await;
    let _consumer = consumer.map_err(|source| RunnerError::Subscribe { stage, source })?;
    runtime.context.shutdown.cancelled().await;
    Ok(())
}
