//! Bodies over HTTP.

use std::io::Write;
use std::time::Duration;

use bus::{Codec, RecordId};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pipeline::dead_letter::REPLAY_ATTEMPTS_MAX;
use reqwest::StatusCode;
use serde_json::{Value, json};
use service::http_client;
use service::{ByteSize, HealthState, Span};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{
    FULL, Gateway, MemoryBus, Mode, SOON, eventually, read_to_close, send_raw, statuses,
};

/// Posts a body and gives the status with what the door says.
async fn post(
    gateway: &Gateway,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request =
        http_client::builder().build().unwrap().post(gateway.url("/v1/logs")).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let header =
        |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    Answer {
        status: response.status(),
        content_type: header("content-type"),
        retry_after: header("retry-after"),
        body: serde_json::from_str(&response.text().await.unwrap()).unwrap(),
    }
}

struct Answer {
    status: StatusCode,
    content_type: Option<String>,
    retry_after: Option<String>,
    body: Value,
}

impl Answer {
    fn is_problem(&self, status: u16) -> bool {
        self.content_type.as_deref() == Some("application/problem+json")
            && self.status.as_u16() == status
            && self.body["status"] == status
            && self.body["title"].is_string()
    }
}

#[tokio::test]
async fn lines_are_answered_one_by_one() {
    let gateway = Gateway::start(|_| {}).await;
    let body = "{\"a\":1}\n\n{\"a\":}\n[1]\n{\"b\":2}\r\n";
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    let answer = post(&gateway, &headers, body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body,
        json!({
            "accepted": 2,
            "refused": [
                {"line": 3, "kind": "invalid_json", "position": 5,
                 "reason": "the JSON is not valid at byte 5"},
                {"line": 4, "kind": "not_an_object", "position": 0,
                 "reason": "the line is not a JSON object at byte 0; lines of plain text come \
                     with `content-type: text/plain` (`millrace send --plain`)"},
            ],
            "refused_count": 2,
            "refused_not_listed": 0,
            "refused_by_kind": {"invalid_json": 1, "not_an_object": 1},
            "durable": true,
        })
    );
    assert_eq!(gateway.bus.texts(), ["{\"a\":1}", "{\"b\":2}"]);
    let record = &gateway.bus.records()[0];
    assert_eq!((&*record.listener, &*record.source), ("http", "127.0.0.1"));
    assert_eq!(&*record.content_type, "application/x-ndjson");
    assert_eq!(&*record.trace_context, headers[1].1);
    let letters = gateway.bus.letters();
    assert_eq!(letters[0].stage, "ingest-gateway");
    assert_eq!((letters[0].kind.as_str(), letters[0].position_bytes), ("invalid_json", Some(5)));
    assert_eq!(letters[1].replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload, "[1]");
    let door = gateway.door("http");
    assert_eq!((door.accepted, door.refused["invalid_json"]), (2, 1));
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_without_a_good_line_is_a_problem() {
    let gateway = Gateway::start(|_| {}).await;
    let answer = post(&gateway, &[], "hello\n".repeat(150)).await;
    assert!(answer.is_problem(400));
    assert_eq!(answer.body["accepted"], 0);
    assert_eq!(answer.body["refused_count"], 150);
    assert_eq!(answer.body["refused"].as_array().unwrap().len(), 100, "the list is bounded");
    assert_eq!(answer.body["refused_not_listed"], 50);
    assert_eq!(answer.body["refused_by_kind"]["not_an_object"], 150);
    let reason = answer.body["refused"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("content-type: text/plain"), "{reason}");
    assert_eq!(gateway.bus.letters().len(), 150);

    let empty = post(&gateway, &[], "\n\n").await;
    assert_eq!((empty.status.as_u16(), &empty.body["accepted"]), (200, &json!(0)));
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_ends_where_too_many_of_its_lines_were_refused() {
    let gateway = Gateway::start(|_| {}).await;
    let wrong = "{\"a\":1}\n".to_owned() + &"wrong\n".repeat(10_000);
    let read = post(&gateway, &[], format!("{wrong}{{\"a\":2}}\n")).await;
    assert_eq!((read.status.as_u16(), &read.body["accepted"]), (200, &json!(2)));
    assert_eq!(read.body["refused_count"], 10_000);
    assert!(read.body.get("stopped_at_line").is_none());

    let body = format!("{wrong}{{\"a\":2}}\nwrong\n{{\"a\":3}}\n");
    let stopped = post(&gateway, &[], body).await;
    assert!(stopped.is_problem(400));
    assert_eq!(
        (&stopped.body["accepted"], &stopped.body["refused_count"]),
        (&json!(2), &json!(10_000)),
        "all that came before is decided"
    );
    assert_eq!(stopped.body["stopped_at_line"], 10_003);
    let detail = stopped.body["detail"].as_str().unwrap();
    assert!(detail.contains("line 10003") && detail.contains("2 before it"), "{detail}");
    assert_eq!(gateway.bus.texts(), ["{\"a\":1}", "{\"a\":2}", "{\"a\":1}", "{\"a\":2}"]);
    assert_eq!(gateway.bus.letters().len(), 20_000);
    assert_eq!(gateway.limit_hits("http", "refused_lines"), 1.0);
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_may_be_an_array_an_object_or_text() {
    let gateway = Gateway::start(|_| {}).await;
    let array =
        post(&gateway, &[("content-type", "text/json")], "[{\"a\":1},\n 7, {\"b\":[2]}]").await;
    assert_eq!(
        (&array.body["accepted"], &array.body["refused"][0]["line"]),
        (&json!(2), &json!(2))
    );
    let pretty = "{\n  \"c\": {\n    \"d\": 3\n  }\n}\n";
    let object = post(&gateway, &[("content-type", "application/json")], pretty).await;
    assert_eq!(object.body["accepted"], 1);
    let plain = [("content-type", "text/plain; charset=utf-8")];
    let text = post(&gateway, &plain, "GET / 200\n[not json\n").await;
    assert_eq!(text.body["accepted"], 2);
    assert_eq!(
        gateway.bus.texts(),
        ["{\"a\":1}", "{\"b\":[2]}", pretty.trim_end(), "GET / 200", "[not json"]
    );
    let codecs: Vec<Codec> = gateway.bus.records().iter().map(|record| record.codec).collect();
    assert_eq!(codecs[2..4], [Codec::Json, Codec::Plain]);
    gateway.stop().await;
}

#[tokio::test]
async fn compressed_bodies_are_taken_and_unknown_encodings_are_not() {
    let gateway = Gateway::start(|_| {}).await;
    let plain: String = (0..20_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(plain.as_bytes()).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(plain.as_bytes()).unwrap();
    let bodies = [
        ("gzip", gzip.finish().unwrap()),
        ("deflate", zlib.finish().unwrap()),
        ("zstd", zstd::encode_all(plain.as_bytes(), 3).unwrap()),
        ("identity", plain.clone().into_bytes()),
    ];
    for (encoding, body) in bodies {
        let answer = post(&gateway, &[("content-encoding", encoding)], body).await;
        assert_eq!(answer.body["accepted"], 20_000, "{encoding}");
    }
    assert_eq!(gateway.bus.texts()[20_000..40_000].join("\n") + "\n", plain);

    let unknown = post(&gateway, &[("content-encoding", "br")], "{}").await;
    assert!(unknown.is_problem(415));
    let broken = post(&gateway, &[("content-encoding", "gzip")], "{\"a\":1}").await;
    assert!(broken.is_problem(400));
    assert_eq!(broken.body["accepted"], 0);
    gateway.stop().await;
}

#[tokio::test]
async fn the_same_key_gives_the_same_ids() {
    let gateway = Gateway::start(|_| {}).await;
    let body = "{\"a\":1}\nwrong\n{\"a\":2}\n";
    for key in ["upload-1", "upload-1", "upload-2"] {
        post(&gateway, &[("idempotency-key", key)], body).await;
    }
    let ids: Vec<RecordId> = gateway.bus.records().iter().map(|record| record.id).collect();
    assert_eq!(ids[0], RecordId::from_idempotency_key("default", "upload-1", 1));
    assert_eq!(ids[1], RecordId::from_idempotency_key("default", "upload-1", 3));
    assert_eq!(ids[..2], ids[2..4], "sent again it collapses");
    assert!(!ids[..4].contains(&ids[4]));
    let letters = gateway.bus.letters();
    assert_eq!(letters[0].id, letters[1].id, "dead letters collapse as well");
    let records = gateway.bus.records();
    assert_eq!(records[0].routing_key, records[2].routing_key);

    let long = "k".repeat(256);
    assert!(post(&gateway, &[("idempotency-key", &long)], body).await.is_problem(400));
    gateway.stop().await;
}

#[tokio::test]
async fn without_room_the_sender_is_told_when_to_come_again() {
    let gateway = Gateway::start(|config| config.retry_after = Span::from_millis(1_500)).await;
    gateway.bus.set_mode(Mode::Full);
    let body = "{\"a\":1}\n".repeat(10);
    let busy = post(&gateway, &[("idempotency-key", "k")], body.clone()).await;
    assert!(busy.is_problem(503));
    assert_eq!(busy.retry_after.as_deref(), Some("2"), "whole seconds, rounded up");
    assert_eq!(busy.body["accepted"], 0);
    eventually("health says it", || !gateway.context.health.is_ready()).await;
    assert_eq!(gateway.door("http").busy, 1);
    let told = post(&gateway, &[], "{}").await;
    let told = told.body["detail"].as_str().unwrap();
    let health = http_client::builder().build().unwrap().get(gateway.url("/health")).send();
    let health = health.await.unwrap();
    assert_eq!(health.status(), 503);
    for told in [told, &health.text().await.unwrap()] {
        assert!(told.contains("until whoever runs this gateway acts"), "{told}");
        assert!(!told.contains("keeps 9 free"), "senders are strangers: {told}");
    }
    assert_eq!(gateway.context.health.parts()["disk"], HealthState::Failed { reason: FULL.into() });
    let refused = post(&gateway, &[], "not json").await;
    assert!(refused.is_problem(503), "a refusal is not answered before its dead letter is durable");

    gateway.bus.set_mode(Mode::Works);
    let again = post(&gateway, &[("idempotency-key", "k")], body).await;
    assert_eq!(again.body["accepted"], 10);
    assert_eq!(gateway.bus.records().len(), 10);
    eventually("health says it again", || gateway.context.health.is_ready()).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_is_asked_for_where_one_is_set() {
    let gateway = Gateway::start_with_token().await;
    let none = post(&gateway, &[], "{}").await;
    assert!(none.is_problem(401));
    let wrong = post(&gateway, &[("authorization", "Bearer 0123456789abcdeg")], "{}").await;
    assert!(wrong.is_problem(401));
    let right = post(&gateway, &[("authorization", "Bearer 0123456789abcdef")], "{}").await;
    assert_eq!(right.body["accepted"], 1);
    assert_eq!(gateway.metric("millrace_gateway_unauthorized_total{door=\"http\"}"), 2.0);
    let challenge = send_raw(
        gateway.http,
        b"POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(
        challenge.to_lowercase().contains("www-authenticate: basic realm=\"millrace\", bearer"),
        "{challenge}"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn who_is_refused_at_once_gets_the_answer_though_the_body_is_still_coming() {
    let gateway = Gateway::start_with_token().await;
    for _ in 0..10 {
        let answer = post(&gateway, &[], "{\"a\":1}\n".repeat(1 << 20)).await;
        assert!(answer.is_problem(401));
    }
    let head =
        "POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n";
    let mut polite = TcpStream::connect(gateway.http).await.unwrap();
    polite.write_all(head.as_bytes()).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(1), read_to_close(&mut polite));
    assert_eq!(statuses(&answer.await.unwrap()), [401], "it is not asked for the body");
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_says_so() {
    let gateway = Gateway::start(|config| {
        config.http.body_bytes_max = ByteSize(100_000);
        config.line_bytes_max = ByteSize(1 << 10);
    })
    .await;
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(500));
    let promised = post(&gateway, &[], line.repeat(1_000)).await;
    assert!(promised.is_problem(413), "{}", promised.body);
    assert_eq!(gateway.bus.records().len(), 0);

    let chunks: Vec<Result<String, std::io::Error>> =
        (0..1_000).map(|_| Ok(line.clone())).collect();
    let stream = reqwest::Body::wrap_stream(tokio_stream::iter(chunks));
    let unannounced = post(&gateway, &[], stream).await;
    assert!(unannounced.is_problem(413), "{}", unannounced.body);
    assert_eq!(
        unannounced.body["accepted"],
        gateway.bus.records().len() as u64,
        "what was published before stays, and the answer says how much"
    );
    assert_eq!(gateway.limit_hits("http", "body_bytes"), 2.0);

    let long = format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}", "x".repeat(5_000));
    let answer = post(&gateway, &[], long).await;
    assert_eq!(answer.body["accepted"], 1);
    assert_eq!(answer.body["refused"][0]["kind"], "too_large");
    gateway.stop().await;
}

#[tokio::test]
async fn acceptance_that_is_not_durable_is_called_so() {
    let mut bus = MemoryBus::new();
    bus.warning = Some("not durable: fsync = \"never\"".to_owned());
    let gateway = Gateway::start_on(bus, |_| {}).await;
    let answer = post(&gateway, &[], "{}").await;
    assert_eq!(answer.body["durable"], false);
    assert_eq!(answer.body["durability_warning"], "not durable: fsync = \"never\"");
    gateway.stop().await;
}

#[tokio::test]
async fn other_paths_and_methods_say_where_logs_go() {
    let gateway = Gateway::start(|_| {}).await;
    let client = http_client::builder().build().unwrap();
    let welcome = client.get(gateway.url("/")).send().await.unwrap();
    assert!(welcome.status().is_success());
    assert!(welcome.text().await.unwrap().contains("POST /v1/logs"));
    assert_eq!(client.get(gateway.url("/health")).send().await.unwrap().status(), 200);
    let get = client.get(gateway.url("/v1/logs")).send().await.unwrap();
    assert_eq!((get.status().as_u16(), &get.headers()["allow"]), (405, &"POST".parse().unwrap()));
    assert_eq!(client.post(gateway.url("/logs")).send().await.unwrap().status(), 404);
    gateway.stop().await;
}

#[tokio::test]
async fn a_connection_takes_one_request_after_the_other() {
    let gateway = Gateway::start(|_| {}).await;
    let request = "POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: 7\r\n\r\n{\"a\":1}";
    let last = request.replace("host: a", "host: a\r\nconnection: close");
    let answers = send_raw(gateway.http, format!("{request}{request}{last}").as_bytes()).await;
    assert_eq!(statuses(&answers), [200, 200, 200]);
    assert_eq!(gateway.bus.records().len(), 3);
    gateway.stop().await;
}

#[tokio::test]
async fn http_2_with_prior_knowledge_is_spoken() {
    let gateway = Gateway::start(|_| {}).await;
    let stream = TcpStream::connect(gateway.http).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..3 {
        let request = hyper::Request::post("http://door/v1/logs")
            .body(Full::new(bytes::Bytes::from_static(b"{\"a\":1}\n{\"a\":2}")))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["accepted"], 2);
    }
    assert_eq!(gateway.bus.records().len(), 6);
    drop(sender);
    gateway.stop().await;
    drop(tokio::time::timeout(SOON, connection).await.unwrap());
}

#[tokio::test]
async fn a_stop_finishes_requests_in_hand_and_closes_idle_connections() {
    let gateway = Gateway::start(|_| {}).await;
    let mut idle = TcpStream::connect(gateway.http).await.unwrap();
    let mut busy = TcpStream::connect(gateway.http).await.unwrap();
    let head = b"POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: 16\r\n\r\n{\"a\":1}\n";
    busy.write_all(head).await.unwrap();
    let received = "millrace_gateway_received_bytes_total{door=\"http\"}";
    eventually("the request is in hand", || gateway.metric(received) == 8.0).await;
    let bus = gateway.bus.clone();
    let stopping = tokio::spawn(gateway.stop());
    assert_eq!(read_to_close(&mut idle).await, "");
    busy.write_all(b"{\"a\":2}\n").await.unwrap();
    assert_eq!(statuses(&read_to_close(&mut busy).await), [200]);
    stopping.await.unwrap();
    assert_eq!(bus.texts(), ["{\"a\":1}", "{\"a\":2}"]);
}

#[tokio::test]
async fn a_sender_that_goes_away_leaves_nothing_behind() {
    let gateway = Gateway::start(|_| {}).await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(gateway.http).await.unwrap();
        let head = b"POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: 1600\r\n\r\n{\"a\":1}\n";
        stream.write_all(head).await.unwrap();
    }
    let held = || gateway.metric("millrace_gateway_reading_held_bytes");
    let open = || gateway.metric("millrace_gateway_connections{door=\"http\"}");
    eventually("memory and places are given back", || held() == 0.0 && open() == 0.0).await;
    tokio::time::timeout(Duration::from_secs(5), gateway.stop()).await.unwrap();
}
