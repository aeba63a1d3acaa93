//! Whatever a message holds, its events are JSON objects within the limits, and nothing panics.

use event::Limits;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::super::wire::{put_bytes, put_varint};
use super::{Descriptions, Format};

const LIMITS: Limits = Limits { depth_max: 8, nodes_max: 60, payload_bytes_max: 600 };

const WRITTEN: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":
    "shop"}}]},"scopeLogs":[{"scope":{"name":"s"},"logRecords":[{"timeUnixNano":"1544712660300000000",
    "severityNumber":9,"body":{"kvlistValue":{"values":[{"key":"a","value":{"intValue":"7"}}]}}},
    {"attributes":[{"key":"b","value":{"arrayValue":{"values":[{"doubleValue":1.5},{"bytesValue":"AAE="}]}}}]}]}]}]}"#;

fn nested(fields: &[u8], inner: &[u8]) -> Vec<u8> {
    fields.iter().rev().fold(inner.to_vec(), |inner, field| {
        let mut message = Vec::new();
        put_bytes(&mut message, *field, &inner);
        message
    })
}

fn encoded() -> Vec<u8> {
    let mut record = b"\x09\x01\0\0\0\0\0\0\0".to_vec();
    put_varint(&mut record, 2, 17);
    record.extend(nested(&[5, 1], b"failed"));
    let pair = [nested(&[1], b"n"), nested(&[2, 5, 1, 6, 1, 1], b"k")].concat();
    put_bytes(&mut record, 6, &pair);
    put_bytes(&mut record, 9, &[7; 16]);
    let name = [nested(&[1], b"service.name"), nested(&[2, 1], b"shop")].concat();
    let scope_logs = [nested(&[1, 1], b"scope"), nested(&[2], &record), nested(&[2], b"")].concat();
    nested(&[1], &[nested(&[1, 1], &name), nested(&[2], &scope_logs)].concat())
}

fn events(format: Format, message: &[u8]) -> Vec<Map<String, Value>> {
    let events = format.events(message, &LIMITS).unwrap_or_default();
    let read = |event: Vec<u8>| {
        assert!(event.len() <= LIMITS.payload_bytes_max, "{} bytes", event.len());
        serde_json::from_slice(&event).unwrap()
    };
    events.into_iter().filter_map(Result::ok).map(read).collect()
}

#[test]
fn both_forms_are_read_as_a_whole() {
    for (format, message) in
        [(Format::Protobuf, encoded()), (Format::Json, WRITTEN.as_bytes().to_vec())]
    {
        let events = events(format, &message);
        assert_eq!(events.len(), 2, "{format:?}");
        assert!(events.iter().all(|event| event["service.name"] == "shop"), "{events:?}");
    }
}

/// A message with so many scopes, each of one record, of one resource.
fn scopes(format: Format, resource: &str, count: usize) -> Vec<u8> {
    if format == Format::Json {
        let scopes = vec!["{\"logRecords\":[{}]}"; count].join(",");
        let resource = format!("\"resource\":{resource},\"scopeLogs\":[{scopes}]");
        return format!("{{\"resourceLogs\":[{{{resource}}}]}}").into_bytes();
    }
    let scopes = b"\x12\x02\x12\x00".repeat(count);
    nested(&[1], &[nested(&[1], resource.as_bytes()), scopes].concat())
}

#[test]
fn a_resource_is_decoded_once_however_many_scopes_share_it() {
    let limits = Limits { payload_bytes_max: 10_000, ..LIMITS };
    for (format, resource) in [
        // Fields that are passed over, and are work all the same.
        (Format::Protobuf, "\x10\0".repeat(4_000)),
        (Format::Json, format!("{{\"x\":\"{}\"}}", "y".repeat(8_000))),
    ] {
        let message = scopes(format, &resource, 1_000);
        let outline = format.outline(&message).unwrap();
        let mut descriptions = Descriptions::new(format, &limits);
        for (number, group, _) in outline.records() {
            assert_eq!(descriptions.members(number, group), Ok(&b""[..]));
        }
        assert_eq!(outline.records().count(), 1_000);
        assert_eq!(descriptions.examined_bytes(), resource.len() as u64, "{format:?}");
    }
}

#[test]
fn a_scope_is_decoded_once_however_many_records_it_has() {
    let scope = nested(&[1], b"scope");
    let records = b"\x12\x00".repeat(500);
    let message = nested(&[1, 2], &[nested(&[1], &scope), records].concat());
    let outline = Format::Protobuf.outline(&message).unwrap();
    let mut descriptions = Descriptions::new(Format::Protobuf, &LIMITS);
    for (number, group, _) in outline.records() {
        let members = descriptions.members(number, group).unwrap();
        assert_eq!(members, b"\"log.logger\":\"scope\",");
    }
    assert_eq!(outline.records().count(), 500);
    assert_eq!(descriptions.examined_bytes(), scope.len() as u64);
}

#[test]
fn a_resource_longer_than_an_event_is_refused_and_not_decoded() {
    let message = scopes(Format::Protobuf, &"\x10\0".repeat(400), 3);
    let outline = Format::Protobuf.outline(&message).unwrap();
    let mut descriptions = Descriptions::new(Format::Protobuf, &LIMITS);
    for (number, group, _) in outline.records() {
        assert_eq!(descriptions.members(number, group).unwrap_err().kind, "too_large");
    }
    assert_eq!(descriptions.examined_bytes(), 0);
}

#[test]
fn what_is_wrong_with_a_long_text_is_said_in_few_words() {
    let limits = Limits { payload_bytes_max: 200_000, ..LIMITS };
    let text = "x".repeat(100_000);
    let resource = format!("{{\"attributes\":\"{text}\"}}");
    let events = Format::Json.events(&scopes(Format::Json, &resource, 3), &limits).unwrap();
    assert_eq!(events.len(), 3);
    for event in events {
        let why = event.unwrap_err();
        assert_eq!(why.kind, "invalid_otlp");
        assert!(why.message.len() < 600, "{} bytes", why.message.len());
    }
    for resource_logs in [format!("\"{text}\""), format!("[\"{text}\"]")] {
        let message = format!("{{\"resourceLogs\":{resource_logs}}}");
        let why = Format::Json.events(message.as_bytes(), &limits).unwrap_err();
        assert!(why.len() < 600, "{} bytes", why.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_message_with_other_bytes_in_it_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        for (format, mut message) in
            [(Format::Protobuf, encoded()), (Format::Json, WRITTEN.as_bytes().to_vec())]
        {
            for (at, byte) in &changes {
                let at = at.index(message.len());
                message[at] = *byte;
            }
            if let Some(cut) = cut {
                message.truncate(cut.index(message.len() + 1));
            }
            events(format, &message);
        }
    }
}
