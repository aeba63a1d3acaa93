//! Records of OpenTelemetry as events: the same from protobuf and from JSON, and with the names that the
//! platform's schema knows.

use event::Limits;
use serde_json::{Value, json};

use super::super::model::{Allowance, LogRecord};
use super::super::wire::{put_bytes, put_varint};
use super::super::{json as otlp_json, protobuf};
use super::{json, members_of};

const LIMITS: Limits = Limits { depth_max: 8, nodes_max: 100, payload_bytes_max: 10_000 };

fn from_protobuf(message: &[u8]) -> Result<LogRecord<'_>, String> {
    protobuf::record(message, &mut Allowance::new(&LIMITS)).map_err(|r| r.kind.into_owned())
}

fn from_json(message: &str) -> Result<LogRecord<'_>, String> {
    let record = otlp_json::record(message.as_bytes(), &LIMITS, &mut Allowance::new(&LIMITS));
    record.map_err(|rejection| rejection.kind.into_owned())
}

fn event_of(members: &[u8], record: &LogRecord<'_>) -> Value {
    serde_json::from_slice(&json(members, record, 10_000).unwrap()).unwrap()
}

fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut message = Vec::new();
    for (number, bytes) in fields {
        put_bytes(&mut message, *number, bytes);
    }
    message
}

fn pair(key: &str, value: &[u8]) -> Vec<u8> {
    message(&[(1, key.as_bytes()), (2, value)])
}

/// The record of the OTLP specification's own examples, and what a shop would add.
const WRITTEN: &str = r#"{
    "timeUnixNano": "1544712660300000000",
    "observedTimeUnixNano": 1544712660300000001,
    "severityNumber": 17,
    "severityText": "Error",
    "traceId": "5B8EFFF798038103D269B633813FC60C",
    "spanId": "EEE19B7EC3C1B174",
    "eventName": "checkout",
    "body": {"stringValue": "payment \"failed\""},
    "attributes": [
        {"key": "order_id", "value": {"intValue": "7"}},
        {"key": "amount", "value": {"doubleValue": 12.5}},
        {"key": "first_order", "value": {"boolValue": true}},
        {"key": "tags", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {}]}}},
        {"key": "cart", "value": {"kvlistValue": {"values": [{"key": "n", "value": {"intValue": 2}}]}}},
        {"key": "raw", "value": {"bytesValue": "AAE="}},
        {"key": "exception.type", "value": {"stringValue": "Timeout"}},
        {"key": "rate", "value": {"doubleValue": "NaN"}}
    ],
    "droppedAttributesCount": 1,
    "flags": 1,
    "unknown": {"a": [1]}
}"#;

fn the_same_in_protobuf() -> Vec<u8> {
    let mut bytes = b"\x09".to_vec();
    bytes.extend_from_slice(&1_544_712_660_300_000_000_u64.to_le_bytes());
    bytes.push(0x59);
    bytes.extend_from_slice(&1_544_712_660_300_000_001_u64.to_le_bytes());
    put_varint(&mut bytes, 2, 17);
    let int = |value| {
        let mut message = Vec::new();
        put_varint(&mut message, 3, value);
        message
    };
    let double = |value: f64| [&b"\x21"[..], &value.to_le_bytes()].concat();
    let list = message(&[(1, &message(&[(1, b"a")])), (1, b"")]);
    let cart = message(&[(1, &pair("n", &int(2)))]);
    let pairs = [
        pair("order_id", &int(7)),
        pair("amount", &double(12.5)),
        pair("first_order", b"\x10\x01"),
        pair("tags", &message(&[(5, &list)])),
        pair("cart", &message(&[(6, &cart)])),
        pair("raw", &message(&[(7, b"\0\x01")])),
        pair("exception.type", &message(&[(1, b"Timeout")])),
        pair("rate", &double(f64::NAN)),
    ];
    bytes.extend(message(&[(3, b"Error"), (5, &message(&[(1, b"payment \"failed\"")]))]));
    for pair in &pairs {
        put_bytes(&mut bytes, 6, pair);
    }
    let trace_id = b"\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c";
    let span_id = b"\xee\xe1\x9b\x7e\xc3\xc1\xb1\x74";
    bytes.extend(message(&[(9, trace_id), (10, span_id), (12, b"checkout")]));
    bytes
}

#[test]
fn a_record_is_the_same_event_however_it_was_sent() {
    let expected = json!({
        "message": "payment \"failed\"",
        "order_id": 7,
        "amount": 12.5,
        "first_order": true,
        "tags": ["a", null],
        "cart": {"n": 2},
        "raw": "AAE=",
        "error.type": "Timeout",
        "rate": "NaN",
        "log.level": "error",
        "event.action": "checkout",
        "trace.id": "5b8efff798038103d269b633813fc60c",
        "span.id": "eee19b7ec3c1b174",
        "@timestamp": "2018-12-13T14:51:00.300Z",
        "event.severity": 17,
    });
    assert_eq!(event_of(b"", &from_json(WRITTEN).unwrap()), expected);
    let bytes = the_same_in_protobuf();
    assert_eq!(event_of(b"", &from_protobuf(&bytes).unwrap()), expected);
}

