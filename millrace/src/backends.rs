//! Chooses backends by URL: the one place that knows which there are. An engine that is away is waited
//! for; an embedded backend serves `millrace up` alone.

use std::path::PathBuf;
use std::sync::Arc;

use bus::log::{EmbeddedBus, LogConfig};
use bus::{Bus, ErrorKind, TopicSpec};
use bus_kafka::KafkaBus;
use cache_store::{CacheStore, MemoryCache, RedisCache};
use document_store::{DocumentStore, EmbeddedDocuments, MongoDocuments};
use ingest_gateway::Spool;
use pipeline::{Ledgers, Runtime};
use search_store::{
    ElasticsearchConfig, ElasticsearchStore, EmbeddedConfig, EmbeddedSearch, SearchStore,
};
use service::{Context, wait_for};

use crate::command::Failure;
use crate::config::{EMBEDDED, MEMORY, PlatformConfig};

/// Topics with the groups that hold their data back from retention.
const TOPICS: [(&str, &[&str]); 4] = [
    (bus::TOPIC_RAW, &[enricher::NAME]),
    (bus::TOPIC_ENRICHED, &[indexer::NAME, fraud_worker::NAME]),
    (bus::TOPIC_SCORED, &[indexer::NAME]),
    (bus::TOPIC_DEAD, &[query_api::DEAD_LETTERS_GROUP]),
];

/// A store that several processes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Records between the services.
    Bus,
    /// Documents to be found.
    Search,
    /// Users, sessions, dead letters, state.
    Documents,
}

impl Store {
    /// Refuses an embedded backend, which serves one process alone.
    ///
    /// # Errors
    /// The setting, and what to write instead.
    pub fn check_shared(self, config: &PlatformConfig) -> Result<(), Failure> {
        let (setting, url, instead) = match self {
            Self::Bus => ("bus.url", &config.bus.url, "kafka://host:9092"),
            Self::Search => ("search.url", &config.search.url, "https://host:9200"),
            Self::Documents => ("documents.url", &config.documents.url, "mongodb://host:27017"),
        };
        if url != EMBEDDED {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "{setting}: `{EMBEDDED}` serves one process, and a service alone is one of several: write \
             `{instead}`, or run everything with `millrace up`"
        )))
    }
}

/// Opens the stores that the configuration names.
#[derive(Clone, Debug)]
pub struct Opening {
    /// What was configured.
    pub config: Arc<PlatformConfig>,
    /// Where embedded backends lie; a service alone has none.
    pub data: Option<PathBuf>,
    /// Health and the end.
    pub context: Context,
}

impl Opening {
    /// What every stage needs: the bus with all topics there, and the ledgers. `None` if the process
    /// was told to stop before the bus was there.
    ///
    /// # Errors
    /// As [`unready_runtime`](Self::unready_runtime) and [`ready`](Self::ready).
    pub async fn runtime(&self) -> Result<Option<Runtime>, Failure> {
        let runtime = self.unready_runtime()?;
        Ok(self.ready(&runtime).await?.map(|()| runtime))
    }

    /// The same with a bus that may be away, or without its topics.
    ///
    /// # Errors
    /// An address that is none, or a log that cannot be opened.
    pub fn unready_runtime(&self) -> Result<Runtime, Failure> {
        let bus = self.bus()?;
        let ledgers = Ledgers::new(&self.context.metrics);
        Ok(Runtime { bus, ledgers, context: self.context.clone() })
    }

    /// Waits until the bus is there and has all topics; `None` if the process was told to stop before.
    ///
    /// # Errors
    /// Topics with other settings.
    pub async fn ready(&self, runtime: &Runtime) -> Result<Option<()>, Failure> {
        let topics = self.topics();
        let transient = |error: &bus::BusError| error.kind == ErrorKind::Transient;
        let ensure = || runtime.bus.ensure_topics(&topics);
        let ensured = wait_for(&self.context, "bus", transient, ensure).await;
        let ensured = ensured.map_err(Failure::of)?;
        if let Some(warning) = ensured.and_then(|()| runtime.bus.durability_warning()) {
            tracing::warn!("NOT DURABLE: {warning}");
        }
        Ok(ensured)
    }

