//! What holds for every document: JSON on one line, no key twice, whose it is, an id of the record's.

use std::collections::HashSet;
use std::fmt;

use bus::{Codec, Record};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of an object in their order, each as it is written: no key gets lost, and no number.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// What must hold for the documents that one record became.
pub(crate) fn assert_whole(record: &Record, made: &[Record]) {
    assert!(!made.is_empty(), "what goes on is something");
    let mut derived: HashSet<_> = (1..=made.len() * 4 + 64)
        .map(|number| record.id.derive(&format!("enricher/{number}")))
        .collect();
    derived.insert(record.id);
    for document in made {
        assert!(made.len() > 1_000 || derived.contains(&document.id), "an id of another record");
        assert_eq!(document.shop, record.shop);
        assert_eq!(document.received_at_ns, record.received_at_ns);
        assert_document(document);
    }
}

/// What must hold for every document, also for one that time made.
pub(crate) fn assert_document(document: &Record) {
    let text = std::str::from_utf8(&document.payload).expect("documents are UTF-8");
    assert!(!text.contains(['\n', '\r']), "one line: {text}");
    assert_eq!((document.codec, &*document.shop), (Codec::Json, "default"));
    let Members(members) =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let named = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, raw)| raw.get());
    assert!(named("@metadata").is_none() && named("organization.id").is_none(), "{text}");
    let time: String = serde_json::from_str(named("@timestamp").unwrap_or_default())
        .unwrap_or_else(|error| panic!("@timestamp: {error}: {text}"));
    assert!(event::parse_iso8601(&time).is_some(), "{text}");
    let Members(organization) = serde_json::from_str(named("organization").unwrap_or_default())
        .unwrap_or_else(|error| panic!("organization: {error}: {text}"));
    let ids: Vec<_> = organization.iter().filter(|(key, _)| key == "id").collect();
    assert!(matches!(ids.as_slice(), [(_, id)] if id.get() == "\"default\""), "{text}");
    assert_no_key_twice(text, text);
    // The next stage can read it.
    let mut next = event::Event::new();
    next.decode_json(&document.payload, document.received_at_ns, &event::Limits::documents())
        .unwrap_or_else(|refusal| panic!("{refusal}: {text}"));
}

fn assert_no_key_twice(json: &str, whole: &str) {
    match json.trim_start().as_bytes().first() {
        Some(b'{') => {
            let Members(members) =
                serde_json::from_str(json).expect("a part of a document is JSON");
            let mut keys = HashSet::new();
            for (key, raw) in &members {
                assert!(keys.insert(key), "`{key}` stands twice: {whole}");
                assert_no_key_twice(raw.get(), whole);
            }
        }
        Some(b'[') => {
            let elements: Vec<Box<RawValue>> =
                serde_json::from_str(json).expect("a part of a document is JSON");
            elements.iter().for_each(|raw| assert_no_key_twice(raw.get(), whole));
        }
        _ => {}
    }
}

/// A document's top as values; numbers that no float holds are left out.
pub(crate) fn value(document: &Record) -> Value {
    let Members(members) = serde_json::from_slice(&document.payload).expect("documents are JSON");
    let members = members.into_iter();
    members
        .filter_map(|(key, raw)| Some((key, serde_json::from_str::<Value>(raw.get()).ok()?)))
        .collect()
}
