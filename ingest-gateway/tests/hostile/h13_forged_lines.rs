//! 13: an event that tries to be two, and two that try to be one.

use serde_json::{Value, json};

use crate::bystander::{Bystander, events_of_others, texts_of_others};
use crate::memory::{alone, rise_during};
use crate::support::lumberjack::{Sender, compressed, event, window};
use crate::support::otlp::{message, record, request, text};
use crate::support::{Gateway, send_tcp};
use crate::syslog;

/// The most that memory may rise: nothing of this is large.
const RISE_BYTES_MAX: u64 = 16 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_13_one_event_stays_one_event() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let escaped = r#"{"message":"first\r\n{\"level\":\"forged\"}\u000a\u2028\u0085end"}"#;
    let post = async |body: String| -> Value {
        gateway.post("/v1/logs", "", body).await.json().await.unwrap()
    };
    let attack = async {
        send_tcp(gateway.tcp, format!("{escaped}\n").as_bytes()).await;
        assert_eq!(post(escaped.to_owned()).await["accepted"], 1);
        assert_eq!(post(format!("[{escaped}]")).await["accepted"], 1);
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    assert_eq!(texts_of_others(&gateway), [escaped; 3]);

    // Separators of other systems end no line here.
    let separators = "{\"a\":\"x\u{2028}y\u{85}z\"}\r{\"b\":1}";
    send_tcp(gateway.tcp, separators.as_bytes()).await;
    assert_eq!(texts_of_others(&gateway)[3], separators);

    // A real line feed within a string ends the line: both halves are refused, none is forged.
    let torn = "{\"a\":\"x\n{\"level\":\"forged\"}\"}\n";
    let answer = post(torn.to_owned()).await;
    assert_eq!((&answer["accepted"], &answer["refused_count"]), (&0.into(), &2.into()));
    let refused =
        || ["invalid_json", "trailing_data"].map(|kind| gateway.refused_records("http", kind));
    assert_eq!(refused(), [1.0, 1.0], "a string without an end, and what stands behind an object");
    let (answer, rise) = rise_during(post(torn.repeat(4_000))).await;
    assert_eq!((&answer["accepted"], &answer["refused_count"]), (&0.into(), &8_000.into()));
    assert!(rise < 64 << 20, "{rise} bytes, more than the doors' memory");
    assert_eq!(refused(), [4_001.0, 4_001.0]);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_13_a_message_of_syslog_stays_one_where_its_length_is_known() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let gateway = syslog::start(folder.path()).await;
    let bystander = Bystander::start(&gateway);
    let forged =
        "<13>Oct 11 22:14:15 h app: one\r\n<0>Oct 11 22:14:15 h kernel: forged\n12 <0>forged";
    let sent = syslog::send_each_way(&gateway, folder.path(), forged.as_bytes());
    let ((), rise) = rise_during(sent).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    for event in events_of_others(&gateway) {
        assert_eq!(event["process"]["name"], "app");
        assert_eq!(event["log"]["syslog"]["priority"], 13);
        assert_eq!(event["event"]["original"], forged);
    }
    // A line feed ends a message that says no length, as it must; a length in it begins none.
    send_tcp(gateway.syslog.tcp.unwrap(), b"<13>one 12 <0>forged\n").await;
    assert_eq!(events_of_others(&gateway)[3]["log"]["syslog"]["priority"], 13);
    assert_eq!(gateway.door("syslog").accepted, 4);
    let accepted = "millrace_door_accepted_records_total{door=\"syslog\"}";
    assert_eq!(gateway.metric(accepted), 4.0, "none is counted as two");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_13_records_of_other_protocols_stay_one_too() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let forged = "one\n{\"level\":\"forged\"}\r\n\0\"},{\"level\":\"forged\"";
    let post = async |path: &str, content_type: &str, body: Vec<u8>| -> Vec<u8> {
        gateway.post(path, content_type, body).await.bytes().await.unwrap().to_vec()
    };
    // As a message, and as the name and the value of an attribute.
    let attribute = message(&[(1, forged.as_bytes()), (2, &text(forged))]);
    let named = message(&[(6, &attribute), (5, &text("named"))]);
    let export = request(&[record(forged), named]);
    let (answer, rise) = rise_during(post("/v1/logs", "application/x-protobuf", export)).await;
    assert_eq!(answer, b"");
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let events = events_of_others(&gateway);
    assert_eq!(events[0], json!({ "service.name": "checkout", "message": forged }));
    assert_eq!(
        events[1],
        json!({ "service.name": "checkout", "message": "named", forged: forged })
    );

    let document = json!({ "message": forged }).to_string();
    let body = format!("{{\"index\":{{}}}}\n{document}\n");
    post("/_bulk", "application/x-ndjson", body.into_bytes()).await;
    // A real line feed within a document tears it: what follows is no action, and nothing is taken.
    let torn = "{\"index\":{}}\n{\"message\":\"one\n{\"level\":\"forged\"}\"}\n";
    let answer = post("/_bulk", "application/x-ndjson", torn.into()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["status"], 400, "{answer}");
    assert_eq!(gateway.refused_requests("400"), 1.0);

    let mut sender = Sender::connect(gateway.beats).await;
    // A payload that looks like the frame behind it.
    let payload = "{\"a\":\"2J\\u0000\\u0000\\u0000\\u0002\"}";
    let framed = event(1, payload);
    sender.send(&[window(1), framed.clone()].concat()).await;
    assert_eq!(sender.ack().await, 1);
    sender.send(&[window(1), compressed(&framed)].concat()).await;
    assert_eq!(sender.ack().await, 1);
    let texts = texts_of_others(&gateway);
    assert_eq!((texts.len(), &texts[2]), (5, &document));
    assert_eq!(texts[texts.len() - 2..], [payload, payload]);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
