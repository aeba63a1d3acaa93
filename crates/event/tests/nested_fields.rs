//! A field of an object within an event is found by its name exactly where it stands, whoever made the object and
//! whatever was done to it before.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

use bytes::Bytes;
use event::{Event, FieldPath, Kind, Limits, NodeId};
use proptest::prelude::*;

const NAMES: [&str; 8] =
    ["a", "b", "status", "say \"no\"", "é", "", "@metadata", "a name of more than sixteen bytes"];

/// A change; numbers are names, by their places.
#[derive(Clone, Debug)]
enum Change {
    Decode(Vec<usize>),
    Plain,
    Set(usize, usize, usize),
    /// An object that is made before it stands anywhere.
    Make(usize, Vec<usize>),
    Append(usize, usize),
    Remove(usize, usize),
    Rename([usize; 2], [usize; 2]),
    /// From the event into one of its objects, or out of one.
    MoveIn(usize, usize, usize),
    MoveOut(usize, usize, usize),
    RenameInPlace(usize, usize, usize),
    Copy([usize; 2], [usize; 2]),
    CopyWhole(usize, usize),
    /// Out of a duplicate, which is another event.
    CopyFromOther(usize, usize),
    Replace(usize, usize),
    Rewrite(usize),
    DetachAll(usize),
    DetachAllOfEvent,
    MergeMembers(usize, Vec<usize>),
    PutMembers(usize, Vec<usize>),
    TakeFields(usize),
    Duplicate,
    Clear,
}

fn change() -> impl Strategy<Value = Change> {
    let name = || 0..NAMES.len();
    let pair = || [name(), name()];
    let names = || proptest::collection::vec(name(), 0..6);
    prop_oneof![
        1 => names().prop_map(Change::Decode),
        1 => Just(Change::Plain),
        6 => (name(), name(), name()).prop_map(|(a, b, c)| Change::Set(a, b, c)),
        3 => (name(), names()).prop_map(|(at, names)| Change::Make(at, names)),
        2 => (name(), name()).prop_map(|(a, b)| Change::Append(a, b)),
        3 => (name(), name()).prop_map(|(a, b)| Change::Remove(a, b)),
        3 => (pair(), pair()).prop_map(|(from, to)| Change::Rename(from, to)),
        2 => (name(), name(), name()).prop_map(|(from, a, b)| Change::MoveIn(from, a, b)),
        2 => (name(), name(), name()).prop_map(|(a, b, to)| Change::MoveOut(a, b, to)),
        3 => (name(), name(), name()).prop_map(|(a, b, to)| Change::RenameInPlace(a, b, to)),
        2 => (pair(), pair()).prop_map(|(from, to)| Change::Copy(from, to)),
        2 => (name(), name()).prop_map(|(from, to)| Change::CopyWhole(from, to)),
        1 => (name(), name()).prop_map(|(from, to)| Change::CopyFromOther(from, to)),
        2 => (name(), name()).prop_map(|(a, b)| Change::Replace(a, b)),
        1 => name().prop_map(Change::Rewrite),
        2 => name().prop_map(Change::DetachAll),
        1 => Just(Change::DetachAllOfEvent),
        2 => (name(), names()).prop_map(|(into, names)| Change::MergeMembers(into, names)),
        2 => (name(), names()).prop_map(|(into, names)| Change::PutMembers(into, names)),
        1 => name().prop_map(Change::TakeFields),
        1 => Just(Change::Duplicate),
        1 => Just(Change::Clear),
    ]
}

fn key(name: usize) -> FieldPath {
    FieldPath::key(NAMES[name])
}

fn keys<const N: usize>(names: [usize; N]) -> FieldPath {
    FieldPath::keys(&names.map(|name| NAMES[name]))
}

fn json(names: &[usize]) -> String {
    let member = |name: &usize| {
        format!("{}:{{\"b\":1,\"status\":{{\"a\":2}}}}", serde_json::Value::from(NAMES[*name]))
    };
    format!("{{{}}}", names.iter().map(member).collect::<Vec<_>>().join(","))
}

/// An object with these names that stands nowhere.
fn made(event: &mut Event, names: &[usize]) -> NodeId {
    let object = event.new_object();
    for name in names {
        if event.child(object, NAMES[*name]).is_none() {
            let text = event.new_text("made");
            event.attach(object, NAMES[*name], text);
        }
    }
    object
}

/// The object under a name of the event's.
fn object_at(event: &Event, name: usize) -> Option<NodeId> {
    event.get(&key(name)).filter(|id| event.kind(*id) == Kind::Object)
}

/// Takes all out of an object; every second one comes back.
fn detach_all(event: &mut Event, object: NodeId) {
    let mut next = event.detach_all(object);
    let mut back = false;
    while let Some(field) = next {
        next = event.next_sibling(field);
        if back {
            event.attach_as_is(object, field);
        }
        back = !back;
    }
}

