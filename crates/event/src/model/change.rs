//! Changes, each of which is made to an event and to a plain value.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::plain::{self, Way, Ways};
use super::tree::{self, Members, NAMES, Tree, any_layout, any_members, any_name, any_tree};
use crate::{Event, FieldPath, Fragment, Kind, Limits, NodeId};

/// More members than are looked up one by one.
const MANY: usize = 70;

/// A place that may be new: below a container, by the places of names.
#[derive(Clone, Debug)]
pub(super) struct Target(usize, Vec<usize>);

/// Values, containers and objects are meant by their numbers among those that there are.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Decode(Members, usize),
    /// What was written before.
    DecodeAgain(bool),
    Duplicate,
    TakeFields(Members),
    Put(Target, Tree, usize),
    /// A fragment.
    Merge(Target, Tree, usize),
    /// An object that is made before it stands anywhere.
    Make(Target, Vec<usize>),
    Append(Target),
    Remove(usize),
    Rename(usize, Target),
    CopyTo(usize, Target),
    /// Out of another event: one of the same payload, or not.
    CopyFromOther(usize, Target, bool),
    MoveAsIs(usize, usize),
    CopyAsIs(usize, usize),
    RenameInPlace(usize, usize),
    Replace(usize, Tree),
    Rewrite(usize),
    Retype(usize),
    Narrow(usize, usize, usize),
    PutMembers(usize, Members, bool),
    PutCopies(usize, usize),
    MergeMembers(usize, Members),
    /// Some come back; others get a name while they stand nowhere.
    DetachAll(usize, usize),
}

pub(super) fn any_change() -> impl Strategy<Value = Change> {
    use Change::*;
    let number = || 0..1_000_usize;
    let target = || (number(), vec(any_name(), 1..3)).prop_map(|(at, names)| Target(at, names));
    let to = || (number(), target());
    let two = || (number(), number());
    prop_oneof![
        1 => (any_members(), any_layout()).prop_map(|(members, layout)| Decode(members, layout)),
        2 => any::<bool>().prop_map(DecodeAgain),
        1 => Just(Duplicate),
        2 => any_members().prop_map(TakeFields),
        6 => (target(), any_tree(), any_layout()).prop_map(|(to, tree, layout)| Put(to, tree, layout)),
        3 => (target(), any_tree(), any_layout()).prop_map(|(to, tree, layout)| Merge(to, tree, layout)),
        4 => (target(), vec(any_name(), 0..6)).prop_map(|(to, names)| Make(to, names)),
        2 => target().prop_map(Append),
        5 => number().prop_map(Remove),
        6 => to().prop_map(|(from, to)| Rename(from, to)),
        4 => to().prop_map(|(from, to)| CopyTo(from, to)),
        2 => (to(), any::<bool>()).prop_map(|((from, to), same)| CopyFromOther(from, to, same)),
        4 => two().prop_map(|(from, into)| MoveAsIs(from, into)),
        4 => two().prop_map(|(from, into)| CopyAsIs(from, into)),
        5 => (number(), any_name()).prop_map(|(of, name)| RenameInPlace(of, name)),
        3 => (number(), any_tree()).prop_map(|(old, new)| Replace(old, new)),
        1 => number().prop_map(Rewrite),
        2 => number().prop_map(Retype),
        2 => (number(), 0..9_usize, 0..9_usize).prop_map(|(of, at, size)| Narrow(of, at, size)),
        3 => (number(), any_members(), prop::bool::weighted(0.1))
            .prop_map(|(into, members, many)| PutMembers(into, members, many)),
        3 => two().prop_map(|(into, from)| PutCopies(into, from)),
        3 => (number(), any_members()).prop_map(|(into, members)| MergeMembers(into, members)),
        3 => (number(), any_name()).prop_map(|(of, name)| DetachAll(of, name)),
    ]
}

fn nth(ways: &[Way], number: usize) -> Option<&Way> {
    ways.get(number.checked_rem(ways.len())?)
}

impl Target {
    fn way(&self, ways: &Ways) -> Option<Way> {
        let names = self.1.iter().map(|name| NAMES[*name].clone());
        Some(nth(&ways.containers, self.0)?.iter().cloned().chain(names).collect())
    }
}

/// The members, over and over again if there shall be many.
fn repeated(members: &[(usize, Tree)], many: bool) -> impl Iterator<Item = &(usize, Tree)> {
    let count = if many && !members.is_empty() { MANY } else { members.len() };
    members.iter().cycle().take(count)
}

