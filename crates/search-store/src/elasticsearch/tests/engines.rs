//! The contract on the engines themselves. Where they are is told by the environment; without them these tests
//! fail.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use reqwest::Method;
use schema::{Field, NamedIndices};

use super::*;
use crate::contract::{self, Backend, Running};
use crate::cursor::View;
use crate::elasticsearch::client::Body;

const OPENSEARCH: &str = "MILLRACE_TEST_OPENSEARCH";
const ELASTICSEARCH: &str = "MILLRACE_TEST_ELASTICSEARCH";

/// An engine of the tests. What its distribution lacks is told here and nowhere else.
struct Engine {
    url: String,
    settings: ElasticsearchConfig,
    lists_paths: bool,
}

fn address(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: start the engines: scripts/engines up"))
}

impl Engine {
    /// The distribution has no state management, so policies cannot be installed.
    fn opensearch() -> Self {
        let settings = ElasticsearchConfig { policies: false, ..quick() };
        Self { url: address(OPENSEARCH), settings, lists_paths: false }
    }

    /// The distribution has no module with `scaled_float`.
    fn elasticsearch() -> Self {
        let settings = ElasticsearchConfig { engine_parts: EngineParts::Minimal, ..quick() };
        Self { url: address(ELASTICSEARCH), settings, lists_paths: true }
    }

    async fn store(&self, fields: &[Field]) -> Installation {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("test-{}-{number}-", std::process::id());
        let named = NamedIndices { prefix: named_prefix(&namespace), day_separator: None };
        let config = ElasticsearchConfig {
            index_namespace: namespace,
            named_indices: vec![named],
            ..self.settings.clone()
        };
        let store =
            ElasticsearchStore::connect(&self.url, config.clone(), fields).expect("a store");
        store.ensure_templates().await.expect("templates");
        Installation {
            url: self.url.clone(),
            config,
            fields: fields.to_vec(),
            store: Refreshing(store),
        }
    }
}

/// Settings for tests: one node, and nothing is large.
fn quick() -> ElasticsearchConfig {
    ElasticsearchConfig { replicas: 0, bulk_documents_max: 250, ..ElasticsearchConfig::default() }
}

/// What the names of a test's own indices begin with, before which no namespace stands.
fn named_prefix(namespace: &str) -> String {
    format!("named-{namespace}")
}

/// Makes what was indexed searchable at once.
struct Refreshing(ElasticsearchStore);

impl Refreshing {
    async fn ask(&self, method: Method, path: &str) -> u16 {
        let time = std::time::Duration::from_secs(60);
        let answer = self.0.shared.client.ask(method, path, Body::None, time).await;
        answer.expect("an answer").status.as_u16()
    }

    async fn read(&self, path: &str) -> serde_json::Value {
        let time = std::time::Duration::from_secs(60);
        let answer = self.0.shared.client.ask(Method::GET, path, Body::None, time).await;
        serde_json::from_slice(&answer.expect("an answer").body).expect("JSON")
    }
}

struct Installation {
    url: String,
    config: ElasticsearchConfig,
    fields: Vec<Field>,
    store: Refreshing,
}

impl Drop for Installation {
    /// Deletes all that the test has made.
    fn drop(&mut self) {
        let (url, namespace) = (self.url.clone(), self.config.index_namespace.clone());
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let store = ElasticsearchStore::connect(&url, quick(), &[]).expect("a store");
                let store = Refreshing(store);
                // By their names: engines refuse to delete by a pattern.
                let named = named_prefix(&namespace);
                let indices = format!("{namespace}ecommerce-logs-*,{named}*/_settings");
                let indices = store.read(&indices).await;
                for index in indices.as_object().into_iter().flat_map(serde_json::Map::keys) {
                    store.ask(Method::DELETE, index).await;
                }
                for path in [
                    format!("_index_template/{namespace}ecommerce-logs-*"),
                    format!("_index_template/{namespace}millrace-documents-*"),
                    format!("_ilm/policy/{namespace}ecommerce-logs"),
                ] {
                    store.ask(Method::DELETE, &path).await;
                }
            });
        };
        // The test's own runtime must not be entered again.
        std::thread::spawn(remove).join().expect("all is removed");
    }
}

#[async_trait]
impl SearchStore for Refreshing {
    async fn ensure_templates(&self) -> Result<(), StoreError> {
        self.0.ensure_templates().await
    }

    async fn bulk(&self, operations: Vec<IndexOperation>) -> Result<Vec<ItemOutcome>, StoreError> {
        let outcomes = self.0.bulk(operations).await;
        let indices = self.0.shared.all_indices();
        let refresh = format!("{indices}/_refresh?ignore_unavailable=true");
        let status = self.ask(Method::POST, &refresh).await;
        assert_eq!(status, 200);
        outcomes
    }

