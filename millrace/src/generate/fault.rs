//! What goes wrong in shops' logs: values that do not convert, and lines that are not one object.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Map, Value, json};

use super::customer::pick;

/// Ways in which a line is not one JSON object in valid UTF-8, with the dead-letter kind of each.
pub(super) const MALFORMED: &[(&str, &str)] = &[
    ("truncated", "invalid_json"),
    ("trailing_comma", "invalid_json"),
    ("single_quotes", "invalid_json"),
    ("plain_text", "not_an_object"),
    ("bare_nan", "invalid_json"),
    ("bad_utf8", "invalid_utf8"),
    ("two_objects", "trailing_data"),
    ("not_an_object", "not_an_object"),
    ("raw_control", "invalid_json"),
    ("unclosed_string", "invalid_json"),
];

/// Breaks a line in the way that `kind` names.
pub(super) fn break_line(random: &mut ChaCha8Rng, kind: &str, line: &[u8]) -> Vec<u8> {
    let open = &line[..line.len() - 1];
    let with = |tail: &[u8]| [open, tail].concat();
    match kind {
        "truncated" => {
            let mut end = random.random_range(10..line.len() - 2);
            // Not inside a character: that would be another kind.
            while line[end] & 0b1100_0000 == 0b1000_0000 {
                end -= 1;
            }
            line[..end].to_vec()
        }
        "trailing_comma" => with(b",}"),
        "single_quotes" => line.iter().map(|&b| if b == b'"' { b'\'' } else { b }).collect(),
        "plain_text" => {
            b"[2026-11-23 02:29:04] checkout.WARNING: cart abandoned {not json}".to_vec()
        }
        "bare_nan" => with(b",\"score\":NaN}"),
        "bad_utf8" => with(b",\"note\":\"caf\xe9\xff\"}"),
        "two_objects" => [line, line].concat(),
        "not_an_object" => {
            let bodies: [&[u8]; 5] = [b"[1,2,3]", b"\"just text\"", b"42", b"null", b"true"];
            pick(random, &bodies).to_vec()
        }
        "raw_control" => with(b",\"note\":\"a\x01b\x0bc\"}"),
        _ => with(b",\"note\":\"never closed}"),
    }
}

/// Puts one awkward value into a field that the event has. The line stays legal JSON.
pub(super) fn soil(random: &mut ChaCha8Rng, event: &mut Map<String, Value>) {
    let choices = [
        ("client_ip", Value::Null),
        ("client_ip", json!("unknown")),
        ("client_ip", json!("999.1.2.3")),
        ("client_ip", json!("")),
        ("client_ip", json!("10.1.2.3")),
        ("client_ip", json!("::1")),
        ("user_agent", Value::Null),
        ("user_agent", json!("")),
        ("user_agent", json!("x".repeat(4000))),
        ("amount", json!("1.299,90")),
        ("amount", json!("N/A")),
        ("amount", json!("12,50 \u{20ac}")),
        ("status", json!("abc")),
        ("status", Value::Null),
        ("risk_score", json!("high")),
        ("response_time_ms", json!("-")),
        ("duration_ms", json!("1e3")),
        ("duration_ms", json!(1.5e300)),
        ("duration_ms", json!("99999999999999999999")),
        ("level", json!(3)),
        ("session_id", json!(12345)),
        ("host", json!("h\u{0}st")),
        ("trace_id", json!({"id": "x"})),
        ("url", json!(["a", "b"])),
    ];
    let usable: Vec<_> =
        choices.into_iter().filter(|(name, _)| event.contains_key(*name)).collect();
    let (name, value) = pick(random, &usable);
    event.insert((*name).to_owned(), value.clone());
}

/// A `timestamp` that names no time: absent, null, empty or a word.
pub(super) fn unusable_timestamp(random: &mut ChaCha8Rng) -> Option<Value> {
    match random.random_range(0..4) {
        0 => None,
        1 => Some(Value::Null),
        2 => Some(json!("")),
        _ => Some(json!("yesterday")),
    }
}
