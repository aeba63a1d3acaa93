//! 9: bytes that are no text: invalid UTF-8, lone surrogates, NUL, a byte order mark, escapes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::dead_letter::REPLAY_ATTEMPTS_MAX;
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use crate::bystander::{Bystander, events_of_others, records_of_others};
use crate::memory::{alone, rise_during};
use crate::support::lumberjack::{Sender, compressed, frame, window};
use crate::support::otlp::{message, request};
use crate::support::{Gateway, eventually, send_tcp};
use crate::syslog;

const STRANGE: &[u8] = b"\xff\xfe nul \x00 escape \x1b[31m \xed\xa0\x80 \xc0\xaf";
/// The most that memory may rise: nothing of this is large.
const RISE_BYTES_MAX: u64 = 16 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_09_doors_that_only_frame_keep_every_byte() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let attack = async {
        send_tcp(gateway.tcp, &[STRANGE, b"\n\xef\xbb\xbf{\"a\":1}\n"].concat()).await;
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.send_to(STRANGE, gateway.udp).await.unwrap();
        let accepted = "millrace_door_accepted_records_total{door=\"udp\"}";
        eventually("the datagram is counted", || gateway.metric(accepted) == 1.0).await;
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let records = records_of_others(&gateway);
    assert_eq!(records[0].payload, STRANGE);
    assert_eq!(records[1].payload, &b"\xef\xbb\xbf{\"a\":1}"[..]);
    assert_eq!(records[2].payload, STRANGE);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_09_json_that_is_no_text_is_refused_with_its_bytes() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let line = b"{\"a\":\"\xff\"}";
    let good: &[u8] = b"{\"a\":\"\\ud800 \\u0000 \\u001b[31m\"}";
    let body = [line, b"\n".as_slice(), good, b"\n{\"a\":\"\x1b\"}\n{\"a\":\"\x00\"}"].concat();
    let (response, rise) = rise_during(gateway.post("/v1/logs", "", body)).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let answer: Value = response.json().await.unwrap();
    let kinds: Vec<_> = answer["refused"].as_array().unwrap().iter().map(|r| &r["kind"]).collect();
    assert_eq!(kinds, ["invalid_utf8", "invalid_json", "invalid_json"]);
    assert_eq!(answer["refused"][0]["position"], 6);
    assert_eq!(gateway.refused_records("http", "invalid_utf8"), 1.0);
    assert_eq!(gateway.refused_records("http", "invalid_json"), 2.0);
    assert_eq!(records_of_others(&gateway)[0].payload, good);
    assert_eq!(
        gateway.bus.letters()[0].replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload,
        &line[..]
    );

    let plain = gateway.post("/v1/logs", "text/plain", STRANGE).await;
    let answer: Value = plain.json().await.unwrap();
    assert_eq!(answer["accepted"], 1);
    assert_eq!(records_of_others(&gateway)[1].payload, STRANGE);

    // Nine thousand such lines, which all become dead letters.
    let flood = [line, b"\n".as_slice()].concat().repeat(9_000);
    let (response, rise) = rise_during(gateway.post("/v1/logs", "", flood)).await;
    assert_eq!(response.status(), 400);
    assert!(rise < 64 << 20, "{rise} bytes, more than the doors' memory");
    assert_eq!(gateway.refused_records("http", "invalid_utf8"), 9_001.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_09_syslog_keeps_every_byte_beside_its_text() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let gateway = syslog::start(folder.path()).await;
    let bystander = Bystander::start(&gateway);
    let line = [b"<13>".as_slice(), STRANGE].concat();
    let sent = syslog::send_each_way(&gateway, folder.path(), &line);
    let ((), rise) = rise_during(sent).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    for event in events_of_others(&gateway) {
        let original = event["event"]["original_base64"].as_str().unwrap();
        assert_eq!(STANDARD.decode(original).unwrap(), line);
        assert_eq!(event["tags"], json!(["_invalid_utf8"]));
        assert!(event["message"].as_str().unwrap().contains("escape \u{1b}[31m"), "{event}");
    }
    // Where a NUL may end a message, it does, and what is around it is kept too.
    send_tcp(gateway.syslog.tcp.unwrap(), b"<13>one\0<13>\xed\xa0\x80\n\xef\xbb\xbf<13>mark\n")
        .await;
    let events = events_of_others(&gateway);
    assert_eq!((events.len(), &events[3]["message"]), (6, &json!("one")));
    assert_eq!(events[5]["event"]["original"], "\u{feff}<13>mark");
    let untimed = "millrace_gateway_syslog_untimed_messages_total{door=\"syslog\"}";
    assert_eq!(gateway.metric(untimed), 6.0, "none of them says a time");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_09_lumberjack_keeps_every_byte() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let mut sender = Sender::connect(gateway.beats).await;
    let strange = frame(b"2J", &[1, STRANGE.len() as u32], STRANGE);
    let attack = async {
        sender.send(&[window(1), strange.clone()].concat()).await;
        assert_eq!(sender.ack().await, 1);
        sender.send(&[window(1), compressed(&strange)].concat()).await;
        assert_eq!(sender.ack().await, 1);
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let records = records_of_others(&gateway);
    assert!(records.iter().all(|record| record.payload == STRANGE));
    // As version 1 has it, in a value; the object around it is written here.
    let mut pair = 5_u32.to_be_bytes().to_vec();
    pair.extend_from_slice(b"a\xff\"\0b");
    pair.extend_from_slice(&4_u32.to_be_bytes());
    pair.extend_from_slice(b"\xed\xa0\x80\x1b");
    sender.send(&[frame(b"1W", &[1], b""), frame(b"1D", &[2, 1], &pair)].concat()).await;
    assert_eq!(sender.ack().await, 2);
    let written = &records_of_others(&gateway)[2].payload;
    assert_eq!(written, &b"{\"a\xff\\\"\\u0000b\":\"\xed\xa0\x80\\u001b\"}"[..]);
    let accepted = "millrace_door_accepted_records_total{door=\"beats\"}";
    assert_eq!(gateway.metric(accepted), 3.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_09_documents_and_records_that_are_no_text_are_dead_letters_with_their_bytes() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let post = async |path: &str, content_type: &str, body: Vec<u8>| {
        let response = gateway.post(path, content_type, body).await;
        (response.status().as_u16(), response.bytes().await.unwrap())
    };
    let document = b"{\"a\":\"\xed\xa0\x80\"}";
    let kept = b"{\"a\":\"\\ud800 \\u0000 \\u001b[31m\"}";
    let action = b"{\"index\":{}}\n".as_slice();
    let body =
        [action, document, b"\n", action, kept, b"\n", action, b"{\"a\":\"\x00\"}\n"].concat();
    let sent = post("/_bulk", "application/x-ndjson", body);
    let ((status, answer), rise) = rise_during(sent).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(status, 200);
    let statuses: Vec<&Value> = (0..3).map(|n| &answer["items"][n]["index"]["status"]).collect();
    assert_eq!(statuses, [&json!(400), &json!(201), &json!(400)]);
    assert_eq!(records_of_others(&gateway)[0].payload, &kept[..]);
    let letter = &gateway.bus.letters()[0];
    assert_eq!(letter.kind, "invalid_utf8");
    assert_eq!(letter.replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload, &document[..]);

    // A text that is none is refused; bytes are bytes, and come in base64.
    let text = message(&[(5, &message(&[(1, STRANGE)]))]);
    let bytes = message(&[(5, &message(&[(7, STRANGE)]))]);
    let export = request(&[text.clone(), bytes]);
    let sent = post("/v1/logs", "application/x-protobuf", export);
    let ((status, answer), rise) = rise_during(sent).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    assert_eq!(status, 200);
    assert!(String::from_utf8_lossy(&answer).contains("invalid_utf8"));
    // The document before it holds half a surrogate pair, which not everybody reads.
    let event_at = |at: usize| -> Value {
        serde_json::from_slice(&records_of_others(&gateway)[at].payload).unwrap()
    };
    let event = event_at(1);
    let told: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
    assert_eq!(STANDARD.decode(told.as_str().unwrap()).unwrap(), STRANGE);
    let letter = gateway.bus.letters().pop().unwrap();
    assert_eq!(letter.replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload, text);

    let export = b"{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"\\ud800\"}},\
                   {\"body\":{\"stringValue\":\"\\u0000\\u001b[31m\"}}]}]}]}";
    let (status, answer) = post("/v1/logs", "application/json", export.to_vec()).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, &answer["partialSuccess"]["rejectedLogRecords"]), (200, &json!("1")));
    assert_eq!(event_at(2)["message"], "\0\u{1b}[31m");
    assert!(gateway.refused_records("http", "invalid_utf8") >= 2.0);
    let refused = gateway.door("http").refused.values().sum::<u64>();
    assert_eq!(refused, 4, "two documents, and a record of each export");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
