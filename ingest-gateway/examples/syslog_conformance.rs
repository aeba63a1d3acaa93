//! Runs test vectors of syslog: `syslog_conformance FILE [--show]`.
//!
//! FILE is a list of cases: a line with the fields that it has, or the bytes of a connection with the frames
//! that they hold. A key that is absent is not asserted, and null means that nothing is there. Prints how many
//! cases of each format pass, and with `--show` what is wrong with the others. Ends with 1 if one fails, or there is
//! none.

use std::collections::BTreeMap;
use std::process::ExitCode;

use ingest_gateway::syslog::{FAILURE_TAG, Parser, zone_by_name};
use ingest_gateway::{Framing, frames};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The year of a time that names none and whose case names none either.
const YEAR: i64 = 2026;
/// Longest frame of a stream.
const FRAME_BYTES_MAX: usize = 1 << 20;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let show = arguments.iter().any(|argument| argument == "--show");
    arguments.retain(|argument| argument != "--show");
    let [path] = &arguments[..] else {
        say("usage: syslog_conformance FILE [--show]");
        return ExitCode::from(64);
    };
    let cases = std::fs::read(path).map_err(|error| error.to_string()).and_then(|bytes| {
        serde_json::from_slice::<Vec<Value>>(&bytes).map_err(|error| error.to_string())
    });
    let cases = match cases {
        Ok(cases) => cases,
        Err(why) => {
            say(&format!("{path}: {why}"));
            return ExitCode::from(64);
        }
    };
    if cases.is_empty() {
        say(&format!("{path}: it holds no case"));
        return ExitCode::FAILURE;
    }
    let mut counts = BTreeMap::<String, (usize, usize)>::new();
    for case in &cases {
        let (passed, failed) = counts.entry(text(&case["format"]).to_owned()).or_default();
        match judge(case) {
            Ok(()) => *passed += 1,
            Err(why) => {
                *failed += 1;
                if show {
                    say(&format!("{}: {why}", text(&case["id"])));
                }
            }
        }
    }
    say(&format!("{:<20} {:>7} {:>7}", "format", "passed", "failed"));
    for (format, (passed, failed)) in &counts {
        say(&format!("{format:<20} {passed:>7} {failed:>7}"));
    }
    let failed: usize = counts.values().map(|(_, failed)| failed).sum();
    say(&format!("{:<20} {:>7} {failed:>7}", "all", cases.len() - failed));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn judge(case: &Value) -> Result<(), String> {
    match case.get("expect_frames") {
        Some(expected) => judge_stream(case, expected),
        None => judge_line(case),
    }
}

fn judge_stream(case: &Value, expected: &Value) -> Result<(), String> {
    let framing = match &case["framing"] {
        Value::Null => Framing::Auto,
        name => Framing::deserialize(name).map_err(|error| format!("framing: {error}"))?,
    };
    let stream = bytes(case, "stream")?;
    // Each split of the bytes gives the same.
    for piece_bytes in [1, 7, stream.len().max(1)] {
        let found = frames(stream.chunks(piece_bytes), framing, FRAME_BYTES_MAX);
        let found = found.iter().map(|frame| String::from_utf8_lossy(frame).into_owned());
        let found = Value::from(found.collect::<Vec<_>>());
        if found != *expected {
            return Err(format!("{found} but {expected} is expected"));
        }
    }
    Ok(())
}

fn judge_line(case: &Value) -> Result<(), String> {
    let year = case["default_year"].as_i64().unwrap_or(YEAR);
    // Received in the middle of the year, which is the nearest one to each of its days.
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let middle = if is_leap { "07-02T00:00:00Z" } else { "07-02T12:00:00Z" };
    let received_at_ns = event::parse_iso8601(&format!("{year}-{middle}")).ok_or("no such year")?;
    let parser = Parser::new(zone_by_name("UTC").ok_or("no UTC")?);
    let record = parser.record(&bytes(case, "line")?, received_at_ns);
    let expected = case["expect"].as_object().ok_or("no expectation")?;
    let Some(record) = record else {
        let is_right = expected.get("skip") == Some(&Value::Bool(true));
        return if is_right { Ok(()) } else { Err("there is no event".into()) };
    };
    let record = serde_json::from_slice(&record).map_err(|error| error.to_string())?;
    let found = fields(&record);
    for (key, expected) in expected {
        let found = &found[key];
        let is_right = match (key.as_str(), found.as_str(), expected.as_str()) {
            ("timestamp", Some(found), Some(expected)) => {
                event::parse_iso8601(found) == event::parse_iso8601(expected)
            }
            _ => found == expected,
        };
        if !is_right {
            return Err(format!("{key}: {found} but {expected} is expected"));
        }
    }
    Ok(())
}

/// What the cases assert, by their names.
fn fields(record: &Value) -> Map<String, Value> {
    let syslog = &record["log"]["syslog"];
    let tags = record["tags"].as_array();
    let is_failure = tags.is_some_and(|tags| tags.iter().any(|tag| tag == FAILURE_TAG));
    let fields = [
        ("facility", syslog["facility"]["code"].clone()),
        ("severity", syslog["severity"]["code"].clone()),
        ("timestamp", record["@timestamp"].clone()),
        ("host", syslog["hostname"].clone()),
        ("app", syslog["appname"].clone()),
        ("procid", syslog["procid"].clone()),
        ("msgid", syslog["msgid"].clone()),
        ("structured_data", syslog["structured_data"].clone()),
        ("message", record["message"].clone()),
        ("error", Value::from(is_failure)),
        ("skip", Value::from(false)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The bytes of a case: as text, or in hexadecimal under a name of its own.
fn bytes(case: &Value, name: &str) -> Result<Vec<u8>, String> {
    let Some(digits) = case[format!("{name}_hex")].as_str() else {
        return Ok(text(&case[name]).as_bytes().to_vec());
    };
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16);
    pairs.map(byte).collect::<Result<_, _>>().map_err(|error| error.to_string())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "a command line tool answers on its standard output")]
fn say(line: &str) {
    println!("{line}");
}
