//! Card numbers and secrets: what of them is stored, whatever door they come through.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::DeadLetter;
use pipeline::dead_letter::REPLAY_ATTEMPTS_MAX;
use service::ByteSize;

use crate::support::lumberjack::{Sender, event, window};
use crate::support::{Gateway, any_port, eventually, send_raw, send_tcp};

const CARD: &str = "4111111111111111";
const SECRET: &str = "hunter2";
const LINE: &str = r#"{"card":"4111111111111111","password":"hunter2","n":1}"#;
const STORED: &str = r#"{"card":"411111******1111","password":"***","n":1}"#;
/// A line that is no JSON, since its end is missing.
const BROKEN: &str = r#"{"card":4111111111111111,"note":"Bearer 1f7c3b9a0d"#;
const BROKEN_STORED: &str = r#"{"card":4111110000001111,"note":"Bearer ***"#;

/// Posts a body and gives all that the door says.
async fn post(gateway: &Gateway, path: &str, body: &str) -> String {
    let head = "host: door\r\nconnection: close\r\ncontent-type: application/json";
    let length = body.len();
    let request =
        format!("POST {path} HTTP/1.1\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
    send_raw(gateway.http, request.as_bytes()).await
}

fn masked(gateway: &Gateway, door: &str, kind: &str) -> f64 {
    gateway.metric(&format!("millrace_gateway_masked_total{{door=\"{door}\",kind=\"{kind}\"}}"))
}

/// What a dead letter keeps of its line.
fn kept(letter: &DeadLetter) -> String {
    let payload = STANDARD.decode(letter.payload.as_ref().unwrap()).unwrap();
    String::from_utf8(payload).unwrap()
}

#[tokio::test]
async fn lines_over_http_and_their_dead_letters_hold_no_secrets() {
    let gateway = Gateway::start(|_| {}).await;
    let answer = post(&gateway, "/v1/logs", &format!("{LINE}\n{BROKEN}\n{{\"n\":2}}\n")).await;
    assert!(answer.contains("\"accepted\":2") && answer.contains("invalid_json"), "{answer}");
    assert!(!answer.contains(CARD) && !answer.contains(SECRET), "{answer}");
    assert_eq!(gateway.bus.texts(), [STORED, "{\"n\":2}"]);
    let letter = &gateway.bus.letters()[0];
    assert_eq!(kept(letter), BROKEN_STORED);
    let replayed = letter.replay(None, REPLAY_ATTEMPTS_MAX).unwrap();
    assert_eq!(replayed.payload, BROKEN_STORED, "the masked bytes are the original");
    let counts = [masked(&gateway, "http", "card"), masked(&gateway, "http", "secret")];
    assert_eq!(counts, [2.0, 2.0], "lines, by what they held");
    gateway.stop().await;
}

#[tokio::test]
async fn documents_of_a_bulk_keep_their_ids() {
    let gateway = Gateway::start(|_| {}).await;
    let body = format!("{{\"create\":{{\"_id\":\"7\"}}}}\n{LINE}\n{{\"index\":{{}}}}\n{BROKEN}\n");
    for _ in 0..2 {
        let answer = post(&gateway, "/_bulk", &body).await;
        assert!(answer.contains("\"status\":201") && answer.contains("\"status\":400"), "{answer}");
        assert!(!answer.contains(CARD) && !answer.contains("1f7c3b9a0d"), "{answer}");
    }
    assert_eq!(gateway.bus.texts(), [STORED, STORED]);
    let records = gateway.bus.records();
    assert_eq!(records[0].id, records[1].id, "what is masked is no part of the id");
    assert_eq!(kept(&gateway.bus.letters()[0]), BROKEN_STORED);
    // What cannot be understood is quoted.
    let answer = post(&gateway, "/_bulk", &format!("{{\"index\":\"{CARD}\"}}\n{{}}\n")).await;
    assert!(answer.contains("is no action") && !answer.contains(CARD), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn records_of_opentelemetry_hold_none_either() {
    let gateway = Gateway::start(|_| {}).await;
    let body = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"paid {CARD}"}},
        "attributes":[{{"key":"password","value":{{"stringValue":"{SECRET}"}}}}]}}]}}]}}]}}"#
    );
    let answer = post(&gateway, "/v1/logs", &body).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let stored = &gateway.bus.texts()[0];
    assert!(stored.contains("paid 411111******1111") && stored.contains("\"***\""), "{stored}");
    assert!(!stored.contains(SECRET), "{stored}");
    gateway.stop().await;
}

