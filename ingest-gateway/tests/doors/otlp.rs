//! Logs of OpenTelemetry over HTTP and gRPC.

use bus::Codec;
use hyper::HeaderMap;
use serde_json::{Value, json};
use service::ByteSize;

use crate::support::otlp::{call, framed, gzip, message, record, request, text};
use crate::support::{Gateway, MemoryBus, Mode};

async fn post(gateway: &Gateway, content_type: &str, body: Vec<u8>) -> (u16, HeaderMap, Vec<u8>) {
    let response = gateway.post("/v1/logs", content_type, body).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn records_become_events_of_their_resource() {
    let gateway = Gateway::start(|_| {}).await;
    let body = request(&[record("one"), record("two")]);
    let (status, headers, answer) = post(&gateway, "application/x-protobuf", body).await;
    assert_eq!((status, answer), (200, Vec::new()), "all of them");
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let events: Vec<Value> =
        gateway.bus.texts().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(events[0], json!({"service.name": "checkout", "message": "one"}));
    assert_eq!(events[1], json!({"service.name": "checkout", "message": "two"}));
    let record = &gateway.bus.records()[0];
    assert_eq!((record.codec, &*record.content_type), (Codec::Json, "application/x-protobuf"));
    assert_eq!(gateway.door("http").accepted, 2);
    assert_eq!(gateway.metric("millrace_gateway_reading_held_bytes"), 0.0);
    gateway.stop().await;
}

#[tokio::test]
async fn json_is_told_by_its_shape_from_an_event_of_our_own() {
    let gateway = Gateway::start(|_| {}).await;
    let body = r#" { "resourceLogs" : [{"scopeLogs": [{"scope": {"name": "cart"}, "logRecords": [
        {"body": {"stringValue": "one"}}, {"timeUnixNano": "x"}]}]}]}"#;
    let (status, _, answer) = post(&gateway, "application/json", body.into()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, &answer["partialSuccess"]["rejectedLogRecords"]), (200, &json!("1")));
    let said = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(said.contains("invalid_otlp"), "{said}");
    assert_eq!(gateway.bus.letters().len(), 1);

    let own = "{\"a\":{\"resourceLogs\":1}}";
    let (status, _, answer) = post(&gateway, "application/json", own.into()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)));
    // Lines are lines, whatever they hold: a collector's file, for one.
    let lines = "{\"resourceLogs\":[]}\n{\"resourceLogs\":[]}\n";
    let (_, _, answer) = post(&gateway, "application/x-ndjson", lines.into()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["accepted"], 2);
    assert_eq!(gateway.bus.texts()[..2], ["{\"log.logger\":\"cart\",\"message\":\"one\"}", own]);

    let cut = "{\"resourceLogs\":[{\"scopeLogs\":7";
    let (status, _, answer) = post(&gateway, "application/json", cut.into()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, &answer["code"]), (400, &json!(3)));
    gateway.stop().await;
}

