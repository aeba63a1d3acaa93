//! Any object can be indexed, within bounds.

use proptest::prelude::*;
use serde_json::Value;

use super::{Catalog, Preparer};
use crate::contract::{fields, operation};
use crate::embedded::record::read_record;

/// Any JSON; names of fields are frequent.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["10.0.0.1", "2026-11-24T08:00:00Z", "12.5", "true"])
            .prop_map(Value::from),
    ];
    let name = prop_oneof![
        prop::sample::select(vec![
            "shop",
            "order",
            "amount",
            "items",
            "sku",
            "extra",
            "event",
            "created",
            "client",
            "ip",
            "geo",
            "location",
            "message",
            "tags",
            "rum",
            "shift",
            "shop.order",
            "order.id",
            "@timestamp",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_object_can_be_indexed(members in prop::collection::vec(json(), 0..4)) {
        let names = ["shop", "event", "client", "x"];
        let object: serde_json::Map<String, Value> =
            names.iter().map(ToString::to_string).zip(members).collect();
        let catalog = Catalog::new(&fields());
        let text = Value::Object(object).to_string();
        let prepared = Preparer::new(&catalog).prepare(&operation(0, "a", &text));
        prop_assert!(prepared.is_ok(), "{text}");
    }
}

#[test]
fn a_record_holds_all_of_the_operation() {
    let catalog = Catalog::new(&fields());
    let given = operation(7, "an id", r#"{"tags":"x"}"#);
    let prepared = Preparer::new(&catalog).prepare(&given).expect("an object");
    let record = prepared.bytes(0, prepared.record_end).to_vec();
    for cut in [0, 7, 15, 21, 23] {
        assert!(read_record(record[..cut].to_vec()).is_none(), "cut after {cut} bytes");
    }
    let hit = read_record(record).expect("its own record");
    assert_eq!((&*hit.id, &*hit.index, &*hit.shop), (&*given.id, &*given.index, &*given.shop));
    assert_eq!(hit.document, given.document);
}

/// Hostile input 8: many keys below long ones cost no more than a few times the document.
#[test]
fn repeated_paths_are_bounded() {
    let catalog = Catalog::new(&fields());
    let mut preparer = Preparer::new(&catalog);
    for key_bytes in [1, 200, 256, 10_000] {
        let leaves = (0..20_000).map(|number| format!(r#""{number}":{number}"#));
        let leaves = leaves.collect::<Vec<_>>().join(",");
        let key = "k".repeat(key_bytes);
        let document = format!(r#"{{"shop":{{"extra":{{"{key}":{{{leaves}}}}}}}}}"#);
        let prepared = preparer.prepare(&operation(0, "a", &document)).expect("an object");
        let bytes = prepared.buffer.len();
        assert!(bytes < 6 * document.len() + 100_000, "{bytes} of {}", document.len());
    }
}

#[test]
fn documents_beyond_the_limits_are_refused() {
    let catalog = Catalog::new(&fields());
    let mut preparer = Preparer::new(&catalog);
    let mut refuse = |document: String, kind: &str| {
        let unfit = preparer.prepare(&operation(0, "a", &document)).expect_err(kind);
        assert_eq!(unfit.kind, kind, "{}", unfit.message);
    };
    refuse(format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)), "too_deep");
    refuse(format!(r#"{{"a":[{}0]}}"#, "0,".repeat(200_000)), "too_many_fields");
    refuse(format!(r#"{{"a":"{}"}}"#, "x".repeat(17 << 20)), "too_large");
    refuse(r#"{"a":1} {}"#.to_owned(), "trailing_data");
    let mut long = operation(0, &"x".repeat(600), "{}");
    assert_eq!(preparer.prepare(&long).expect_err("a long id").kind, "invalid_name");
    long.id = "a".to_owned();
    long.index = "x".repeat(600).into();
    assert_eq!(preparer.prepare(&long).expect_err("a long name").kind, "invalid_name");
}