#[tokio::test]
async fn lines_over_tcp_and_beats_are_masked() {
    let gateway = Gateway::start(|_| {}).await;
    let plain = format!("login password={SECRET} card {CARD}");
    send_tcp(gateway.tcp, format!("{LINE}\n{plain}\nnothing\n").as_bytes()).await;
    let stored = [STORED, "login password=*** card 411111******1111", "nothing"];
    assert_eq!(gateway.bus.texts(), stored);
    let counts = [masked(&gateway, "tcp", "card"), masked(&gateway, "tcp", "secret")];
    assert_eq!(counts, [2.0, 2.0]);

    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&[window(2), event(1, LINE), event(2, "{\"n\":2}")].concat()).await;
    assert_eq!(sender.ack().await, 2);
    assert_eq!(gateway.bus.texts()[3..], [STORED, "{\"n\":2}"]);
    assert_eq!(masked(&gateway, "beats", "card"), 1.0);
    drop(sender);
    let held = || gateway.metric("millrace_gateway_reading_held_bytes");
    eventually("memory is given back", || held() == 0.0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn messages_of_syslog_are_masked_wherever_their_record_holds_them() {
    let gateway = Gateway::start(|config| config.syslog.tcp_listen = any_port()).await;
    let head = "<134>1 2026-11-23T02:29:04.123Z web-01 checkout 2231 ORDER -";
    let address = gateway.syslog.tcp.unwrap();
    send_tcp(address, format!("{head} paid {CARD}, password={SECRET}\n").as_bytes()).await;
    let stored = &gateway.bus.events()[0];
    assert_eq!(stored["message"], "paid 411111******1111, password=***");
    assert_eq!(stored["event"]["original"], format!("{head} paid 411111******1111, password=***"));
    assert_eq!(stored["process"]["pid"], 2231);

    let not_utf8 = [b"<13>caf\xe9 ".as_slice(), CARD.as_bytes(), b"\n"].concat();
    send_tcp(address, &not_utf8).await;
    let stored = &gateway.bus.events()[1]["event"];
    assert_eq!(stored["original"], "<13>caf\u{fffd} 411111******1111");
    let bytes = STANDARD.decode(stored["original_base64"].as_str().unwrap()).unwrap();
    assert_eq!(bytes, b"<13>caf\xe9 411111******1111");
    gateway.stop().await;
}

#[tokio::test]
async fn the_evidence_of_a_long_line_does_not_end_in_the_midst_of_a_number() {
    let gateway = Gateway::start(|config| config.line_bytes_max = ByteSize(1 << 10)).await;
    let before = "x".repeat(1_013);
    send_tcp(gateway.tcp, format!("{before}{CARD}{}\n", "y".repeat(100)).as_bytes()).await;
    let letter = &gateway.bus.letters()[0];
    assert_eq!(kept(letter), format!("{before}411111******"));
    assert_eq!(letter.payload_bytes, 1_013 + 16 + 100);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_masked_can_be_chosen() {
    let gateway = Gateway::start(|config| {
        (config.masking.cards, config.masking.secrets) = (false, false);
    })
    .await;
    post(&gateway, "/v1/logs", &format!("{LINE}\n{BROKEN}\n")).await;
    assert_eq!(gateway.bus.texts(), [LINE], "nothing is masked where nobody wants it");
    assert_eq!(kept(&gateway.bus.letters()[0]), BROKEN);
    gateway.stop().await;

    let gateway = Gateway::start(|config| config.masking.keys = vec!["pin".into()]).await;
    send_tcp(gateway.tcp, b"{\"card_pin\":\"1234\",\"spin\":\"fast\"}\n").await;
    assert_eq!(gateway.bus.texts(), ["{\"card_pin\":\"***\",\"spin\":\"fast\"}"]);
    gateway.stop().await;
}