impl Change {
    /// Changes a value; says whether it could be done as the event must say it. `None` where the change is none
    /// that may be asked for.
    pub(super) fn of_value(&self, ways: &Ways, whole: &mut Value) -> Option<bool> {
        let value = |number: &usize| nth(&ways.values, *number);
        match self {
            Self::Put(to, tree, _) => Some(plain::place(whole, &to.way(ways)?, tree.value())),
            Self::Make(to, names) => {
                let made = names.iter().map(|name| (NAMES[*name].clone(), Value::from("made")));
                Some(plain::place(whole, &to.way(ways)?, Value::Object(made.collect())))
            }
            Self::Append(to) => {
                let to = to.way(ways)?;
                match plain::at(whole, &to) {
                    Some(Value::Array(elements)) => elements.push(Value::from("y")),
                    Some(single) => *single = Value::from(vec![single.take(), Value::from("y")]),
                    None => return Some(plain::place(whole, &to, Value::from("y"))),
                }
                Some(true)
            }
            Self::Remove(of) => plain::take(whole, value(of)?).map(|_| true),
            Self::Rename(from, to) => plain::rename(whole, value(from)?, &to.way(ways)?),
            Self::CopyTo(from, to) | Self::CopyFromOther(from, to, _) => {
                let copy = plain::at(whole, value(from)?)?.clone();
                Some(plain::place(whole, &to.way(ways)?, copy))
            }
            Self::MoveAsIs(from, into) => {
                plain::put_as_is(whole, value(from)?, nth(&ways.objects, *into)?, true)
            }
            Self::CopyAsIs(from, into) => {
                plain::put_as_is(whole, value(from)?, nth(&ways.objects, *into)?, false)
            }
            Self::RenameInPlace(of, name) => {
                plain::rename_in_place(whole, value(of)?, &NAMES[*name])
            }
            Self::Replace(old, new) => {
                *plain::at(whole, value(old)?)? = new.value();
                Some(true)
            }
            Self::Rewrite(of) => {
                *plain::at(whole, value(of)?)? = Value::from("z");
                Some(true)
            }
            Self::Retype(of) => plain::retype(plain::at(whole, value(of)?)?),
            Self::Narrow(of, at, size) => plain::narrow(plain::at(whole, value(of)?)?, *at, *size),
            _ => self.of_whole_value(ways, whole),
        }
    }

    fn of_whole_value(&self, ways: &Ways, whole: &mut Value) -> Option<bool> {
        let object = |number: &usize| nth(&ways.objects, *number);
        match self {
            Self::Decode(members, _) => *whole = Value::Object(tree::object_value(members)),
            Self::DecodeAgain(_) => *whole = written(whole),
            Self::TakeFields(members) => {
                let fields = tree::object_value(members).into_iter();
                let taken = fields.filter(|(name, _)| name != "@metadata");
                plain::merge(whole.as_object_mut()?, taken, false);
            }
            Self::Merge(to, tree, _) => {
                let (to, added) = (to.way(ways)?, tree.value());
                if let (Some(Value::Object(there)), Value::Object(members)) =
                    (plain::at(whole, &to), &added)
                {
                    plain::merge(there, members.clone(), true);
                } else {
                    return Some(plain::place(whole, &to, added));
                }
            }
            Self::PutMembers(into, members, many) => {
                let members = repeated(members, *many);
                let members = members.map(|(name, tree)| (NAMES[*name].clone(), tree.value()));
                plain::merge(plain::object(whole, object(into)?)?, members, false);
            }
            Self::PutCopies(into, from) => {
                let members = plain::object(whole, object(from)?)?.clone();
                plain::merge(plain::object(whole, object(into)?)?, members, false);
            }
            Self::MergeMembers(into, members) => {
                let members = tree::object_value(members);
                plain::merge(plain::object(whole, object(into)?)?, members, true);
            }
            Self::DetachAll(of, _) => {
                plain::keep_some(plain::at(whole, nth(&ways.containers, *of)?)?);
            }
            _ => {}
        }
        Some(true)
    }

    /// Changes an event in the same way; says whether it could be done.
    pub(super) fn of_event(&self, ways: &Ways, event: &mut Event) -> bool {
        match self {
            Self::Put(to, tree, layout) => {
                let id = json(event, &tree.text(*layout));
                event.place(&to.path(ways), id)
            }
            Self::Merge(to, tree, layout) => {
                let fragment = Fragment::new(tree.text(*layout).as_bytes()).unwrap();
                event.merge_fragment(&to.path(ways), &fragment)
            }
            Self::Make(to, names) => {
                let object = event.new_object();
                for name in names {
                    if event.child(object, &NAMES[*name]).is_none() {
                        let made = event.new_text("made");
                        event.attach(object, &NAMES[*name], made);
                    }
                }
                event.place(&to.path(ways), object)
            }
            Self::Append(to) => event.append(&to.path(ways), "y"),
            Self::Remove(of) => event.remove(&path_of(&ways.values, *of)),
            Self::Rename(from, to) => event.rename(&path_of(&ways.values, *from), &to.path(ways)),
            Self::CopyTo(from, to) => event.copy(&path_of(&ways.values, *from), &to.path(ways)),
            Self::CopyFromOther(from, to, is_same_payload) => {
                let other = if *is_same_payload { event.duplicate() } else { of_its_text(event) };
                let of = id_of(&other, &ways.values, *from);
                let copy = event.new_copy_from(&other, of);
                event.place(&to.path(ways), copy)
            }
            _ => {
                self.of_values(ways, event);
                true
            }
        }
    }

