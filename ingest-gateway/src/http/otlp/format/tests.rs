//! Whatever a message holds, its events are JSON objects within the limits, and nothing panics.

use event::Limits;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::super::wire::{put_bytes, put_varint};
use super::Format;

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
