//! Framings with lengths and other delimiters: RFC 6587.

use bytes::Bytes;
use proptest::prelude::*;

use super::Lines;
use crate::lines::{Framing, frames};

/// Payload, and the kind of its refusal.
type Seen = (String, Option<String>);

fn seen(framing: Framing, line_bytes_max: usize, chunks: &[&[u8]]) -> Vec<Seen> {
    let mut lines = Lines::framed(framing, line_bytes_max);
    let mut seen = Vec::new();
    for chunk in chunks {
        lines.push(Bytes::copy_from_slice(chunk));
        while let Some(line) = lines.next() {
            seen.push(line);
        }
        assert!(!lines.has_unread(), "what could be taken was taken");
    }
    seen.extend(lines.finish());
    let kind =
        |line: &crate::intake::Line| line.fault.as_ref().map(|f| f.rejection.kind.to_string());
    let text = |line: &crate::intake::Line| String::from_utf8_lossy(&line.payload).into_owned();
    seen.iter().map(|line| (text(line), kind(line))).collect()
}

fn good(framing: Framing, stream: &[u8]) -> Vec<String> {
    let found = frames([stream], framing, 100);
    found.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect()
}

#[test]
fn a_length_says_where_a_frame_ends() {
    let counted = Framing::OctetCounting;
    assert_eq!(good(counted, "5 a\nb c7 Größe1 x".as_bytes()), ["a\nb c", "Größe", "x"]);
    assert_eq!(good(counted, b"3 abc\n3 def\r\n2 gh"), ["abc", "def", "gh"], "a line feed between");
    assert_eq!(
        good(counted, b"4 ab\r\n"),
        ["ab\r\n"],
        "every byte that was counted is the frame's"
    );
    assert_eq!(
        seen(counted, 3, &[b"4 ab", b"cd3 efg"]),
        [("abcd".into(), Some("too_large".into())), ("efg".into(), None)]
    );
    let cut = Some("incomplete_line".to_owned());
    assert_eq!(seen(counted, 100, &[b"60 <34>1"]), [("<34>1".into(), cut.clone())]);
    assert_eq!(seen(counted, 100, &[b"60 "]), [(String::new(), cut.clone())]);
    assert_eq!(seen(counted, 100, &[b"60"]), [("60".into(), cut)]);
}

#[test]
fn hostile_06_a_false_length_is_refused_once_and_nothing_is_kept() {
    for stream in ["99999999999 <34>1 x", "0 abc", "-1 abc", "abc", "1a bc", "<34>x", "1234567890 "]
    {
        for split in 0..stream.len() {
            let mut lines = Lines::framed(Framing::OctetCounting, 100);
            let (one, other) = stream.as_bytes().split_at(split);
            let mut refused = Vec::new();
            for chunk in [one, other, b"\n3 abc\n"] {
                lines.push(Bytes::copy_from_slice(chunk));
                refused.extend(std::iter::from_fn(|| lines.next()));
            }
            assert_eq!(refused.len(), 1, "{stream}");
            let fault = refused[0].fault.as_ref().unwrap();
            assert_eq!(fault.rejection.kind, "framing_error", "{stream}");
            assert!(lines.is_broken() && lines.buffered_bytes() == 0);
            assert!(lines.finish().is_none());
        }
    }
}

#[test]
fn syslog_tells_lengths_from_lines_by_itself() {
    let auto = Framing::Auto;
    assert_eq!(
        good(auto, b"<13>a\n4 <1>b<13>c\n5 <1>\nd3 <1>2 x\n2026 y\n12"),
        ["<13>a", "<1>b", "<13>c", "<1>\nd", "<1>", "2 x", "2026 y", "12"]
    );
    assert_eq!(good(auto, b"<13>a\0<13>b\0\n<13>c\r\n"), ["<13>a", "<13>b", "<13>c"]);
    assert_eq!(good(auto, b"1732320544000000000000001 <1>x"), ["1732320544000000000000001 <1>x"]);
    assert_eq!(good(auto, b"99999999999 <34>1 x\nmore"), [""; 0], "a length, and no line");
}

#[test]
fn delimiters_of_their_own() {
    assert_eq!(good(Framing::Nul, b"a\nb\r\0\0c"), ["a\nb\r", "c"]);
    assert_eq!(good(Framing::NonTransparent, b"a\nb\0c\r\n5 d"), ["a", "b", "c", "5 d"]);
    let mut lines = Lines::new(100).keeping_empty();
    lines.push(Bytes::from_static(b"a\n\r\n\nb"));
    let all: Vec<Bytes> = std::iter::from_fn(|| lines.next()).map(|line| line.payload).collect();
    assert_eq!(all, ["a", "", ""]);
    assert_eq!(lines.finish().unwrap().payload, "b");
    assert!(lines.finish().is_none());
}

#[test]
fn counted_frames_are_slices_of_what_was_read() {
    let chunk = Bytes::from_static(b"5 first6 second");
    let mut lines = Lines::framed(Framing::OctetCounting, 100);
    lines.push(chunk.clone());
    assert_eq!(lines.next().unwrap().payload.as_ptr(), chunk[2..].as_ptr());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn any_split_gives_the_same_frames(
        input in prop::collection::vec(prop::sample::select(b"123 <a\r\n\0".to_vec()), 0..60),
        cuts in prop::collection::vec(0usize..60, 0..12),
        line_bytes_max in 1usize..12,
        framing in prop::sample::select(vec![
            Framing::Newline, Framing::Nul, Framing::NonTransparent, Framing::OctetCounting, Framing::Auto,
        ]),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
        let mut split = seen(framing, line_bytes_max, &chunks);
        let mut whole = seen(framing, line_bytes_max, &[&input]);
        // How much of it there was when the framing broke is the evidence, which depends on the split.
        for (text, kind) in split.iter_mut().chain(&mut whole) {
            if kind.as_deref() == Some("framing_error") {
                text.clear();
            }
        }
        prop_assert_eq!(split, whole);
    }
}
