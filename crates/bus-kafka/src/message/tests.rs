//! The frozen form of version 1, and what becomes of messages that are not ours or not whole.

use std::sync::Arc;

use bus::frame::FrameBuilder;
use bus::{Codec, ErrorKind, Record, RecordId};
use bytes::Bytes;
use proptest::prelude::*;
use rdkafka::message::Headers;

use super::*;
use crate::counters::Counters;

fn decoder() -> Decoder {
    Decoder {
        topic: "logs.raw".into(),
        partition: 3,
        codec: Codec::Json,
        counters: Arc::new(Counters::default()),
    }
}

fn full_record() -> Record {
    Record {
        id: RecordId([0xab; 16]),
        received_at_ns: 1_700_000_000_123_456_789,
        shop: "shop-a".into(),
        source: "192.0.2.7".into(),
        listener: "tcp".into(),
        codec: Codec::Plain,
        content_type: "text/plain".into(),
        trace_context: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        attempt: 2,
        routing_key: "customer-7".into(),
        log_type: None,
        payload: Bytes::from_static(b"{\"a\":1}"),
    }
}

fn headers<'a>(outgoing: &'a Outgoing<'_>) -> Vec<(&'a str, Bytes)> {
    let headers = &outgoing.headers;
    let read = |place| headers.try_get(place).expect("it is there");
    let header = |place| {
        let header = read(place);
        (header.key, Bytes::copy_from_slice(header.value.expect("a value")))
    };
    (0..headers.count()).map(header).collect()
}

fn raw(outgoing: &Outgoing<'_>) -> Raw {
    Raw {
        offset: 42,
        timestamp_ms: Some(1_600_000_000_000),
        value: Some(Bytes::copy_from_slice(&outgoing.value)),
        headers: headers(outgoing).into_iter().map(|(name, value)| (known(name), value)).collect(),
    }
}

fn known(name: &str) -> &'static str {
    let names = [
        VERSION,
        FORMAT,
        RECORDS,
        ID,
        RECEIVED_AT,
        SHOP,
        SOURCE,
        LISTENER,
        CODEC,
        CONTENT_TYPE,
        TRACE_CONTEXT,
        ATTEMPT,
        ROUTING_KEY,
        TYPE,
    ];
    names.into_iter().find(|known| *known == name).expect("a name that is frozen here")
}

/// Frozen: services of this version are alive somewhere. A change needs a new version.
#[test]
fn version_1_of_a_record_is_frozen() {
    let record = full_record();
    let message = one_record(&record, 5, 0);
    let texts: Vec<_> = headers(&message)
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.escape_ascii()))
        .collect();
    let frozen = [
        "millrace-version: 1",
        "millrace-id: abababababababababababababababab",
        "millrace-received-at-ns: 1700000000123456789",
        "millrace-shop: shop-a",
        "millrace-source: 192.0.2.7",
        "millrace-listener: tcp",
        "content-type: text/plain",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "millrace-routing-key: customer-7",
        "millrace-codec: plain",
        "millrace-attempt: 2",
    ];
    assert_eq!(texts, frozen);
    assert_eq!(message.key.as_deref(), Some(&b"shop-a\0customer-7"[..]));
    assert_eq!(&*message.value, b"{\"a\":1}");
    assert_eq!(decoder().decode(raw(&message)).expect("it is ours").records, [record]);
}

/// Frozen: the bytes of a frame of one record, as they travel in a message.
#[test]
fn version_1_of_a_frame_is_frozen() {
    let record = full_record();
    let mut builder = FrameBuilder::new(256);
    builder.push(&record);
    let message = whole_frame(builder.finish(), 5);
    let texts: Vec<_> = headers(&message)
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.escape_ascii()))
        .collect();
    assert_eq!(texts, ["millrace-version: 1", "millrace-format: batch", "millrace-records: 1"]);
    assert_eq!(message.key, None);
    let hex: String = message.value.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, FROZEN_FRAME);
    assert_eq!(decoder().decode(raw(&message)).expect("it is ours").records, [record]);
}

const FROZEN_FRAME: &str = "\
     0100000091000000010000004d36ebd9bc4d1e72abababababababababababababababab15cd853dfe9c9717\
     0200000037000a0007000000010600090003000a0073686f702d613139322e302e322e37746370746578742f\
     706c61696e30302d30616637363531393136636434336464383434386562323131633830333139632d623761\
     643662373136393230333333312d3031637573746f6d65722d377b2261223a317d";

#[test]
fn the_log_type_is_told_and_never_read_back() {
    let plain = full_record();
    let record = Record { log_type: Some(0), ..plain.clone() };
    let message = one_record(&record, 5, 0);
    let last = message.headers.iter().last().expect("headers");
    assert_eq!((last.key, last.value), (TYPE, Some(&b"transaction"[..])));
    let bytes = |record: &Record| message_bytes(record).expect("it fits");
    assert_eq!(bytes(&record), bytes(&plain) + "transaction".len());
    assert_eq!(message.headers.count(), one_record(&plain, 5, 0).headers.count() + 1);
    assert_eq!(decoder().decode(raw(&message)).expect("it is ours").records, [plain]);
}

#[test]
fn a_record_with_nothing_but_an_id_has_three_headers_and_its_id_as_key() {
    let record =
        Record { id: RecordId([7; 16]), payload: Bytes::from_static(b"x"), ..Record::default() };
    let message = one_record(&record, 0, 0);
    assert_eq!(headers(&message).len(), 3);
    assert_eq!(message.key.as_deref(), Some(&[7; 16][..]));
    assert_eq!(decoder().decode(raw(&message)).expect("it is ours").records, [record]);
}

