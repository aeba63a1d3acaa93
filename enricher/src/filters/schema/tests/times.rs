//! What an event's time is.

use serde_json::{Value, json};

use super::document;

#[test]
fn hostile_25_every_form_of_time() {
    let time = |given: Value| document(json!({"timestamp": given}))["@timestamp"].clone();
    for given in [
        json!("2026-11-20T08:00:00.400Z"),
        json!("2026-11-20T11:30:00.400+03:30"),
        json!(1_795_161_600_400i64),
        json!("2026-11-20 08:00:00,400"),
        json!(1_795_161_600.4),
    ] {
        assert_eq!(time(given), "2026-11-20T08:00:00.400Z");
    }
    for given in [
        json!("2026-11-20T08:00:00Z"),
        json!("1795161600"),
        json!("20/Nov/2026:08:00:00 +0000"),
        json!("2026-11-20 08:00:00"),
    ] {
        assert_eq!(time(given), "2026-11-20T08:00:00.000Z");
    }
    assert_eq!(time(json!("2024-02-29T00:00:00Z")), "2024-02-29T00:00:00.000Z");
}

#[test]
fn hostile_25_no_usable_time_is_the_time_of_receipt() {
    for given in [
        json!("yesterday"),
        json!(""),
        json!("0000-00-00T00:00:00Z"),
        json!("9999-12-31T00:00:00Z"),
        json!(0),
        json!("1970-01-01T00:00:00Z"),
        json!("2026-02-29T00:00:00Z"),
        json!(["2026-11-20T08:00:00Z"]),
        json!({"seconds": 1}),
        json!(true),
        json!("2026-11-26T08:00:01Z"),
        json!("2006-11-20T00:00:00Z"),
    ] {
        let document = document(json!({"log_type": "error", "timestamp": given}));
        assert_eq!(document["@timestamp"], "2026-11-25T08:00:00.000Z", "{given}");
        assert_eq!(document["tags"], json!(["_timestampparsefailure"]));
        assert_eq!(document["shop"]["unparsed"], json!({"timestamp": given}));
    }
    for event in [json!({}), json!({"timestamp": null})] {
        let document = document(event);
        assert_eq!(document["@timestamp"], "2026-11-25T08:00:00.000Z");
        assert_eq!(document["tags"], json!(["_timestampparsefailure"]));
        assert_eq!(document.get("shop"), None);
    }
}

#[test]
fn the_events_own_time_counts_if_it_can_be_believed() {
    let good = document(
        json!({"@timestamp": "2026-11-20T08:00:00Z", "timestamp": "2026-11-21T08:00:00Z"}),
    );
    assert_eq!(good["@timestamp"], "2026-11-20T08:00:00.000Z");
    assert_eq!(good["shop"]["extra"], json!({"timestamp": "2026-11-21T08:00:00Z"}));
    let far = document(
        json!({"@timestamp": "1970-01-01T00:00:00Z", "timestamp": "2026-11-21T08:00:00Z"}),
    );
    assert_eq!(far["@timestamp"], "2026-11-21T08:00:00.000Z");
    assert_eq!(far["shop"]["unparsed"], json!({"timestamp": "1970-01-01T00:00:00.000Z"}));
    assert_eq!(far["tags"], json!(["_schemaparsefailure"]));
    let epoch = document(json!({"@timestamp": 1_795_161_600_000i64}));
    assert_eq!(epoch["@timestamp"], "2026-11-20T08:00:00.000Z");
    assert_eq!(epoch.get("tags"), None);
}