#[test]
fn a_body_of_members_is_the_event_and_the_record_wins_over_its_resource() {
    let described = |json: &'static str| {
        otlp_json::described(json.as_bytes(), &LIMITS, &mut Allowance::new(&LIMITS)).unwrap()
    };
    let resource = described(
        r#"{"attributes": [
            {"key": "service.name", "value": {"stringValue": "checkout"}},
            {"key": "deployment.environment.name", "value": {"stringValue": "prod"}},
            {"key": "host.name", "value": {"stringValue": "web-1"}}
        ]}"#,
    );
    let scope = described(r#"{"name": "shop.payment", "version": "1"}"#);
    let members = members_of(&resource, 0, 10_000).unwrap();
    let members = [&members[..], &members_of(&scope, members.len(), 10_000).unwrap()].concat();
    let record = from_json(
        r#"{"severityNumber": 9, "body": {"kvlistValue": {"values": [
            {"key": "type", "value": {"stringValue": "transaction"}},
            {"key": "host.name", "value": {"stringValue": "web-2"}}
        ]}}}"#,
    );
    let expected = json!({
        "service.name": "checkout",
        "service.environment": "prod",
        "host.name": "web-2",
        "log.logger": "shop.payment",
        "type": "transaction",
        "log.level": "info",
        "event.severity": 9,
    });
    assert_eq!(event_of(&members, &record.unwrap()), expected);
    assert_eq!(json(b"", &LogRecord::default(), 100).unwrap(), b"{}");
}

#[test]
fn a_body_that_is_neither_text_nor_members_is_written_as_text() {
    let record = from_json(r#"{"body": {"arrayValue": {"values": [{"intValue": 1}]}}}"#).unwrap();
    assert_eq!(event_of(b"", &record), json!({"message": "[1]"}));
}

#[test]
fn null_is_the_default_of_every_member() {
    let names = [
        "timeUnixNano",
        "observedTimeUnixNano",
        "severityNumber",
        "severityText",
        "body",
        "attributes",
        "traceId",
        "spanId",
        "eventName",
    ];
    let members: Vec<String> = names.iter().map(|name| format!("\"{name}\":null")).collect();
    let all = format!("{{{}}}", members.join(","));
    assert_eq!(event_of(b"", &from_json(&all).unwrap()), json!({}));
    let values = [
        r#"{"key":"a","value":null}"#,
        r#"{"key":"b","value":{"arrayValue":{"values":null}}}"#,
        r#"{"key":"c","value":{"kvlistValue":{"values":null}}}"#,
        r#"{"key":"d","value":{"stringValue":null,"intValue":"7","arrayValue":null}}"#,
    ];
    let record = format!("{{\"attributes\":[{}]}}", values.join(","));
    let event = event_of(b"", &from_json(&record).unwrap());
    assert_eq!(event, json!({"a": null, "b": [], "c": {}, "d": 7}));
    let described = |json: &'static str| {
        otlp_json::described(json.as_bytes(), &LIMITS, &mut Allowance::new(&LIMITS)).unwrap()
    };
    let nothing = described("null");
    assert_eq!(described(r#"{"name":null,"attributes":null}"#), nothing);
    let unnamed = r#"{"attributes":[{"key":null}]}"#;
    assert_eq!(event_of(b"", &from_json(unnamed).unwrap()), json!({"": null}));
}

#[test]
fn records_beyond_the_limits_are_refused_by_kind() {
    let nested = |deep: usize| {
        let open = "{\"arrayValue\":{\"values\":[".repeat(deep);
        format!("{{\"body\":{open}{}}}", "]}}".repeat(deep))
    };
    assert_eq!(from_json(&nested(9)).unwrap_err(), "too_deep");
    from_json(&nested(7)).unwrap();
    let mut deep = Vec::new();
    for _ in 0..100 {
        deep = message(&[(5, &message(&[(1, &deep)]))]);
    }
    assert_eq!(from_protobuf(&message(&[(5, &deep)])).unwrap_err(), "too_deep");

    // Two bytes each.
    assert_eq!(from_protobuf(&b"\x32\x00".repeat(1_000)).unwrap_err(), "too_many_fields");
    let many = format!("{{\"attributes\":[{}{{}}]}}", "{},".repeat(1_000));
    assert_eq!(from_json(&many).unwrap_err(), "too_many_fields");
    let long = "x".repeat(9_990);
    let long = format!("{{\"body\":{{\"stringValue\":\"{long}\"}}}}");
    assert_eq!(from_json(&long).unwrap_err(), "too_large");
    let text = message(&[(5, &message(&[(1, "\"".repeat(6_000).as_bytes())]))]);
    let record = from_protobuf(&text).unwrap();
    assert_eq!(
        json(b"", &record, 10_000).unwrap_err().kind,
        "too_large",
        "it grows by its escapes"
    );

    assert_eq!(from_protobuf(&message(&[(3, b"\xff")])).unwrap_err(), "invalid_utf8");
    assert_eq!(from_protobuf(b"\x0a\x7f").unwrap_err(), "invalid_protobuf");
    assert_eq!(from_json("{\"timeUnixNano\":\"soon\"}").unwrap_err(), "invalid_otlp");
    assert_eq!(from_json("{\"severityText\":7}").unwrap_err(), "invalid_otlp");
}
