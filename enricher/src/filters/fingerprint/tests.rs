//! Hashes against published values, and what is hashed.

use std::collections::BTreeSet;

use bus::{Record, RecordId};
use bytes::Bytes;
use event::{Event, Limits};
use serde_json::{Value, json};

use super::murmur3;
use crate::filter::Environment;
use crate::filters::trial::Trial;
use crate::language::{Source, Syntax};
use crate::plan::parse_and_compile;

fn fingerprint(options: &str, event: Value) -> Value {
    Trial::new(&format!("fingerprint {{ {options} }}")).run(event)["event"]["hash"].clone()
}

/// Published: FIPS 180 and RFC 1321 for `abc`; RFC 4231, case 2, for the HMAC.
#[test]
fn hashes_are_the_published_ones() {
    for (method, expected) in [
        ("SHA1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("SHA256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("MD5", "900150983cd24fb0d6963f7d28e17f72"),
    ] {
        let options = format!(r#"source => "m" method => "{method}""#);
        assert_eq!(fingerprint(&options, json!({"m": "abc"})), expected, "{method}");
    }
    let keyed = r#"source => "m" method => "SHA256" key => "Jefe""#;
    assert_eq!(
        fingerprint(keyed, json!({"m": "what do ya want for nothing?"})),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    let encoded = r#"source => "m" method => "MD5" base64encode => true"#;
    assert_eq!(fingerprint(encoded, json!({"m": "abc"})), "kAFQmDzST7DWlj99KOF/cg==");
}

#[test]
fn murmur_agrees_with_its_description() {
    assert_eq!(murmur3::hash_32(b""), 0);
    assert_eq!(murmur3::hash_32(b"hello"), 0x248b_fa47);
    assert_eq!(murmur3::hash_32(b"hello, world"), 0x149b_bb7f);
    let options = r#"source => "m" method => "MURMUR3_128""#;
    assert_eq!(
        fingerprint(options, json!({"m": "123.123.123.123"})),
        "41cbc4056eed401d091dfbeabf7ea9e0"
    );
    assert_eq!(fingerprint(options, json!({"m": 123})), "286816c693ac410ed63e1430dcd6f6fe");
    assert_eq!(
        fingerprint(options, json!({"m": 2_148_483_647_u32})),
        "fdc7699a82556c8c584131f0133ee989"
    );
}

#[test]
fn sources_are_joined_with_their_names() {
    let joined = r#"source => ["b", "a"] concatenate_sources => true"#;
    let of_text = |text: &str| fingerprint(r#"source => "m""#, json!({"m": text}));
    let event = json!({"a": "1", "b": {"y": [2, {"z": true}], "x": null}});
    assert_eq!(fingerprint(joined, event), of_text("|a|1|b|x||y|2|z|true|"));
    let all = r#"concatenate_all_fields => true"#;
    assert_eq!(
        fingerprint(all, json!({"b": "1", "@metadata": {"x": 1}})),
        of_text("|@timestamp|2024-06-15T12:00:00.000Z|b|1|")
    );
}

#[test]
fn arrays_have_a_fingerprint_for_each_element() {
    let hashes = fingerprint(r#"source => "m" method => "MD5""#, json!({"m": ["abc", "abc"]}));
    assert_eq!(
        hashes,
        json!(["900150983cd24fb0d6963f7d28e17f72", "900150983cd24fb0d6963f7d28e17f72"])
    );
}

#[test]
fn other_methods() {
    let network = r#"source => "m" method => "IPV4_NETWORK" key => 20"#;
    assert_eq!(fingerprint(network, json!({"m": "203.0.113.77"})), "203.0.112.0");
    assert_eq!(fingerprint(network, json!({"m": "no address"})), Value::Null);
    let marks = r#"source => "m" method => "PUNCTUATION""#;
    assert_eq!(fingerprint(marks, json!({"m": "PHP Warning: «json» a-b!"})), ":«»-!");
    let id = fingerprint(r#"method => "UUID""#, json!({}));
    assert_eq!(id, fingerprint(r#"method => "UUID""#, json!({"other": 1})), "from the record's id");
    assert_eq!(id.as_str().map(str::len), Some(36));
    let parsed = uuid::Uuid::parse_str(id.as_str().unwrap()).unwrap();
    assert_eq!(parsed.get_version_num(), 4, "as Logstash's `SecureRandom.uuid`: {id}");
    assert_eq!(parsed.get_variant(), uuid::Variant::RFC4122);
}

/// As ids of documents they would be one, and of the events of a record one would be left.
#[test]
fn every_event_of_a_record_has_a_uuid_of_its_own_from_each_filter() {
    let filters = r#"filter {
        split { field => "parts" }
        fingerprint { method => "UUID" target => "x" }
        fingerprint { method => "UUID" target => "y" }
    }"#;
    let source = Source::new("test.conf", filters);
    let plan = parse_and_compile(&source, Syntax::default(), &Environment::default()).unwrap();
    let payload = Bytes::from_static(br#"{"parts":["a","b","c"]}"#);
    let record = Record { id: RecordId([7; 16]), payload, ..Record::default() };
    let ids = || {
        let mut ids = Vec::new();
        let mut event = Event::new();
        event.decode_json(&record.payload, 0, &Limits::default()).unwrap();
        plan.instance().run(&mut event, &record, |event, _| {
            let mut text = Vec::new();
            event.write_json(&mut text);
            let event: Value = serde_json::from_slice(&text).unwrap();
            ids.extend([&event["x"], &event["y"]].map(|id| id.as_str().unwrap().to_owned()));
        });
        ids
    };
    let first = ids();
    assert_eq!((first.len(), first.iter().collect::<BTreeSet<_>>().len()), (6, 6), "{first:?}");
    assert_eq!(first, ids(), "a replay makes the same");
}

#[test]
fn a_missing_source_leaves_no_hash() {
    assert_eq!(fingerprint(r#"source => "m""#, json!({})), Value::Null);
    let legacy = Trial::new(r#"fingerprint { source => "m" ecs_compatibility => "disabled" }"#)
        .run(json!({"m": "abc"}));
    assert_eq!(legacy["fingerprint"], "a9993e364706816aba3e25717850c26c9cd0d89d");
}

#[test]
fn refuses_what_it_cannot_do() {
    for (options, said) in [
        (r#"method => "SHA3""#, "`method` cannot be `SHA3`"),
        (r#"method => "IPV4_NETWORK""#, "key => 24"),
        (r#"method => "SHA256" key => """#, "the key is empty"),
    ] {
        let refusal = Trial::refusal(&format!("fingerprint {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}