/// What changes a whole event, or an object as a whole.
fn run_whole(change: &Change, event: &mut Event) {
    let limits = Limits::default();
    match change {
        Change::Decode(names) => {
            event.decode_json(&Bytes::from(json(names)), 0, &limits).unwrap();
        }
        Change::Plain => event.start_plain(&Bytes::from_static(b"a line"), 0),
        Change::Make(at, names) => {
            let object = made(event, names);
            event.place(&key(*at), object);
        }
        Change::DetachAll(name) => {
            if let Some(object) = object_at(event, *name) {
                detach_all(event, object);
            }
        }
        Change::DetachAllOfEvent => {
            let root = event.root();
            detach_all(event, root);
        }
        Change::MergeMembers(into, names) => {
            if let Some(object) = object_at(event, *into) {
                let from = event.new_json_within(json(names).as_bytes(), &limits).unwrap();
                event.merge_members(object, from);
            }
        }
        Change::PutMembers(into, names) => {
            if let Some(object) = object_at(event, *into) {
                let from = made(event, names);
                let members: Vec<NodeId> = event.children(from).map(|(_, id)| id).collect();
                event.detach_all(from);
                event.put_members(object, &members);
            }
        }
        Change::TakeFields(name) => {
            if let Some(object) = object_at(event, *name) {
                event.detach(object);
                event.take_fields(object);
            }
        }
        Change::CopyFromOther(from, to) => {
            let other = event.duplicate();
            if let Some(of) = other.get(&key(*from)) {
                let copy = event.new_copy_from(&other, of);
                event.put_field(NAMES[*to], copy);
            }
        }
        Change::Duplicate => *event = event.duplicate(),
        Change::Clear => event.clear(),
        other => run_one(other, event),
    }
}

/// What changes one field.
fn run_one(change: &Change, event: &mut Event) {
    match change {
        Change::Set(a, b, c) => {
            event.set_text(&keys([*a, *b, *c]), "x");
        }
        Change::Append(a, b) => {
            event.append(&keys([*a, *b]), "y");
        }
        Change::Remove(a, b) => {
            event.remove(&keys([*a, *b]));
        }
        Change::Rename(from, to) => {
            event.rename(&keys(*from), &keys(*to));
        }
        Change::MoveIn(from, a, b) => {
            event.rename(&key(*from), &keys([*a, *b]));
        }
        Change::MoveOut(a, b, to) => {
            event.rename(&keys([*a, *b]), &key(*to));
        }
        Change::RenameInPlace(a, b, to) => {
            let there = (event.get(&keys([*a, *b])), event.get(&keys([*a, *to])));
            if let (Some(id), None) = there {
                event.rename_in_place(id, NAMES[*to]);
            }
        }
        Change::Copy(from, to) => {
            event.copy(&keys(*from), &keys(*to));
        }
        Change::CopyWhole(from, to) => {
            event.copy(&key(*from), &key(*to));
        }
        Change::Replace(a, b) => {
            if let Some(old) = event.get(&keys([*a, *b])) {
                let new = made(event, &[*b, *a]);
                event.replace(old, new);
            }
        }
        Change::Rewrite(name) => {
            if let Some(id) = event.get(&key(*name)) {
                event.rewrite_text(id, "z");
            }
        }
        _ => {}
    }
}

/// Every object that stands in the event, itself the first.
fn objects(event: &Event) -> Vec<NodeId> {
    let mut objects = vec![event.root()];
    let mut at = 0;
    while let Some(object) = objects.get(at).copied() {
        let inner = event.children(object).map(|(_, id)| id);
        objects.extend(inner.filter(|id| event.kind(*id) == Kind::Object));
        at += 1;
    }
    objects
}

/// By looking at every field.
fn found(event: &Event, object: NodeId, name: &str) -> Option<NodeId> {
    event.children(object).find(|(key, _)| key == name).map(|(_, id)| id)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_field_of_an_object_is_found_where_it_stands(
        changes in proptest::collection::vec(change(), 1..24),
    ) {
        let mut event = Event::new();
        for change in &changes {
            run_whole(change, &mut event);
            for object in objects(&event) {
                for name in NAMES {
                    let expected = found(&event, object, name);
                    prop_assert_eq!(event.child(object, name), expected, "{}", name);
                    let path = FieldPath::key(name);
                    prop_assert_eq!(event.get_within(object, &path), expected, "{}", name);
                }
                let mut names: Vec<_> = event.children(object).map(|(name, _)| name).collect();
                let count = names.len();
                names.sort_unstable();
                names.dedup();
                prop_assert_eq!(names.len(), count, "a name twice");
            }
        }
    }
}
