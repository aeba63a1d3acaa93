//! 25: times that nobody can mean: whatever a sender says of the time, its event is taken, and what it said stays.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use service::http_client;

use crate::bystander::{Bystander, events_of_others, records_of_others, texts_of_others};
use crate::memory::{alone, rise_during};
use crate::support::otlp::{call, framed, message, request, text};
use crate::support::{Gateway, any_port, send_tcp};

/// Half a year and a day, in seconds: as far as a time without a year may be from its receipt.
const HALF_A_YEAR_S: i64 = 184 * 86_400;

/// 2023-11-14T22:13:20Z, in seconds since 1970.
const SECONDS: u64 = 1_700_000_000;

/// The most that memory may rise: nothing of this is large.
const RISE_BYTES_MAX: u64 = 16 << 20;

/// Sends lines of syslog while somebody else is served, and gives their events. Those without a time are counted.
async fn syslog_events(timezone: &str, lines: &[String]) -> Vec<Value> {
    let gateway = Gateway::start(|config| {
        config.syslog.tcp_listen = any_port();
        config.syslog.timezone = timezone.to_owned();
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let lines_sent = lines.join("\n");
    let sent = send_tcp(gateway.syslog.tcp.unwrap(), lines_sent.as_bytes());
    let (_, rise) = rise_during(sent).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let events = events_of_others(&gateway);
    assert_eq!(events.len(), lines.len(), "nothing is dropped");
    let untimed = events.iter().filter(|event| event["@timestamp"].is_null()).count();
    let counted = "millrace_gateway_syslog_untimed_messages_total{door=\"syslog\"}";
    assert_eq!(gateway.metric(counted), untimed as f64);
    for (event, line) in events.iter().zip(lines) {
        assert_eq!(event["event"]["original"], *line, "what was said stays");
    }
    let now_ns = Timestamp::now().as_nanosecond();
    for record in records_of_others(&gateway) {
        let age_ns = now_ns - i128::from(record.received_at_ns);
        assert!((0..60_000_000_000).contains(&age_ns), "it is received when it is");
    }
    assert!(gateway.bus.letters().is_empty());
    assert_eq!(gateway.door("syslog").accepted, lines.len() as u64);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_25_times_of_rfc_5424_are_believed_or_left_out() {
    let _alone = alone().await;
    // What is a time, and cannot be one here, is left out; what is none breaks the header.
    let cases = [
        ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00.000Z"), false),
        ("2024-02-29T12:00:00+01:00", Some("2024-02-29T11:00:00.000Z"), false),
        ("2262-04-11T23:47:16Z", Some("2262-04-11T23:47:16.000Z"), false),
        ("2262-04-11T23:47:17Z", None, false),
        ("0000-01-01T00:00:00Z", None, false),
        ("0000-02-29T00:00:00Z", None, false),
        ("9999-12-31T23:59:59.999999999Z", None, false),
        ("2026-02-28T23:59:60Z", None, false),
        ("-", None, false),
        ("2023-02-29T12:00:00Z", None, true),
        ("2026-13-01T00:00:00Z", None, true),
        ("10000-01-01T00:00:00Z", None, true),
        ("-001-01-01T00:00:00Z", None, true),
        ("2026-01-01T24:00:00Z", None, true),
        ("1700000000", None, true),
        ("1700000000000000000", None, true),
    ];
    let line = |(time, ..): &(&str, Option<&str>, bool)| format!("<13>1 {time} h a - - - it");
    let lines: Vec<String> = cases.iter().map(line).collect();
    let events = syslog_events("UTC", &lines).await;
    for ((time, expected, is_failure), event) in cases.iter().zip(&events) {
        assert_eq!(event["@timestamp"].as_str(), *expected, "{time}");
        assert_eq!(event["tags"].is_array(), *is_failure, "{time}: {event}");
        assert!(event["message"].as_str().unwrap().ends_with("it"), "{time}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_25_times_without_a_year_are_near_or_left_out() {
    let _alone = alone().await;
    let times = [
        ("Dec 31 23:59:59", 12, 31),
        ("Jan  1 00:00:00", 1, 1),
        ("Feb 28 23:59:59", 2, 28),
        ("Feb 29 12:00:00", 2, 29),
        ("Jul  1 00:00:00", 7, 1),
    ];
    let lines: Vec<String> = times.iter().map(|(time, ..)| format!("<13>{time} h a: it")).collect();
    let events = syslog_events("UTC", &lines).await;
    let now = Timestamp::now();
    for ((time, month, day), event) in times.iter().zip(&events) {
        let Some(told) = event["@timestamp"].as_str() else {
            assert_eq!(*time, "Feb 29 12:00:00", "every year has the others");
            assert!(event["message"].as_str().unwrap().ends_with("it"));
            continue;
        };
        let told: Timestamp = told.parse().unwrap();
        let distance_s = (told.as_second() - now.as_second()).abs();
        assert!(distance_s <= HALF_A_YEAR_S, "{time}: {told}");
        let date = told.to_zoned_datetime(TimeZone::UTC).date();
        assert_eq!((date.month(), date.day()), (*month, *day), "{time}: {told}");
    }
    let none =
        ["Feb 30 12:00:00", "Foo 12 12:00:00", "Dec 31 24:00:00", "Dec 0 12:00:00", "Dec 31"];
    let lines: Vec<String> = none.iter().map(|time| format!("<13>{time} h a: it")).collect();
    for event in syslog_events("UTC", &lines).await {
        assert_eq!(event["@timestamp"], Value::Null, "{event}");
        assert!(event["message"].as_str().unwrap().ends_with("it"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_25_hours_that_clocks_skip_or_repeat_are_an_instant() {
    let _alone = alone().await;
    // In Berlin clocks go forward at 02:00 on 29 March 2026 and back at 03:00 on 25 October.
    let times = ["Mar 29 2026 02:30:00", "Oct 25 2026 02:30:00", "Oct 25 2026 03:30:00"];
    let lines: Vec<String> = times.iter().map(|time| format!("<13>{time} h a: it")).collect();
    let events = syslog_events("Europe/Berlin", &lines).await;
    assert_eq!(events[0]["@timestamp"], "2026-03-29T01:30:00.000Z");
    let either = ["2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z"];
    assert!(either.contains(&events[1]["@timestamp"].as_str().unwrap()), "{}", events[1]);
    assert_eq!(events[2]["@timestamp"], "2026-10-25T02:30:00.000Z");
}

/// A record with its time and the one at which it was seen, as fixed numbers of 64 bits.
fn record_at(time: u64, observed: u64) -> Vec<u8> {
    let mut record = message(&[(5, &text("it"))]);
    for (tag, number) in [(0x09, time), (0x59, observed)] {
        record.push(tag);
        record.extend_from_slice(&number.to_le_bytes());
    }
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_25_numbers_of_opentelemetry_are_taken_as_what_they_should_be() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let cases = [
        (0, 0, None),
        (1, 0, Some("1970-01-01T00:00:00.000000001Z")),
        // Seconds, milliseconds and microseconds where nanoseconds should be.
        (SECONDS, 0, Some("1970-01-01T00:00:01.700Z")),
        (SECONDS * 1_000, 0, Some("1970-01-01T00:28:20.000Z")),
        (SECONDS * 1_000_000, 0, Some("1970-01-20T16:13:20.000Z")),
        (SECONDS * 1_000_000_000, 0, Some("2023-11-14T22:13:20.000Z")),
        (0, SECONDS * 1_000_000_000, Some("2023-11-14T22:13:20.000Z")),
        (i64::MAX as u64, 0, Some("2262-04-11T23:47:16.854775807Z")),
        (i64::MAX as u64 + 1, 0, None),
        (u64::MAX, u64::MAX, None),
    ];
    let records: Vec<Vec<u8>> =
        cases.iter().map(|(time, seen, _)| record_at(*time, *seen)).collect();
    let sent = call(&gateway, &[], framed(0, &request(&records)));
    let ((headers, _), rise) = rise_during(sent).await;
    assert_eq!(headers["grpc-status"], "0");
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    let events = events_of_others(&gateway);
    assert_eq!(events.len(), cases.len(), "nothing is dropped");
    for ((time, _, expected), event) in cases.iter().zip(&events) {
        assert_eq!(event["@timestamp"].as_str(), *expected, "{time}");
        assert_eq!(event["message"], "it");
    }

    // In JSON they are written as texts or numbers, and what is neither is a dead letter.
    let good = ["\"1700000000000000000\"", "1700000000000000000", "null", "\"0\""];
    let bad = ["-1", "\"-1\"", "1.5", "1e30", "\"\"", "\"now\"", "\"2026-01-01T00:00:00Z\"", "{}"];
    let record =
        |time: &&str| format!("{{\"timeUnixNano\":{time},\"body\":{{\"stringValue\":\"it\"}}}}");
    let records: Vec<String> = good.iter().chain(&bad).map(record).collect();
    let export = format!(
        "{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{}]}}]}}]}}",
        records.join(",")
    );
    let client = http_client::builder().build().unwrap();
    let sent = client.post(gateway.url("/v1/logs")).header("content-type", "application/json");
    let answer: Value = sent.body(export).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], bad.len().to_string());
    assert_eq!(records_of_others(&gateway).len(), cases.len() + good.len());
    assert_eq!(gateway.bus.letters().len(), bad.len());
    assert_eq!(gateway.door("http").refused["invalid_otlp"], bad.len() as u64);
    assert_eq!(gateway.refused_records("http", "invalid_otlp"), bad.len() as f64);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_25_times_in_documents_and_lines_are_not_the_doors_to_judge() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let times = [
        json!("0000-00-00T00:00:00Z"),
        json!("9999-12-31T23:59:59Z"),
        json!("10000-01-01"),
        json!("2023-02-29T00:00:00Z"),
        json!("Dec 31 23:59:59"),
        json!(0),
        json!(-1),
        json!(1_700_000_000),
        json!(1_700_000_000_000_u64),
        json!(1_700_000_000_000_000_000_u64),
        json!(1e300),
        json!(null),
        json!({ "$date": "2026-01-01" }),
        json!("x".repeat(10_000)),
    ];
    let events: Vec<String> =
        times.iter().map(|time| json!({ "@timestamp": time }).to_string()).collect();
    let items: String =
        events.iter().map(|event| format!("{{\"index\":{{}}}}\n{event}\n")).collect();
    let attack = async {
        let answer = gateway.post("/_bulk", "application/x-ndjson", items).await;
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["errors"], false, "{answer}");
        let answer = gateway.post("/v1/logs", "", events.join("\n")).await;
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["accepted"], events.len());
        send_tcp(gateway.tcp, events.join("\n").as_bytes()).await;
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < RISE_BYTES_MAX, "{rise} bytes");
    assert_eq!(texts_of_others(&gateway), [&events[..]; 3].concat(), "byte for byte");
    assert!(gateway.bus.letters().is_empty());
    bystander.was_served(&gateway).await;
    let (accepted, records) =
        ("millrace_door_accepted_records_total{door=\"http\"}", gateway.bus.records());
    let over_http = records.iter().filter(|record| &*record.listener == "http");
    assert_eq!(gateway.metric(accepted), over_http.count() as f64);
    gateway.stop().await;
}
