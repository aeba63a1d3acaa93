//! Single documents and indices, as clients of Elasticsearch write and make them.

use std::io::Write;

use bus::Codec;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use service::{ByteSize, http_client};

use crate::support::{Gateway, MemoryBus, Mode, TOKEN};

async fn ask(gateway: &Gateway, method: &Method, path: &str, body: &str) -> Response {
    let client = http_client::builder().build().unwrap();
    let request = client.request(method.clone(), gateway.url(path)).body(body.to_owned());
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["x-elastic-product"], "Elasticsearch", "{method} {path}");
    response
}

/// The status, and what is said.
async fn said(gateway: &Gateway, method: Method, path: &str, body: &str) -> (u16, Value) {
    let response = ask(gateway, &method, path, body).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_document_is_durable_when_it_is_answered_with_201() {
    let gateway = Gateway::start(|_| {}).await;
    let pretty = "\n{\n  \"n\": 1\n}\n";
    let (status, answer) = said(&gateway, Method::POST, "/logs/_doc?refresh=true", pretty).await;
    assert_eq!(status, 201);
    let record = &gateway.bus.records()[0];
    assert_eq!(
        answer,
        json!({
            "_index": "logs",
            "_id": record.id.to_string(),
            "_version": 1,
            "result": "created",
            "_shards": {"total": 1, "successful": 1, "failed": 0},
            "_seq_no": 0,
            "_primary_term": 1,
        })
    );
    assert_eq!((&record.payload[..], record.codec), (pretty.trim().as_bytes(), Codec::Json));

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"{\"n\":2}").unwrap();
    let client = http_client::builder().build().unwrap();
    let request = client.post(gateway.url("/logs/_doc")).header("content-encoding", "gzip");
    let answer = request.body(gzip.finish().unwrap()).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &*gateway.bus.texts()[1]), (201, "{\"n\":2}"));
    assert_eq!(gateway.door("http").accepted, 2);
    assert_eq!(gateway.metric("millrace_gateway_reading_held_bytes"), 0.0);
    gateway.stop().await;
}

