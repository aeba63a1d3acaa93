//! 13: an event that tries to be two, and two that try to be one.

use serde_json::{Value, json};

use crate::memory::alone;
use crate::support::lumberjack::{Sender, compressed, event, window};
use crate::support::otlp::{message, record, request, text};
use crate::support::{Gateway, send_tcp};
use crate::syslog;

#[tokio::test]
async fn hostile_13_one_event_stays_one_event() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let escaped = r#"{"message":"first\r\n{\"level\":\"forged\"}\u000a\u2028\u0085end"}"#;
    send_tcp(gateway.tcp, format!("{escaped}\n").as_bytes()).await;
    let post = async |body: String| -> Value {
        gateway.post("/v1/logs", "", body).await.json().await.unwrap()
    };
    assert_eq!(post(escaped.to_owned()).await["accepted"], 1);
    assert_eq!(post(format!("[{escaped}]")).await["accepted"], 1);
    assert_eq!(gateway.bus.texts(), [escaped; 3]);

    // Separators of other systems end no line here.
    let separators = "{\"a\":\"x\u{2028}y\u{85}z\"}\r{\"b\":1}";
    send_tcp(gateway.tcp, separators.as_bytes()).await;
    assert_eq!(gateway.bus.texts()[3], separators);

    // A real line feed within a string ends the line: both halves are refused, none is forged.
    let torn = "{\"a\":\"x\n{\"level\":\"forged\"}\"}\n".to_owned();
    let answer = post(torn).await;
    assert_eq!((&answer["accepted"], &answer["refused_count"]), (&0.into(), &2.into()));
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_13_a_message_of_syslog_stays_one_where_its_length_is_known() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let gateway = syslog::start(folder.path()).await;
    let forged =
        "<13>Oct 11 22:14:15 h app: one\r\n<0>Oct 11 22:14:15 h kernel: forged\n12 <0>forged";
    syslog::send_each_way(&gateway, folder.path(), forged.as_bytes()).await;
    for event in gateway.bus.events() {
        assert_eq!(event["process"]["name"], "app");
        assert_eq!(event["log"]["syslog"]["priority"], 13);
        assert_eq!(event["event"]["original"], forged);
    }
    // A line feed ends a message that says no length, as it must; a length in it begins none.
    send_tcp(gateway.syslog.tcp.unwrap(), b"<13>one 12 <0>forged\n").await;
    assert_eq!(gateway.bus.events()[3]["log"]["syslog"]["priority"], 13);
    assert_eq!(gateway.door("syslog").accepted, 4);
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_13_records_of_other_protocols_stay_one_too() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let forged = "one\n{\"level\":\"forged\"}\r\n\0\"},{\"level\":\"forged\"";
    let post = async |path: &str, content_type: &str, body: Vec<u8>| -> Vec<u8> {
        gateway.post(path, content_type, body).await.bytes().await.unwrap().to_vec()
    };
    // As a message, and as the name and the value of an attribute.
    let attribute = message(&[(1, forged.as_bytes()), (2, &text(forged))]);
    let named = message(&[(6, &attribute), (5, &text("named"))]);
    let export = request(&[record(forged), named]);
    assert_eq!(post("/v1/logs", "application/x-protobuf", export).await, b"");
    let events = gateway.bus.events();
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

    let mut sender = Sender::connect(gateway.beats).await;
    // A payload that looks like the frame behind it.
    let payload = "{\"a\":\"2J\\u0000\\u0000\\u0000\\u0002\"}";
    let framed = event(1, payload);
    sender.send(&[window(1), framed.clone()].concat()).await;
    assert_eq!(sender.ack().await, 1);
    sender.send(&[window(1), compressed(&framed)].concat()).await;
    assert_eq!(sender.ack().await, 1);
    let texts = gateway.bus.texts();
    assert_eq!((texts.len(), &texts[2]), (5, &document));
    assert_eq!(texts[texts.len() - 2..], [payload, payload]);
    gateway.stop().await;
}
