//! Answers to searches: whole, in part, too long and none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use query::Query;
use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use super::{Played, quick};
use crate::contract::{everything, only};
use crate::elasticsearch::{ElasticsearchConfig, ElasticsearchStore};
use crate::{SearchRequest, SearchStore, StoreErrorKind, TailCursor, TimeRange};

async fn count_of(answer: ResponseTemplate) -> Result<u64, StoreErrorKind> {
    let engine = Played::start().await;
    engine.on_search(answer).await;
    let store = engine.store(quick());
    let count = store.count(&everything(), &Query::All, TimeRange::default()).await;
    count.map_err(|error| error.kind())
}

#[tokio::test]
async fn a_part_of_an_answer_is_none() {
    let whole = json!({"timed_out": false, "hits": {"total": {"value": 7}, "hits": []}});
    let answer = |body: &Value| ResponseTemplate::new(200).set_body_json(body);
    assert_eq!(count_of(answer(&whole)).await, Ok(7));
    let mut late = whole.clone();
    late["timed_out"] = json!(true);
    assert_eq!(count_of(answer(&late)).await, Err(StoreErrorKind::Invalid));
    let text = whole.to_string();
    let cut = ResponseTemplate::new(200).set_body_string(&text[..text.len() - 1]);
    assert_eq!(count_of(cut).await, Err(StoreErrorKind::Unavailable));
    let statuses = [
        (503, StoreErrorKind::Unavailable),
        (429, StoreErrorKind::Unavailable),
        (400, StoreErrorKind::Invalid),
        (403, StoreErrorKind::Fatal),
    ];
    for (status, kind) in statuses {
        assert_eq!(count_of(ResponseTemplate::new(status)).await, Err(kind), "{status}");
    }
}

/// An engine that has as many large documents as are asked for, with a store that reads a MiB at a time.
async fn with_large_documents() -> (Played, ElasticsearchStore) {
    let engine = Played::start().await;
    engine
        .on_search(|request: &Request| {
            let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
            let size = asked["size"].as_u64().expect("a size");
            let hit = |number: u64| {
                json!({"_index": "ecommerce-logs-error-2026.11.24", "_id": number.to_string(), "_source": {
                    "millrace": {"id": number.to_string(), "shop": "north", "timestamp": number,
                        "received": 1, "sent": 1},
                    "message": "x".repeat(100_000),
                }, "sort": [number + 1]})
            };
            let hits: Vec<Value> = (0..size).map(hit).collect();
            let hits = json!({"total": {"value": 500}, "hits": hits});
            ResponseTemplate::new(200).set_body_json(json!({"timed_out": false, "hits": hits}))
        })
        .await;
    let answer_bytes_max = service::ByteSize(1 << 20);
    let store = engine.store(ElasticsearchConfig { answer_bytes_max, ..quick() });
    (engine, store)
}

#[tokio::test]
async fn a_page_that_would_be_too_long_is_cut() {
    let (_engine, store) = with_large_documents().await;
    let mut request = SearchRequest::new(Query::All);
    request.size = 100;
    let page = store.search(&everything(), &request).await.expect("a page");
    assert!((2..10).contains(&page.hits.len()), "{}", page.hits.len());
    assert_eq!(page.total, 500);
    assert!(page.cursor.is_some());
}

#[tokio::test]
async fn a_tail_that_would_be_too_long_is_cut_and_goes_on() {
    let (_engine, store) = with_large_documents().await;
    let start = TailCursor("2.0.".to_owned());
    let page = store.tail(&everything(), &Query::All, &start, 100).await.expect("a page");
    assert!((2..10).contains(&page.hits.len()), "{}", page.hits.len());
    // The rest is not passed by: the next page begins after the last one that was given.
    assert_eq!(page.cursor.0, format!("2.{}.", page.hits.len()));
}

#[tokio::test]
async fn too_many_intervals_are_told_as_what_to_change() {
    for status in [400, 503] {
        let engine = Played::start().await;
        let error = json!({"error": {"type": "search_phase_execution_exception", "caused_by":
            {"type": "too_many_buckets_exception", "reason": "Trying to create too many buckets."}}});
        engine.on_search(ResponseTemplate::new(status).set_body_json(error)).await;
        let (store, scope) = (engine.store(quick()), everything());
        let counts = store.histogram(&scope, &Query::All, TimeRange::default(), 1_000_000).await;
        let error = counts.expect_err("too many");
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("a shorter time range"), "{error}");
    }
}

