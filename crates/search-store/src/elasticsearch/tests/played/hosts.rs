//! Several hosts, some of which are down, and ones that are no search engine.

use std::net::TcpListener;

use query::Query;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Played, bulk, fields, operations, quick, statuses};
use crate::contract::everything;
use crate::elasticsearch::{ElasticsearchConfig, ElasticsearchStore};
use crate::{ItemOutcome, SearchStore, StoreErrorKind, TimeRange};

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[tokio::test]
async fn a_host_that_is_down_is_passed_by() {
    let engine = Played::start().await;
    engine.on_bulk(|bulk| statuses(bulk, |_| 201)).await;
    let urls = format!("{},{}", nobody(), engine.server.uri());
    let store = ElasticsearchStore::connect(&urls, quick(), &fields()).expect("a store");
    for _ in 0..4 {
        assert_eq!(bulk(&store, &["a"]).await, ["done"]);
    }
}

#[tokio::test]
async fn without_any_host_everything_is_for_later() {
    let urls = format!("{},{}", nobody(), nobody());
    let store = ElasticsearchStore::connect(&urls, quick(), &fields()).expect("a store");
    let error = store.ensure_templates().await.expect_err("nobody");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    let outcomes = store.bulk(operations(&["a"])).await.expect("outcomes");
    assert!(matches!(outcomes[..], [ItemOutcome::Retry { .. }]));
    let error = store.tail_position().await.expect_err("nobody");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_host_that_comes_up_is_found_by_the_next_call() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let urls = format!("http://{address}");
    let store = ElasticsearchStore::connect(&urls, quick(), &fields()).expect("a store");
    assert_eq!(bulk(&store, &["a"]).await, ["retry"]);
    let listener = TcpListener::bind(address).expect("the port is free");
    let engine = Played::on(MockServer::builder().listener(listener).start().await).await;
    engine.on_bulk(|bulk| statuses(bulk, |_| 201)).await;
    assert_eq!(bulk(&store, &["a"]).await, ["done"]);
}

#[tokio::test]
async fn an_answer_whose_text_does_not_come_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let greeting = r#"{"version":{"distribution":"opensearch","number":"2.19.6"}}"#;
    let answers = async {
        let mut hanging = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).await.expect("a request");
            let is_greeting = request[..length].starts_with(b"GET / ");
            let (length, text) =
                if is_greeting { (greeting.len(), greeting) } else { (100, "{\"timed_out\"") };
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}");
            let answer = format!("{head}\r\n\r\n{text}");
            stream.write_all(answer.as_bytes()).await.expect("it is read");
            if !is_greeting {
                hanging.push(stream);
            }
        }
    };
    let read_time_max = service::Span::from_millis(300);
    let config = ElasticsearchConfig { read_time_max, ..quick() };
    let store = ElasticsearchStore::connect(&url, config, &fields()).expect("a store");
    let (scope, range) = (everything(), TimeRange::default());
    tokio::select! {
        () = answers => panic!("it ends never"),
        count = store.count(&scope, &Query::All, range) => {
            let error = count.expect_err("no text").to_string();
            assert!(error.contains("too long"), "{error}");
        }
    }
}

#[tokio::test]
async fn what_is_no_engine_of_ours_is_refused() {
    let answers = [
        json!({"version": {"number": "7.10.2"}}),
        json!({"version": {"number": "1.3.0", "distribution": "opensearch"}}),
        json!({"tagline": "You Know, for Search"}),
    ];
    for answer in answers {
        let server = MockServer::start().await;
        let response = ResponseTemplate::new(200).set_body_json(&answer);
        Mock::given(any()).respond_with(response).mount(&server).await;
        let store = ElasticsearchStore::connect(&server.uri(), quick(), &fields());
        let error = store.expect("a store").ensure_templates().await.expect_err("not ours");
        assert_eq!(error.kind(), StoreErrorKind::Fatal, "{answer}: {error}");
        assert!(error.to_string().contains("Elasticsearch 8 or OpenSearch 2"), "{error}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (elsewhere, server) = (MockServer::start().await, MockServer::start().await);
    let response = ResponseTemplate::new(307).insert_header("location", elsewhere.uri());
    Mock::given(any()).respond_with(response).mount(&server).await;
    let store = ElasticsearchStore::connect(&server.uri(), quick(), &fields()).expect("a store");
    let error = store.ensure_templates().await.expect_err("a redirect");
    assert_eq!(error.kind(), StoreErrorKind::Fatal, "{error}");
    assert!(elsewhere.received_requests().await.expect("requests").is_empty());
}

#[tokio::test]
async fn who_signs_in_is_known_and_the_password_is_not_shown() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/"))
        .respond_with(ResponseTemplate::new(401).set_body_string("{}"))
        .mount(&server)
        .await;
    let mut config = quick();
    config.password = Some(service::Secret::new("hunter2".to_owned()));
    let url = server.uri().replace("http://", "http://elastic@");
    let store = ElasticsearchStore::connect(&url, config, &fields()).expect("a store");
    let error = store.ensure_templates().await.expect_err("the wrong password").to_string();
    assert!(!error.contains("hunter2") && error.contains("401"), "{error}");
    assert!(!format!("{store:?}").contains("hunter2"));
    assert!(!format!("{store:?}").contains("ZWxhc3RpYzpodW50ZXIy"));
    let requests = server.received_requests().await.expect("requests");
    assert_eq!(requests[0].headers["authorization"], "Basic ZWxhc3RpYzpodW50ZXIy");
}
