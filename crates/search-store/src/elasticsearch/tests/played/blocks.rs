//! Indices and clusters that take no more writes, for a while or for good.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, ResponseTemplate};

use super::{Played, Received, bulk, operation, operations, quick, statuses, words};
use crate::{IndexOperation, ItemOutcome, SearchStore, StoreErrorKind};

const DAY_NS: i64 = 86_400_000_000_000;
/// An index that is compacted long ago.
const OLD: &str = "ecommerce-logs-transaction-2020.01.01";
const OLD_NS: i64 = 1_577_836_800_000_000_000;

/// Of the old day, received this many days later.
fn old(id: &str, days: i64) -> IndexOperation {
    let received_at_ns = OLD_NS + days * DAY_NS;
    IndexOperation { index: OLD.into(), received_at_ns, ..operation(0, id, "{}") }
}

/// An answer in which each operation is refused with this status and error, but for those that are not.
fn refusing(
    bulk: &[Received],
    status: u16,
    error: &Value,
    takes: impl Fn(&Received) -> bool,
) -> ResponseTemplate {
    let item = |one: &Received| match takes(one) {
        true => json!({"index": {"_id": one.id, "status": 201, "result": "created"}}),
        false => json!({"index": {"_id": one.id, "status": status, "error": error}}),
    };
    let items: Vec<Value> = bulk.iter().map(item).collect();
    ResponseTemplate::new(200).set_body_json(json!({ "items": items }))
}

fn indices(engine: &Played) -> Vec<Vec<String>> {
    let bulks = engine.bulks.lock().expect("nobody panics with it");
    bulks.iter().map(|bulk| bulk.iter().map(|one| one.index.clone()).collect()).collect()
}

impl Played {
    /// An engine whose index of the old day takes no writes and holds documents with these ids.
    async fn blocked(there: &'static [&'static str]) -> Self {
        let engine = Self::start().await;
        engine.on_bulk(|bulk| statuses(bulk, |one| if one.index == OLD { 403 } else { 201 })).await;
        let look = move |request: &Request| {
            let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
            let found = |one: &Value| {
                let id = one["_id"].as_str().expect("an id");
                json!({"_id": id, "found": one["_index"] == OLD && there.contains(&id)})
            };
            let docs: Vec<Value> =
                asked["docs"].as_array().expect("a list").iter().map(found).collect();
            ResponseTemplate::new(200).set_body_json(json!({ "docs": docs }))
        };
        Mock::given(method("POST"))
            .and(path("/_mget"))
            .respond_with(look)
            .mount(&engine.server)
            .await;
        engine
    }
}

#[tokio::test]
async fn a_document_of_a_compacted_index_goes_to_its_day_of_receipt() {
    let engine = Played::blocked(&[]).await;
    let late = vec![old("late", 10), old("same day", 0)];
    let outcomes = engine.store(quick()).bulk(late).await.expect("outcomes");
    assert_eq!(words(&outcomes), ["done", "rejected"]);
    assert_eq!(indices(&engine)[1..], [["ecommerce-logs-transaction-2020.01.11"]]);
}

#[tokio::test]
async fn a_document_that_stands_in_a_compacted_index_is_not_indexed_twice() {
    let engine = Played::blocked(&["there", "same day"]).await;
    let again = vec![old("there", 10), old("new", 10), old("same day", 0)];
    let outcomes = engine.store(quick()).bulk(again).await.expect("outcomes");
    assert_eq!(words(&outcomes), ["done", "done", "done"]);
    assert_eq!(engine.ids()[1..], [["new"]], "only what is not there goes elsewhere");
}

#[tokio::test]
async fn without_a_look_nothing_is_moved() {
    let engine = Played::start().await;
    engine.on_bulk(|bulk| statuses(bulk, |one| if one.index == OLD { 403 } else { 201 })).await;
    Mock::given(path("/_mget"))
        .respond_with(ResponseTemplate::new(503))
        .mount(&engine.server)
        .await;
    let outcomes = engine.store(quick()).bulk(vec![old("a", 10)]).await.expect("outcomes");
    assert_eq!((words(&outcomes), engine.ids().len()), (vec!["retry"], 1));
}

