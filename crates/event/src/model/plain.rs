//! What is done to an event, done to a plain value of JSON.

use serde_json::{Map, Value};

/// The names and numbers that lead to a value.
pub(super) type Way = Vec<String>;

/// Where values stand.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// All but the whole.
    pub(super) values: Vec<Way>,
    /// Objects and arrays, the whole first.
    pub(super) containers: Vec<Way>,
    /// Objects, the whole first.
    pub(super) objects: Vec<Way>,
}

impl Ways {
    pub(super) fn of(whole: &Value) -> Self {
        let mut ways = Self::default();
        ways.add(&mut Vec::new(), whole);
        ways
    }

    fn add(&mut self, way: &mut Way, value: &Value) {
        if !way.is_empty() {
            self.values.push(way.clone());
        }
        match value {
            Value::Object(members) => {
                self.containers.push(way.clone());
                self.objects.push(way.clone());
                for (name, inner) in members {
                    self.add_below(way, name.clone(), inner);
                }
            }
            Value::Array(elements) => {
                self.containers.push(way.clone());
                for (number, inner) in elements.iter().enumerate() {
                    self.add_below(way, number.to_string(), inner);
                }
            }
            _ => {}
        }
    }

    fn add_below(&mut self, way: &mut Way, name: String, inner: &Value) {
        way.push(name);
        self.add(way, inner);
        way.pop();
    }

    /// Whether looking at everything after each change takes little time.
    pub(super) fn are_few(&self) -> bool {
        self.values.len() <= 120 && self.values.iter().all(|way| way.len() <= 10)
    }
}

pub(super) fn at<'v>(whole: &'v mut Value, way: &[String]) -> Option<&'v mut Value> {
    way.iter().try_fold(whole, |at, name| match at {
        Value::Object(members) => members.get_mut(name),
        Value::Array(elements) => elements.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    })
}

pub(super) fn object<'v>(
    whole: &'v mut Value,
    way: &[String],
) -> Option<&'v mut Map<String, Value>> {
    at(whole, way)?.as_object_mut()
}

/// Puts a value where a way leads to; false, with nothing changed, where the way is blocked.
pub(super) fn place(at: &mut Value, way: &[String], value: Value) -> bool {
    let Some((name, rest)) = way.split_first() else {
        *at = value;
        return true;
    };
    match at {
        Value::Object(members) => {
            if let Some(inner) = members.get_mut(name) {
                return place(inner, rest, value);
            }
            let mut inner = Value::Object(Map::new());
            place(&mut inner, rest, value);
            members.insert(name.clone(), inner);
            true
        }
        Value::Array(elements) => {
            let Ok(number) = name.parse::<usize>() else { return false };
            if let Some(inner) = elements.get_mut(number) {
                return place(inner, rest, value);
            }
            let is_next = rest.is_empty() && number == elements.len();
            if is_next {
                elements.push(value);
            }
            is_next
        }
        _ => false,
    }
}

pub(super) fn take(whole: &mut Value, way: &[String]) -> Option<Value> {
    let (name, holder) = way.split_last()?;
    match at(whole, holder)? {
        Value::Object(members) => members.shift_remove(name),
        Value::Array(elements) => {
            let number = name.parse::<usize>().ok()?;
            (number < elements.len()).then(|| elements.remove(number))
        }
        _ => None,
    }
}

/// Moves a value; false, with nothing changed, where the way is blocked.
pub(super) fn rename(whole: &mut Value, from: &[String], to: &[String]) -> Option<bool> {
    if from == to {
        return Some(true);
    }
    let (_, holder) = from.split_last()?;
    if to.starts_with(from) && !at(whole, holder)?.is_object() {
        return Some(false);
    }
    let mut changed = whole.clone();
    let taken = take(&mut changed, from)?;
    let placed = place(&mut changed, to, taken);
    if placed {
        *whole = changed;
    }
    Some(placed)
}

/// Puts a member into another object under the name that it has. `None` if that is not possible.
pub(super) fn put_as_is(
    whole: &mut Value,
    from: &[String],
    into: &[String],
    moves: bool,
) -> Option<bool> {
    let (name, holder) = from.split_last()?;
    object(whole, holder)?;
    if moves && into.starts_with(from) {
        return None;
    }
    let mut changed = whole.clone();
    let member = if moves { take(&mut changed, from)? } else { at(&mut changed, from)?.clone() };
    let members = object(&mut changed, into)?;
    if members.contains_key(name) {
        return None;
    }
    members.insert(name.clone(), member);
    *whole = changed;
    Some(true)
}

pub(super) fn rename_in_place(whole: &mut Value, way: &[String], name: &str) -> Option<bool> {
    let (old, holder) = way.split_last()?;
    let members = object(whole, holder)?;
    if members.contains_key(name) {
        return None;
    }
    let renamed =
        |(key, value): (String, Value)| (if key == *old { name.to_owned() } else { key }, value);
    *members = std::mem::take(members).into_iter().map(renamed).collect();
    Some(true)
}

/// Puts members in place of those of their names, or moves those of their names to the end with them.
pub(super) fn merge(
    into: &mut Map<String, Value>,
    added: impl IntoIterator<Item = (String, Value)>,
    to_the_end: bool,
) {
    for (name, value) in added {
        if to_the_end {
            into.shift_remove(&name);
        }
        into.insert(name, value);
    }
}

/// Takes the quotes of a number away, or gives quotes to a number or a truth value.
pub(super) fn retype(value: &mut Value) -> Option<bool> {
    *value = match value {
        Value::Number(number) => Value::from(number.to_string()),
        Value::Bool(is_true) => Value::from(is_true.to_string()),
        Value::String(text) => {
            let number = text.parse::<u64>().ok()?;
            (number.to_string() == *text).then(|| Value::from(number))?
        }
        _ => return None,
    };
    Some(true)
}

/// A part of a text of this many bytes.
pub(super) fn part(length: usize, from: usize, size: usize) -> std::ops::Range<usize> {
    let start = from % (length + 1);
    start..start + size % (length - start + 1)
}

/// Makes a text a part of itself, if it is written as it is.
pub(super) fn narrow(value: &mut Value, from: usize, size: usize) -> Option<bool> {
    let Value::String(text) = value else { return None };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
    *text = text.get(part(text.len(), from, size)).filter(|_| is_plain)?.to_owned();
    Some(true)
}

/// Every third one stays, from the second on.
pub(super) fn keep_some(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let all = std::mem::take(members).into_iter().enumerate();
            *members =
                all.filter_map(|(number, member)| (number % 3 == 1).then_some(member)).collect();
        }
        Value::Array(elements) => {
            let mut numbers = 0..;
            elements.retain(|_| numbers.next().is_some_and(|number: usize| number % 3 == 1));
        }
        _ => {}
    }
}
