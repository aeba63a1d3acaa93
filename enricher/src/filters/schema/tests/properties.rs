//! What holds for any event.

use proptest::prelude::*;
use schema::check_document;
use serde_json::{Map, Value};

use super::trial;

/// Any JSON value, with names that mean something more often than not.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        Just(Value::from(1.5e300)),
        prop_oneof![
            Just("129.90"),
            Just("-"),
            Just(""),
            Just("1e3"),
            Just("10.0.0.1, x"),
            Just("yes"),
            Just("49%"),
            Just("transaction"),
            Just("performance"),
            Just("2026-11-20T08:00:00Z"),
            Just("\u{0}\"\\é"),
        ]
        .prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    let schema = schema::Schema::embedded();
    let mut names: Vec<String> = Vec::new();
    for field in schema.fields() {
        names.push(field.name.clone());
        names.extend(field.name.split('.').map(str::to_owned));
    }
    for log_type in schema.log_types() {
        names.extend(
            log_type.table.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()),
        );
    }
    names.extend(
        ["sku", "quantity", "Quantity", "duration_ms", "method", "time", "lat", "lon"]
            .map(str::to_owned),
    );
    prop_oneof![9 => prop::sample::select(names), 1 => "[ -~é]{0,6}"]
}

fn event() -> impl Strategy<Value = Value> {
    let log_type = prop::sample::select(schema::LOG_TYPES);
    (log_type, prop::collection::vec((name(), json_value()), 0..30)).prop_map(
        |(log_type, members)| {
            let mut event: Map<String, Value> = members.into_iter().collect();
            event.insert("log_type".to_owned(), log_type.into());
            Value::Object(event)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn no_event_gives_a_field_of_a_wrong_type(event in event()) {
        let document = trial("schema { }").run(event);
        prop_assert_eq!(check_document(&document), Vec::<String>::new());
    }

    #[test]
    fn conversion_happens_once(event in event()) {
        let mut filter = trial("schema { }");
        let once = filter.run(event);
        let twice = filter.run(once.clone());
        prop_assert_eq!(once, twice);
    }
}
