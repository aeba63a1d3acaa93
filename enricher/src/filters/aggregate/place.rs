//! Values within lists and hashes: where a key leads, read and changed.

use std::borrow::Cow;

use super::run::Failed;
use super::value::{Value, key_size_bytes};

/// A value that may lie in the map.
pub(super) type Found<'v> = Result<Cow<'v, Value>, Failed>;

/// `of[key]`.
pub(super) fn element<'v>(of: &'v Value, key: &Value) -> Found<'v> {
    let found = match of {
        Value::Hash(members) => key.key().and_then(|key| members.get(&key)),
        Value::List(elements) => {
            let index = index(elements.len(), key).ok_or(Failed::Exception)?;
            index.and_then(|index| elements.get(index))
        }
        _ => return Err(Failed::Exception),
    };
    Ok(found.map_or(Cow::Owned(Value::Nil), Cow::Borrowed))
}

/// The place of an element, counted from the end below zero; inner `None` where there is none.
fn index(length: usize, key: &Value) -> Option<Option<usize>> {
    let Value::Number(text) = key else { return None };
    let index: i64 = text.parse().ok()?;
    let length = i64::try_from(length).ok()?;
    Some(usize::try_from(if index < 0 { index + length } else { index }).ok())
}

pub(super) fn slot_within<'v>(of: &'v mut Value, key: &Value) -> Option<&'v mut Value> {
    match of {
        Value::Hash(members) => members.get_mut(&key.key()?),
        Value::List(elements) => {
            let index = index(elements.len(), key)??;
            elements.get_mut(index)
        }
        _ => None,
    }
}

/// Sets a value below a hash or list; gives by how many bytes that grows.
pub(super) fn set_within(
    slot: &mut Value,
    keys: &[Value],
    value: Value,
    room: isize,
) -> Result<isize, Failed> {
    let Some((last, way)) = keys.split_last() else { return Err(Failed::Exception) };
    let mut slot = slot;
    for key in way {
        slot = slot_within(slot, key).ok_or(Failed::Exception)?;
    }
    let value_bytes = value.size_bytes();
    let fits = |added: usize, present: usize| {
        let grown = signed(added) - signed(present);
        if grown > room { Err(Failed::TooLarge) } else { Ok(grown) }
    };
    match slot {
        Value::Hash(members) => {
            let key = last.key().ok_or(Failed::Exception)?;
            let present = members.get(&key).map(Value::size_bytes);
            let key_bytes = if present.is_none() { key_size_bytes(&key) } else { 0 };
            let added = value_bytes + key_bytes;
            let grown = fits(added, present.unwrap_or(0))?;
            members.insert(key, value);
            Ok(grown)
        }
        Value::List(elements) => {
            let place = index(elements.len(), last).flatten().ok_or(Failed::Exception)?;
            if place == elements.len() {
                let grown = fits(value_bytes, 0)?;
                elements.push(value);
                return Ok(grown);
            }
            let present = elements.get_mut(place).ok_or(Failed::Exception)?;
            let grown = fits(value_bytes, present.size_bytes())?;
            *present = value;
            Ok(grown)
        }
        _ => Err(Failed::Exception),
    }
}

/// A number of bytes that can be taken from another.
pub(super) fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}