    fn of_values(&self, ways: &Ways, event: &mut Event) {
        let value = |event: &Event, number: &usize| id_of(event, &ways.values, *number);
        let object = |event: &Event, number: &usize| id_of(event, &ways.objects, *number);
        match self {
            Self::MoveAsIs(from, into) => {
                let (member, into) = (value(event, from), object(event, into));
                event.detach(member);
                event.attach_as_is(into, member);
            }
            Self::CopyAsIs(from, into) => {
                let (member, into) = (value(event, from), object(event, into));
                let copy = event.new_copy(member);
                event.attach_as_is(into, copy);
            }
            Self::RenameInPlace(of, name) => {
                event.rename_in_place(value(event, of), &NAMES[*name]);
            }
            Self::Replace(old, new) => {
                let old = value(event, old);
                let new = json(event, &new.text(0));
                event.replace(old, new);
            }
            Self::Rewrite(of) => event.rewrite_text(value(event, of), "z"),
            Self::Retype(of) => {
                let id = value(event, of);
                if event.kind(id) == Kind::String { event.unquote(id) } else { event.quote(id) }
            }
            Self::Narrow(of, at, size) => {
                let id = value(event, of);
                let length = event.content(id).unwrap().len();
                event.narrow(id, plain::part(length, *at, *size));
            }
            _ => self.of_whole_event(ways, event),
        }
    }

    fn of_whole_event(&self, ways: &Ways, event: &mut Event) {
        let object = |event: &Event, number: &usize| id_of(event, &ways.objects, *number);
        match self {
            Self::Decode(members, layout) => decode(event, &tree::object_text(members, *layout)),
            Self::DecodeAgain(has_line_ends) => {
                let mut text = Vec::new();
                event.write_json(&mut text);
                let value: Value = serde_json::from_slice(&text).unwrap();
                let text = if *has_line_ends { format!("{value:#}") } else { value.to_string() };
                decode(event, &text);
            }
            Self::Duplicate => *event = event.duplicate(),
            Self::TakeFields(members) => {
                let fields = json(event, &tree::object_text(members, 0));
                event.take_fields(fields);
            }
            Self::PutMembers(into, members, many) => {
                let mut made = Vec::new();
                for (name, tree) in repeated(members, *many) {
                    let member = json(event, &tree.text(0));
                    event.rename_in_place(member, &NAMES[*name]);
                    made.push(member);
                }
                event.put_members(object(event, into), &made);
            }
            Self::PutCopies(into, from) => {
                let from: Vec<_> =
                    event.children(object(event, from)).map(|(_, member)| member).collect();
                let copies: Vec<_> = from.into_iter().map(|of| event.new_copy(of)).collect();
                event.put_members(object(event, into), &copies);
            }
            Self::MergeMembers(into, members) => {
                let from = json(event, &tree::object_text(members, 0));
                event.merge_members(object(event, into), from);
            }
            Self::DetachAll(of, name) => {
                let container = id_of(event, &ways.containers, *of);
                keep_some(event, container, &NAMES[*name]);
            }
            _ => {}
        }
    }
}

impl Target {
    fn path(&self, ways: &Ways) -> FieldPath {
        path(&self.way(ways).unwrap())
    }
}

pub(super) fn path(way: &[String]) -> FieldPath {
    FieldPath::keys(&way.iter().map(String::as_str).collect::<Vec<_>>())
}

fn path_of(ways: &[Way], number: usize) -> FieldPath {
    path(nth(ways, number).unwrap())
}

fn id_of(event: &Event, ways: &[Way], number: usize) -> NodeId {
    event.get(&path_of(ways, number)).unwrap()
}

pub(super) fn decode(event: &mut Event, text: &str) {
    let payload = Bytes::copy_from_slice(text.as_bytes());
    event.decode_json(&payload, 0, &Limits::documents()).unwrap();
}

fn json(event: &mut Event, text: &str) -> NodeId {
    event.new_json_within(text.as_bytes(), &Limits::documents()).unwrap()
}

/// An event of another payload with the same values.
fn of_its_text(event: &Event) -> Event {
    let mut text = Vec::new();
    event.raw(event.root(), &mut text);
    let mut other = Event::new();
    decode(&mut other, std::str::from_utf8(&text).unwrap());
    other
}

/// See [`plain::keep_some`].
fn keep_some(event: &mut Event, container: NodeId, name: &str) {
    let is_object = event.kind(container) == Kind::Object;
    let mut next = event.detach_all(container);
    let mut numbers = 0..;
    while let (Some(inner), Some(number)) = (next, numbers.next()) {
        next = event.next_sibling(inner);
        match (number % 3, is_object) {
            (1, true) => event.attach_as_is(container, inner),
            (1, false) => event.push(container, inner),
            (2, true) => event.rename_in_place(inner, name),
            _ => {}
        }
    }
}

/// What of a value is written.
pub(super) fn written(whole: &Value) -> Value {
    let mut written = whole.clone();
    if let Some(fields) = written.as_object_mut() {
        fields.shift_remove("@metadata");
    }
    written
}
