//! A field is found by its name exactly where it stands, whatever was done to the event before.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use bytes::Bytes;
use event::{Event, FieldPath, Limits, NodeId};
use proptest::prelude::*;

/// Names that end alike, that begin alike, with escapes, and of an object within.
const NAMES: [&str; 12] = [
    "a",
    "b",
    "status",
    "response_time",
    "response_size",
    "say \"no\"",
    "é",
    "",
    "@metadata",
    "tags",
    "a name of more than sixteen bytes",
    "a name of more than sixteen bytez",
];

#[derive(Clone, Debug)]
enum Change {
    Decode(Vec<usize>),
    Set(usize),
    SetWithin(usize, usize),
    Append(usize),
    Remove(usize),
    Rename(usize, usize),
    RenameInPlace(usize, usize),
    Copy(usize, usize),
    Replace(usize),
    Rewrite(usize),
    TakeFields(Vec<usize>),
    DetachAll,
    MergeMembers(usize, Vec<usize>),
    Duplicate,
    Clear,
}

fn change() -> impl Strategy<Value = Change> {
    let name = || 0..NAMES.len();
    let names = || proptest::collection::vec(name(), 0..8);
    prop_oneof![
        1 => names().prop_map(Change::Decode),
        4 => name().prop_map(Change::Set),
        2 => (name(), name()).prop_map(|(outer, inner)| Change::SetWithin(outer, inner)),
        2 => name().prop_map(Change::Append),
        3 => name().prop_map(Change::Remove),
        4 => (name(), name()).prop_map(|(from, to)| Change::Rename(from, to)),
        2 => (name(), name()).prop_map(|(from, to)| Change::RenameInPlace(from, to)),
        2 => (name(), name()).prop_map(|(from, to)| Change::Copy(from, to)),
        2 => name().prop_map(Change::Replace),
        1 => name().prop_map(Change::Rewrite),
        1 => names().prop_map(Change::TakeFields),
        1 => Just(Change::DetachAll),
        1 => (name(), names()).prop_map(|(into, names)| Change::MergeMembers(into, names)),
        1 => Just(Change::Duplicate),
        1 => Just(Change::Clear),
    ]
}

fn key(name: usize) -> FieldPath {
    FieldPath::key(NAMES[name])
}

fn object(names: &[usize]) -> String {
    let member = |name: &usize| format!("{}:{{\"b\":1}}", serde_json::Value::from(NAMES[*name]));
    format!("{{{}}}", names.iter().map(member).collect::<Vec<_>>().join(","))
}

fn run(change: &Change, event: &mut Event) {
    match change {
        Change::Decode(names) => {
            let payload = Bytes::from(object(names));
            event.decode_json(&payload, 0, &Limits::default()).unwrap();
        }
        Change::Set(name) => {
            event.set_text(&key(*name), "x");
        }
        Change::SetWithin(outer, inner) => {
            event.set_text(&FieldPath::keys(&[NAMES[*outer], NAMES[*inner]]), "x");
        }
        Change::Append(name) => {
            event.append(&key(*name), "y");
        }
        Change::Remove(name) => {
            event.remove(&key(*name));
        }
        Change::Rename(from, to) => {
            event.rename(&key(*from), &key(*to));
        }
        Change::RenameInPlace(from, to) => {
            if let (Some(id), None) = (event.get(&key(*from)), event.get(&key(*to))) {
                event.rename_in_place(id, NAMES[*to]);
            }
        }
        Change::Copy(from, to) => {
            event.copy(&key(*from), &key(*to));
        }
        Change::Replace(name) => {
            if let Some(old) = event.get(&key(*name)) {
                let new = event.new_object();
                event.replace(old, new);
            }
        }
        Change::Rewrite(name) => {
            if let Some(id) = event.get(&key(*name)) {
                event.rewrite_text(id, "z");
            }
        }
        Change::TakeFields(names) => {
            let limits = Limits::default();
            let fields = event.new_json_within(object(names).as_bytes(), &limits).unwrap();
            event.take_fields(fields);
        }
        Change::DetachAll => {
            // Every second one comes back.
            let mut next = event.detach_all(event.root());
            let mut back = false;
            while let Some(field) = next {
                next = event.next_sibling(field);
                if back {
                    event.attach_as_is(event.root(), field);
                }
                back = !back;
            }
        }
        Change::MergeMembers(into, names) => {
            let limits = Limits::default();
            let from = event.new_json_within(object(names).as_bytes(), &limits).unwrap();
            event.merge_members(event.root(), from);
            event.set_text(&key(*into), "w");
        }
        Change::Duplicate => *event = event.duplicate(),
        Change::Clear => event.clear(),
    }
}

/// By looking at every field.
fn found(event: &Event, name: &str) -> Option<NodeId> {
    event.children(event.root()).find(|(key, _)| key == name).map(|(_, id)| id)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_field_is_found_where_it_stands(changes in proptest::collection::vec(change(), 1..24)) {
        let mut event = Event::new();
        for change in &changes {
            run(change, &mut event);
            let names: Vec<_> =
                event.children(event.root()).map(|(name, _)| name.into_owned()).collect();
            for name in NAMES.iter().copied().chain(names.iter().map(String::as_str)) {
                prop_assert_eq!(event.get(&FieldPath::key(name)), found(&event, name), "{}", name);
                prop_assert_eq!(event.child(event.root(), name), found(&event, name), "{}", name);
            }
            let mut unique = names.clone();
            unique.sort_unstable();
            unique.dedup();
            prop_assert_eq!(unique.len(), names.len(), "a name twice");
        }
    }
}

#[test]
fn a_plain_line_is_itself_until_it_is_changed() {
    let line = Bytes::from_static(b"say \"no\" and \\ \xc3\xa9");
    let text = std::str::from_utf8(&line).unwrap();
    let start = || {
        let mut event = Event::new();
        event.start_plain(&line, 0);
        let message = event.child(event.root(), "message").unwrap();
        (event, message)
    };
    let (mut event, message) = start();
    assert_eq!(event.text(message).as_deref(), Some(text));
    let copy = event.new_copy(message);
    assert_eq!(event.text(copy).as_deref(), Some(text));
    let mut other = Event::new();
    other.start_plain(&Bytes::from_static(b"another"), 0);
    let copy = other.new_copy_from(&event, message);
    assert_eq!(other.text(copy).as_deref(), Some(text));
    let duplicate = event.duplicate();
    let same = duplicate.child(duplicate.root(), "message").unwrap();
    assert_eq!(duplicate.text(same).as_deref(), Some(text));
    event.narrow(message, 0..3);
    assert_eq!(event.text(message).as_deref(), Some("say"));
    let (mut event, message) = start();
    event.rewrite_text(message, "other");
    assert_eq!(event.text(message).as_deref(), Some("other"));
    let (mut event, _) = start();
    event.set_text(&FieldPath::key("message"), "set");
    let message = event.child(event.root(), "message").unwrap();
    assert_eq!(event.text(message).as_deref(), Some("set"));
    let mut subject = String::new();
    let (event, message) = start();
    assert!(event.push_scalar_text(message, &mut subject));
    assert_eq!(subject, text);
}