#[tokio::test]
async fn a_shops_documents_are_not_given_to_another_whatever_the_engine_answers() {
    let engine = Played::start().await;
    let hit = |id: &str, shop: &str| {
        let hidden = json!({"id": id, "shop": shop, "timestamp": 1, "received": 1, "sent": 1});
        json!({"_index": "ecommerce-logs-error-2026.11.24", "_id": id,
            "_source": {"millrace": hidden}, "sort": [1]})
    };
    let hits = json!({"total": {"value": 2}, "hits": [hit("a", "south"), hit("b", "north")]});
    let answer = json!({"timed_out": false, "hits": hits});
    engine.on_search(ResponseTemplate::new(200).set_body_json(answer)).await;
    let (store, scope) = (engine.store(quick()), only(&["north"]));
    let page = store.search(&scope, &SearchRequest::new(Query::All)).await.expect("a page");
    let start = TailCursor("2.0.".to_owned());
    let tail = store.tail(&scope, &Query::All, &start, 5).await.expect("a page");
    let hit = store.get(&scope, "a").await.expect("a read");
    for hits in [page.hits, tail.hits, hit.into_iter().collect()] {
        let ids: Vec<&str> = hits.iter().map(|hit| hit.id.as_str()).collect();
        assert_eq!(ids, ["b"]);
    }
}

#[tokio::test]
async fn reads_wait_for_a_place_and_no_longer_than_one_may_take() {
    let engine = Played::start().await;
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    engine
        .on_search(move |_: &Request| {
            let first = seen.fetch_add(1, Ordering::Relaxed) == 0;
            let body = json!({"timed_out": false, "hits": {"total": {"value": 7}, "hits": []}});
            let wait = if first { 3_600 } else { 0 };
            let answer = ResponseTemplate::new(200).set_body_json(body);
            answer.set_delay(std::time::Duration::from_secs(wait))
        })
        .await;
    let read_time_max = service::Span::from_secs(1);
    let store = engine.store(ElasticsearchConfig { reads_max: 1, read_time_max, ..quick() });
    let (scope, range) = (everything(), TimeRange::default());
    {
        let mut stalled = std::pin::pin!(store.count(&scope, &Query::All, range));
        let begun = async {
            while count.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = &mut stalled => panic!("it stalls"),
            () = begun => {}
        }
        let error = store.count(&scope, &Query::All, range).await.expect_err("no place");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("reads_max"), "{error}");
    }
    assert_eq!(store.count(&scope, &Query::All, range).await.expect("a place"), 7);
}

#[tokio::test]
async fn documents_of_strangers_are_not_given() {
    let engine = Played::start().await;
    let source = json!({"message": "x", "millrace": {"shop": "north"}});
    let hits = json!({"hits": [{"_index": "i", "_id": "a", "_source": source}]});
    let answer = json!({"timed_out": false, "hits": hits});
    engine.on_search(ResponseTemplate::new(200).set_body_json(answer)).await;
    let store = engine.store(quick());
    assert_eq!(store.get(&everything(), "a").await.expect("a read"), None);
}

#[tokio::test]
async fn each_read_names_its_shops_and_our_indices_only() {
    let engine = Played::start().await;
    let hits = json!({"total": {"value": 0}, "hits": []});
    let answer = json!({"timed_out": false, "hits": hits});
    engine.on_search(ResponseTemplate::new(200).set_body_json(answer)).await;
    let store = engine.store(quick());
    let (scope, range) = (only(&["north"]), TimeRange::default());
    let request = SearchRequest::new(Query::All);
    store.search(&scope, &request).await.expect("a page");
    store.count(&scope, &Query::All, range).await.expect("a count");
    store.histogram(&scope, &Query::All, range, 1_000_000_000).await.expect("counts");
    store.terms(&scope, &Query::All, range, "tags", 5).await.expect("values");
    store.get(&scope, "a").await.expect("a read");
    let cursor = store.tail_position().await.expect("a position");
    store.tail(&scope, &Query::All, &cursor, 5).await.expect("a tail");
    let requests = engine.server.received_requests().await.expect("requests");
    let searches: Vec<&Request> =
        requests.iter().filter(|request| request.url.path() != "/").collect();
    assert_eq!(searches.len(), 7);
    for request in &searches {
        assert_eq!(request.url.path(), "/ecommerce-logs-*/_search");
    }
    let of_a_shop = |request: &&&Request| {
        String::from_utf8_lossy(&request.body).contains(r#"{"terms":{"millrace.shop":["north"]}}"#)
    };
    // A position names no document.
    assert_eq!(searches.iter().filter(of_a_shop).count(), 6);
}
