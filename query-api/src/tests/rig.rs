//! A whole API on a port of its own, with stores in a folder that goes away.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::{Keys, Role, Shops, hash_password};
use bus::log::{EmbeddedBus, LogConfig};
use bus::{Bus, TopicSpec};
use cache_store::{MemoryCache, MemoryConfig};
use document_store::{DocumentStore, EmbeddedConfig, EmbeddedDocuments};
use jiff::Timestamp;
use pipeline::{Ledgers, Runtime};
use reqwest::{Method, RequestBuilder, Response};
use schema::Schema;
use search_store::{EmbeddedSearch, IndexOperation, ItemOutcome, SearchStore};
use serde_json::Value;
use service::{Context, Span};
use tokio::task::JoinHandle;

use crate::{Config, RunError, Stores, bind, run, user};

/// How long a test waits for what must happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
pub(super) const PASSWORD: &str = "correct horse battery";
/// A topic that others write.
pub(super) const FOREIGN_TOPIC: &str = "filebeat";

/// A running API.
pub(super) struct Rig {
    pub(super) base: String,
    pub(super) socket: PathBuf,
    pub(super) http: reqwest::Client,
    pub(super) stores: Stores,
    pub(super) runtime: Runtime,
    running: JoinHandle<Result<(), RunError>>,
    _folder: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: Value,
}

impl Rig {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(super) async fn start_with(configure: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bus = Arc::new(EmbeddedBus::open(folder.path().join("bus"), log_config()).unwrap());
        bus.ensure_topics(&topics()).await.unwrap();
        let documents =
            EmbeddedDocuments::open(&folder.path().join("documents"), &EmbeddedConfig::default());
        let stores = Stores {
            search: Arc::new(open_search(&folder.path().join("search")).await),
            documents: Arc::new(documents.unwrap()),
            cache: Arc::new(MemoryCache::new(&MemoryConfig::default())),
            keys: Keys::ephemeral().unwrap(),
            tap: None,
        };
        let context = Context::default();
        let ledgers = Ledgers::new(&context.metrics);
        let runtime = Runtime { bus, ledgers, context };
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            tail_poll_interval: Span::from_millis(50),
            ..Config::default()
        };
        configure(&mut config);
        let socket = folder.path().join("run/api.sock");
        let bound = bind(&config, Some(&socket)).await.unwrap();
        let base = format!("http://{}", bound.address().unwrap());
        crate::ensure_collections(stores.documents.as_ref()).await.unwrap();
        let running =
            run(bound, config, stores.clone(), vec![FOREIGN_TOPIC.to_owned()], runtime.clone());
        let running = tokio::spawn(running);
        let http = service::http_client::builder().build().unwrap();
        Self { base, socket, http, stores, runtime, running, _folder: folder }
    }

    pub(super) async fn stop(self) {
        self.runtime.context.shutdown.cancel();
        let ended = tokio::time::timeout(PATIENCE, self.running).await;
        ended.expect("the API stops in time").unwrap().unwrap();
    }

    pub(super) fn documents(&self) -> &dyn DocumentStore {
        self.stores.documents.as_ref()
    }

    /// A token for somebody with this role, as signing in gives it.
    pub(super) fn token(&self, role: Role) -> String {
        self.token_for(role, &Shops::All)
    }

    pub(super) fn token_for(&self, role: Role, shops: &Shops) -> String {
        let now_s = crate::identity::now_s();
        self.stores.keys.issue("ada", role, shops, now_s, Duration::from_secs(60)).unwrap()
    }

    /// Makes a user with [`PASSWORD`].
    pub(super) async fn add_user(&self, name: &str, role: Role) {
        let (now, password_hash) = (Timestamp::now(), hash_password(PASSWORD).unwrap());
        let user = user::User {
            name: name.to_owned(),
            role,
            shops: Shops::All,
            password_hash,
            created_at: now,
            password_changed_at: now,
        };
        user::insert(self.documents(), &user).await.unwrap();
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub(super) async fn get(&self, path: &str, role: Role) -> Answer {
        answer(self.request(Method::GET, path).bearer_auth(self.token(role))).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value, role: Role) -> Answer {
        let request = self.request(Method::POST, path).bearer_auth(self.token(role));
        answer(request.json(body)).await
    }

    /// Makes events searchable.
    pub(super) async fn index(&self, events: &[(&str, &str, Value)]) {
        let operations =
            events.iter().map(|(id, moment, document)| operation(id, moment, document));
        let outcomes = self.stores.search.bulk(operations.collect()).await.unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == ItemOutcome::Done), "{outcomes:?}");
    }
}

pub(super) async fn answer(request: RequestBuilder) -> Answer {
    let response: Response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, headers, body }
}

/// Asks again until the answer is what it should be.
pub(super) async fn eventually<T, F: Future<Output = Option<T>>>(ask: impl Fn() -> F) -> T {
    let asking = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("it happens in time")
}

fn operation(id: &str, moment: &str, document: &Value) -> IndexOperation {
    let timestamp_ns = crate::moment::as_ns(moment.parse().unwrap());
    let mut document = document.clone();
    document["@timestamp"] = Value::String(moment.to_owned());
    IndexOperation {
        id: id.to_owned(),
        index: "ecommerce-logs-other-2026.02.01".into(),
        shop: document["organization"]["id"].as_str().unwrap_or("default").into(),
        timestamp_ns,
        received_at_ns: timestamp_ns,
        document: serde_json::to_vec(&document).unwrap().into(),
    }
}

async fn open_search(folder: &std::path::Path) -> EmbeddedSearch {
    let quick = search_store::EmbeddedConfig {
        commit_wait: Span::from_millis(1),
        ..search_store::EmbeddedConfig::default()
    };
    let search = EmbeddedSearch::open(folder, quick, Schema::embedded().fields()).await.unwrap();
    search.ensure_templates().await.unwrap();
    search
}

fn log_config() -> LogConfig {
    LogConfig { disk_reserve_bytes: 0, ..LogConfig::default() }
}

fn topics() -> Vec<TopicSpec> {
    [bus::TOPIC_RAW, bus::TOPIC_ENRICHED, bus::TOPIC_SCORED, bus::TOPIC_DEAD, FOREIGN_TOPIC]
        .map(|name| TopicSpec {
            name: name.into(),
            partitions: 2,
            retention_ns: i64::MAX,
            retention_bytes: u64::MAX,
            holding_groups: Vec::new(),
        })
        .to_vec()
}
