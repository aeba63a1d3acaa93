//! The fraud worker: scores transactions of `logs.enriched` by rules over the past of their customer and
//! address, and writes `fraud.scored`.
//!
//! It never overwrites the event that it scores, and a record that comes again gets the score it had.

pub mod amount;
pub mod config;
pub mod ring;
pub mod rule;
pub mod score;
pub mod stage;
pub mod state;
pub mod transaction;

use std::sync::Arc;

use bus::{TOPIC_ENRICHED, TOPIC_SCORED};
use document_store::{DocumentError, DocumentStore, ErrorKind};
use pipeline::{RunnerError, RunnerSpec, Runtime, TopicSink};
use service::wait_for;

pub use config::{Config, ScoringConfig};
pub use stage::FraudStage;
pub use state::DocumentStateStore;

/// Name of the stage and of its consumer group.
pub const NAME: &str = "fraud-worker";

/// Why the worker stopped.
#[derive(Debug, thiserror::Error)]
pub enum FraudWorkerError {
    /// Its state cannot be kept.
    #[error("cannot open the state of the fraud worker: {0}")]
    State(#[from] document_store::DocumentError),
    /// The runner stopped.
    #[error(transparent)]
    Runner(#[from] RunnerError),
}

/// Scores until the process stops. A store that is away at the start is waited for.
///
/// # Errors
/// As [`FraudWorkerError`] says.
pub async fn run(
    config: Config,
    documents: Arc<dyn DocumentStore>,
    runtime: Runtime,
) -> Result<(), FraudWorkerError> {
    let scoring = Arc::new(config.scoring);
    let transient = |error: &DocumentError| error.kind == ErrorKind::Transient;
    let open = || DocumentStateStore::open(Arc::clone(&documents));
    let opened = wait_for(&runtime.context, "documents", transient, open).await?;
    let Some(state) = opened else { return Ok(()) };
    let sink = TopicSink::new(Arc::clone(&runtime.bus), TOPIC_SCORED);
    let spec = RunnerSpec {
        name: NAME,
        topics: vec![TOPIC_ENRICHED.to_owned()],
        make_stage: Arc::new(move || Box::new(FraudStage::new(Arc::clone(&scoring)))),
        resolver: None,
        state: Some(Arc::new(state)),
        sink: Arc::new(sink),
    };
    pipeline::run(spec, runtime).await?;
    Ok(())
}