#[tokio::test]
async fn a_refused_record_is_told_and_kept() {
    let gateway = Gateway::start(|_| {}).await;
    let broken = message(&[(3, b"\xff\xfe")]);
    let body = request(&[record("good"), broken.clone(), broken]);
    let (status, _, answer) = post(&gateway, "application/x-protobuf", body).await;
    assert_eq!(status, 200, "the sender must not send it again");
    let said = String::from_utf8_lossy(&answer).into_owned();
    assert!(said.contains("2 refused") && said.contains("invalid_utf8"), "{said}");
    assert_eq!(&answer[2..4], b"\x08\x02", "how many");
    let letters = gateway.bus.letters();
    assert_eq!((letters.len(), letters[0].kind.as_str()), (2, "invalid_utf8"));
    assert_eq!(gateway.bus.records().len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn without_room_it_is_to_come_again() {
    let gateway = Gateway::start(|_| {}).await;
    gateway.bus.set_mode(Mode::Full);
    let body = request(&[record("one")]);
    let (status, headers, _) = post(&gateway, "application/x-protobuf", body.clone()).await;
    assert_eq!((status, &headers["retry-after"]), (503, &"1".parse().unwrap()));
    let (headers, answer) = call(&gateway, &[], framed(0, &body)).await;
    assert_eq!((&headers["grpc-status"], answer.len()), (&"14".parse().unwrap(), 0));
    assert_eq!(headers["google.rpc.retryinfo-bin"], "CgIIAQ", "a second");
    assert!(headers.contains_key("grpc-status-details-bin"));
    gateway.bus.set_mode(Mode::Works);
    let (headers, _) = call(&gateway, &[], framed(0, &body)).await;
    assert_eq!(headers["grpc-status"], "0");
    assert_eq!(gateway.bus.records().len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn grpc_takes_a_message_compressed_or_not() {
    let gateway = Gateway::start(|_| {}).await;
    let many: Vec<Vec<u8>> = (0..5_000).map(|n| record(&format!("record {n}"))).collect();
    let body = request(&many);
    let (headers, answer) = call(&gateway, &[], framed(0, &body)).await;
    assert_eq!((&headers["grpc-status"], &answer[..]), (&"0".parse().unwrap(), &[0; 5][..]));
    assert_eq!(headers["content-type"], "application/grpc");
    let compressed = framed(1, &gzip(&body));
    let (headers, _) = call(&gateway, &[("grpc-encoding", "gzip")], compressed.clone()).await;
    assert_eq!(headers["grpc-status"], "0");
    assert_eq!(gateway.bus.records().len(), 10_000);
    assert!(gateway.bus.texts()[9_999].contains("record 4999"));

    for (headers, body, status) in [
        (&[][..], compressed.clone(), "3"),
        (&[("grpc-encoding", "snappy")][..], compressed.clone(), "12"),
        (&[("content-encoding", "gzip")][..], gzip(&framed(0, &body)), "12"),
        (&[("grpc-encoding", "gzip"), ("content-encoding", "gzip")][..], gzip(&compressed), "12"),
        (&[][..], framed(0, &body)[..100].to_vec(), "3"),
        (&[][..], [framed(0, &body), vec![0]].concat(), "3"),
        (&[][..], b"\0\0".to_vec(), "3"),
        (&[][..], framed(0, b"\x0a\x7f"), "3"),
    ] {
        let (headers, _) = call(&gateway, headers, body).await;
        assert_eq!(headers["grpc-status"], status);
        assert!(!headers["grpc-message"].is_empty());
        assert!(headers["grpc-accept-encoding"].to_str().unwrap().contains("gzip"));
    }
    assert_eq!(gateway.bus.records().len(), 10_000);
    gateway.stop().await;
}

#[tokio::test]
async fn a_message_is_bounded_as_it_is_sent_and_as_it_grows() {
    let gateway = Gateway::start(|config| {
        config.http.message_bytes_max = ByteSize(1 << 20);
        config.http.decompressed_bytes_max = ByteSize(4 << 20);
    })
    .await;
    let long = request(&[record(&"x".repeat(2 << 20))]);
    assert_eq!(post(&gateway, "application/x-protobuf", long.clone()).await.0, 413);
    let (headers, _) = call(&gateway, &[("grpc-encoding", "gzip")], framed(1, &gzip(&long))).await;
    assert_eq!(headers["grpc-status"], "8");
    assert_eq!(gateway.limit_hits("http", "message_bytes"), 2.0);

    let many = request(&vec![Vec::new(); 70_000]);
    let (status, _, answer) = post(&gateway, "application/x-protobuf", many).await;
    assert_eq!(status, 413);
    assert!(String::from_utf8_lossy(&answer).contains("more than 65536 records"));

    // Each record would be written with the whole of its resource.
    let name = message(&[(1, b"host.name"), (2, &text(&"x".repeat(500_000)))]);
    let records: Vec<(u8, &[u8])> = vec![(2, b""); 1_000];
    let resource_logs = message(&[(1, &message(&[(1, &name)])), (2, &message(&records))]);
    let (status, _, answer) =
        post(&gateway, "application/x-protobuf", message(&[(1, &resource_logs)])).await;
    assert_eq!(status, 413);
    assert!(String::from_utf8_lossy(&answer).contains("attributes of its resource"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_large_resource_of_many_scopes_is_refused_record_by_record() {
    let gateway = Gateway::start(|_| {}).await;
    // Fields that are passed over, in a resource that is longer than an event may be.
    let resource = b"\x10\x00".repeat(1 << 20);
    let scope = message(&[(2, &record("one"))]);
    let mut fields: Vec<(u8, &[u8])> = vec![(2, &scope[..]); 1_000];
    fields.push((1, &resource[..]));
    let body = message(&[(1, &message(&fields))]);
    let (status, _, answer) = post(&gateway, "application/x-protobuf", body).await;
    let said = String::from_utf8_lossy(&answer).into_owned();
    assert_eq!(status, 200, "the sender must not send it again");
    assert!(said.contains("1000 refused") && said.contains("too_large"), "{said}");
    assert_eq!((gateway.bus.letters().len(), gateway.bus.records().len()), (1_000, 0));
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_taken_and_not_durable_is_told() {
    let mut bus = MemoryBus::new();
    bus.warning = Some("not durable: fsync = \"never\"".to_owned());
    let gateway = Gateway::start_on(bus, |_| {}).await;
    let body = request(&[record("one")]);
    let (status, _, answer) = post(&gateway, "application/x-protobuf", body.clone()).await;
    assert_eq!((status, answer[0], answer[2]), (200, 0x0a, 0x12), "none is rejected");
    assert!(String::from_utf8_lossy(&answer).contains("not durable"));
    let (headers, answer) = call(&gateway, &[], framed(0, &body)).await;
    assert_eq!(headers["grpc-status"], "0");
    assert!(String::from_utf8_lossy(&answer).contains("not durable"));
    let body =
        r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}]}]}]}"#;
    let (status, _, answer) = post(&gateway, "application/json", body.into()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, &answer["partialSuccess"]["rejectedLogRecords"]), (200, &json!("0")));
    let said = answer["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(said.contains("not durable"), "{said}");
    assert_eq!(gateway.bus.records().len(), 3);
    gateway.stop().await;
}

#[tokio::test]
async fn a_token_is_asked_for() {
    let gateway = Gateway::start_with_token().await;
    let body = request(&[record("one")]);
    assert_eq!(post(&gateway, "application/x-protobuf", body.clone()).await.0, 401);
    let (headers, _) = call(&gateway, &[], framed(0, &body)).await;
    assert_eq!(headers["grpc-status"], "16");
    let token = [("authorization", "Bearer 0123456789abcdef")];
    let (headers, _) = call(&gateway, &token, framed(0, &body)).await;
    assert_eq!(headers["grpc-status"], "0");
    gateway.stop().await;
}
