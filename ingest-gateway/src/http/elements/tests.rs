//! Arrays: the same elements for any split of the bytes, and no array that ends too early passes.

use bytes::Bytes;
use proptest::prelude::*;

use super::Elements;

/// Number, bytes, and the kind of refusal.
type Seen = (u64, String, Option<String>);

fn elements_of(chunks: &[&[u8]], element_bytes_max: usize) -> Vec<Seen> {
    let mut elements = Elements::new(element_bytes_max);
    let mut lines = Vec::new();
    for chunk in chunks {
        elements.push(Bytes::copy_from_slice(chunk));
        while let Some(line) = elements.next() {
            lines.push(line);
        }
    }
    lines.extend(elements.finish());
    let seen = |line: crate::intake::Line| {
        let kind = line.fault.map(|fault| fault.rejection.kind.into_owned());
        (line.number, String::from_utf8_lossy(&line.payload).into_owned(), kind)
    };
    lines.into_iter().map(seen).collect()
}

fn good(number: u64, text: &str) -> Seen {
    (number, text.to_owned(), None)
}

fn bad(number: u64, text: &str, kind: &str) -> Seen {
    (number, text.to_owned(), Some(kind.to_owned()))
}

#[test]
fn elements_are_their_bytes_without_the_blanks_around() {
    let seen = elements_of(
        &[br#" [ {"a":"],\"\\" , "n":[1,{"b":2}]} ,"#, b"\n\t{\"c\":\n3}\r\n] \n"],
        100,
    );
    assert_eq!(seen, [good(1, r#"{"a":"],\"\\" , "n":[1,{"b":2}]}"#), good(2, "{\"c\":\n3}")]);
    assert_eq!(elements_of(&[b"[ ]"], 100), []);
}

#[test]
fn what_is_wrong_with_an_array_is_refused_where_it_is_wrong() {
    assert_eq!(elements_of(&[b"[1,]"], 100), [good(1, "1"), bad(2, "", "invalid_json")]);
    assert_eq!(
        elements_of(&[b"[{\"a\":1},{\"b\":"], 100),
        [good(1, "{\"a\":1}"), bad(2, "{\"b\":", "invalid_json")]
    );
    assert_eq!(elements_of(&[b"["], 100), [bad(1, "", "invalid_json")]);
}

#[test]
fn a_stray_bracket_does_not_swallow_the_lines_behind_it() {
    let lines = "[{\"a\":1}\n{\"b\":{\"c\":[2]}}\n{\"d\":3},{\"e\":4}\n]";
    let expected = [
        good(1, "{\"a\":1}"),
        good(2, "{\"b\":{\"c\":[2]}}"),
        good(3, "{\"d\":3}"),
        good(4, "{\"e\":4}"),
    ];
    assert_eq!(elements_of(&[lines.as_bytes()], 100), expected);
    let bytes: Vec<&[u8]> = lines.as_bytes().chunks(1).collect();
    assert_eq!(elements_of(&bytes, 100), expected);
    let unclosed = lines.trim_end_matches(']');
    assert_eq!(elements_of(&[unclosed.as_bytes()], 100)[..3], expected[..3]);
}

#[test]
fn hostile_05_an_element_without_end_is_not_held() {
    let mut elements = Elements::new(1 << 20);
    elements.push(Bytes::from_static(b"[\""));
    let chunk = Bytes::from(vec![b'x'; 64 << 10]);
    for _ in 0..1_024 {
        elements.push(chunk.clone());
        assert!(elements.next().is_none());
        assert!(elements.partial.len() <= 1 << 20);
    }
    elements.push(Bytes::from_static(b"\",{\"a\":1}]"));
    let long = elements.next().unwrap();
    assert_eq!(long.fault.unwrap().rejection.kind, "too_large");
    assert_eq!(long.payload.len(), 64 << 10);
    assert_eq!(elements.next().unwrap().payload, &b"{\"a\":1}"[..]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_split_gives_the_same_elements(
        middle in prop::collection::vec(prop::sample::select(br#" ",{}[]\a1"#.to_vec()), 0..80),
        cuts in prop::collection::vec(0usize..80, 0..12),
        element_bytes_max in 1usize..40,
    ) {
        let input = [b"[".as_slice(), &middle].concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
        prop_assert_eq!(
            elements_of(&chunks, element_bytes_max),
            elements_of(&[&input], element_bytes_max)
        );
    }

    #[test]
    fn valid_arrays_come_apart_as_a_parser_takes_them_apart(
        values in prop::collection::vec(prop::sample::select(vec![
            r#"{"a":[1,2,{"b":"]}"}],"c":"\"\\,"}"#, "{}", "[[]]", "1.5e3", "\"x,y\"", "null",
        ]), 0..8),
        blanks in " {0,3}",
    ) {
        let text = format!("[{blanks}{}{blanks}]", values.join(&format!("{blanks},{blanks}")));
        let parsed: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(&text).unwrap();
        let seen = elements_of(&[text.as_bytes()], 1_000);
        prop_assert_eq!(
            seen.iter().map(|(_, text, _)| text.as_str()).collect::<Vec<_>>(),
            parsed.iter().map(|value| value.get()).collect::<Vec<_>>()
        );
        prop_assert!(seen.iter().all(|(_, _, kind)| kind.is_none()));
    }
}