    async fn search(
        &self,
        scope: &Scope,
        request: &SearchRequest,
    ) -> Result<SearchPage, StoreError> {
        self.0.search(scope, request).await
    }

    async fn count(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
    ) -> Result<u64, StoreError> {
        self.0.count(scope, query, range).await
    }

    async fn histogram(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        interval_ns: i64,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        self.0.histogram(scope, query, range, interval_ns).await
    }

    async fn terms(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        field: &str,
        size: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        self.0.terms(scope, query, range, field, size).await
    }

    async fn get(&self, scope: &Scope, id: &str) -> Result<Option<Hit>, StoreError> {
        self.0.get(scope, id).await
    }

    async fn tail_position(&self) -> Result<TailCursor, StoreError> {
        self.0.tail_position().await
    }

    async fn tail(
        &self,
        scope: &Scope,
        query: &Query,
        after: &TailCursor,
        size: usize,
    ) -> Result<TailPage, StoreError> {
        self.0.tail(scope, query, after, size).await
    }
}

#[async_trait]
impl Backend for Engine {
    async fn empty(&self, fields: &[Field]) -> Box<dyn Running> {
        Box::new(self.store(fields).await)
    }

    fn takes_any_index_name(&self) -> bool {
        false
    }

    fn lists_values_of_paths(&self) -> bool {
        self.lists_paths
    }
}

#[async_trait]
impl Running for Installation {
    fn store(&self) -> &dyn SearchStore {
        &self.store
    }

    async fn reopen(&mut self) {
        let store = ElasticsearchStore::connect(&self.url, self.config.clone(), &self.fields);
        self.store = Refreshing(store.expect("a store"));
        self.store.ensure_templates().await.expect("templates");
    }

    async fn expire(&self, view: &View) {
        point_in_time::close(&self.store.0.shared, view).await;
    }

    fn index_prefix(&self) -> String {
        named_prefix(&self.config.index_namespace)
    }
}

