//! Operations that move values or take them apart: rename, split, join, merge, copy.

use event::{Event, FieldPath, Kind, NodeId};

use super::{Failed, done};
use crate::template::FieldTemplate;

pub(super) fn rename(
    event: &mut Event,
    from: &FieldTemplate,
    to: &FieldTemplate,
    now_ns: i64,
) -> Result<(), Failed> {
    let from = from.resolve(event, now_ns).ok_or(Failed)?;
    let to = to.resolve(event, now_ns).ok_or(Failed)?;
    if event.get(&from).is_none() && !from.is_timestamp() {
        return Ok(());
    }
    done(event.rename(&from, &to))
}

pub(super) fn copy(event: &mut Event, from: &FieldPath, to: &FieldPath) -> Result<(), Failed> {
    let is_there = |id: NodeId| event.kind(id) != Kind::Null;
    // The event's time is not among its fields.
    if from.is_timestamp() || event.get(from).is_some_and(is_there) {
        return done(event.copy(from, to));
    }
    Ok(())
}

/// A text becomes an array, without empty texts at its end. A separator of one blank stands for any
/// blanks; an empty one for the place between any two characters.
pub(super) fn split(event: &mut Event, field: &FieldPath, separator: &str) {
    let Some(id) = event.get(field) else {
        return;
    };
    let Some(text) = event.text(id) else {
        return;
    };
    let mut parts: Vec<String> = match separator {
        " " => text.split_ascii_whitespace().map(str::to_owned).collect(),
        "" => text.chars().map(String::from).collect(),
        _ => text.split(separator).map(str::to_owned).collect(),
    };
    while parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    let array = event.new_array();
    for part in parts {
        let part = event.new_text(&part);
        event.push(array, part);
    }
    event.replace(id, array);
}

/// An array becomes a text; arrays within are joined too.
pub(super) fn join(event: &mut Event, field: &FieldPath, separator: &str) {
    let Some(id) = event.get(field).filter(|id| event.kind(*id) == Kind::Array) else {
        return;
    };
    let mut text = String::new();
    let mut first = true;
    write_joined(event, id, separator, &mut first, &mut text);
    event.rewrite_text(id, &text);
}

fn write_joined(event: &Event, array: NodeId, separator: &str, first: &mut bool, out: &mut String) {
    for element in event.elements(array) {
        if event.kind(element) == Kind::Array {
            write_joined(event, element, separator, first, out);
            continue;
        }
        if !std::mem::replace(first, false) {
            out.push_str(separator);
        }
        match event.kind(element) {
            Kind::Object => {
                let mut json = Vec::new();
                event.raw(element, &mut json);
                out.push_str(&String::from_utf8_lossy(&json));
            }
            _ => out.push_str(&event.scalar_text(element).unwrap_or_default()),
        }
    }
}

/// Adds elements to an array, or pairs to an object; single values count as arrays of one, missing
/// ones as empty arrays. An object and anything else cannot be merged: nothing happens.
pub(super) fn merge(event: &mut Event, into: &FieldPath, added: &FieldPath) -> Result<(), Failed> {
    let added = event.get(added);
    let target = event.get(into);
    let is_object = |id: Option<NodeId>| id.is_some_and(|id| event.kind(id) == Kind::Object);
    match (is_object(target), is_object(added)) {
        (true, true) => {
            let (Some(target), Some(added)) = (target, added) else {
                return Ok(());
            };
            merge_objects(event, target, added);
            Ok(())
        }
        (false, false) => {
            let target = target_array(event, into, target)?;
            if let Some(added) = added {
                push_all(event, target, added);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn merge_objects(event: &mut Event, target: NodeId, added: NodeId) {
    if target == added {
        return;
    }
    let mut pairs: Vec<_> = event.children(added).map(|(_, id)| id).collect();
    for pair in &mut pairs {
        *pair = event.new_copy(*pair);
    }
    event.put_members(target, &pairs);
}

fn target_array(
    event: &mut Event,
    into: &FieldPath,
    target: Option<NodeId>,
) -> Result<NodeId, Failed> {
    match target {
        Some(id) if event.kind(id) == Kind::Array => Ok(id),
        Some(id) => {
            let array = event.new_array();
            event.replace(id, array);
            if event.kind(id) != Kind::Null {
                event.push(array, id);
            }
            Ok(array)
        }
        None => {
            let array = event.new_array();
            done(event.place(into, array))?;
            Ok(array)
        }
    }
}

fn push_all(event: &mut Event, target: NodeId, added: NodeId) {
    let elements: Vec<_> = match event.kind(added) {
        Kind::Null => Vec::new(),
        Kind::Array => event.elements(added).collect(),
        _ => vec![added],
    };
    for element in elements {
        let copy = event.new_copy(element);
        event.push(target, copy);
    }
}