#[test]
fn unknown_headers_are_ignored_and_an_unknown_version_is_refused_with_what_to_do() {
    let record = full_record();
    let mut message = raw(&one_record(&record, 0, 0));
    message.headers.push(("millrace-tomorrow", Bytes::from_static(b"?")));
    message.headers.push(("b3", Bytes::from_static(b"\xff")));
    assert_eq!(
        decoder().decode(message).expect("it is ours").records,
        std::slice::from_ref(&record)
    );
    for (name, value) in [(VERSION, "2"), (VERSION, ""), (FORMAT, "arrow")] {
        let mut message = raw(&one_record(&record, 0, 0));
        message.headers.retain(|(key, _)| *key != name);
        message.headers.push((name, Bytes::from_static(value.as_bytes())));
        let error = decoder().decode(message).expect_err("it is unknown");
        assert_eq!(error.kind, ErrorKind::Fatal);
        assert!(error.message.contains("upgrade this service first"), "{error}");
        assert!(error.message.contains("logs.raw/3/42"), "{error}");
    }
}

#[test]
fn a_frame_of_a_later_version_is_refused_and_a_damaged_one_is_handed_on() {
    let record = full_record();
    let mut builder = FrameBuilder::new(256);
    builder.push(&record);
    let sound = raw(&whole_frame(builder.finish(), 0));
    let bytes = sound.value.clone().expect("a value").to_vec();
    let with = |value: Vec<u8>| Raw {
        value: Some(Bytes::from(value)),
        headers: sound.headers.clone(),
        ..Raw { offset: 42, timestamp_ms: Some(5), ..Raw::default() }
    };
    let mut damaged = bytes.clone();
    damaged[40] ^= 1;
    let decoder = decoder();
    for value in [damaged, bytes[..bytes.len() - 1].to_vec(), b"{}".to_vec()] {
        let read = decoder.decode(with(value.clone())).expect("it is handed on");
        let [record] = &read.records[..] else { panic!("one record stands for it") };
        assert_eq!(record.payload, value);
        assert_eq!(record.content_type, "application/vnd.millrace.damaged-frame");
        assert_eq!(record.received_at_ns, 5_000_000);
    }
    assert_eq!(decoder.counters.counts().damaged_messages, 3);
}

#[test]
fn what_others_write_is_a_record_that_is_the_same_each_time() {
    let decoder = Decoder { codec: Codec::Plain, ..decoder() };
    let foreign = || Raw {
        offset: 9,
        timestamp_ms: Some(1_600_000_000_123),
        value: Some(Bytes::from_static(b"\xff not JSON")),
        headers: vec![("traceparent", Bytes::from_static(b"00-1-2-01"))],
    };
    let read = decoder.decode(foreign()).expect("nothing of others is refused");
    let [record] = &read.records[..] else { panic!("one record") };
    assert_eq!(record.received_at_ns, 1_600_000_000_123_000_000);
    assert_eq!((&*record.shop, &*record.source), ("default", "kafka:logs.raw/3"));
    assert_eq!((record.codec, &*record.trace_context), (Codec::Plain, "00-1-2-01"));
    assert_eq!(decoder.decode(foreign()).expect("again"), read);
    let other = decoder.decode(Raw { offset: 10, ..foreign() }).expect("another");
    assert_ne!(other.records[0].id, record.id);
    let nothing = decoder.decode(Raw { value: None, ..foreign() }).expect("it is stepped over");
    assert_eq!((nothing.offset, nothing.records.len()), (9, 0));
    let counts = decoder.counters.counts();
    assert_eq!((counts.foreign_messages, counts.empty_messages), (3, 1));
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(
        value in prop::collection::vec(any::<u8>(), 0..200),
        headers in prop::collection::vec(
            (
                prop::sample::select(vec![
                    VERSION, FORMAT, ID, RECEIVED_AT, SHOP, CODEC, ATTEMPT, "other",
                ]),
                prop_oneof![
                    Just(b"1".to_vec()),
                    Just(b"batch".to_vec()),
                    prop::collection::vec(any::<u8>(), 0..20),
                ],
            ),
            0..6,
        ),
    ) {
        let headers: Vec<_> = headers
            .into_iter()
            .map(|(name, value)| (name, Bytes::from(value)))
            .collect();
        let raw = Raw { offset: 1, timestamp_ms: Some(i64::MAX), value: Some(value.into()), headers };
        match decoder().decode(raw) {
            Ok(read) => prop_assert_eq!(read.records.len(), 1),
            Err(error) => prop_assert_eq!(error.kind, ErrorKind::Fatal),
        }
    }

    #[test]
    fn a_message_is_never_longer_than_was_reckoned(shop in ".{0,20}", key in ".{0,40}", text in ".{0,60}") {
        let record = Record {
            shop: shop.into(),
            routing_key: key.into(),
            source: text.clone().into(),
            trace_context: text.into(),
            codec: Codec::Plain,
            attempt: u16::MAX,
            received_at_ns: i64::MIN,
            ..full_record()
        };
        let reckoned = message_bytes(&record).expect("its texts are short");
        let message = one_record(&record, 0, reckoned);
        // Each header has two lengths of at most 5 bytes; the message has at most 7 such numbers.
        let headers: usize =
            headers(&message).iter().map(|(name, value)| name.len() + value.len() + 10).sum();
        let key = message.key.as_ref().map_or(0, Vec::len);
        prop_assert!(headers + key + message.value.len() + 40 <= reckoned);
    }
}
