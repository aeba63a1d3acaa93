//! Points in time of an engine that holds them whole, in part, for a while or not at all.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use query::Query;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, Request, ResponseTemplate};

use super::{Played, quick};
use crate::contract::everything;
use crate::elasticsearch::ElasticsearchStore;
use crate::{SearchPage, SearchRequest, SearchStore, StoreError, StoreErrorKind};

const INDEX: &str = "ecommerce-logs-error-2026.11.24";

/// Documents that the engine has, newest first.
const DOCUMENTS: u64 = 5;

/// An engine whose points in time have a new name after each search, with the names that it was asked for and those
/// that it closed.
struct Points {
    engine: Played,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Points {
    async fn of_opensearch(opened: ResponseTemplate) -> Self {
        let points = Self { engine: Played::start().await, asked: Arc::default() };
        points.on_search(&[INDEX]).await;
        points.on("POST", "/_search/point_in_time$", opened).await;
        let closed = ResponseTemplate::new(200).set_body_json(json!({"pits": []}));
        points.on("DELETE", "^/_search/point_in_time$", closed).await;
        points
    }

    async fn of_elasticsearch(opened: ResponseTemplate) -> Self {
        let points = Self { engine: Played::start().await, asked: Arc::default() };
        let greeting = json!({"version": {"number": "8.19.21"}});
        let greeting = ResponseTemplate::new(200).set_body_json(greeting);
        Mock::given(method("GET"))
            .and(path("/"))
            .respond_with(greeting.insert_header("x-elastic-product", "Elasticsearch"))
            .with_priority(1)
            .mount(&points.engine.server)
            .await;
        points.on_search(&[INDEX]).await;
        points.on("POST", "/_pit$", opened).await;
        let closed = ResponseTemplate::new(200).set_body_json(json!({"succeeded": true}));
        points.on("DELETE", "^/_pit$", closed).await;
        points
    }

    async fn on(&self, verb: &str, at: &str, answer: ResponseTemplate) {
        let mock = Mock::given(method(verb)).and(path_regex(at)).respond_with(answer);
        mock.with_priority(2).mount(&self.engine.server).await;
    }

    /// Answers which indices hold something, and pages of the documents.
    async fn on_search(&self, indices: &[&str]) {
        let bucket = |index: &&str| json!({"key": index, "doc_count": 1});
        let buckets: Vec<Value> = indices.iter().map(bucket).collect();
        let asked = Arc::clone(&self.asked);
        self.engine
            .on_search(move |request: &Request| {
                let body: Value = serde_json::from_slice(&request.body).expect("JSON");
                if body.get("aggs").is_some() {
                    return ResponseTemplate::new(200).set_body_json(json!({
                        "timed_out": false, "hits": {}, "aggregations": {"found": {"buckets": buckets}},
                    }));
                }
                let id = body["pit"]["id"].as_str().unwrap_or("no point in time");
                asked.lock().expect("nobody panics with it").push(id.to_owned());
                ResponseTemplate::new(200).set_body_json(answer(&body, &format!("{id}+")))
            })
            .await;
    }

    /// Never answers what is posted here, and tells that it was asked.
    async fn hang_on(&self, at: &str) -> UnboundedReceiver<()> {
        let (asked, was_asked) = unbounded_channel();
        let answer = move |_: &Request| {
            asked.send(()).expect("the test waits for it");
            ResponseTemplate::new(200).set_delay(Duration::from_secs(3_600))
        };
        let mock = Mock::given(method("POST")).and(path_regex(at)).respond_with(answer);
        mock.with_priority(1).mount(&self.engine.server).await;
        was_asked
    }

    fn store(&self) -> ElasticsearchStore {
        self.engine.store(quick())
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics with it").clone()
    }

    /// Requests of this verb whose path ends so, with their bodies.
    async fn requests(&self, verb: &str, end: &str) -> Vec<(String, String)> {
        let requests = self.engine.server.received_requests().await.expect("requests");
        let wanted = requests
            .iter()
            .filter(|request| request.method.as_str() == verb && request.url.path().ends_with(end));
        let seen = |request: &Request| {
            let parameters = request.url.query().unwrap_or_default();
            let body = String::from_utf8_lossy(&request.body).into_owned();
            (format!("{}?{parameters}", request.url.path()), body)
        };
        wanted.map(seen).collect()
    }
}

fn answer(body: &Value, next_id: &str) -> Value {
    let size = body["size"].as_u64().expect("a size");
    let begin =
        body["search_after"][2].as_str().map_or(0, |id| id.parse::<u64>().expect("a number") + 1);
    let hit = |number: u64| {
        let hidden = json!({"id": number.to_string(), "shop": "north", "timestamp": 1_000 - number,
            "received": 1, "sent": 1});
        json!({"_index": INDEX, "_id": number.to_string(), "_source": {"millrace": hidden},
            "sort": [1_000 - number, 0, number.to_string(), 77]})
    };
    let hits: Vec<Value> =
        (begin..DOCUMENTS).take(usize::try_from(size).expect("small")).map(hit).collect();
    json!({"pit_id": next_id, "timed_out": false,
        "hits": {"total": {"value": DOCUMENTS}, "hits": hits}})
}

fn opened(name: &str, id: &str, successful: u64, failed: u64) -> ResponseTemplate {
    let shards = json!({"total": 2, "successful": successful, "skipped": 0, "failed": failed});
    ResponseTemplate::new(200).set_body_json(json!({name: id, "_shards": shards}))
}

fn request() -> SearchRequest {
    SearchRequest { consistent: true, size: 2, ..SearchRequest::new(Query::All) }
}

async fn search(
    store: &ElasticsearchStore,
    request: &SearchRequest,
) -> Result<SearchPage, StoreError> {
    store.search(&everything(), request).await
}

async fn walk(store: &ElasticsearchStore) -> Vec<String> {
    let (mut request, mut ids) = (request(), Vec::new());
    loop {
        let page = search(store, &request).await.expect("a page");
        ids.extend(page.hits.into_iter().map(|hit| hit.id));
        match page.cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn each_page_asks_by_the_latest_name_and_the_last_one_closes_it() {
    let points = Points::of_opensearch(opened("pit_id", "p", 2, 0)).await;
    assert_eq!(walk(&points.store()).await, ["0", "1", "2", "3", "4"]);
    assert_eq!(points.asked(), ["p", "p+", "p++"]);
    let opened = points.requests("POST", "point_in_time").await;
    assert_eq!(opened.len(), 1);
    let (address, body) = &opened[0];
    assert!(address.starts_with(&format!("/{INDEX}/_search/point_in_time?")), "{address}");
    assert!(address.contains("allow_partial_pit_creation=false"), "{address}");
    assert!(address.contains("keep_alive=120000ms") && body.is_empty(), "{address} {body}");
    let closed = points.requests("DELETE", "").await;
    assert_eq!(
        closed,
        [("/_search/point_in_time?".to_owned(), r#"{"pit_id":["p+++"]}"#.to_owned())]
    );
}

#[tokio::test]
async fn elasticsearch_has_names_of_its_own_for_it() {
    // Before 8.16 it does not say which shards are covered.
    let opened = ResponseTemplate::new(200).set_body_json(json!({"id": "p"}));
    let points = Points::of_elasticsearch(opened).await;
    assert_eq!(walk(&points.store()).await, ["0", "1", "2", "3", "4"]);
    let opened = points.requests("POST", "_pit").await;
    assert!(opened[0].0.starts_with(&format!("/{INDEX}/_pit?keep_alive=")), "{opened:?}");
    assert!(!opened[0].0.contains("partial"), "{opened:?}");
    let closed = points.requests("DELETE", "").await;
    assert_eq!(closed, [("/_pit?".to_owned(), r#"{"id":"p+++"}"#.to_owned())]);
}

#[tokio::test]
async fn a_part_is_closed_at_once_and_never_taken_for_whole() {
    for (successful, failed) in [(1, 1), (1, 0), (2, 1)] {
        let points = Points::of_opensearch(opened("pit_id", "part", successful, failed)).await;
        let store = points.store();
        let refused = search(&store, &request()).await.expect_err("a part");
        assert!(matches!(refused, StoreError::NoPointInTime { .. }), "{refused:?}");
        assert!(refused.to_string().contains("without `consistent`"), "{refused}");
        assert_eq!(points.asked(), [""; 0], "nothing is read from it");
        let closed = points.requests("DELETE", "").await;
        assert_eq!(closed.len(), 1);
        assert_eq!((&*closed[0].1, store.shared.points.len()), (r#"{"pit_id":["part"]}"#, 0));
        let plain = SearchRequest { consistent: false, ..request() };
        search(&store, &plain).await.expect("the way out");
    }
}

#[tokio::test]
async fn an_engine_without_room_says_so_and_keeps_none_here() {
    let error = json!({"error": {"type": "search_phase_execution_exception",
        "reason": "Partial shards failure", "root_cause": [{"type": "rejected_execution_exception",
        "reason": "Trying to create too many Point In Time contexts on node-7."}]}});
    for status in [429, 503] {
        let answer = ResponseTemplate::new(status).set_body_json(&error);
        let points = Points::of_opensearch(answer.insert_header("retry-after", "7")).await;
        let store = points.store();
        let refused = search(&store, &request()).await.expect_err("no room");
        let StoreError::NoPointInTime { after, reason } = &refused else { panic!("{refused:?}") };
        assert_eq!(after.as_secs(), 7);
        assert!(reason.contains("a shorter time range") && !reason.contains("node-7"), "{reason}");
        assert_eq!(store.shared.points.len(), 0);
    }
    let points = Points::of_opensearch(ResponseTemplate::new(403)).await;
    let refused = search(&points.store(), &request()).await.expect_err("not let in");
    assert_eq!(refused.kind(), StoreErrorKind::Fatal);
}

#[tokio::test]
async fn one_that_the_engine_has_lost_is_told_as_expired() {
    for kind in ["search_context_missing_exception", "index_not_found_exception"] {
        let points = Points::of_elasticsearch(opened("id", "p", 2, 0)).await;
        let store = points.store();
        let mut next = request();
        next.cursor = search(&store, &next).await.expect("a page").cursor;
        // Busy: the same page may be asked for again.
        let busy = Mock::given(path("/_search")).respond_with(ResponseTemplate::new(429));
        busy.up_to_n_times(1).with_priority(1).mount(&points.engine.server).await;
        let refused = search(&store, &next).await.expect_err("busy");
        assert_eq!((refused.kind(), store.shared.points.len()), (StoreErrorKind::Unavailable, 1));
        search(&store, &next).await.expect("the same page");
        let error = json!({"error": {"type": "search_phase_execution_exception",
            "reason": "all shards failed", "root_cause": [{"type": kind, "reason": "No [7]"}]}});
        let gone = ResponseTemplate::new(404).set_body_json(error);
        let gone = Mock::given(path("/_search")).respond_with(gone);
        gone.with_priority(1).mount(&points.engine.server).await;
        let refused = search(&store, &next).await.expect_err("gone");
        assert!(matches!(refused, StoreError::Expired), "{kind}: {refused:?}");
        assert_eq!(store.shared.points.len(), 0);
    }
}

#[tokio::test]
async fn a_close_that_fails_costs_its_room_until_it_ends_by_itself() {
    let points = Points::of_opensearch(opened("pit_id", "p", 2, 0)).await;
    let failing = Mock::given(method("DELETE")).respond_with(ResponseTemplate::new(500));
    failing.with_priority(1).mount(&points.engine.server).await;
    let store = points.store();
    assert_eq!(walk(&store).await.len(), 5, "whoever pages does not notice");
    assert_eq!(store.shared.points.len(), 1);
}

/// Asks for a first page, and waits no longer than until the engine is asked for this.
async fn give_up(store: &ElasticsearchStore, mut was_asked: UnboundedReceiver<()>) {
    let request = request();
    tokio::select! {
        answer = search(store, &request) => panic!("the engine never answers: {answer:?}"),
        asked = was_asked.recv() => asked.expect("the engine is there"),
    }
}

#[tokio::test]
async fn a_first_page_that_nobody_waits_for_is_closed_in_the_engine_and_gives_its_room_back() {
    let points = Points::of_opensearch(opened("pit_id", "p", 2, 0)).await;
    let store = points.store();
    let was_asked = points.hang_on("^/_search$").await;
    give_up(&store, was_asked).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.shared.points.len() > 0 {
        assert!(Instant::now() < deadline, "it is counted for ever");
        tokio::task::yield_now().await;
    }
    let closed = points.requests("DELETE", "").await;
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].1, r#"{"pit_id":["p"]}"#);
}

#[tokio::test]
async fn one_that_nobody_waits_for_while_it_is_opened_keeps_no_room() {
    let points = Points::of_opensearch(opened("pit_id", "p", 2, 0)).await;
    let store = points.store();
    let was_asked = points.hang_on("/_search/point_in_time$").await;
    give_up(&store, was_asked).await;
    assert_eq!(store.shared.points.len(), 0);
}

#[tokio::test]
async fn another_instance_goes_on_with_a_cursor() {
    let points = Points::of_opensearch(opened("pit_id", "p", 2, 0)).await;
    let mut next = request();
    next.cursor = search(&points.store(), &next).await.expect("a page").cursor;
    let page = search(&points.store(), &next).await.expect("a page");
    assert_eq!((page.hits.len(), points.asked()), (2, vec!["p".to_owned(), "p+".to_owned()]));
}

#[tokio::test]
async fn many_indices_are_covered_by_their_pattern_and_too_long_a_name_is_refused() {
    let points = Points { engine: Played::start().await, asked: Arc::default() };
    let many: Vec<String> = (0..150).map(|day| format!("ecommerce-logs-error-{day:010}")).collect();
    points.on_search(&many.iter().map(String::as_str).collect::<Vec<_>>()).await;
    // What no compression makes shorter.
    let digits = (0u64..20_000).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23));
    let name: String = digits.map(|n| format!("{n:x}")).collect();
    points.on("POST", "/_search/point_in_time$", opened("pit_id", &name, 2, 0)).await;
    points.on("DELETE", "^/_search/point_in_time$", ResponseTemplate::new(200)).await;
    let store = points.store();
    let refused = search(&store, &request()).await.expect_err("too long a name");
    assert!(refused.to_string().contains("too many indices"), "{refused}");
    let opened = points.requests("POST", "point_in_time").await;
    assert!(opened[0].0.starts_with("/ecommerce-logs-*/_search/point_in_time?"), "{opened:?}");
    assert_eq!(points.requests("DELETE", "").await.len(), 1);
    assert_eq!(store.shared.points.len(), 0);
}
