//! Frames: a fixture that every later version must read, round trips, and damage of every kind.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    Frame, FrameBuilder, FrameError, FrameHeader, HEADER_BYTES, TEXT_BYTES_MAX, decode,
    encoded_bytes_max,
};
use crate::record::{Codec, Record, RecordId};

/// Three records in frame v1. Never change it: logs on disk look like this.
const FIXTURE: &str = "\
    010000001d01000003000000f482d1f69c032db83031323334353637383961626364656615cd853dfe9c\
    97170000000000000b000700000000060009000300000073686f702d613139322e302e322e3774637031\
    39322e302e322e373a317b2261223a317dffffffffffffffffffffffffffffffffffffffffffffffff03\
    00000037000b000000000030302d34626639326633353737623334646136613363653932396430653065\
    343733362d303066303637616130626139303262372d30313139322e302e322e373a3100000000000000\
    000000000000000000ffffffffffffff7fffff0100000000000e00000001070007000400190064656661\
    756c745ac3bc7269636868747470746578742f706c61696e3b20636861727365743d7574662d3800ff20\
    6e6f74205554462d38200a";

fn fixture_records() -> Vec<Record> {
    let first = Record {
        id: RecordId(*b"0123456789abcdef"),
        received_at_ns: 1_700_000_000_123_456_789,
        shop: "shop-a".into(),
        source: "192.0.2.7".into(),
        listener: "tcp".into(),
        codec: Codec::Json,
        content_type: "".into(),
        trace_context: "".into(),
        attempt: 0,
        routing_key: "192.0.2.7:1".into(),
        log_type: None,
        payload: Bytes::from_static(b"{\"a\":1}"),
    };
    let second = Record {
        id: RecordId([0xff; 16]),
        received_at_ns: -1,
        attempt: 3,
        trace_context: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
        payload: Bytes::new(),
        ..first.clone()
    };
    let third = Record {
        id: RecordId([0; 16]),
        received_at_ns: i64::MAX,
        shop: "default".into(),
        source: "Zürich".into(),
        listener: "http".into(),
        codec: Codec::Plain,
        content_type: "text/plain; charset=utf-8".into(),
        trace_context: "".into(),
        attempt: u16::MAX,
        routing_key: "".into(),
        log_type: None,
        payload: Bytes::from_static(b"\x00\xff not UTF-8 \n"),
    };
    vec![first, second, third]
}