    /// The spool of the doors before the runtime's bus, which may be away; `None` if there is to be none.
    ///
    /// # Errors
    /// Another process has it open, or it cannot be opened.
    pub async fn spool(&self, runtime: &Runtime) -> Result<Option<Spool>, Failure> {
        let bus = &self.config.bus;
        // What the bus would refuse for its size is refused while it is away too, and nothing else is.
        let frame_bytes_max = bus.kafka.frame_bytes_max();
        let log = LogConfig { frame_bytes_max, ..bus.log.clone() };
        let config = &self.config.ingest_gateway.spool;
        Spool::open(config, &log, runtime, self.topics()).await.map_err(Failure::of)
    }

    /// The bus; it may still be away.
    fn bus(&self) -> Result<Arc<dyn Bus>, Failure> {
        let config = &self.config.bus;
        match config.url.as_str() {
            EMBEDDED => {
                let folder = self.folder(Store::Bus, "bus")?;
                let bus = EmbeddedBus::open(folder, config.log.clone()).map_err(Failure::of)?;
                Ok(Arc::new(bus))
            }
            url => {
                let kafka = KafkaBus::connect(url, config.kafka.clone()).map_err(Failure::of)?;
                Ok(Arc::new(kafka.with_metrics(&self.context.metrics)))
            }
        }
    }

    /// The topics that the bus must have.
    fn topics(&self) -> Vec<TopicSpec> {
        let config = &self.config.bus;
        let mut topics = Vec::from(TOPICS.map(|(topic, groups)| {
            let enabled = groups.iter().filter(|group| self.is_enabled(group));
            config.log.topic(topic, &enabled.copied().collect::<Vec<_>>())
        }));
        let foreign = self.config.foreign_topics();
        topics.extend(foreign.iter().map(|topic| config.log.topic(topic, &[])));
        topics
    }

    /// The search store; it may still be away.
    ///
    /// # Errors
    /// An address that is none, or an index that cannot be opened.
    pub async fn search(&self) -> Result<Arc<dyn SearchStore>, Failure> {
        let fields = schema::Schema::embedded().fields();
        let config = &self.config.search;
        let points_in_time = config.points_in_time;
        match config.url.as_str() {
            EMBEDDED => {
                let folder = self.folder(Store::Search, "search")?;
                let config = EmbeddedConfig { points_in_time, ..config.embedded.clone() };
                let search = EmbeddedSearch::open(&folder, config, fields).await;
                Ok(Arc::new(search.map_err(Failure::of)?))
            }
            url => {
                let named_indices = self.config.named_indices();
                let elasticsearch = config.elasticsearch.clone();
                let config = ElasticsearchConfig { points_in_time, named_indices, ..elasticsearch };
                let search = ElasticsearchStore::connect(url, config, fields);
                Ok(Arc::new(search.map_err(Failure::of)?))
            }
        }
    }

    /// The document store; it may still be away.
    ///
    /// # Errors
    /// An address that is none, or a database that cannot be opened.
    pub fn documents(&self) -> Result<Arc<dyn DocumentStore>, Failure> {
        let config = &self.config.documents;
        match config.url.as_str() {
            EMBEDDED => {
                let folder = self.folder(Store::Documents, "documents")?;
                let documents = EmbeddedDocuments::open(&folder, &config.embedded);
                Ok(Arc::new(documents.map_err(Failure::of)?))
            }
            url => {
                let documents = MongoDocuments::connect(url, &config.mongodb);
                Ok(Arc::new(documents.map_err(Failure::of)?))
            }
        }
    }

    /// The cache; it may still be away.
    ///
    /// # Errors
    /// An address that is none.
    pub fn cache(&self) -> Result<Arc<dyn CacheStore>, Failure> {
        let config = &self.config.cache;
        match config.url.as_str() {
            MEMORY => Ok(Arc::new(MemoryCache::new(&config.memory))),
            url => Ok(Arc::new(RedisCache::connect(url, &config.redis).map_err(Failure::of)?)),
        }
    }

    /// A service that is switched off must not hold data back for ever.
    fn is_enabled(&self, group: &str) -> bool {
        match group {
            indexer::NAME => self.config.indexer.enabled,
            fraud_worker::NAME => self.config.fraud_worker.enabled,
            _ => true,
        }
    }

    /// The folder of an embedded backend.
    fn folder(&self, store: Store, name: &str) -> Result<PathBuf, Failure> {
        match &self.data {
            Some(data) => Ok(data.join(name)),
            None => store.check_shared(&self.config).map(|()| PathBuf::from(name)),
        }
    }
}