/// Documents that the one or the other engine refuses as they are.
async fn takes_every_document(engine: &Engine) {
    let long = "x".repeat(40_000);
    let deep = format!("{}1{}", r#"{"d":"#.repeat(100), "}".repeat(100));
    let words = "word ".repeat(30_000);
    let many = (0..2_000).map(|n| format!(r#"{{"sku":"{n}"}}"#)).collect::<Vec<_>>().join(",");
    let documents = [
        r#"{"a":1,"a":2,"":3," ":4,".":5,"a.":6,".b":7,"c..d":8}"#.to_owned(),
        r#"{"tags":{"a":1},"message":{"b":2},"client":"text","shop":[1,{"order":7}]}"#.to_owned(),
        r#"{"shop":{"extra":"text","order":{"first_order":"maybe","items":"none"}}}"#.to_owned(),
        r#"{"_id":"x","_doc_count":1000,"_routing":"y"}"#.to_owned(),
        r#"{"millrace":{"shop":"another"},"millrace.shop":"another"}"#.to_owned(),
        r#"{"event":{"created":"yesterday","duration":1e400},"client":{"geo":{"location":[]}}}"#
            .to_owned(),
        format!(r#"{{"shop":{{"extra":{{"long":"{long}","deep":{deep},"k\\u0000":1}}}}}}"#)
            .replace("\\\\", "\\"),
        format!(r#"{{"tags":"{long}","message":"{long} {words}","unheard":{{"of":"{long}"}}}}"#),
        format!(r#"{{"shop":{{"extra":{{"{long}":"v"}},"order":{{"items":[{many}]}}}}}}"#),
        format!("{{\n\t\"message\" : \"{}\"\r\n}} ", "\\ud800 \\/ \u{e4}"),
    ];
    let installation = engine.store(&contract::fields()).await;
    let bulk: Vec<_> = (0..)
        .zip(&documents)
        .map(|(number, document)| contract::operation(number, &format!("{number}"), document))
        .collect();
    contract::index(&installation.store, bulk.clone()).await;
    for one in bulk {
        let hit = installation.store.get(&contract::everything(), &one.id).await.expect("a read");
        let hit = hit.unwrap_or_else(|| panic!("{:.200?}", one.document));
        assert_eq!((hit.document, &*hit.shop), (one.document, &*one.shop));
    }
    let another = contract::only(&["another"]);
    let range = TimeRange::default();
    let count = installation.store.count(&another, &Query::All, range).await;
    assert_eq!(count.expect("a count"), 0, "nobody writes into another's shop");
    let (store, all) = (&installation.store, contract::everything());
    let counts =
        store.histogram(&all, &Query::All, range, 3_600_000_000_000).await.expect("counts");
    let count = documents.len() as u64;
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), count, "each counts as one");
}

/// What the engine gives back is what was put: nothing is installed again.
async fn keeps_what_is_installed(engine: &Engine) {
    let installation = engine.store(schema::Schema::embedded().fields()).await;
    let shared = &installation.store.0.shared;
    assert_eq!(templates::ensure(shared).await.expect("templates"), 0);
    let other = ElasticsearchConfig {
        refresh_interval: service::Span::from_secs(2),
        ..installation.config.clone()
    };
    let other = ElasticsearchStore::connect(&installation.url, other, &installation.fields);
    let changed = templates::ensure(&other.expect("a store").shared).await.expect("templates");
    assert_eq!(changed, schema::LOG_TYPES.len() + 1, "those of the test's own indices, too");
}

/// Indices as Logstash has made them before, with fields of other types: what is written beside them is found.
async fn goes_beside_indices_of_others(engine: &Engine) {
    let installation = engine.store(&contract::fields()).await;
    let store = &installation.store;
    let others = format!("{}2026.11.24", installation.index_prefix());
    let before = ElasticsearchStore::connect(&installation.url, quick(), &[]).expect("a store");
    let before = Refreshing(before);
    // Without our template, as it was before the first start.
    let template =
        format!("_index_template/{}millrace-documents-*", installation.config.index_namespace);
    assert_eq!(before.ask(Method::DELETE, &template).await, 200);
    assert_eq!(before.ask(Method::PUT, &others).await, 200);
    let mut operations = vec![
        contract::operation(0, "own", "{}"),
        contract::operation(1, "named", r#"{"tags":"x"}"#),
    ];
    operations[1].index = others.as_str().into();
    contract::index(store, operations).await;
    let hit = store.get(&contract::everything(), "named").await.expect("a read").expect("a hit");
    assert_eq!(hit.index, format!("{others}-millrace"));
    assert_eq!(contract::ids(store, "tags:x").await, ["named"]);
    let documents = before.read(&format!("{others}/_count")).await;
    assert_eq!(documents["count"], 0, "nothing is written into it");
}

/// A template of somebody else that comes before ours would mix the shops' names up.
async fn refuses_indices_by_the_template_of_another(engine: &Engine) {
    let installation = engine.store(&contract::fields()).await;
    let (store, prefix) = (&installation.store, installation.index_prefix());
    let template = format!("_index_template/{}", prefix.trim_end_matches('-'));
    let body = serde_json::json!({"index_patterns": [format!("{prefix}*")], "priority": 500});
    let body = Body::Json(bytes::Bytes::from(body.to_string()));
    let time = std::time::Duration::from_secs(60);
    let client = &store.0.shared.client;
    let put = client.ask(Method::PUT, &template, body, time).await.expect("an answer");
    assert!(put.status.is_success(), "{:?}", put.body);
    let mut operation = contract::operation(0, "named", "{}");
    operation.index = format!("{prefix}2026.11.24").into();
    let refused = store.bulk(vec![operation]).await;
    store.ask(Method::DELETE, &template).await;
    let refused = refused.expect_err("another's template").to_string();
    assert!(refused.contains("priority is higher"), "{refused}");
}

#[tokio::test]
async fn opensearch_goes_beside_indices_of_others() {
    goes_beside_indices_of_others(&Engine::opensearch()).await;
}

#[tokio::test]
async fn elasticsearch_goes_beside_indices_of_others() {
    goes_beside_indices_of_others(&Engine::elasticsearch()).await;
}

#[tokio::test]
async fn opensearch_refuses_indices_by_the_template_of_another() {
    refuses_indices_by_the_template_of_another(&Engine::opensearch()).await;
}

#[tokio::test]
async fn elasticsearch_refuses_indices_by_the_template_of_another() {
    refuses_indices_by_the_template_of_another(&Engine::elasticsearch()).await;
}

#[tokio::test]
async fn opensearch_takes_every_document() {
    takes_every_document(&Engine::opensearch()).await;
}

#[tokio::test]
async fn elasticsearch_takes_every_document() {
    takes_every_document(&Engine::elasticsearch()).await;
}

#[tokio::test]
async fn opensearch_keeps_what_is_installed() {
    keeps_what_is_installed(&Engine::opensearch()).await;
}

#[tokio::test]
async fn elasticsearch_keeps_what_is_installed() {
    keeps_what_is_installed(&Engine::elasticsearch()).await;
}

#[tokio::test]
async fn opensearch_keeps_the_contract() {
    contract::run(&Engine::opensearch()).await;
}

#[tokio::test]
async fn elasticsearch_keeps_the_contract() {
    contract::run(&Engine::elasticsearch()).await;
}
