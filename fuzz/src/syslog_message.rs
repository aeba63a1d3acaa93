//! Any line of syslog becomes a record that holds it.

use ingest_gateway::syslog::{Parser, zone_by_name};
use serde_json::Value;

/// The first hours of 2026, when a time without a year may be of the year before.
const RECEIVED_AT_NS: i64 = 1_767_225_600_000_000_000;

/// Reads the bytes as a message, and holds the record against them.
pub fn hold(line: &[u8]) {
    for zone in ["UTC", "Europe/Berlin", "-11:30"] {
        let parser = Parser::new(zone_by_name(zone).expect("a zone"));
        let Some(record) = parser.record(line, RECEIVED_AT_NS) else {
            assert!(line.len() <= 3, "a line with bytes is a record");
            continue;
        };
        let record: Value = serde_json::from_slice(&record).expect("the record is JSON");
        let original = record["event"]["original"].as_str().expect("the line stays");
        let text = String::from_utf8_lossy(line);
        assert!(text.starts_with(original) && text.len() <= original.len() + 3);
        if let Some(message) = record["message"].as_str() {
            assert!(original.ends_with(message), "the message is the end of the line");
        }
        let priority = record["log"]["syslog"]["priority"].as_u64();
        assert!(priority.is_some_and(|priority| priority <= 191));
    }
}
