//! Frames: the same for any split of the bytes, and no number that a sender claims is believed.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::{Decoder, Progress};
use crate::beats::error::ProtocolError;
use crate::beats::frame::{Event, Frame, FrameLimits, Version};
use crate::http::decoding::DecodeError;

fn limits() -> FrameLimits {
    FrameLimits {
        window_events_max: 100,
        event_bytes_max: 64,
        skipped_bytes_max: 4_096,
        pairs_max: 8,
        compressed_bytes_max: 1 << 20,
        decompressed_bytes_max: 8 << 20,
        decompressed_ratio_max: 500,
    }
}

/// What comes out of these chunks: frames, and what ended them if anything did.
fn decode(chunks: &[&[u8]]) -> (Vec<Frame>, Option<ProtocolError>) {
    let mut decoder = Decoder::new(limits());
    let mut frames = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::copy_from_slice(chunk));
        loop {
            match decoder.next() {
                Ok(Progress::Frame(frame)) => frames.push(frame),
                Ok(Progress::Working) => {}
                Ok(Progress::MoreNeeded) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

fn frame(kind: &[u8; 2], numbers: &[u32], rest: &[u8]) -> Vec<u8> {
    let mut frame = kind.to_vec();
    for number in numbers {
        frame.extend_from_slice(&number.to_be_bytes());
    }
    frame.extend_from_slice(rest);
    frame
}

fn window(events: u32) -> Vec<u8> {
    frame(b"2W", &[events], b"")
}

fn json(sequence: u32, payload: &[u8]) -> Vec<u8> {
    frame(b"2J", &[sequence, payload.len() as u32], payload)
}

fn pairs(sequence: u32, pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut out = frame(b"1D", &[sequence, pairs.len() as u32], b"");
    for (key, value) in pairs {
        for text in [key, value] {
            out.extend_from_slice(&(text.len() as u32).to_be_bytes());
            out.extend_from_slice(text);
        }
    }
    out
}

fn compressed(frames: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(frames).unwrap();
    let stream = encoder.finish().unwrap();
    frame(b"2C", &[stream.len() as u32], &stream)
}

fn event(sequence: u32, payload: &[u8]) -> Frame {
    Frame::Event(Event {
        sequence,
        payload: Bytes::copy_from_slice(payload),
        length_bytes: payload.len() as u64,
    })
}

#[test]
fn windows_and_events_plain_and_compressed() {
    let inner = [json(1, b"{\"a\":1}"), json(2, b"{}")].concat();
    let stream = [window(2), inner.clone(), window(2), compressed(&inner), window(0)].concat();
    let (frames, error) = decode(&[&stream]);
    let window = |events| Frame::Window { version: Version::Two, events };
    let events = [event(1, b"{\"a\":1}"), event(2, b"{}")];
    let expected = [&[window(2)][..], &events, &[window(2)], &events, &[window(0)]].concat();
    assert_eq!((frames, error), (expected, None));
}

#[test]
fn pairs_become_an_object_of_strings() {
    let stream = [
        frame(b"1W", &[2], b""),
        pairs(7, &[(b"line", b"a \"b\"\\\n\x01\xff"), (b"", b"")]),
        pairs(8, &[]),
    ]
    .concat();
    let (frames, error) = decode(&[&stream]);
    assert_eq!(error, None);
    assert_eq!(frames[0], Frame::Window { version: Version::One, events: 2 });
    let object = b"{\"line\":\"a \\\"b\\\"\\\\\\n\\u0001\xff\",\"\":\"\"}";
    assert_eq!(frames[1..], [event(7, object), event(8, b"{}")]);
}

#[test]
fn what_is_too_long_is_counted_and_not_held() {
    let long = [b"{\"a\":\"".as_slice(), &[b'x'; 1_000], b"\"}"].concat();
    let value = [b'y'; 3_000];
    let stream = [json(1, &long), pairs(2, &[(b"k", &value)]), json(3, b"{}")].concat();
    let (frames, error) = decode(&[&stream]);
    assert_eq!(error, None);
    let Frame::Event(first) = &frames[0] else { panic!("{frames:?}") };
    assert_eq!((first.payload.len(), first.length_bytes), (65, long.len() as u64));
    let Frame::Event(second) = &frames[1] else { panic!("{frames:?}") };
    assert_eq!((second.payload.len(), second.length_bytes), (65, 3_000 + 8));
    assert_eq!(frames[2], event(3, b"{}"), "the next one is whole");
}

#[test]
fn hostile_02_a_compressed_frame_in_another_is_refused() {
    let nested = compressed(&[json(1, b"{}"), compressed(&json(2, b"{}"))].concat());
    assert_eq!(decode(&[&nested]), (vec![event(1, b"{}")], Some(ProtocolError::Nested)));
}

#[test]
fn hostile_03_lengths_are_refused_when_they_are_read() {
    let huge = u32::MAX;
    let refused = |head: &[u8]| decode(&[head]).1.unwrap();
    let length_bytes = u64::from(huge);
    assert_eq!(
        refused(&frame(b"2W", &[huge], b"")),
        ProtocolError::Window { events: huge, max: 100 }
    );
    assert_eq!(
        refused(&frame(b"2J", &[1, huge], b"")),
        ProtocolError::EventLength { length_bytes, max: 4_096 }
    );
    assert_eq!(
        refused(&frame(b"2C", &[huge], b"")),
        ProtocolError::CompressedLength { length_bytes: huge, max: 1 << 20 }
    );
    assert_eq!(
        refused(&frame(b"1D", &[1, huge], b"")),
        ProtocolError::Pairs { pairs: huge, max: 8 }
    );
    assert_eq!(
        refused(&frame(b"1D", &[1, 1, huge], b"")),
        ProtocolError::EventLength { length_bytes, max: 4_096 }
    );
    assert_eq!(refused(&frame(b"2J", &[1, 0], b"")), ProtocolError::Empty("event"));
    assert_eq!(refused(&frame(b"2C", &[0], b"")), ProtocolError::Empty("compressed frame"));
}

#[test]
fn other_protocols_are_told_by_their_first_bytes() {
    assert_eq!(decode(&[b"\x16"]).1, Some(ProtocolError::Version(0x16)));
    assert_eq!(decode(&[b"GET / HTTP"]).1, Some(ProtocolError::Version(b'G')));
    assert_eq!(decode(&[b"2X"]).1, Some(ProtocolError::Type(b'X')));
    assert_eq!(
        decode(&[b"2A\0\0\0\x01"]).1,
        Some(ProtocolError::Type(b'A')),
        "that is ours to say"
    );
}

#[test]
fn hostile_01_a_compressed_frame_is_what_it_says_and_no_bomb() {
    let whole = json(1, &[b'x'; 60]);
    let cut = compressed(&whole[..30]);
    assert_eq!(decode(&[&cut]), (vec![], Some(ProtocolError::Cut)));
    let mut broken = compressed(&whole);
    broken[8] ^= 0xff;
    let invalid = ProtocolError::Compressed(DecodeError::Invalid("deflate"));
    assert_eq!(decode(&[&broken]).1, Some(invalid.clone()));

    let mut longer = compressed(&whole);
    longer.extend_from_slice(b"more");
    let length = longer.len() as u32 - 6;
    longer[2..6].copy_from_slice(&length.to_be_bytes());
    assert_eq!(decode(&[&longer]).1, Some(invalid), "behind the stream is nothing");

    let bomb = compressed(&json(1, &[b' '; 4_000]).repeat(1_000));
    let (frames, error) = decode(&[&bomb]);
    let bytes_max = (bomb.len() as u64 - 6) * 500;
    assert_eq!(error, Some(ProtocolError::Compressed(DecodeError::TooLarge(bytes_max))));
    assert!(frames.len() < 1_000, "{} frames", frames.len());
}

#[test]
fn one_call_does_not_go_through_all_that_no_event_comes_of() {
    let limits =
        FrameLimits { skipped_bytes_max: 8 << 20, decompressed_ratio_max: u32::MAX, ..limits() };
    let empty = compressed(b"").repeat(50);
    let skipped = compressed(&frame(b"2J", &[1, 4_000_000], &vec![b' '; 4_000_000]));
    for (stream, least) in [(empty, 50), (skipped, 4_000_000 / (256 << 10))] {
        let mut decoder = Decoder::new(limits.clone());
        decoder.push(Bytes::from(stream));
        let mut rests = 0;
        loop {
            match decoder.next().unwrap() {
                Progress::Working => rests += 1,
                Progress::Frame(_) => {}
                Progress::MoreNeeded => break,
            }
        }
        assert!(rests >= least, "{rests} of {least}");
    }
}

#[test]
fn blocks_that_events_hold_are_told_when_they_are_used_up() {
    let mut decoder = Decoder::new(limits());
    let events = [window(3), json(1, b"{}"), json(2, b"{}")].concat();
    decoder.push(Bytes::from(events.clone()));
    while decoder.next().unwrap() != Progress::MoreNeeded {
        assert_eq!(decoder.take_spent_bytes(), 0, "the rest of it is held by the decoder");
    }
    assert_eq!(decoder.take_spent_bytes(), events.len());
    assert_eq!(decoder.take_spent_bytes(), 0, "it is told once");

    let inner = [window(5).repeat(100), json(3, b"{}")].concat();
    decoder.push(Bytes::from([compressed(&inner), window(1)].concat()));
    while decoder.next().unwrap() != Progress::MoreNeeded {}
    assert_eq!(decoder.take_spent_bytes(), inner.len(), "as it grew, and not as it was sent");
    decoder.push(Bytes::from(window(1)));
    while decoder.next().unwrap() != Progress::MoreNeeded {}
    assert_eq!(decoder.take_spent_bytes(), 0, "no event holds it");
}

/// Frames as a sender may write them, good and bad.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop::collection::vec(any::<u8>(), 1..100);
    let text = || prop::collection::vec(any::<u8>(), 0..40);
    let some_pairs = prop::collection::vec((text(), text()), 0..4);
    prop_oneof![
        (0u32..110).prop_map(window),
        (any::<u32>(), payload).prop_map(|(sequence, payload)| json(sequence, &payload)),
        (any::<u32>(), some_pairs).prop_map(|(sequence, some)| {
            let some: Vec<(&[u8], &[u8])> = some.iter().map(|(k, v)| (&k[..], &v[..])).collect();
            pairs(sequence, &some)
        }),
    ]
}

fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let frames = || prop::collection::vec(any_frame(), 0..6).prop_map(|frames| frames.concat());
    let part = prop_oneof![
        4 => frames(),
        4 => frames().prop_map(|inner| compressed(&inner)),
        1 => frames().prop_map(|inner| compressed(&compressed(&inner))),
        1 => (frames(), 1usize..20).prop_map(|(inner, cut)| {
            compressed(&inner[..inner.len().saturating_sub(cut)])
        }),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_split_gives_the_same_frames(
        stream in any_stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let whole = decode(&[&stream]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(&decode(&chunks), &whole);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&decode(&bytes), &whole);
    }
}