#[tokio::test]
async fn an_id_is_the_same_as_in_a_bulk_body() {
    let gateway = Gateway::start(|_| {}).await;
    for (method, path) in [
        (Method::PUT, "/logs/_doc/a%2F1"),
        (Method::POST, "/logs/_doc/a%2F1"),
        (Method::PUT, "/logs/_create/a%2F1"),
        (Method::POST, "/logs/_create/a%2F1"),
        (Method::PUT, "/other/_doc/a%2F1"),
    ] {
        let (status, answer) = said(&gateway, method.clone(), path, "{\"n\":1}").await;
        assert_eq!((status, &answer["_id"]), (201, &json!("a/1")), "{method} {path}");
    }
    let bulk = "{\"index\":{\"_index\":\"logs\",\"_id\":\"a/1\"}}\n{\"n\":1}\n";
    assert_eq!(said(&gateway, Method::POST, "/_bulk", bulk).await.0, 200);
    let ids: Vec<_> = gateway.bus.records().iter().map(|record| record.id).collect();
    assert!(ids[..4].iter().all(|id| *id == ids[0]) && ids[5] == ids[0], "{ids:?}");
    assert_ne!(ids[4], ids[0], "an id is one of its index");
    let long = format!("/logs/_doc/{}", "x".repeat(513));
    let (status, answer) = said(&gateway, Method::PUT, &long, "{}").await;
    assert_eq!((status, gateway.bus.records().len()), (400, 6));
    assert!(answer["error"]["reason"].as_str().unwrap().contains("512"), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_refused_document_is_told_and_kept_as_a_dead_letter() {
    let gateway = Gateway::start(|config| config.line_bytes_max = ByteSize(1 << 10)).await;
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(300_000));
    for (body, kind) in
        [("{\"n\":", "invalid_json"), ("[1]", "not_an_object"), (&*long, "too_large")]
    {
        let (status, answer) = said(&gateway, Method::POST, "/logs/_doc", body).await;
        assert_eq!((status, &answer["status"]), (400, &json!(400)), "{kind}");
        assert_eq!(answer["error"]["type"], "document_parsing_exception");
        let reason = answer["error"]["root_cause"][0]["reason"].as_str().unwrap();
        assert!(reason.starts_with(kind), "{reason}");
        assert_eq!(gateway.bus.letters().last().unwrap().kind.as_str(), kind);
    }
    assert_eq!(gateway.bus.letters()[2].payload_bytes, long.len() as u64);
    let (status, _) = said(&gateway, Method::POST, "/logs/_doc", " \n").await;
    assert_eq!((status, gateway.bus.letters().len()), (400, 3), "nothing is no document");
    let longest = format!("{{\"a\":\"{}\"}}\r\n", "x".repeat((1 << 10) - 8));
    assert_eq!(said(&gateway, Method::POST, "/logs/_doc", &longest).await.0, 201);
    assert_eq!(gateway.bus.records().len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn refused_documents_of_one_id_are_all_kept_each_once() {
    let gateway = Gateway::start(|_| {}).await;
    for body in ["[1]", "[2]", "[3]", "[1]"] {
        let (status, _) = said(&gateway, Method::PUT, "/shop/_doc/bad", body).await;
        assert_eq!(status, 400, "{body}");
    }
    let letters = gateway.bus.letters();
    assert!(letters.iter().all(|letter| letter.record_id() == letters[0].record_id()));
    assert_eq!(letters[3].id, letters[0].id, "the same bytes are the same letter");
    let mut ids: Vec<_> = letters.iter().map(|letter| &letter.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3, "other bytes have a letter of their own: {ids:?}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_document_that_there_is_no_room_for_is_to_come_again() {
    let gateway = Gateway::start(|_| {}).await;
    gateway.bus.set_mode(Mode::Full);
    let response = ask(&gateway, &Method::PUT, "/logs/_doc/1", "{\"n\":1}").await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (429, &"1".parse().unwrap())
    );
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["error"]["type"], "es_rejected_execution_exception");
    assert_eq!(gateway.door("http").busy, 1);
    gateway.bus.set_mode(Mode::Works);
    assert_eq!(said(&gateway, Method::PUT, "/logs/_doc/1", "{\"n\":1}").await.0, 201);
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_document_holds_is_masked_and_what_is_ignored_is_said() {
    let mut bus = MemoryBus::new();
    bus.warning = Some("not durable: fsync = \"never\"".to_owned());
    let gateway = Gateway::start_on(bus, |_| {}).await;
    let secret = "{\"password\":\"hunter2\"}";
    let response = ask(&gateway, &Method::POST, "/logs/_doc?pipeline=geo", secret).await;
    assert_eq!(response.status(), 201);
    let warnings: Vec<_> = response.headers().get_all("warning").iter().collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(gateway.bus.texts(), ["{\"password\":\"***\"}"]);
    gateway.stop().await;
}

#[tokio::test]
async fn documents_and_indices_ask_for_the_token() {
    let gateway = Gateway::start_with_token().await;
    let client = http_client::builder().build().unwrap();
    for (method, path, status) in [
        (Method::POST, "/logs/_doc", 201),
        (Method::PUT, "/logs/_create/1", 201),
        (Method::PUT, "/logs", 200),
        (Method::POST, "/_refresh", 200),
    ] {
        let ask = || client.request(method.clone(), gateway.url(path)).body("{}");
        let refused = ask().send().await.unwrap();
        assert_eq!(refused.status(), 401, "{path}");
        assert_eq!(refused.json::<Value>().await.unwrap()["error"]["type"], "security_exception");
        let taken = ask().basic_auth("elastic", Some(TOKEN)).send().await.unwrap();
        assert_eq!(taken.status(), status, "{path}");
    }
    assert_eq!(gateway.bus.records().len(), 2);
    gateway.stop().await;
}

#[tokio::test]
async fn an_index_is_acknowledged_and_a_document_is_never_taken_for_one() {
    let gateway = Gateway::start(|config| config.line_bytes_max = ByteSize(1 << 10)).await;
    let settings = "{\"settings\":{\"number_of_shards\":1},\n \"mappings\":{\"properties\":{}}}";
    for (path, name, body) in [
        ("/logs", "logs", ""),
        ("/logs%2Dnorth", "logs-north", settings),
        (
            "/%3Clogs-%7Bnow%2Fd%7D-000001%3E",
            "<logs-{now/d}-000001>",
            "{\"aliases\":{\"logs\":{}}}",
        ),
    ] {
        let answer = said(&gateway, Method::PUT, path, body).await;
        let made = json!({"acknowledged": true, "shards_acknowledged": true, "index": name});
        assert_eq!(answer, (200, made), "{path}");
    }
    let long = format!("{{\"settings\":\"{}\"}}", "x".repeat(10_000));
    for (body, status, kind) in [
        ("{\"message\":\"a log line\"}", 400, "parse_exception"),
        ("{\"settings\":{},\"4111111111111111\":1}", 400, "parse_exception"),
        ("a log line", 400, "parse_exception"),
        (&*long, 413, "content_too_long_exception"),
    ] {
        let (answered, answer) = said(&gateway, Method::PUT, "/nowhere", body).await;
        assert_eq!((answered, &answer["error"]["type"]), (status, &json!(kind)), "{answer}");
        assert!(!answer.to_string().contains("4111111111111111"), "{answer}");
    }
    assert_eq!((gateway.bus.records().len(), gateway.bus.letters().len()), (0, 0));
    gateway.stop().await;
}

#[tokio::test]
async fn refresh_and_flush_are_answered() {
    let gateway = Gateway::start(|_| {}).await;
    for path in ["/_refresh", "/logs/_refresh", "/_flush", "/a,b/_flush"] {
        for method in [Method::POST, Method::GET] {
            let (status, answer) = said(&gateway, method, path, "").await;
            assert_eq!((status, &answer["_shards"]["failed"]), (200, &json!(0)), "{path}");
        }
    }
    for (method, path) in [
        (Method::DELETE, "/_refresh"),
        (Method::GET, "/logs/_doc/1"),
        (Method::DELETE, "/logs/_doc/1"),
        (Method::POST, "/logs/_create"),
    ] {
        assert_eq!(said(&gateway, method.clone(), path, "").await.0, 400, "{method} {path}");
    }
    gateway.stop().await;
}
