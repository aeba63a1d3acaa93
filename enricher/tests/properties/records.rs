//! Records as anybody might send them: objects with the fields that pipelines name, lines of text, and bytes.

use bus::{Codec, Record};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::record;

/// Texts that some filter makes something of.
const TEXTS: &[&str] = &[
    "",
    " ",
    "text",
    "a b",
    "a=1 b=\"x y\" c=[d=2 e] a=3",
    "a: 1, b: <2>",
    "1,\"two, \"\"2\"\"\",,é",
    "{\"a\":[1,{\"b\":null}],\"n\":1e400}",
    "{\"a\":",
    "[1,2,[3]]",
    "<a b=\"1\"><c>x</c><c/></a>",
    "<a>&amp;",
    "2026-03-29T02:30:00.123Z",
    "Feb 29 23:59:59",
    "Dec  1 00:00:00",
    "29/Feb/2024:12:00:00 +0100",
    "1764422400.5",
    "@4000000050d506482dbdf024",
    "203.0.113.7",
    "2001:db8::1",
    "66.249.73.135",
    "<34>su",
    "191",
    "40.5 kB",
    "-12,5",
    "0x1A",
    "%41%zz%C3%28",
    "www.shop.co.uk",
    "4111111111111111",
    "a@b.example",
    "password=hunter2",
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0 Safari/537.36",
    "one\ntwo\r\n\nthree",
    "é\u{0}\"\\\u{1b}[31m\u{2028}",
    "%{a} ${HOME} %{+YYYY}",
    "true",
    "null",
    "9223372036854775808",
    "-0",
    "a.b.c",
    "word 12",
];

/// What stands for a number, as it is sent.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "3.50",
    "1e400",
    "1e-400",
    "9007199254740993",
    "99999999999999999999999",
    "0.1",
    "-1.5E3",
];

const KEYS: &[&str] = &[
    "message",
    "message",
    "a",
    "b",
    "c",
    "list",
    "n",
    "x.y",
    "tags",
    "type",
    "é",
    "@timestamp",
    "@metadata",
    "0",
    "event",
    "organization",
    "log_type",
    "user",
    "host",
    "a",
];

/// A record; its id is set by whoever puts records in order.
pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    let text = prop::sample::select(TEXTS).prop_map(|text| text.as_bytes().to_vec());
    prop_oneof![
        8 => object().prop_map(|object| record(object, Codec::Json)),
        4 => text.prop_map(|text| record(text, Codec::Plain)),
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(|bytes| record(bytes, Codec::Plain)),
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(|bytes| record(bytes, Codec::Json)),
        1 => broken().prop_map(|bytes| record(bytes, Codec::Json)),
        1 => deep().prop_map(|object| record(object, Codec::Json)),
    ]
}

/// An object as it is sent, keys that stand twice and all.
fn object() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        4 => prop::sample::select(TEXTS).prop_map(str::to_owned),
        1 => "[ -~é]{0,12}",
    ];
    let leaf = prop_oneof![
        6 => text.prop_map(|text| Value::from(text).to_string()),
        3 => prop::sample::select(NUMBERS).prop_map(str::to_owned),
        1 => prop::sample::select(["null", "true", "false", "\"\\ud800\"", "\"\\u0061\\/\""].as_slice()).prop_map(str::to_owned),
    ];
    let value = leaf.prop_recursive(4, 16, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![list.prop_map(|elements| format!("[{}]", elements.join(","))), members(inner)]
    });
    members(value)
}

fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (prop::sample::select(KEYS), value);
    prop::collection::vec(member, 0..7).prop_map(|members| {
        let members: Vec<_> =
            members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
        format!("{{{}}}", members.join(", "))
    })
}

/// Nearly as deep as an event may be; in `a` as it is, in `message` as text.
fn deep() -> impl Strategy<Value = String> {
    (1usize..63, 1usize..63).prop_map(|(lists, objects)| {
        let nested = |open: &str, close: &str, depth| {
            format!("{}1{}", open.repeat(depth), close.repeat(depth))
        };
        let text = Value::from(nested("{\"a\":", "}", objects));
        format!("{{\"message\":{text},\"a\":{}}}", nested("[", "]", lists))
    })
}

/// An object of which a byte is another one.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    (object(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(object, at, byte)| {
        let mut bytes = object.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    })
}
