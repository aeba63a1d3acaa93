//! An engine that is played, with every answer that a real one can give and some that none should.

mod blocks;
mod bulks;
mod gathered;
mod hosts;
mod named_indices;
mod points_in_time;
mod reads;
mod setup;

use std::io::Read;
use std::sync::{Arc, Mutex};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::contract::{fields, operation};
use crate::elasticsearch::{ElasticsearchConfig, ElasticsearchStore};
use crate::{IndexOperation, ItemOutcome, SearchStore};

/// One operation as the engine receives it.
#[derive(Debug, Clone)]
struct Received {
    index: String,
    id: String,
    document: Value,
}

/// An engine and the bulks that it has received.
struct Played {
    server: MockServer,
    bulks: Arc<Mutex<Vec<Vec<Received>>>>,
}

/// Settings under which nothing takes long.
fn quick() -> ElasticsearchConfig {
    ElasticsearchConfig {
        bulk_timeout: service::Span::from_millis(300),
        read_time_max: service::Span::from_secs(5),
        ..ElasticsearchConfig::default()
    }
}

impl Played {
    /// An engine that says of itself that it is OpenSearch.
    async fn start() -> Self {
        Self::on(MockServer::start().await).await
    }

    async fn on(server: MockServer) -> Self {
        let greeting = json!({"version": {"distribution": "opensearch", "number": "2.19.6"}});
        let answer = ResponseTemplate::new(200).set_body_json(greeting);
        Mock::given(method("GET")).and(path("/")).respond_with(answer).mount(&server).await;
        // There are no templates, and all can be installed. Tests of those come before.
        let template = path_regex("^/(_index_template|_plugins)/");
        Mock::given(method("PUT"))
            .and(template)
            .respond_with(ResponseTemplate::new(200))
            .with_priority(200)
            .mount(&server)
            .await;
        Self { server, bulks: Arc::default() }
    }

    /// Answers each bulk so.
    async fn on_bulk(
        &self,
        answer: impl Fn(&[Received]) -> ResponseTemplate + Send + Sync + 'static,
    ) {
        let responder = Bulks { received: Arc::clone(&self.bulks), answer };
        Mock::given(method("POST"))
            .and(path("/_bulk"))
            .respond_with(responder)
            .mount(&self.server)
            .await;
    }

    /// Answers each search so.
    async fn on_search(&self, answer: impl Respond + 'static) {
        Mock::given(method("POST"))
            .and(path_regex("/_search$"))
            .respond_with(answer)
            .mount(&self.server)
            .await;
    }

    fn store(&self, config: ElasticsearchConfig) -> ElasticsearchStore {
        ElasticsearchStore::connect(&self.server.uri(), config, &fields()).expect("a store")
    }

    /// The ids of each bulk.
    fn ids(&self) -> Vec<Vec<String>> {
        let bulks = self.bulks.lock().expect("nobody panics with it");
        bulks.iter().map(|bulk| bulk.iter().map(|one| one.id.clone()).collect()).collect()
    }
}

struct Bulks<F> {
    received: Arc<Mutex<Vec<Vec<Received>>>>,
    answer: F,
}

impl<F: Fn(&[Received]) -> ResponseTemplate + Send + Sync> Respond for Bulks<F> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let bulk = received(request);
        self.received.lock().expect("nobody panics with it").push(bulk.clone());
        (self.answer)(&bulk)
    }
}

fn received(request: &Request) -> Vec<Received> {
    let is_gzip = request.headers.get("content-encoding").is_some_and(|value| value == "gzip");
    let mut text = String::new();
    if is_gzip {
        GzDecoder::new(&request.body[..]).read_to_string(&mut text).expect("gzip");
    } else {
        text = String::from_utf8(request.body.clone()).expect("text");
    }
    let lines: Vec<&str> = text.lines().collect();
    let one = |pair: &[&str]| {
        let action: Value = serde_json::from_str(pair[0]).expect("an action");
        let text = |name: &str| action["index"][name].as_str().expect("a text").to_owned();
        // What is no JSON is sent, too: the engine is to say so.
        let document = serde_json::from_str(pair[1]).unwrap_or_default();
        Received { index: text("_index"), id: text("_id"), document }
    };
    lines.chunks(2).map(one).collect()
}

/// An answer with a status for each operation.
fn statuses(bulk: &[Received], status: impl Fn(&Received) -> u16) -> ResponseTemplate {
    let item = |one: &Received| {
        let status = status(one);
        let error = match status {
            200 | 201 => None,
            400 => Some(json!({"type": "mapper_parsing_exception", "reason": "no"})),
            403 => Some(json!({"type": "cluster_block_exception", "reason": "FORBIDDEN/8/index"})),
            409 => Some(json!({"type": "version_conflict_engine_exception",
                "reason": "[a]: version conflict, document already exists (current version [1])"})),
            429 => Some(json!({"type": "es_rejected_execution_exception", "reason": "busy"})),
            _ => Some(json!({"type": "unavailable_shards_exception", "reason": "down"})),
        };
        let mut item = json!({"_id": one.id, "status": status});
        if let Some(error) = error {
            item["error"] = error;
        }
        json!({ "index": item })
    };
    let items: Vec<Value> = bulk.iter().map(item).collect();
    // The summary is wrong, and nobody believes it.
    ResponseTemplate::new(200).set_body_json(json!({"took": 1, "errors": false, "items": items}))
}

fn operations(ids: &[&str]) -> Vec<IndexOperation> {
    (0..).zip(ids).map(|(number, id)| operation(number, id, r#"{"message":"x"}"#)).collect()
}

/// What became of each, in a word.
fn words(outcomes: &[ItemOutcome]) -> Vec<&'static str> {
    let word = |outcome: &ItemOutcome| match outcome {
        ItemOutcome::Done => "done",
        ItemOutcome::Retry { .. } => "retry",
        ItemOutcome::Rejected { .. } => "rejected",
    };
    outcomes.iter().map(word).collect()
}

async fn bulk(store: &ElasticsearchStore, ids: &[&str]) -> Vec<&'static str> {
    words(&store.bulk(operations(ids)).await.expect("outcomes"))
}