fn encode(records: &[Record]) -> Frame {
    let mut frame = FrameBuilder::new(0);
    let mut most = HEADER_BYTES;
    for record in records {
        frame.push(record);
        most += encoded_bytes_max(record).expect("the record fits");
    }
    let frame = frame.finish();
    assert!(frame.bytes.len() <= most, "the size is no more than was said");
    frame
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn version_1_stays_as_it_is() {
    let bytes = from_hex(FIXTURE);
    let frame = encode(&fixture_records());
    assert_eq!(hex(&frame.bytes), hex(&bytes), "the same bytes are written");
    assert_eq!(decode(&Bytes::from(bytes)).unwrap(), fixture_records(), "and read");
}

#[test]
fn decoding_copies_nothing() {
    let frame = Bytes::from(encode(&fixture_records()).bytes);
    let lies_within = |part: &[u8]| frame.as_ptr_range().contains(&part.as_ptr());
    let records = decode(&frame).unwrap();
    assert!(lies_within(&records[0].payload));
    assert!(lies_within(records[0].shop.as_bytes()));
    assert!(lies_within(records[2].content_type.as_bytes()));
    assert_eq!(
        records[0].shop.as_bytes().as_ptr(),
        records[1].shop.as_bytes().as_ptr(),
        "records of one origin share its text"
    );
}

#[test]
fn a_repeated_origin_is_written_once() {
    let records = vec![fixture_records()[0].clone(); 100];
    let record_bytes = 36 + "192.0.2.7:1".len() + 7;
    let origin_bytes = 9 + "shop-a192.0.2.7tcp".len();
    assert_eq!(encode(&records).bytes.len(), HEADER_BYTES + origin_bytes + 100 * record_bytes);
}

#[test]
fn many_origins_in_turn_come_back() {
    let records: Vec<_> = (0..100)
        .map(|number| Record {
            source: format!("192.0.2.{}", number % 23).into(),
            ..fixture_records()[0].clone()
        })
        .collect();
    assert_eq!(decode(&encode(&records).bytes.into()).unwrap(), records);
}

#[test]
fn what_no_frame_can_hold_has_no_size() {
    let fits =
        Record { routing_key: "k".repeat(TEXT_BYTES_MAX).into(), ..fixture_records()[0].clone() };
    assert!(encoded_bytes_max(&fits).is_some());
    let records = [fits];
    assert_eq!(decode(&encode(&records).bytes.into()).unwrap(), records);
    let [fits] = records;
    let too_long = Record { source: "s".repeat(TEXT_BYTES_MAX + 1).into(), ..fits };
    assert_eq!(encoded_bytes_max(&too_long), None);
}

/// A body with right checksums, as somebody who means harm could write it.
fn sealed(records: u32, body: &[u8]) -> Bytes {
    let mut bytes = vec![1, 0, 0, 0];
    bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&records.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes.into()
}

#[test]
fn lies_under_right_checksums_are_errors() {
    let malformed = |bytes| matches!(decode(&bytes), Err(FrameError::Malformed(_)));
    let sound = encode(&fixture_records()).bytes;
    let body = &sound[HEADER_BYTES..];
    assert_eq!(decode(&sealed(3, body)).unwrap().len(), 3);
    assert!(malformed(sealed(2, body)), "fewer records than there are");
    assert!(malformed(sealed(4, body)), "more records than there are");
    assert!(malformed(sealed(u32::MAX, body)), "far more records than bytes");
    assert!(malformed(sealed(1, &[])), "a record without bytes");
    assert_eq!(decode(&sealed(0, &[])).unwrap(), []);
    let mut payload_too_long = body.to_vec();
    payload_too_long[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(malformed(sealed(3, &payload_too_long)));
    let mut unknown_origin = body.to_vec();
    unknown_origin[26] = 9;
    assert!(malformed(sealed(3, &unknown_origin)));
    let mut unknown_codec = body.to_vec();
    unknown_codec[36] = 2;
    assert!(malformed(sealed(3, &unknown_codec)));
    let mut not_utf8 = body.to_vec();
    not_utf8[45] = 0xff;
    assert!(malformed(sealed(3, &not_utf8)));
}

#[test]
fn later_versions_are_told_from_damage() {
    let mut bytes = encode(&fixture_records()).bytes;
    bytes[0] = 2;
    assert_eq!(decode(&bytes.clone().into()), Err(FrameError::HeaderChecksum));
    let checksum = crc32fast::hash(&bytes[..16]);
    bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(decode(&bytes.into()), Err(FrameError::Version(2)));
    assert_eq!(decode(&Bytes::from_static(&[0; 64])), Err(FrameError::HeaderChecksum));
    assert_eq!(decode(&Bytes::new()), Err(FrameError::Cut { have: 0, need: HEADER_BYTES }));
}

prop_compose! {
    fn any_record()(
        id in any::<[u8; 16]>(),
        received_at_ns in any::<i64>(),
        texts in (
            "[a-c]{0,2}", "[0-9.]{0,8}", "(tcp|udp|http)?", "(text/plain)?", "\\PC{0,20}", "\\PC{0,20}",
        ),
        plain in any::<bool>(),
        attempt in any::<u16>(),
        payload in vec(any::<u8>(), 0..300),
    ) -> Record {
        let (shop, source, listener, content_type, trace_context, routing_key) = texts;
        Record {
            id: RecordId(id),
            received_at_ns,
            shop: shop.into(),
            source: source.into(),
            listener: listener.into(),
            codec: if plain { Codec::Plain } else { Codec::Json },
            content_type: content_type.into(),
            trace_context: trace_context.into(),
            attempt,
            routing_key: routing_key.into(),
            log_type: None,
            payload: payload.into(),
        }
    }
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(records in vec(any_record(), 0..40)) {
        let frame = encode(&records);
        prop_assert_eq!(frame.records as usize, records.len());
        let header = FrameHeader::read(&frame.bytes).unwrap();
        prop_assert_eq!(header.records, frame.records);
        prop_assert_eq!(header.frame_bytes(), frame.bytes.len() as u64);
        prop_assert_eq!(decode(&frame.bytes.into()).unwrap(), records);
    }

    #[test]
    fn a_changed_bit_is_an_error(
        records in vec(any_record(), 1..10),
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut bytes = encode(&records).bytes;
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert!(decode(&bytes.into()).is_err());
    }

    #[test]
    fn a_cut_is_an_error(records in vec(any_record(), 1..10), place in any::<prop::sample::Index>()) {
        let frame = Bytes::from(encode(&records).bytes);
        prop_assert!(decode(&frame.slice(..place.index(frame.len()))).is_err());
        let mut longer = frame.to_vec();
        longer.push(0);
        prop_assert!(decode(&longer.into()).is_err());
    }

    #[test]
    fn any_bytes_are_a_value(
        records in any::<u32>(),
        body in vec(prop_oneof![Just(0_u8), any::<u8>()], 0..300),
    ) {
        drop(decode(&sealed(records, &body)));
        drop(decode(&body.into()));
    }
}
