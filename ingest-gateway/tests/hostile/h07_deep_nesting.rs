//! 7: values within each other without end, through every door that takes them apart, and those that do not.

use event::{Event, Limits, RefusalKind};
use serde_json::{Value, json};

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::lumberjack::{Sender, batch};
use crate::support::otlp::{call, framed, message, put_varint, request};
use crate::support::{Gateway, send_tcp};

const LEVELS: usize = 100_000;

/// An object with arrays within each other.
fn deep() -> String {
    format!("{{\"a\":{}1{}}}", "[".repeat(LEVELS), "]".repeat(LEVELS))
}

/// Objects that begin and never end.
fn endless() -> String {
    "{\"a\":".repeat(LEVELS)
}

async fn post(gateway: &Gateway, path: &str, content_type: &str, body: Vec<u8>) -> (u16, Vec<u8>) {
    let response = gateway.post(path, content_type, body).await;
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

async fn post_json(
    gateway: &Gateway,
    path: &str,
    content_type: &str,
    body: String,
) -> (u16, Value) {
    let (status, answer) = post(gateway, path, content_type, body.into_bytes()).await;
    (status, serde_json::from_slice(&answer).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_07_bodies_of_json_are_refused_where_they_are_too_deep() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let lines = format!("{}\n{{\"n\":1}}\n", deep());
    let array = format!("[{},{{\"n\":2}}]", deep());
    let object = format!("{{\n\"a\":{}1{}\n}}", "[".repeat(LEVELS), "]".repeat(LEVELS));
    for (content_type, body, accepted) in [
        ("application/x-ndjson", lines, 1),
        ("application/json", array, 1),
        ("application/json", object, 0),
    ] {
        let (answer, rise) = rise_during(post_json(&gateway, "/v1/logs", content_type, body)).await;
        assert_eq!(answer.1["accepted"], accepted, "{}", answer.1);
        assert!(rise < 16 << 20, "{rise} bytes");
    }
    let (status, answer) = post_json(&gateway, "/v1/logs", "application/json", endless()).await;
    assert_eq!((status, &answer["accepted"]), (400, &json!(0)));
    // What is cut off in the midst may be called either; it is refused all the same.
    assert!(gateway.door("http").refused["too_deep"] >= 2);
    assert!(gateway.refused_records("http", "too_deep") >= 2.0);
    assert_eq!(
        gateway.door("http").refused.values().sum::<u64>(),
        gateway.bus.letters().len() as u64
    );
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_07_bulk_bodies_are_read_whatever_their_actions_and_documents_hold() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let bulk =
        async |body: String| post_json(&gateway, "/_bulk", "application/x-ndjson", body).await;
    let documents = format!("{{\"index\":{{}}}}\n{}\n{{\"index\":{{}}}}\n{{\"n\":1}}\n", deep());
    let ((status, answer), rise) = rise_during(bulk(documents)).await;
    assert_eq!(status, 200);
    assert_eq!(answer["items"][0]["index"]["status"], 400);
    let reason = answer["items"][0]["index"]["error"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("too_deep"), "{reason}");
    assert_eq!(answer["items"][1]["index"]["status"], 201);
    assert!(rise < 16 << 20, "{rise} bytes");

    // What has no meaning here is passed over, however deep it is; what has one is not.
    let passed_over = format!("{{\"index\":{{\"x\":{}}}}}\n{{\"n\":2}}\n", deep());
    assert_eq!(bulk(passed_over).await.1["items"][0]["index"]["status"], 201);
    for member in ["_id", "_index"] {
        let read = format!("{{\"index\":{{\"{member}\":{}}}}}\n{{\"n\":3}}\n", deep());
        assert_eq!(bulk(read).await.0, 400, "{member}");
    }
    assert_eq!(bulk(format!("{}\n{{\"n\":4}}\n", endless())).await.0, 400);
    assert_eq!(gateway.door("http").refused["too_deep"], 1);
    assert_eq!(gateway.refused_records("http", "too_deep"), 1.0);
    assert_eq!(gateway.refused_requests("400"), 3.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

/// A value of OpenTelemetry with lists within each other, as protobuf. Written from its end, so that lengths are known.
fn deep_value() -> Vec<u8> {
    let mut reversed: Vec<u8> = Vec::new();
    for _ in 0..LEVELS {
        // ArrayValue.values, and AnyValue.array_value around it.
        for tag in [0x0a, 0x2a] {
            let mut head = vec![tag];
            put_varint(&mut head, reversed.len());
            reversed.extend(head.iter().rev());
        }
    }
    reversed.reverse();
    reversed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_07_exports_refuse_the_record_that_is_too_deep() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let export = |record: &str, beside: &str| {
        format!(
            "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{record}]}}]}}],\"beside\":{beside}}}"
        )
    };
    let record = format!("{{\"body\":{{\"stringValue\":\"a\"}},\"x\":{}}}", deep());
    let body = export(&record, &deep());
    let (answer, rise) =
        rise_during(post_json(&gateway, "/v1/logs", "application/json", body)).await;
    let (status, answer) = answer;
    assert_eq!((status, &answer["partialSuccess"]["rejectedLogRecords"]), (200, &json!("1")));
    let said = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(said.contains("too_deep"), "{said}");
    assert!(rise < 16 << 20, "{rise} bytes");

    let deep_record = message(&[(5, &deep_value())]);
    let protobuf = request(&[deep_record, message(&[])]);
    let sent = post(&gateway, "/v1/logs", "application/x-protobuf", protobuf.clone());
    let ((status, answer), rise) = rise_during(sent).await;
    assert_eq!(status, 200);
    assert!(String::from_utf8_lossy(&answer).contains("too_deep"));
    assert!(rise < 16 << 20, "{rise} bytes");
    let (headers, answer) = call(&gateway, &[], framed(0, &protobuf)).await;
    assert_eq!(headers["grpc-status"], "0");
    assert!(String::from_utf8_lossy(&answer).contains("too_deep"));
    assert_eq!(gateway.door("http").refused["too_deep"], 3);
    assert_eq!(gateway.refused_records("http", "too_deep"), 3.0);
    assert_eq!(gateway.bus.letters().len(), 3);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_07_doors_that_only_frame_take_it_and_the_next_stage_refuses_it() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let attack = async {
        send_tcp(gateway.tcp, deep().as_bytes()).await;
        let mut sender = Sender::connect(gateway.beats).await;
        sender.send(&batch(&[deep(), endless(), "{\"n\":1}".to_owned()])).await;
        assert_eq!(sender.ack().await, 3);
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 32 << 20, "{rise} bytes");
    let records = gateway.bus.records();
    let strange = records.iter().filter(|record| record.payload.len() > 1_000);
    let kinds: Vec<RefusalKind> = strange
        .map(|record| {
            Event::new().decode_json(&record.payload, 0, &Limits::default()).unwrap_err().kind
        })
        .collect();
    assert_eq!(kinds, [RefusalKind::TooDeep; 3]);
    assert_eq!(gateway.door("beats").accepted, 3);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
