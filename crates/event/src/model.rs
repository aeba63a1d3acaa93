//! For tests: an event beside a plain value of JSON, to which the same is done.

mod change;
mod plain;
mod tree;

use proptest::prelude::*;
use serde_json::{Map, Value};

use self::change::{Change, any_change, decode, path, written};
use self::plain::{Way, Ways};
use self::tree::{NAMES, any_layout, any_members, object_text, object_value};
use crate::{Event, NodeId};

/// Makes a change to both, if it may be asked for.
fn run(change: &Change, event: &mut Event, whole: &mut Value) {
    let ways = Ways::of(whole);
    let mut changed = whole.clone();
    let Some(is_done) = change.of_value(&ways, &mut changed) else { return };
    if Ways::of(&changed).are_few() {
        assert_eq!(change.of_event(&ways, event), is_done, "{change:?} of {whole}");
        *whole = changed;
    }
}

fn text(event: &Event, id: NodeId) -> String {
    let mut raw = Vec::new();
    event.raw(id, &mut raw);
    serde_json::from_slice::<Value>(&raw).unwrap().to_string()
}

/// All that stands in the event is found by its way, and nothing else.
fn assert_found(event: &Event, way: &mut Way, value: &Value) {
    let id = event.get(&path(way)).unwrap_or_else(|| panic!("{way:?} is not found"));
    assert_eq!(text(event, id), value.to_string(), "{way:?}");
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => {
            members.iter().map(|(name, inner)| (name.clone(), inner)).collect()
        }
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(number, inner)| (number.to_string(), inner)).collect()
        }
        _ => Vec::new(),
    };
    assert_eq!(event.children(id).count(), inner.len(), "{way:?}");
    let names = if value.is_object() { NAMES.as_slice() } else { &[] };
    for name in names {
        let is_there = inner.iter().any(|(there, _)| there == name);
        let child = event.child(id, name);
        assert_eq!(child.is_some(), is_there, "{name} in {way:?}");
        way.push(name.clone());
        assert_eq!(event.get(&path(way)), child, "{way:?}");
        way.pop();
    }
    for (name, value) in inner {
        way.push(name);
        assert_found(event, way, value);
        way.pop();
    }
}

/// The document is what the value says, and the same again once it was decoded.
fn assert_written(event: &Event, whole: &Value) {
    let mut document = Vec::new();
    event.write_json(&mut document);
    assert!(!document.contains(&b'\n'));
    let mut fields: Map<String, Value> = serde_json::from_slice(&document).unwrap();
    assert_eq!(fields.keys().next().unwrap(), "@timestamp");
    fields.shift_remove("@timestamp");
    assert_eq!(Value::Object(fields).to_string(), written(whole).to_string());
    let mut again = Event::new();
    decode(&mut again, std::str::from_utf8(&document).unwrap());
    let mut second = Vec::new();
    again.write_json(&mut second);
    assert_eq!(String::from_utf8(second).unwrap(), String::from_utf8(document).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn an_event_holds_what_a_plain_value_does(
        first in any_members(),
        layout in any_layout(),
        changes in proptest::collection::vec(any_change(), 1..20),
    ) {
        let mut event = Event::new();
        decode(&mut event, &object_text(&first, layout));
        let mut whole = Value::Object(object_value(&first));
        assert_found(&event, &mut Vec::new(), &whole);
        for change in &changes {
            run(change, &mut event, &mut whole);
            assert_found(&event, &mut Vec::new(), &whole);
            assert_written(&event, &whole);
        }
    }
}

#[test]
fn the_first_names_meet_in_one_place() {
    let hashes: Vec<_> = NAMES.iter().map(|name| crate::names::hash(name.as_bytes())).collect();
    assert!(hashes[..5].iter().all(|hash| hash >> 6 == hashes[0] >> 6));
    assert_eq!(hashes[5], hashes[6]);
}
