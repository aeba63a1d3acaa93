//! Shapes of bodies: told by their bytes, the same for any split.

use bytes::Bytes;
use event::Limits;
use proptest::prelude::*;

use super::Splitter;

/// Number, bytes, and the kind of refusal.
type Seen = (u64, String, Option<String>);

fn split(mut splitter: Splitter, chunks: &[&[u8]]) -> Vec<Seen> {
    let mut lines = Vec::new();
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk));
        while let Some(line) = splitter.next() {
            lines.push(line);
        }
    }
    splitter.end();
    while let Some(line) = splitter.next() {
        lines.push(line);
    }
    lines.extend(splitter.finish());
    let seen = |line: crate::intake::Line| {
        let kind = line.fault.map(|fault| fault.rejection.kind.into_owned());
        (line.number, String::from_utf8_lossy(&line.payload).into_owned(), kind)
    };
    lines.into_iter().map(seen).collect()
}

fn limits(payload_bytes_max: usize) -> Limits {
    Limits { payload_bytes_max, ..Limits::default() }
}

fn json(body: &str) -> Vec<Seen> {
    split(Splitter::json(limits(1_000), false), &[body.as_bytes()])
}

fn good(number: u64, text: &str) -> Seen {
    (number, text.to_owned(), None)
}

fn bad(number: u64, text: &str, kind: &str) -> Seen {
    (number, text.to_owned(), Some(kind.to_owned()))
}

#[test]
fn lines_of_json_are_judged_one_by_one() {
    assert_eq!(
        json("{\"a\":1}\n\n  \n[1]\n{\"a\":\n{\"a\":1} x\n{\"b\":2}"),
        [
            good(1, "{\"a\":1}"),
            bad(4, "[1]", "not_an_object"),
            bad(5, "{\"a\":", "invalid_json"),
            bad(6, "{\"a\":1} x", "trailing_data"),
            good(7, "{\"b\":2}"),
        ]
    );
    assert_eq!(json(""), []);
    assert_eq!(json("\n \r\n"), []);
    assert_eq!(json("\u{feff}{\"a\":1}\n"), [good(1, "\u{feff}{\"a\":1}")]);
}

#[test]
fn an_object_over_several_lines_is_one_event() {
    let object = "{\n  \"a\": [\n    1\n  ],\n  \"b\": {\n  }\n}";
    assert_eq!(json(object), [good(1, object)]);
    assert_eq!(json(&format!("\r\n {object}\r\n")), [good(1, object)]);
    assert_eq!(json("{\"a\":1}"), [good(1, "{\"a\":1}")]);
}

#[test]
fn a_first_line_that_is_cut_off_spoils_only_itself() {
    assert_eq!(
        json("{\"a\":\"x\n{\"b\":1}\n"),
        [bad(1, "{\"a\":\"x", "invalid_json"), good(2, "{\"b\":1}")]
    );
    assert_eq!(
        json("{\"a\":\n{\"b\":1}\n{\"c\":1}\n"),
        [bad(1, "{\"a\":", "invalid_json"), good(2, "{\"b\":1}"), good(3, "{\"c\":1}")]
    );
}

#[test]
fn a_large_body_that_is_not_told_becomes_lines() {
    let body = format!("{{\"a\":\n{}", "{\"b\":1}\n".repeat(500));
    let seen = json(&body);
    assert_eq!(seen.len(), 501);
    assert_eq!(seen[0], bad(1, "{\"a\":", "invalid_json"));
    assert_eq!(seen[500], good(501, "{\"b\":1}"));

    let blanks = format!("{}{{\"a\":1}}", "\n".repeat(5_000));
    assert_eq!(json(&blanks), [good(5_001, "{\"a\":1}")]);
    let endless = json(&"x".repeat(5_000));
    assert_eq!(endless[0].2.as_deref(), Some("too_large"));
}

