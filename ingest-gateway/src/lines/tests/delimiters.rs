//! Delimiters that the settings name.

use bytes::Bytes;
use proptest::prelude::*;

use super::Lines;
use crate::lines::{Delimiter, Framing, frames};

fn delimiter(text: &str) -> Delimiter {
    text.parse().unwrap()
}

fn good(text: &str, chunks: &[&[u8]]) -> Vec<String> {
    let framing = Framing::Newline.or_ended_by(Some(delimiter(text)));
    let found = frames(chunks.iter().copied(), framing, 100);
    found.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect()
}

/// Bytes, and for a line that is too long its whole size.
fn seen(delimiter: Delimiter, line_bytes_max: usize, chunks: &[&[u8]]) -> Vec<(Vec<u8>, u64)> {
    let mut lines = Lines::framed(Framing::Delimiter(delimiter), line_bytes_max);
    let mut seen = Vec::new();
    for chunk in chunks {
        lines.push(Bytes::copy_from_slice(chunk));
        seen.extend(std::iter::from_fn(|| lines.next()));
        assert!(!lines.has_unread(), "what could be taken was taken");
    }
    seen.extend(lines.finish());
    let bytes =
        |line: &crate::intake::Line| line.fault.as_ref().map_or(0, |fault| fault.payload_bytes);
    seen.iter().map(|line| (line.payload.to_vec(), bytes(line))).collect()
}

#[test]
fn a_line_ends_with_what_the_settings_say() {
    assert_eq!(good("|", &[b"line1|line2|line3|"]), ["line1", "line2", "line3"]);
    assert_eq!(good("|", &[b"{\"a\":\n1}|{\"b\"", b":2}"]), ["{\"a\":\n1}", "{\"b\":2}"]);
    assert_eq!(good("\r\n\r\n", &[b"a\r\nb\r\n\r", b"\nc\r\n"]), ["a\r\nb", "c\r\n"]);
    assert_eq!(good("<EOE>", &[b"a<EO", b"E>b<EO<EOE><EOE>c"]), ["a", "b<EO", "c"]);
    assert_eq!(good("\n", &[b"a\r\nb"]), ["a\r", "b"], "nothing else belongs to it");
}

#[test]
fn a_delimiter_is_a_short_text() {
    assert!("".parse::<Delimiter>().is_err());
    assert!("12345678901234567".parse::<Delimiter>().is_err());
    assert_eq!(delimiter("1234567890123456").to_string(), "1234567890123456");
    assert_eq!(serde_json::to_string(&delimiter("|")).unwrap(), "\"|\"");
    assert_eq!(serde_json::from_str::<Delimiter>("\"\\u0000\"").unwrap().as_bytes(), [0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn any_split_gives_the_same_lines(
        input in prop::collection::vec(prop::sample::select(b"aab\n".to_vec()), 0..60),
        cuts in prop::collection::vec(0usize..60, 0..12),
        line_bytes_max in 1usize..12,
        text in prop::sample::select(vec!["a", "ab", "aa", "aab", "abab", "\nab"]),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
        let split = seen(delimiter(text), line_bytes_max, &chunks);
        // What the lines are, found without any framer.
        let whole = String::from_utf8(input.clone()).unwrap();
        let expected: Vec<(Vec<u8>, u64)> = whole
            .split(text)
            .filter(|line| !line.is_empty())
            .map(|line| {
                let kept = line.len().min(line_bytes_max + 1);
                let size = if line.len() > line_bytes_max { line.len() as u64 } else { 0 };
                (line.as_bytes()[..kept].to_vec(), size)
            })
            .collect();
        prop_assert_eq!(split, expected);
    }
}
