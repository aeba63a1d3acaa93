//! 25: times that nobody can mean: the event is taken, has the time of its receipt, and keeps what it said.

use serde_json::Value;

use crate::Attack;
use crate::senders::{post, send_lines};
use crate::support::eventually;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "times that nobody can mean",
    run: strange_times,
    counted_by: &[
        "millrace_gateway_syslog_untimed_messages_total{door=\"syslog\"}",
        "millrace_door_accepted_records_total{door=\"syslog\"}",
        "millrace_door_accepted_records_total{door=\"http\"}",
    ],
}];

pub(crate) const REFUSED: &[Attack] = &[Attack {
    name: "times that are no numbers where they must be",
    run: no_numbers,
    counted_by: &["millrace_door_refused_records_total{door=\"http\",kind=\"invalid_otlp\"}"],
}];

/// As messages of syslog say them.
const OF_SYSLOG: [&str; 11] = [
    "1 0000-01-01T00:00:00Z h a - - -",
    "1 9999-12-31T23:59:59.999999999Z h a - - -",
    "1 10000-01-01T00:00:00Z h a - - -",
    "1 1970-01-01T00:00:00Z h a - - -",
    "1 2262-04-11T23:47:16Z h a - - -",
    "1 2023-02-29T12:00:00Z h a - - -",
    "1 1700000000 h a - - -",
    "1 1700000000000000000 h a - - -",
    "Feb 30 12:00:00 h a:",
    "Foo 12 12:00:00 h a:",
    "Dec 31 24:00:00 h a:",
];
/// As lines of JSON say them.
const OF_LINES: [&str; 10] = [
    "\"0000-00-00T00:00:00Z\"",
    "\"9999-12-31T23:59:59Z\"",
    "\"10000-01-01T00:00:00Z\"",
    "\"1970-01-01T00:00:00Z\"",
    "\"2023-02-29T00:00:00Z\"",
    "\"yesterday\"",
    "0",
    "-1",
    "true",
    "{\"seconds\":1}",
];

fn strange_times(target: &Target) {
    let messages: String = OF_SYSLOG.iter().map(|said| format!("<13>{said} untimely\n")).collect();
    assert_eq!(send_lines(target.syslog(), messages.as_bytes()), "");
    let line = |said: &&str| format!("{{\"timestamp\":{said},\"message\":\"untimely\"}}\n");
    let lines: String = OF_LINES.iter().map(line).collect();
    let as_lines = "content-type: application/x-ndjson\r\n";
    let answer = post(target, "/v1/logs", as_lines, lines.as_bytes());
    assert!(answer.contains(&format!("\"accepted\":{}", OF_LINES.len())), "{answer}");
    // Seconds, milliseconds and microseconds where nanoseconds should be.
    let records = ["1700000000", "1700000000000", "1700000000000000"].map(record).join(",");
    let answer = post(target, "/v1/logs", AS_JSON, export(&records).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let all = (OF_SYSLOG.len() + OF_LINES.len() + 3) as u64;
    eventually("each is found once", || match target.platform.count("message:untimely") {
        found if found == all => Ok(()),
        other => Err(format!("{other} of {all}")),
    });
    let tagged = target.platform.count("message:untimely AND tags:_timestampparsefailure");
    assert_eq!(tagged, all, "all have the time of their receipt");
    let documents = target.platform.documents("message:untimely", 100);
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    let as_value = |said: &&str| format!("\"timestamp\":{said}");
    let kept = OF_SYSLOG.map(str::to_owned).into_iter().chain(OF_LINES.iter().map(as_value));
    for said in kept {
        assert!(texts.iter().any(|text| text.contains(&said)), "{said} is lost: {texts:#?}");
    }
}

const AS_JSON: &str = "content-type: application/json\r\n";

/// A record of OpenTelemetry with this time.
fn record(time: &str) -> String {
    format!("{{\"timeUnixNano\":{time},\"body\":{{\"stringValue\":\"untimely\"}}}}")
}

fn export(records: &str) -> String {
    format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{records}]}}]}}]}}")
}

fn no_numbers(target: &Target) {
    let times =
        ["-1", "\"-1\"", "1.5", "1e30", "\"\"", "\"now\"", "\"2026-01-01T00:00:00Z\"", "{}"];
    let records = times.map(record).join(",");
    let answer = post(target, "/v1/logs", AS_JSON, export(&records).as_bytes());
    let rejected = format!("\"rejectedLogRecords\":\"{}\"", times.len());
    assert!(answer.contains(&rejected), "{answer}");
}