#[test]
fn arrays_come_apart_and_their_elements_are_judged() {
    assert_eq!(
        json(" \n[{\"a\":1},2,\n{\"b\":}]"),
        [good(1, "{\"a\":1}"), bad(2, "2", "not_an_object"), bad(3, "{\"b\":}", "invalid_json")]
    );
    assert_eq!(json("[]"), []);
    assert_eq!(json("\u{feff}[{}]"), [good(1, "{}")]);
}

#[test]
fn what_follows_an_array_is_lines_and_none_is_lost() {
    assert_eq!(
        json("[{\"a\":1}]\n{\"b\":1}\n[2]\n{\"c\":1}"),
        [
            good(1, "{\"a\":1}"),
            good(3, "{\"b\":1}"),
            bad(4, "[2]", "not_an_object"),
            good(5, "{\"c\":1}"),
        ]
    );
    assert_eq!(json("[{}] x\n"), [good(1, "{}"), bad(2, " x", "not_an_object")]);
    assert_eq!(json("[{}]\n \n"), [good(1, "{}")]);
}

#[test]
fn who_says_lines_may_begin_with_a_bracket() {
    let lines = |body: &str| split(Splitter::json(limits(1_000), true), &[body.as_bytes()]);
    assert_eq!(
        lines("[2026-01-31] GET /\n{\"a\":1}\n"),
        [bad(1, "[2026-01-31] GET /", "not_an_object"), good(2, "{\"a\":1}")]
    );
    assert_eq!(lines(" [\n{\"a\":1}]"), [good(1, "{\"a\":1}")]);
    assert_eq!(lines("[]"), []);
    assert_eq!(lines("["), [bad(1, "[", "not_an_object")]);
}

#[test]
fn text_is_never_judged() {
    let seen = split(Splitter::text(limits(1_000)), &[b"[1, 2\n \n{\"a\":1}\nlast"]);
    assert_eq!(seen, [good(1, "[1, 2"), good(2, " "), good(3, "{\"a\":1}"), good(4, "last")]);
}

#[test]
fn blanks_behind_a_bracket_are_looked_through_up_to_the_same_place_for_any_split() {
    for blanks in [0, 58, 59, 60, 61, 200] {
        let body = format!("[{}{{\"a\":1}}]\n", " ".repeat(blanks));
        let whole = split(Splitter::json(limits(60), true), &[body.as_bytes()]);
        for piece in [1, 7, 60, 61] {
            let pieces: Vec<&[u8]> = body.as_bytes().chunks(piece).collect();
            let kinds = |seen: &[Seen]| -> Vec<_> { seen.iter().map(|s| s.2.clone()).collect() };
            let seen = split(Splitter::json(limits(60), true), &pieces);
            assert_eq!(kinds(&seen), kinds(&whole), "{blanks} blanks in pieces of {piece}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_split_gives_the_same_lines(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{\"a\":1}", "\n", "\r\n", "{\n", "\"k\":\n", "\"v\"", "}", "[", "]", ",", " ", "x",
        ]), 0..24),
        said_lines in any::<bool>(),
        cuts in prop::collection::vec(0usize..120, 0..12),
    ) {
        let input = parts.concat().into_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
        let trailing = |seen: Vec<Seen>| -> Vec<(u64, Option<String>)> {
            seen.into_iter().map(|(number, _, kind)| (number, kind)).collect()
        };
        prop_assert_eq!(
            trailing(split(Splitter::json(limits(60), said_lines), &chunks)),
            trailing(split(Splitter::json(limits(60), said_lines), &[&input]))
        );
    }
}

#[test]
fn lines_may_hold_what_the_door_is_set_to() {
    let of =
        |limits: Limits| split(Splitter::json(limits, true), &[b"[[[[1]]]]\n{\"a\":{\"b\":1}}\n"]);
    let two = r#"{"a":{"b":1}}"#;
    assert_eq!(of(limits(100))[1], good(2, two));
    let shallow = Limits { depth_max: 1, ..limits(100) };
    assert_eq!(of(shallow)[1], bad(2, two, "too_deep"));
    let few = Limits { nodes_max: 2, ..limits(100) };
    assert_eq!(of(few)[1], bad(2, two, "too_many_fields"));
}
