//! What all handlers share.

use std::sync::Arc;

use access::Keys;
use cache_store::CacheStore;
use document_store::DocumentStore;
use pipeline::Runtime;
use search_store::SearchStore;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::tap::PipelineTap;

/// Passwords hashed at a time: each takes 19 MiB and a core.
const HASHES_AT_ONCE: usize = 2;

/// What the API reads and writes.
#[derive(Clone)]
pub struct Stores {
    /// Events.
    pub search: Arc<dyn SearchStore>,
    /// Users, sessions, dead letters, ingest tokens.
    pub documents: Arc<dyn DocumentStore>,
    /// Counters of failed sign-ins.
    pub cache: Arc<dyn CacheStore>,
    /// Secrets of access tokens.
    pub keys: Keys,
    /// The pipeline that runs in this process, if one does.
    pub tap: Option<Arc<dyn PipelineTap>>,
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stores").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// The state of the server; handlers share one.
pub(crate) struct Api {
    pub(crate) config: Config,
    pub(crate) stores: Stores,
    /// What the enricher reads beside `logs.raw`.
    pub(crate) foreign_topics: Vec<String>,
    pub(crate) runtime: Runtime,
    /// Permits to hash a password.
    pub(crate) hashing: Semaphore,
    /// Permits for live streams.
    pub(crate) tails: Arc<Semaphore>,
}

impl Api {
    pub(crate) fn new(
        config: Config,
        stores: Stores,
        foreign_topics: Vec<String>,
        runtime: Runtime,
    ) -> Arc<Self> {
        let tails = Arc::new(Semaphore::new(config.tail_streams_max));
        let hashing = Semaphore::new(HASHES_AT_ONCE);
        Arc::new(Self { config, stores, foreign_topics, runtime, hashing, tails })
    }

    pub(crate) fn documents(&self) -> &dyn DocumentStore {
        self.stores.documents.as_ref()
    }
}
