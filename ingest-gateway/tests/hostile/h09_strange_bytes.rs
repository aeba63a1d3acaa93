//! 9: bytes that are no text: invalid UTF-8, lone surrogates, NUL, a byte order mark, escapes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::dead_letter::REPLAY_ATTEMPTS_MAX;
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use crate::memory::alone;
use crate::support::lumberjack::{Sender, compressed, frame, window};
use crate::support::otlp::{message, request};
use crate::support::{Gateway, eventually, send_tcp};
use crate::syslog;

const STRANGE: &[u8] = b"\xff\xfe nul \x00 escape \x1b[31m \xed\xa0\x80 \xc0\xaf";

#[tokio::test]
async fn hostile_09_doors_that_only_frame_keep_every_byte() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    send_tcp(gateway.tcp, &[STRANGE, b"\n\xef\xbb\xbf{\"a\":1}\n"].concat()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(STRANGE, gateway.udp).await.unwrap();
    eventually("the datagram arrives", || gateway.door("udp").accepted == 1).await;
    let records = gateway.bus.records();
    assert_eq!(records[0].payload, STRANGE);
    assert_eq!(records[1].payload, &b"\xef\xbb\xbf{\"a\":1}"[..]);
    assert_eq!(records[2].payload, STRANGE);
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_09_json_that_is_no_text_is_refused_with_its_bytes() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let line = b"{\"a\":\"\xff\"}";
    let good: &[u8] = b"{\"a\":\"\\ud800 \\u0000 \\u001b[31m\"}";
    let body = [line, b"\n".as_slice(), good, b"\n{\"a\":\"\x1b\"}\n{\"a\":\"\x00\"}"].concat();
    let answer: Value = gateway.post("/v1/logs", "", body).await.json().await.unwrap();
    let kinds: Vec<_> = answer["refused"].as_array().unwrap().iter().map(|r| &r["kind"]).collect();
    assert_eq!(kinds, ["invalid_utf8", "invalid_json", "invalid_json"]);
    assert_eq!(answer["refused"][0]["position"], 6);
    assert_eq!(gateway.refused_records("http", "invalid_utf8"), 1.0);
    assert_eq!(gateway.refused_records("http", "invalid_json"), 2.0);
    assert_eq!(gateway.bus.records()[0].payload, good);
    assert_eq!(
        gateway.bus.letters()[0].replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload,
        &line[..]
    );

    let plain = gateway.post("/v1/logs", "text/plain", STRANGE).await;
    let answer: Value = plain.json().await.unwrap();
    assert_eq!(answer["accepted"], 1);
    assert_eq!(gateway.bus.records()[1].payload, STRANGE);
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_09_syslog_keeps_every_byte_beside_its_text() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let gateway = syslog::start(folder.path()).await;
    let line = [b"<13>".as_slice(), STRANGE].concat();
    syslog::send_each_way(&gateway, folder.path(), &line).await;
    for event in gateway.bus.events() {
        let original = event["event"]["original_base64"].as_str().unwrap();
        assert_eq!(STANDARD.decode(original).unwrap(), line);
        assert_eq!(event["tags"], json!(["_invalid_utf8"]));
        assert!(event["message"].as_str().unwrap().contains("escape \u{1b}[31m"), "{event}");
    }
    // Where a NUL may end a message, it does, and what is around it is kept too.
    send_tcp(gateway.syslog.tcp.unwrap(), b"<13>one\0<13>\xed\xa0\x80\n\xef\xbb\xbf<13>mark\n")
        .await;
    let events = gateway.bus.events();
    assert_eq!((events.len(), &events[3]["message"]), (6, &json!("one")));
    assert_eq!(events[5]["event"]["original"], "\u{feff}<13>mark");
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_09_lumberjack_keeps_every_byte() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    let strange = frame(b"2J", &[1, STRANGE.len() as u32], STRANGE);
    sender.send(&[window(1), strange.clone()].concat()).await;
    assert_eq!(sender.ack().await, 1);
    sender.send(&[window(1), compressed(&strange)].concat()).await;
    assert_eq!(sender.ack().await, 1);
    let records = gateway.bus.records();
    assert!(records.iter().all(|record| record.payload == STRANGE));
    // As version 1 has it, in a value; the object around it is written here.
    let mut pair = 5_u32.to_be_bytes().to_vec();
    pair.extend_from_slice(b"a\xff\"\0b");
    pair.extend_from_slice(&4_u32.to_be_bytes());
    pair.extend_from_slice(b"\xed\xa0\x80\x1b");
    sender.send(&[frame(b"1W", &[1], b""), frame(b"1D", &[2, 1], &pair)].concat()).await;
    assert_eq!(sender.ack().await, 2);
    let written = &gateway.bus.records()[2].payload;
    assert_eq!(written, &b"{\"a\xff\\\"\\u0000b\":\"\xed\xa0\x80\\u001b\"}"[..]);
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_09_documents_and_records_that_are_no_text_are_dead_letters_with_their_bytes() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let post = async |path: &str, content_type: &str, body: Vec<u8>| {
        let response = gateway.post(path, content_type, body).await;
        (response.status().as_u16(), response.bytes().await.unwrap())
    };
    let document = b"{\"a\":\"\xed\xa0\x80\"}";
    let kept = b"{\"a\":\"\\ud800 \\u0000 \\u001b[31m\"}";
    let action = b"{\"index\":{}}\n".as_slice();
    let body =
        [action, document, b"\n", action, kept, b"\n", action, b"{\"a\":\"\x00\"}\n"].concat();
    let (status, answer) = post("/_bulk", "application/x-ndjson", body).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(status, 200);
    let statuses: Vec<&Value> = (0..3).map(|n| &answer["items"][n]["index"]["status"]).collect();
    assert_eq!(statuses, [&json!(400), &json!(201), &json!(400)]);
    assert_eq!(gateway.bus.records()[0].payload, &kept[..]);
    let letter = &gateway.bus.letters()[0];
    assert_eq!(letter.kind, "invalid_utf8");
    assert_eq!(letter.replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload, &document[..]);

    // A text that is none is refused; bytes are bytes, and come in base64.
    let text = message(&[(5, &message(&[(1, STRANGE)]))]);
    let bytes = message(&[(5, &message(&[(7, STRANGE)]))]);
    let export = request(&[text.clone(), bytes]);
    let (status, answer) = post("/v1/logs", "application/x-protobuf", export).await;
    assert_eq!(status, 200);
    assert!(String::from_utf8_lossy(&answer).contains("invalid_utf8"));
    let event: Value = serde_json::from_slice(&gateway.bus.records()[1].payload).unwrap();
    let told: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
    assert_eq!(STANDARD.decode(told.as_str().unwrap()).unwrap(), STRANGE);
    let letter = gateway.bus.letters().pop().unwrap();
    assert_eq!(letter.replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload, text);

    let export = b"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"\\ud800\"}},\
                   {\"body\":{\"stringValue\":\"\\u0000\\u001b[31m\"}}]}]}]}";
    let (status, answer) = post("/v1/logs", "application/json", export.to_vec()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, &answer["partialSuccess"]["rejectedLogRecords"]), (200, &json!("1")));
    let event: Value = serde_json::from_slice(&gateway.bus.records()[2].payload).unwrap();
    assert_eq!(event["message"], "\0\u{1b}[31m");
    gateway.stop().await;
}