#[tokio::test]
async fn a_block_of_a_young_index_is_waited_for() {
    let engine = Played::start().await;
    engine.on_bulk(|bulk| statuses(bulk, |_| 403)).await;
    let none = json!({"docs": [{"_id": "a", "found": false}]});
    Mock::given(path("/_mget"))
        .respond_with(ResponseTemplate::new(200).set_body_json(none))
        .mount(&engine.server)
        .await;
    let mut young = operation(0, "a", "{}");
    let received = young.received_at_ns;
    young.index = schema::index_name("error", received, received).0.into();
    let outcomes = engine.store(quick()).bulk(vec![young]).await.expect("outcomes");
    assert!(
        matches!(&outcomes[0], ItemOutcome::Retry { after, .. } if after.as_secs() == 30),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_cluster_that_makes_no_index_is_waited_for() {
    for kind in ["index_create_block_exception", "cluster_block_exception"] {
        let engine = Played::start().await;
        let reason = "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];";
        let error = json!({"type": kind, "reason": reason});
        engine.on_bulk(move |bulk| refusing(bulk, 403, &error, |_| false)).await;
        let outcomes = engine.store(quick()).bulk(operations(&["a"])).await.expect("outcomes");
        assert!(
            matches!(&outcomes[0], ItemOutcome::Retry { after, reason }
                if after.as_secs() == 30 && reason.contains("create_index")),
            "{outcomes:?}"
        );
    }
}

#[tokio::test]
async fn where_no_more_shards_may_be_a_document_goes_to_an_index_that_is_there() {
    let engine = Played::start().await;
    let reason = "this cluster currently has [1000]/[1000] maximum normal shards open;";
    let error = json!({"type": "validation_exception", "reason": reason});
    engine.on_bulk(move |bulk| refusing(bulk, 400, &error, |one| one.index != OLD)).await;
    let late = vec![old("late", 10), old("same day", 0)];
    let outcomes = engine.store(quick()).bulk(late).await.expect("outcomes");
    assert_eq!(words(&outcomes), ["done", "retry"]);
}

#[tokio::test]
async fn only_the_engines_own_sentence_says_data_stream() {
    let sentence = "only write ops with an op_type of create are allowed in data streams";
    let engine = Played::start().await;
    let error = json!({"type": "illegal_argument_exception", "reason": sentence});
    engine.on_bulk(move |bulk| refusing(bulk, 400, &error, |_| false)).await;
    let error = engine.store(quick()).bulk(operations(&["a"])).await.expect_err("data streams");
    assert_eq!(error.kind(), StoreErrorKind::Fatal, "{error}");
    // A document's text is quoted.
    let engine = Played::start().await;
    let error = json!({"type": "document_parsing_exception", "reason": format!("[1:2] {sentence}"),
        "caused_by": {"type": "illegal_argument_exception", "reason": sentence}});
    engine.on_bulk(move |bulk| refusing(bulk, 400, &error, |one| one.id != "a")).await;
    assert_eq!(bulk(&engine.store(quick()), &["a", "b"]).await, ["rejected", "done"]);
}

#[tokio::test]
async fn a_document_that_the_engine_stumbles_over_is_indexed_in_its_reduced_form() {
    let engine = Played::start().await;
    engine
        .on_bulk(|bulk| {
            let is_reduced = |one: &Received| one.document["millrace"]["original"].is_string();
            statuses(bulk, |one| if one.id == "a" && !is_reduced(one) { 500 } else { 201 })
        })
        .await;
    assert_eq!(bulk(&engine.store(quick()), &["a", "b"]).await, ["done", "done"]);
    assert_eq!(engine.ids(), [vec!["a", "b"], vec!["a"]]);
}

#[tokio::test]
async fn what_an_engines_pipeline_drops_is_not_done() {
    let engine = Played::start().await;
    let items = r#"{"items":[{"index":{"_id":"a","status":200,"result":"noop"}},
        {"index":{"_id":"b","status":200,"result":"updated"}}]}"#;
    engine.on_bulk(move |_| ResponseTemplate::new(200).set_body_string(items)).await;
    assert_eq!(bulk(&engine.store(quick()), &["a", "b"]).await, ["rejected", "done"]);
}

#[tokio::test]
async fn an_engine_that_was_away_gets_its_templates_again() {
    let engine = Played::start().await;
    let is_away = std::sync::Arc::new(AtomicBool::new(false));
    let away = std::sync::Arc::clone(&is_away);
    engine
        .on_bulk(move |bulk| {
            let wait = if away.load(Ordering::Relaxed) { 3_600 } else { 0 };
            statuses(bulk, |_| 201).set_delay(std::time::Duration::from_secs(wait))
        })
        .await;
    let store = engine.store(quick());
    let puts = async || {
        let requests = engine.server.received_requests().await.expect("requests");
        requests.iter().filter(|one| one.method == "PUT").count()
    };
    assert_eq!(bulk(&store, &["a"]).await, ["done"]);
    let first = puts().await;
    is_away.store(true, Ordering::Relaxed);
    assert_eq!(bulk(&store, &["b"]).await, ["retry"]);
    is_away.store(false, Ordering::Relaxed);
    assert_eq!(bulk(&store, &["c"]).await, ["done"]);
    assert_eq!(puts().await, first * 2);
}
