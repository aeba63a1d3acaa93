//! The indexer: documents of `logs.enriched` and `fraud.scored` go to the search store in bulk.
//!
//! The index of a document comes from its record alone, so that a replay overwrites itself: the one that the enricher
//! names, if its beginning is on the installation's allow-list, else the platform's own by the schema's list of log
//! types. Text of an event never becomes an index name without such a list.

mod operation;
mod sink;
mod stage;

use std::sync::Arc;

use bus::{TOPIC_ENRICHED, TOPIC_SCORED};
use pipeline::{RunnerError, RunnerSpec, Runtime};
use search_store::{IndexPrefixes, SearchStore, StoreError, StoreErrorKind};
use serde::{Deserialize, Serialize};
use service::wait_for;

pub use operation::OperationReader;
pub use sink::SearchSink;
pub use stage::IndexStage;

/// Name of the stage and of its consumer group.
pub const NAME: &str = "indexer";

/// Settings of `[indexer]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether documents are indexed.
    pub enabled: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// Why the indexer stopped.
#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    /// The store cannot be prepared.
    #[error("cannot prepare the search store: {0}")]
    Store(#[from] StoreError),
    /// The runner stopped.
    #[error(transparent)]
    Runner(#[from] RunnerError),
}

/// Indexes until the process stops; documents may go to indices of these beginnings beside the platform's own. A store
/// that is away at the start is waited for.
///
/// # Errors
/// As [`IndexerError`] says.
pub async fn run(
    search: Arc<dyn SearchStore>,
    prefixes: IndexPrefixes,
    runtime: Runtime,
) -> Result<(), IndexerError> {
    let transient = |error: &StoreError| error.kind() == StoreErrorKind::Unavailable;
    let ensured = wait_for(&runtime.context, "search", transient, || search.ensure_templates());
    if ensured.await?.is_none() {
        return Ok(());
    }
    let spec = RunnerSpec {
        name: NAME,
        topics: vec![TOPIC_ENRICHED.to_owned(), TOPIC_SCORED.to_owned()],
        make_stage: Arc::new(|| Box::new(IndexStage)),
        resolver: None,
        state: None,
        sink: Arc::new(SearchSink::new(search, prefixes)),
    };
    pipeline::run(spec, runtime).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_cannot_be_prepared_is_told_with_its_reason() {
        let error = IndexerError::from(StoreError::Fatal("no right to make templates".to_owned()));
        assert_eq!(
            error.to_string(),
            "cannot prepare the search store: no right to make templates"
        );
    }
}
