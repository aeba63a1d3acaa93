//! Hostile input 27: whatever an engine answers to a bulk, each operation lands in just one place.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wiremock::ResponseTemplate;

use super::{Played, bulk, operation, operations, quick, statuses, words};
use crate::elasticsearch::ElasticsearchConfig;
use crate::{ItemOutcome, SearchStore, StoreErrorKind};

#[tokio::test]
async fn operations_of_one_bulk_have_outcomes_of_their_own() {
    let engine = Played::start().await;
    engine
        .on_bulk(|bulk| {
            statuses(bulk, |one| match one.id.as_str() {
                "good" => 201,
                "bad" => 400,
                "there" => 409,
                "busy" => 429,
                _ => 503,
            })
        })
        .await;
    let store = engine.store(quick());
    let outcomes = bulk(&store, &["good", "bad", "there", "busy", "down"]).await;
    assert_eq!(outcomes, ["done", "rejected", "done", "retry", "retry"]);
    // The document that was refused was sent once more, alone and in its reduced form.
    assert_eq!(engine.ids()[1..], [["bad"]]);
    let again = engine.bulks.lock().expect("the bulks")[1][0].document.clone();
    assert_eq!(again["millrace"]["original"], r#"{"message":"x"}"#);
    assert_eq!(again["message"][0], "x");
}

#[tokio::test]
async fn a_document_that_is_refused_as_it_is_is_indexed_in_its_reduced_form() {
    let engine = Played::start().await;
    engine
        .on_bulk(|bulk| {
            statuses(
                bulk,
                |one| {
                    if one.document["millrace"]["original"].is_null() { 400 } else { 201 }
                },
            )
        })
        .await;
    let store = engine.store(quick());
    let mut twice = operations(&["a", "b"]);
    twice[1].document = r#"{"a":1,"a":2,"message":{}}"#.into();
    let outcomes = store.bulk(twice).await.expect("outcomes");
    assert_eq!(words(&outcomes), ["done", "done"]);
    assert_eq!(engine.ids(), [["a", "b"], ["a", "b"]]);
}

#[tokio::test]
async fn an_answer_that_is_none_means_later() {
    let whole = r#"{"errors":false,"items":[{"index":{"_id":"a","status":201}},"#;
    let answers = [
        whole.to_owned(),
        format!("{whole}{}", r#"{"index":{"_id":"b","status":201}},{"index":{"status":201}}]}"#),
        format!("{whole}{}", r#"{"index":{"_id":"c","status":201}}]}"#),
        format!("{whole}null]}}"),
        String::new(),
        "<html>Welcome</html>".to_owned(),
        r#"{"items":[]}"#.to_owned(),
    ];
    for answer in answers {
        let engine = Played::start().await;
        let text = answer.clone();
        engine.on_bulk(move |_| ResponseTemplate::new(200).set_body_string(text.clone())).await;
        let outcomes = bulk(&engine.store(quick()), &["a", "b"]).await;
        assert_eq!(outcomes, ["retry", "retry"], "{answer}");
    }
}

#[tokio::test]
async fn what_went_into_a_failure_store_is_not_done() {
    let engine = Played::start().await;
    let items = r#"{"errors":false,"items":[{"index":{"_id":"a","status":201,"failure_store":"used"}},
        {"index":{"_id":"b","status":201,"failure_store":"not_applicable_or_unknown"}}]}"#;
    engine.on_bulk(move |_| ResponseTemplate::new(200).set_body_string(items)).await;
    assert_eq!(bulk(&engine.store(quick()), &["a", "b"]).await, ["rejected", "done"]);
}

#[tokio::test]
async fn a_bulk_that_is_too_large_is_sent_in_halves() {
    let engine = Played::start().await;
    engine
        .on_bulk(|bulk| {
            if bulk.len() > 2 || bulk.iter().any(|one| one.id == "huge") {
                return ResponseTemplate::new(413);
            }
            statuses(bulk, |_| 201)
        })
        .await;
    let outcomes = bulk(&engine.store(quick()), &["a", "b", "c", "huge", "d"]).await;
    assert_eq!(outcomes, ["done", "done", "done", "rejected", "done"]);
}

#[tokio::test]
async fn what_a_bulk_may_have_is_learnt() {
    let engine = Played::start().await;
    let bytes = |one: &super::Received| one.document.to_string().len();
    engine
        .on_bulk(move |bulk| match bulk.iter().map(bytes).sum() {
            0..300_000 => statuses(bulk, |_| 201),
            _ => ResponseTemplate::new(413),
        })
        .await;
    let store =
        engine.store(ElasticsearchConfig { bulk_timeout: service::Span::from_secs(5), ..quick() });
    let large = || -> Vec<_> {
        let document = format!(r#"{{"message":"{}"}}"#, "x".repeat(100_000));
        (0..10).map(|number| operation(number, &number.to_string(), &document)).collect()
    };
    let outcomes = store.bulk(large()).await.expect("outcomes");
    assert_eq!(words(&outcomes), ["done"; 10]);
    let first = engine.ids().len();
    let outcomes = store.bulk(large()).await.expect("outcomes");
    assert_eq!(words(&outcomes), ["done"; 10]);
    let second = engine.ids().split_off(first);
    assert_eq!(second.iter().map(Vec::len).sum::<usize>(), 10, "nothing is sent twice: {second:?}");
}

#[tokio::test]
async fn one_document_that_spoils_a_bulk_is_found() {
    let engine = Played::start().await;
    engine
        .on_bulk(|bulk| {
            if bulk.iter().any(|one| one.id == "poison") {
                return ResponseTemplate::new(400).set_body_string(r#"{"error":"Malformed"}"#);
            }
            statuses(bulk, |_| 201)
        })
        .await;
    let ids = ["a", "b", "c", "poison", "d", "e", "f"];
    let outcomes = engine.store(quick()).bulk(operations(&ids)).await.expect("outcomes");
    let expected = ["done", "done", "done", "rejected", "done", "done", "done"];
    assert_eq!(words(&outcomes), expected);
    let ItemOutcome::Rejected { kind, message } = &outcomes[3] else { panic!("a dead letter") };
    assert_eq!((kind.as_str(), message.as_str()), ("engine_400", "Malformed"));
}

#[tokio::test]
async fn an_engine_that_stalls_is_given_up() {
    let engine = Played::start().await;
    engine.on_bulk(|bulk| statuses(bulk, |_| 201).set_delay(Duration::from_secs(3_600))).await;
    let outcomes = engine.store(quick()).bulk(operations(&["a"])).await.expect("outcomes");
    let ItemOutcome::Retry { reason, .. } = &outcomes[0] else { panic!("later") };
    assert!(reason.contains("in time"), "{reason}");
}

#[tokio::test]
async fn an_engine_that_asks_for_time_gets_it() {
    let engine = Played::start().await;
    engine
        .on_bulk(|bulk| match bulk.len() {
            1 => ResponseTemplate::new(429).insert_header("retry-after", "7"),
            _ => ResponseTemplate::new(413),
        })
        .await;
    let outcomes = engine.store(quick()).bulk(operations(&["a", "b", "c"])).await;
    for outcome in outcomes.expect("outcomes") {
        assert!(
            matches!(&outcome, ItemOutcome::Retry { after, .. } if after.as_secs() == 7),
            "{outcome:?}"
        );
    }
    // Whole, its first half, and not the second.
    assert_eq!(engine.ids().len(), 2);
}

#[tokio::test]
async fn who_is_not_let_in_stops() {
    for status in [401, 403, 404, 302] {
        let engine = Played::start().await;
        engine
            .on_bulk(move |_| {
                ResponseTemplate::new(status).insert_header("location", "http://127.0.0.1:1/")
            })
            .await;
        let error = engine.store(quick()).bulk(operations(&["a"])).await.expect_err("nobody in");
        assert_eq!(error.kind(), StoreErrorKind::Fatal, "{status}: {error}");
    }
}

#[tokio::test]
async fn a_later_version_does_not_overtake() {
    let engine = Played::start().await;
    engine.on_bulk(|bulk| statuses(bulk, |one| if one.id == "busy" { 429 } else { 201 })).await;
    let store = engine.store(quick());
    let outcomes = bulk(&store, &["busy", "a", "busy", "a"]).await;
    assert_eq!(outcomes, ["retry", "done", "retry", "done"]);
    assert_eq!(engine.ids(), [vec!["busy", "a"], vec!["a"]]);
}

#[tokio::test]
async fn large_bulks_go_in_several_requests() {
    let engine = Played::start().await;
    engine.on_bulk(|bulk| statuses(bulk, |_| 201)).await;
    for compression_level in [0, 1] {
        let config = ElasticsearchConfig {
            bulk_documents_max: 10,
            compression_level,
            concurrency_max: 4,
            ..quick()
        };
        let ids: Vec<String> = (0..95).map(|number| format!("id {number}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let outcomes = bulk(&engine.store(config), &ids).await;
        assert_eq!(outcomes, vec!["done"; 95]);
    }
    let bulks = engine.ids();
    assert_eq!(bulks.len(), 20);
    assert!(bulks.iter().all(|bulk| bulk.len() <= 10));
    let requests = engine.server.received_requests().await.expect("requests");
    let is_compressed =
        |request: &&wiremock::Request| request.headers.contains_key("content-encoding");
    assert_eq!(requests.iter().filter(is_compressed).count(), 10);
}

#[tokio::test]
async fn who_gives_up_leaves_the_engine_to_others() {
    let engine = Played::start().await;
    let count = AtomicUsize::new(0);
    engine
        .on_bulk(move |bulk| {
            let first = count.fetch_add(1, Ordering::Relaxed) == 0;
            let wait = if first { 3_600 } else { 0 };
            statuses(bulk, |_| 201).set_delay(Duration::from_secs(wait))
        })
        .await;
    let config = ElasticsearchConfig {
        concurrency_max: 1,
        bulk_timeout: service::Span::from_secs(3_600),
        ..quick()
    };
    let store = engine.store(config);
    {
        let stalled = store.bulk(operations(&["a"]));
        let begun = async {
            while engine.ids().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = stalled => panic!("it stalls"),
            () = begun => {}
        }
    }
    assert_eq!(bulk(&store, &["b"]).await, ["done"]);
}
