//! What goes wrong in shops' logs: values that do not convert, and lines that are not one object.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Map, Value, json};

use super::LogType;
use super::customer::pick;

const CONVERTS: bool = false;
const FAILS: bool = true;

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

/// Puts one awkward value into a field that the event has. The line stays legal JSON. Gives the
/// field's name if the value cannot be converted to what the field holds.
pub(super) fn soil(
    random: &mut ChaCha8Rng,
    kind: LogType,
    event: &mut Map<String, Value>,
) -> Option<&'static str> {
    let choices = [
        ("client_ip", Value::Null, CONVERTS),
        ("client_ip", json!("unknown"), FAILS),
        ("client_ip", json!("999.1.2.3"), FAILS),
        ("client_ip", json!(""), CONVERTS),
        ("client_ip", json!("10.1.2.3"), CONVERTS),
        ("client_ip", json!("::1"), CONVERTS),
        ("user_agent", Value::Null, CONVERTS),
        ("user_agent", json!("-"), CONVERTS),
        ("user_agent", json!(""), CONVERTS),
        ("user_agent", json!("x".repeat(4000)), CONVERTS),
        ("amount", json!("1.299,90"), FAILS),
        ("amount", json!("N/A"), FAILS),
        ("amount", json!(""), FAILS),
        ("amount", json!("12,50 \u{20ac}"), FAILS),
        // An order's status is any word, an answer's is a number.
        ("status", json!("abc"), kind == LogType::Performance),
        ("status", Value::Null, CONVERTS),
        ("risk_score", json!("high"), FAILS),
        ("response_time_ms", json!("-"), FAILS),
        ("duration_ms", json!("1e3"), CONVERTS),
        ("duration_ms", json!(1.5e300), FAILS),
        ("duration_ms", json!("99999999999999999999"), FAILS),
        ("level", json!(3), CONVERTS),
        ("session_id", json!(12345), CONVERTS),
        ("host", json!("h\u{0}st"), CONVERTS),
        ("trace_id", json!({"id": "x"}), FAILS),
        ("url", json!(["a", "b"]), FAILS),
    ];
    let usable: Vec<_> =
        choices.into_iter().filter(|(name, ..)| event.contains_key(*name)).collect();
    let (name, value, fails) = pick(random, &usable);
    event.insert((*name).to_owned(), value.clone());
    fails.then_some(*name)
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
