//! Framing: the same lines for any split of the bytes, and nothing large is ever held.

mod delimiters;
mod framings;

use bytes::Bytes;
use proptest::prelude::*;

use super::Lines;

/// Number, bytes, and for a line that is too long its whole size.
type Seen = (u64, Vec<u8>, Option<u64>);

fn lines_of(chunks: &[&[u8]], line_bytes_max: usize) -> Vec<Seen> {
    let mut lines = Lines::new(line_bytes_max);
    let mut seen = Vec::new();
    let mut take = |lines: &mut Lines, last: bool| {
        while let Some(line) = lines.next() {
            seen.push(line);
        }
        if last {
            seen.extend(lines.finish());
        }
    };
    for chunk in chunks {
        lines.push(Bytes::copy_from_slice(chunk));
        take(&mut lines, false);
    }
    take(&mut lines, true);
    let fault_bytes = |line: &crate::intake::Line| line.fault.as_ref().map(|f| f.payload_bytes);
    seen.iter().map(|line| (line.number, line.payload.to_vec(), fault_bytes(line))).collect()
}

/// What the lines are, found without any framer.
fn expected(input: &[u8], line_bytes_max: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    for (index, line) in input.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let number = index as u64 + 1;
        if line.len() > line_bytes_max {
            let beginning = line[..line_bytes_max + 1].to_vec();
            seen.push((number, beginning, Some(line.len() as u64)));
        } else if !line.is_empty() {
            seen.push((number, line.to_vec(), None));
        }
    }
    seen
}

#[test]
fn lines_end_with_a_line_feed_or_with_the_stream() {
    let seen = lines_of(&[b"one\r\n\n\ntwo\nthr", b"ee"], 100);
    assert_eq!(
        seen,
        [(1, b"one".to_vec(), None), (4, b"two".to_vec(), None), (5, b"three".to_vec(), None)]
    );
    assert_eq!(lines_of(&[b"\r\n\r\n"], 100), []);
    assert_eq!(lines_of(&[b"a\rb\r\r\n"], 100), [(1, b"a\rb\r".to_vec(), None)]);
}

#[test]
fn a_line_of_exactly_the_limit_passes_with_and_without_return() {
    let seen = lines_of(&[b"1234567", b"8\r", b"\n12345678\n123456789\n1"], 8);
    assert_eq!(
        seen,
        [
            (1, b"12345678".to_vec(), None),
            (2, b"12345678".to_vec(), None),
            (3, b"123456789".to_vec(), Some(9)),
            (4, b"1".to_vec(), None),
        ]
    );
}

#[test]
fn lines_are_slices_of_what_was_read() {
    let chunk = Bytes::from_static(b"first\nsecond\n");
    let mut lines = Lines::new(100);
    lines.push(chunk.clone());
    let first = lines.next().unwrap().payload;
    assert_eq!(first.as_ptr(), chunk.as_ptr());
}

#[test]
fn hostile_23_single_bytes_that_wait_are_held_together() {
    let mut lines = Lines::new(100);
    for byte in b"one\ntwo\n".repeat(1_000).chunks(1) {
        lines.push(Bytes::copy_from_slice(byte));
    }
    assert_eq!((lines.chunks.len(), lines.buffered_bytes()), (8, 8_000));
    let all: Vec<Bytes> = std::iter::from_fn(|| lines.next()).map(|line| line.payload).collect();
    assert_eq!(all.len(), 2_000);
    assert!(all.chunks(2).all(|pair| pair == [&b"one"[..], b"two"]));
}

#[test]
fn hostile_05_a_line_without_end_is_not_held() {
    let mut lines = Lines::new(1 << 20);
    let chunk = Bytes::from(vec![b'x'; 64 << 10]);
    for _ in 0..(64 << 20) / chunk.len() {
        lines.push(chunk.clone());
        assert!(lines.next().is_none());
        assert!(lines.buffered_bytes() <= (1 << 20) + 1);
    }
    assert_eq!(lines.unfinished(), Some(1));
    lines.push(Bytes::from_static(b"\r\n{\"a\":1}\n"));
    let long = lines.next().unwrap();
    let fault = long.fault.unwrap();
    assert_eq!(fault.payload_bytes, 64 << 20);
    assert_eq!(fault.rejection.kind, "too_large");
    assert_eq!(long.payload.len(), 64 << 10, "its beginning is the evidence");
    assert_eq!(lines.next().unwrap().payload, &b"{\"a\":1}"[..], "the next line is whole");
    assert_eq!(lines.unfinished(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_split_gives_the_same_lines(
        input in prop::collection::vec(prop::sample::select(b"ab\r\n".to_vec()), 0..120),
        cuts in prop::collection::vec(0usize..120, 0..12),
        line_bytes_max in 1usize..12,
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
        let split = lines_of(&chunks, line_bytes_max);
        prop_assert_eq!(split, expected(&input, line_bytes_max));
    }
}
