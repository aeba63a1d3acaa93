//! Chooses backends by URL: the one place that knows which there are.

use std::path::Path;
use std::sync::Arc;

use bus::Bus;
use bus::log::EmbeddedBus;
use cache_store::{CacheStore, MemoryCache};
use document_store::{DocumentStore, EmbeddedDocuments};
use search_store::{EmbeddedSearch, SearchStore};

use crate::command::Failure;
use crate::config::PlatformConfig;

/// Topics with the groups that hold their data back from retention.
const TOPICS: [(&str, &[&str]); 4] = [
    (bus::TOPIC_RAW, &[enricher::NAME]),
    (bus::TOPIC_ENRICHED, &[indexer::NAME, fraud_worker::NAME]),
    (bus::TOPIC_SCORED, &[indexer::NAME]),
    (bus::TOPIC_DEAD, &[query_api::DEAD_LETTERS_GROUP]),
];

/// The stores of a process.
#[derive(Clone)]
pub struct Backends {
    /// Records between the services.
    pub bus: Arc<dyn Bus>,
    /// Documents to be found.
    pub search: Arc<dyn SearchStore>,
    /// Users, sessions, dead letters, state.
    pub documents: Arc<dyn DocumentStore>,
    /// What may be lost.
    pub cache: Arc<dyn CacheStore>,
}

impl std::fmt::Debug for Backends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backends").finish_non_exhaustive()
    }
}

impl Backends {
    /// Opens the stores that the configuration names, and makes topics that are missing.
    ///
    /// # Errors
    /// An unknown URL, or a store that cannot be opened.
    pub async fn open(config: &PlatformConfig, data: &Path) -> Result<Self, Failure> {
        let bus = open_bus(config, data)?;
        let topics = TOPICS.map(|(topic, groups)| {
            let enabled = groups.iter().filter(|group| is_enabled(config, group));
            config.bus.log.topic(topic, &enabled.copied().collect::<Vec<_>>())
        });
        bus.ensure_topics(&topics).await.map_err(|error| Failure::new(error.to_string()))?;
        Ok(Self {
            bus,
            search: open_search(config, data).await?,
            documents: open_documents(config, data)?,
            cache: open_cache(config)?,
        })
    }
}

/// A service that is switched off must not hold data back for ever.
fn is_enabled(config: &PlatformConfig, group: &str) -> bool {
    match group {
        indexer::NAME => config.indexer.enabled,
        fraud_worker::NAME => config.fraud_worker.enabled,
        _ => true,
    }
}

fn open_bus(config: &PlatformConfig, data: &Path) -> Result<Arc<dyn Bus>, Failure> {
    match config.bus.url.as_str() {
        "embedded:" => EmbeddedBus::open(data.join("bus"), config.bus.log.clone())
            .map(|bus| Arc::new(bus) as Arc<dyn Bus>)
            .map_err(|error| Failure::new(error.to_string())),
        other => Err(unknown("bus.url", other, "embedded:")),
    }
}

async fn open_search(
    config: &PlatformConfig,
    data: &Path,
) -> Result<Arc<dyn SearchStore>, Failure> {
    let fields = schema::Schema::embedded().fields();
    match config.search.url.as_str() {
        "embedded:" => {
            EmbeddedSearch::open(&data.join("search"), config.search.embedded.clone(), fields)
                .await
                .map(|search| Arc::new(search) as Arc<dyn SearchStore>)
                .map_err(|error| Failure::new(error.to_string()))
        }
        other => Err(unknown("search.url", other, "embedded:")),
    }
}

fn open_documents(config: &PlatformConfig, data: &Path) -> Result<Arc<dyn DocumentStore>, Failure> {
    match config.documents.url.as_str() {
        "embedded:" => EmbeddedDocuments::open(&data.join("documents"), &config.documents.embedded)
            .map(|documents| Arc::new(documents) as Arc<dyn DocumentStore>)
            .map_err(|error| Failure::new(error.to_string())),
        other => Err(unknown("documents.url", other, "embedded:")),
    }
}

fn open_cache(config: &PlatformConfig) -> Result<Arc<dyn CacheStore>, Failure> {
    match config.cache.url.as_str() {
        "memory:" => Ok(Arc::new(MemoryCache::new(&config.cache.memory))),
        other => Err(unknown("cache.url", other, "memory:")),
    }
}

fn unknown(setting: &str, url: &str, known: &str) -> Failure {
    Failure::usage(format!("{setting}: no backend is known for `{url}`: write `{known}`"))
}
