//! The strict scan against another strict parser, and against hostile input.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{scan, validate};
use crate::growth::assert_linear;
use crate::{Event, Limits, Refusal, RefusalKind};

fn kind(payload: &[u8]) -> Option<(RefusalKind, usize)> {
    let refusal = refusal(payload, &Limits::default())?;
    Some((refusal.kind, refusal.position_bytes))
}

/// Why a payload is refused, by both who keep what they find and who only ask.
fn refusal(payload: &[u8], limits: &Limits) -> Option<Refusal> {
    let refusal = scan(payload, limits, &mut Vec::new()).err();
    assert_eq!(refusal, validate(payload, limits).err(), "{}", payload.escape_ascii());
    refusal
}

fn rewritten(payload: &[u8]) -> Value {
    let mut event = Event::new();
    event.decode_json(&payload.to_vec().into(), 0, &Limits::default()).unwrap();
    let mut out = Vec::new();
    event.write_json(&mut out);
    let mut value: Value = serde_json::from_slice(&out).unwrap();
    value.as_object_mut().unwrap().remove("@timestamp");
    value
}

#[test]
fn refusals_have_their_precedence_and_place() {
    use RefusalKind::{InvalidJson, InvalidUtf8, NotAnObject, TrailingData};
    assert_eq!(kind(b"{\"a\":1}"), None);
    assert_eq!(kind(b"[1, \xff"), Some((InvalidUtf8, 4)));
    assert_eq!(kind(b"  [1,2]"), Some((NotAnObject, 2)));
    assert_eq!(kind(b""), Some((NotAnObject, 0)));
    assert_eq!(kind(b"{} {}"), Some((TrailingData, 3)));
    assert_eq!(kind(b"{\"a\":1,}"), Some((InvalidJson, 7)));
    assert_eq!(kind(b"{,}"), Some((InvalidJson, 1)));
    assert_eq!(kind(b"{'a':1}"), Some((InvalidJson, 1)));
    assert_eq!(kind(b"{\"a\":NaN}"), Some((InvalidJson, 5)));
    assert_eq!(kind(b"{\"a\":01}"), Some((InvalidJson, 6)));
    assert_eq!(kind(b"{\"a\":\"x\x01\"}"), Some((InvalidJson, 7)));
    assert_eq!(kind(b"{\"a\":\"never closed}"), Some((InvalidJson, 19)));
}

#[test]
fn hostile_07_deep_nesting_is_refused_without_a_stack() {
    let depth = 100_000;
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(kind(deep.as_bytes()).unwrap().0, RefusalKind::TooDeep);
    let trailing = format!("{deep} x");
    assert_eq!(kind(trailing.as_bytes()).unwrap().0, RefusalKind::TrailingData);
    let allowed = format!("{{\"a\":{}1{}}}", "[".repeat(63), "]".repeat(63));
    assert_eq!(kind(allowed.as_bytes()), None);
}

