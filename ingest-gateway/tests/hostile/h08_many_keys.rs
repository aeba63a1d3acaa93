//! 8: objects with countless keys, with a huge key, and with the same key again; a huge text where something else
//! should be.

use serde_json::{Value, json};

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::lumberjack::{Sender, frame};
use crate::support::otlp::{message, request};
use crate::support::{Gateway, MemoryBus, any_port, send_tcp};

async fn post(gateway: &Gateway, body: String) -> Value {
    post_to(gateway, "/v1/logs", "", body).await
}

async fn post_to(
    gateway: &Gateway,
    path: &str,
    content_type: &str,
    body: impl Into<reqwest::Body>,
) -> Value {
    gateway.post(path, content_type, body).await.json().await.unwrap()
}

/// Members with names of their own, a comma between them.
fn members(count: usize) -> String {
    let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\":1")).collect();
    members.join(",")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_08_keys_are_bounded_and_what_is_refused_is_kept() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| {
        config.line_bytes_max = service::ByteSize(16 << 20);
        config.memory_bytes_max = service::ByteSize(256 << 20);
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let many = format!("{{{}}}", members(1_000_000));
    let size = many.len() as u64;
    let (answer, rise) = rise_during(post(&gateway, many)).await;
    assert_eq!(answer["refused"][0]["kind"], "too_many_fields");
    assert!(rise < 96 << 20, "{rise} bytes");
    let letters = gateway.bus.letters();
    assert_eq!(letters[0].payload_bytes, size, "a dead letter, not a drop");

    let huge_key = format!("{{\"{}\":1}}", "k".repeat(1 << 20));
    assert_eq!(post(&gateway, huge_key).await["accepted"], 1);
    let twice = "{\"a\":1,\"a\":2,\"a.b\":1,\"a\":{\"b\":2}}";
    assert_eq!(post(&gateway, twice.to_owned()).await["accepted"], 1);
    assert!(gateway.bus.texts().contains(&twice.to_owned()), "the door changes no byte");
    assert_eq!(gateway.door("http").refused["too_many_fields"], 1);
    assert_eq!(gateway.refused_records("http", "too_many_fields"), 1.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_08_bulk_bodies_and_exports_have_the_same_bounds() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let (many, twice) = (members(60_000), "{\"a\":1,\"a\":2,\"a.b\":1,\"a\":{\"b\":2}}");
    let documents = format!(
        "{{\"index\":{{}}}}\n{{{many}}}\n{{\"index\":{{}}}}\n{twice}\n{{\"index\":{{{many}}}}}\n{{}}\n"
    );
    let sent = post_to(&gateway, "/_bulk", "application/x-ndjson", documents);
    let (answer, rise) = rise_during(sent).await;
    let statuses: Vec<&Value> = (0..3).map(|n| &answer["items"][n]["index"]["status"]).collect();
    assert_eq!(statuses, [&json!(400), &json!(201), &json!(201)]);
    let reason = answer["items"][0]["index"]["error"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("too_many_fields"), "{reason}");
    assert!(rise < 32 << 20, "{rise} bytes");
    assert!(gateway.bus.texts().contains(&twice.to_owned()), "the door changes no byte");
    // Two ids for one document are none.
    let two_ids = "{\"index\":{\"_id\":\"1\",\"_id\":\"2\"}}\n{}\n";
    let answer = post_to(&gateway, "/_bulk", "application/x-ndjson", two_ids).await;
    assert_eq!(answer["status"], 400);

    let pair = "{\"key\":\"k\",\"value\":{\"intValue\":1}}";
    let pairs = vec![pair; 25_000].join(",");
    let export = format!(
        "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"attributes\":[{pairs}]}},{{}}]}}]}}]}}"
    );
    let sent = post_to(&gateway, "/v1/logs", "application/json", export);
    let (answer, rise) = rise_during(sent).await;
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "1", "{answer}");
    assert!(rise < 32 << 20, "{rise} bytes");
    // Attributes of two bytes, each of which is a value.
    let attributes: Vec<(u8, &[u8])> = vec![(6, b""); 400_000];
    let export = request(&[message(&attributes), message(&[])]);
    let sent = gateway.post("/v1/logs", "application/x-protobuf", export);
    let (response, rise) = rise_during(sent).await;
    let answer = response.bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("too_many_fields"));
    assert!(rise < 32 << 20, "{rise} bytes");
    assert_eq!(gateway.door("http").refused["too_many_fields"], 3);
    assert_eq!(gateway.refused_records("http", "too_many_fields"), 3.0);
    assert_eq!(gateway.bus.letters().len(), 3, "dead letters, not drops");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_08_what_is_wrong_with_a_huge_text_is_said_in_few_words() {
    let _alone = alone().await;
    let gateway = Gateway::start_on(MemoryBus::forgetful(), |_| {}).await;
    let bystander = Bystander::start(&gateway);
    let text = format!("\"{}\"", "x".repeat(900 << 10));
    // A scope of three thousand records, with a text in the place of its attributes.
    let records = vec!["{}"; 3_000].join(",");
    let scope = format!("{{\"scope\":{{\"attributes\":{text}}},\"logRecords\":[{records}]}}");
    let cases = [
        ("/v1/logs", 200, format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{scope}]}}]}}")),
        ("/v1/logs", 400, format!("{{\"resourceLogs\":{text}}}")),
        ("/v1/logs", 400, format!("{{\"resourceLogs\":[{text}]}}")),
        ("/_bulk", 400, format!("{{\"index\":{text}}}\n{{}}\n")),
        ("/_bulk", 400, format!("{{{text}:{{}}}}\n{{}}\n")),
    ];
    for (path, status, body) in cases {
        let begin = body[..30].to_owned();
        let sent = gateway.post(path, "application/json", body);
        let (response, rise) = rise_during(sent).await;
        assert_eq!(response.status(), status, "{begin}");
        let answer = response.text().await.unwrap();
        assert!(answer.len() < 4 << 10, "{begin}: {} bytes", answer.len());
        assert!(rise < 32 << 20, "{begin}: {rise} bytes");
    }
    assert_eq!(gateway.door("http").refused["invalid_otlp"], 3_000);
    assert_eq!(gateway.refused_records("http", "invalid_otlp"), 3_000.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_08_pairs_of_lumberjack_and_parameters_of_syslog_are_bounded() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| config.syslog.tcp_listen = any_port()).await;
    let bystander = Bystander::start(&gateway);
    let pairs: Vec<u8> = [&1_u32.to_be_bytes()[..], b"k", &1_u32.to_be_bytes(), b"v"].concat();
    let event = |count: u32| frame(b"1D", &[1, count], &pairs.repeat(2));
    let attack = async {
        let mut sender = Sender::connect(gateway.beats).await;
        sender.send(&[frame(b"1W", &[1], b""), event(1_000_000)].concat()).await;
        sender.rest().await
    };
    let (answer, rise) = rise_during(attack).await;
    assert_eq!(answer, b"");
    assert!(rise < 8 << 20, "{rise} bytes");
    assert_eq!(gateway.limit_hits("beats", "frame_length"), 1.0);
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&[frame(b"1W", &[1], b""), event(2)].concat()).await;
    assert_eq!(sender.ack().await, 1, "the next connection is served");

    let parameters: String = (0..10_000).map(|n| format!(" p{n}=\"1\"")).collect();
    let message = format!("<13>1 2026-11-23T02:29:04Z h app - - [id@1{parameters}] m\n");
    let sent = send_tcp(gateway.syslog.tcp.unwrap(), message.as_bytes());
    let (_, rise) = rise_during(sent).await;
    assert!(rise < 32 << 20, "{rise} bytes");
    let records = gateway.bus.records();
    let record = records.iter().find(|record| &*record.listener == "syslog").unwrap();
    let event: Value = serde_json::from_slice(&record.payload).unwrap();
    assert_eq!(event["tags"], json!(["_grokparsefailure_sysloginput"]), "it is kept, and tagged");
    assert_eq!(event["event"]["original"], message.trim_end());
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
