//! The reduced form holds what fits, and the original.

use event::Event;
use serde_json::{Value, json};

use super::write_document;
use crate::contract::{fields, operation};
use crate::elasticsearch::fields::Fields;
use crate::elasticsearch::form::decode;
use crate::elasticsearch::hidden;

fn reduced(document: &str) -> Value {
    let operation = operation(0, "a", document);
    let mut event = Event::new();
    decode(&operation, &mut event).expect("a document");
    let mut out = Vec::new();
    write_document(&operation, 5, &event, &Fields::new(&fields()), &mut out);
    let (hit, sent) = hidden::read("a", "i", &out).expect("its own");
    assert_eq!((hit.document, sent), (operation.document, 5), "the original comes back");
    assert!(!out.contains(&b'\n'), "one line");
    let mut value: Value =
        serde_json::from_slice(&out).unwrap_or_else(|e| panic!("{document}: {e}"));
    let object = value.as_object_mut().expect("an object");
    object.remove("millrace");
    value
}

#[test]
fn values_that_fit_stand_under_their_fields() {
    let document = "{ \"event.dataset\":\"error\",\n \"event\":{\"dataset\":[\"x\",null,7],
        \"duration\":\"1500.7\",\"created\":\"1970-01-01T00:00:01.5Z\"},
        \"client\":{\"ip\":\"::ffff:10.0.0.1\",\"geo\":{\"location\":{\"lat\":\"1\",\"lon\":2}}},
        \"shop\":{\"order\":{\"amount\":129.909,\"first_order\":\"true\"},\"rum\":{\"shift\":-0.0}}}";
    assert_eq!(
        reduced(document),
        json!({
            "client.geo.location": [{"lat": 1, "lon": 2}],
            "client.ip": ["10.0.0.1"],
            "event.created": [1_500],
            "event.dataset": ["error", "x", "7"],
            "event.duration": [1_500],
            "shop.order.amount": [129.90],
            "shop.order.first_order": [true],
            "shop.rum.shift": [-0.0],
        })
    );
}

#[test]
fn values_that_do_not_fit_are_left_out() {
    let document = r#"{"tags":{"a":1},"event":7,"message":["a",{"b":1}],"client":{"ip":"x",
        "geo":{"location":{"lat":91,"lon":0}}},"shop":{"order":{"amount":"a lot","first_order":1},
        "rum":{"shift":"1e999"},"extra":"text"},"unheard":{"of":1},"":2,"millrace.shop":"north"}"#;
    assert_eq!(reduced(document), json!({ "message": ["a"] }));
}

#[test]
fn objects_keep_their_paths() {
    let document = r#"{"shop":{"extra":{"a":{"b":["x",{"c":true}]},"a.b":7,"k\u0000y":"v\u0000","":"e",
        "none":null},"order":{"items":[{"sku":"S1","price":"10","unheard":1},{"sku":["S2","S3"]},3]}}}"#;
    assert_eq!(
        reduced(document),
        json!({
            "shop.extra": [{
                "a.b": ["x", "7"], "a.b.c": ["true"], "k\u{fffd}y": ["v\0"],
            }],
            "shop.order.items": [{"price": [10.0], "sku": ["S1"]}, {"sku": ["S2", "S3"]}],
        })
    );
}

#[test]
fn no_document_is_too_much() {
    let keys: Vec<String> =
        (0..2_000).map(|n| format!(r#""k{n}":"{}""#, "x".repeat(100))).collect();
    let deep = format!("{}1{}", r#"{"d":"#.repeat(100), "}".repeat(100));
    let long = "y".repeat(40_000);
    let document = format!(
        r#"{{"shop":{{"extra":{{{},"deep":{deep},"long":"{long}"}}}},"tags":"{long}"}}"#,
        keys.join(",")
    );
    let value = reduced(&document);
    let extra = value["shop.extra"][0].as_object().expect("an object");
    assert_eq!(extra.len(), 2_001, "all keys, and the one that is deep");
    assert!(value.get("tags").is_none());
}