#[test]
fn hostile_08_keys_are_bounded_and_the_last_wins() {
    let many = |count: usize, distinct: usize| {
        let members: Vec<_> = (0..count).map(|n| format!("\"k{}\":{n}", n % distinct)).collect();
        format!("{{{}}}", members.join(","))
    };
    assert_eq!(kind(many(60_000, 60_000).as_bytes()).unwrap().0, RefusalKind::TooManyFields);
    let twice = rewritten(many(10_000, 5_000).as_bytes());
    assert_eq!(twice.as_object().unwrap().len(), 5_000);
    assert_eq!(twice["k7"], 5_007);
    let back = rewritten(there_and_back(9_900).as_bytes());
    assert_eq!(back.as_object().unwrap().len(), 9_900);
    assert_eq!((&back["k7"], &back["k9899"]), (&"back".into(), &"back".into()));
    let nested = rewritten(br#"{"a":{"x":1,"\u0078":2},"a.b":1,"a":{"b":3,"c":[{"d":1,"d":2}]}}"#);
    assert_eq!(nested, serde_json::json!({"a":{"b":3,"c":[{"d":2}]},"a.b":1}));
    let long = format!("{{\"{}\":1}}", "k".repeat(1_000_000));
    assert_eq!(kind(long.as_bytes()), None);
}

/// An object of keys that all come again, the last first.
fn there_and_back(count: usize) -> String {
    let there = (0..count).map(|n| format!("\"k{n}\":0"));
    let back = (0..count).rev().map(|n| format!("\"k{n}\":\"back\""));
    format!("{{{}}}", there.chain(back).collect::<Vec<_>>().join(","))
}

#[test]
fn hostile_08_keys_in_any_order_cost_time_in_proportion() {
    let limits = Limits::documents();
    let mut nodes = Vec::new();
    assert_linear(|count| {
        scan(there_and_back(count).as_bytes(), &limits, &mut nodes).unwrap();
    });
}

#[test]
fn hostile_09_marks_surrogates_and_controls() {
    assert_eq!(kind(b"\xef\xbb\xbf{\"a\":1}"), None);
    let text = rewritten(br#"{"a":"\u0000\u001b"}"#);
    assert_eq!(text["a"], "\u{0}\u{1b}");
    let mut event = Event::new();
    event.decode_json(&br#"{"a":"x\ud800y"}"#.to_vec().into(), 0, &Limits::default()).unwrap();
    let found = event.child(event.root(), "a").unwrap();
    assert_eq!(event.text(found).unwrap(), "x\u{fffd}y");
    // Whoever reads the document can read all of it.
    let text = rewritten(br#"{"\udc00":["\ud83d\ude00\ud83d",{"a\ud83dz":"\ud83d\u0041\n"}]}"#);
    assert_eq!(
        text,
        serde_json::json!({
            "\u{fffd}": ["\u{1f600}\u{fffd}", {"a\u{fffd}z": "\u{fffd}A\n"}], "tags": ["_lone_surrogate"],
        })
    );
}

#[test]
fn hostile_10_numbers_keep_their_text() {
    let text = br#"{"a":1e400,"b":-0,"c":9007199254740993,"d":0.1000}"#;
    let mut event = Event::new();
    event.decode_json(&text.to_vec().into(), 0, &Limits::default()).unwrap();
    let mut out = Vec::new();
    event.write_json(&mut out);
    assert!(
        String::from_utf8(out)
            .unwrap()
            .ends_with(r#""a":1e400,"b":-0,"c":9007199254740993,"d":0.1000}"#)
    );
}

fn accepts(payload: &[u8]) -> bool {
    // The other parser refuses what a float cannot hold and lone surrogates; the grammar does not.
    match serde_json::from_slice::<Map<String, Value>>(payload) {
        Ok(_) => true,
        Err(error) => {
            let text = error.to_string();
            text.contains("out of range")
                || text.contains("surrogate")
                || text.contains("hex escape")
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_are_judged_like_elsewhere(tail in prop::collection::vec(any::<u8>(), 0..40)) {
        let payload = [b"{".as_slice(), &tail].concat();
        prop_assert_eq!(kind(&payload).is_none(), accepts(&payload));
    }

    #[test]
    fn who_only_asks_is_told_the_same(
        text in r#"([\[{]|"a":|"a"|[\]},: ]|1|true){0,30}"#, depth_max in 1u32..5, nodes_max in 0u32..8,
    ) {
        let limits = Limits { depth_max, nodes_max, payload_bytes_max: 60 };
        for payload in [text.clone(), format!("{{\"a\":{text}}}"), format!("{{\"a\":{text}")] {
            refusal(payload.as_bytes(), &limits);
        }
    }

    #[test]
    fn nearly_json_is_judged_like_elsewhere(text in r#"\{("[a-c]":([0-9]{1,2}|"[a-z\\"u0-9]{0,12}"|true|null|\[\]|\{\})[, ]?){0,4}\}"#) {
        prop_assert_eq!(kind(text.as_bytes()).is_none(), accepts(text.as_bytes()));
    }

    #[test]
    fn a_broken_document_is_judged_like_elsewhere(cut in 0usize..120, byte in any::<u8>()) {
        let mut payload = br#"{"event_id":"7-1","n":[1,-2.5e3,{"k":"v\n\u00e9"}],"t":true,"nul":null,"o":{}}"#.to_vec();
        let at = cut % payload.len();
        payload[at] = byte;
        prop_assert_eq!(kind(&payload).is_none(), accepts(&payload), "{}", String::from_utf8_lossy(&payload));
    }
}
