//! What vectors expect of events: counts, orders, and assertions over the events as JSON.

use std::cmp::Ordering;

use base64::Engine;
use event::{Event, FieldPath};
use serde_json::Value;

/// A wrapper object's only member: `{"$timestamp": "..."}`.
fn wrapped<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get(name)?.as_str()
}

/// Writes an input event as JSON, numbers as exact as they stand.
pub(crate) fn write_input(value: &Value, out: &mut String) {
    if let Some(text) = wrapped(value, "$timestamp") {
        return out.push_str(&Value::from(text).to_string());
    }
    if let Some(digits) = wrapped(value, "$decimal") {
        return out.push_str(digits);
    }
    if let Some(text) = wrapped(value, "$base64") {
        return out.push_str(&Value::from(base64_text(text)).to_string());
    }
    match value {
        Value::Array(elements) => {
            out.push('[');
            for (place, element) in elements.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                write_input(element, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (place, (key, member)) in members.iter().enumerate() {
                out.push_str(if place > 0 { "," } else { "" });
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_input(member, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// The whole event, `@metadata` and all.
pub(crate) fn written(event: &Event) -> Value {
    let mut out = Vec::new();
    event.write_json(&mut out);
    let mut value: Value = serde_json::from_slice(&out).unwrap_or_default();
    if let Some(id) = event.child(event.root(), "@metadata") {
        let mut out = Vec::new();
        event.raw(id, &mut out);
        value["@metadata"] = serde_json::from_slice(&out).unwrap_or_default();
    }
    value
}

/// Whether the events that came out are those that are expected; says what is wrong if not. `cancelled` are the
/// numbers of the events that were dropped.
pub(crate) fn check(expect: &Value, outputs: &[Value], cancelled: &[u64]) -> Result<(), String> {
    if let Some(count) = expect["count"].as_u64()
        && outputs.len() as u64 != count
    {
        return Err(format!("{} events in place of {count}", outputs.len()));
    }
    let numbers =
        |name: &str| expect[name].as_array().into_iter().flatten().flat_map(Value::as_u64);
    if let Some(index) = numbers("cancelled").find(|index| !cancelled.contains(index)) {
        return Err(format!("event {index} was not dropped"));
    }
    if let Some(index) = numbers("not_cancelled").find(|index| cancelled.contains(index)) {
        return Err(format!("event {index} was dropped"));
    }
    let asserts: Vec<&Value> = expect["asserts"].as_array().into_iter().flatten().collect();
    let all = |events: &[Value]| asserts.iter().try_for_each(|assert| holds(assert, events));
    if expect["unordered"] != true {
        return all(outputs);
    }
    let mut last = Err("no order of the events satisfies all".to_owned());
    for order in orders(outputs.len()) {
        let events: Vec<Value> = order.iter().map(|index| outputs[*index].clone()).collect();
        last = all(&events);
        if last.is_ok() {
            break;
        }
    }
    last
}

fn orders(count: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for index in 0..count {
        let longer = |order: Vec<usize>| {
            (0..=order.len()).map(move |place| {
                let mut order = order.clone();
                order.insert(place, index);
                order
            })
        };
        orders = orders.into_iter().flat_map(longer).collect();
    }
    orders
}

/// Whether an assertion holds; says what is there if not.
fn holds(assert: &Value, events: &[Value]) -> Result<(), String> {
    let without_metadata;
    let mut found = find(assert, events);
    if let Some(Value::Object(members)) = found
        && assert["path"].as_str().unwrap_or_default().is_empty()
        && assert["sub"].as_array().is_none_or(Vec::is_empty)
    {
        let mut members = members.clone();
        members.remove("@metadata");
        without_metadata = Value::Object(members);
        found = Some(&without_metadata);
    }
    let op = assert["op"].as_str().unwrap_or_default();
    let other;
    let expected = if op.ends_with("eq_path") {
        other = find(&assert["other"], events).cloned().unwrap_or_default();
        &other
    } else {
        &assert["value"]
    };
    let (name, negated) = match op.strip_prefix("not_") {
        Some(name) => (name, true),
        None => (op, false),
    };
    if test(name, found, expected, assert)? != negated {
        return Ok(());
    }
    let found = found.map_or("nothing".to_owned(), Value::to_string);
    Err(format!("{assert} but there is {found}"))
}

fn find<'e>(assert: &Value, events: &'e [Value]) -> Option<&'e Value> {
    let mut at = events.get(usize::try_from(assert["event"].as_u64()?).ok()?)?;
    let path = assert["path"].as_str().unwrap_or_default();
    if !path.is_empty() {
        for segment in FieldPath::parse(path).ok()?.segments() {
            at = match at {
                Value::Array(elements) => element(elements, segment.index?)?,
                other => other.get(&*segment.key)?,
            };
        }
    }
    for step in assert["sub"].as_array().into_iter().flatten() {
        at = match at {
            Value::Array(elements) => element(elements, step.as_i64()?)?,
            other => other.get(step.as_str()?)?,
        };
    }
    Some(at)
}

fn element(elements: &[Value], index: i64) -> Option<&Value> {
    let count = i64::try_from(elements.len()).ok()?;
    elements.get(usize::try_from(if index < 0 { index + count } else { index }).ok()?)
}

fn test(
    name: &str,
    found: Option<&Value>,
    expected: &Value,
    assert: &Value,
) -> Result<bool, String> {
    let value = found.unwrap_or(&Value::Null);
    let text = value.as_str().unwrap_or_default();
    let expected_text = expected.as_str().unwrap_or_default();
    Ok(match name {
        "eq" | "eq_path" => equal(value, expected),
        "null" => value.is_null(),
        "exists" => found.is_some(),
        "contains" => contains(value, expected),
        "type" => is_type(value, expected_text),
        "timestamp" => same_instant_to_its_digits(text, expected_text),
        "year" => text.get(..4).and_then(|year| year.parse().ok()) == expected.as_u64(),
        "to_s" => printed(value) == expected_text,
        "to_i" => printed(value).parse::<f64>().ok().map(f64::trunc) == expected.as_f64(),
        "match" => pattern(expected_text, &assert["flags"])?.is_match(text),
        "starts_with" => text.starts_with(expected_text),
        "ends_with" => text.ends_with(expected_text),
        "length" => length(value) == expected.as_f64(),
        "length_cmp" => compare(length(value), &assert["cmp"], expected),
        "bytes_cmp" => compare(Some(text.len() as f64), &assert["cmp"], expected),
        "cmp" => compare(value.as_f64(), &assert["cmp"], expected),
        "close" => value.as_f64().zip(expected.as_f64()).is_some_and(|(found, expected)| {
            (found - expected).abs() <= assert["delta"].as_f64().unwrap_or_default()
        }),
        "empty" => length(value) == Some(0.0),
        "truthy" => !matches!(value, Value::Null | Value::Bool(false)),
        "falsy" => matches!(value, Value::Null | Value::Bool(false)),
        "keys_eq" => keys(value) == list(expected),
        "keys_subset_of" => keys(value).iter().all(|key| list(expected).contains(key)),
        "contains_exactly" => list_values(value) == list_values(expected),
        other => return Err(format!("unknown assertion {other}")),
    })
}

fn equal(value: &Value, expected: &Value) -> bool {
    if let Some(instant) = wrapped(expected, "$timestamp") {
        return value.as_str().is_some_and(|text| same_instant(text, instant));
    }
    if let Some(digits) = wrapped(expected, "$decimal") {
        return value.is_number() && value.to_string().parse::<f64>() == digits.parse::<f64>();
    }
    if let Some(text) = wrapped(expected, "$base64") {
        return value.as_str() == Some(&base64_text(text));
    }
    match (value, expected) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| equal(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, l)| right.get(key).is_some_and(|r| equal(l, r)))
        }
        // The same instant in both of its spellings.
        (Value::String(left), Value::String(right)) => left == right || same_instant(left, right),
        _ => value == expected,
    }
}

fn same_instant(left: &str, right: &str) -> bool {
    event::parse_iso8601(left)
        .zip(event::parse_iso8601(right))
        .is_some_and(|(left, right)| left == right)
}

/// Digits of a second beyond those that are expected do not count.
fn same_instant_to_its_digits(found: &str, expected: &str) -> bool {
    let digits = expected
        .split_once('.')
        .map_or(0, |(_, fraction)| fraction.bytes().take_while(u8::is_ascii_digit).count() as u32);
    let unit_ns = 10i64.pow(9u32.saturating_sub(digits));
    event::parse_iso8601(found)
        .zip(event::parse_iso8601(expected))
        .is_some_and(|(found, expected)| found.div_euclid(unit_ns) == expected.div_euclid(unit_ns))
}

fn contains(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Array(elements), _) => elements.iter().any(|element| equal(element, expected)),
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Object(members), Value::String(key)) => members.contains_key(key),
        (Value::Object(members), Value::Object(pairs)) => pairs
            .iter()
            .all(|(key, value)| members.get(key).is_some_and(|found| equal(found, value))),
        _ => false,
    }
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        // Beyond 64 bits whole numbers are floats to this reader.
        "integer" => value.is_i64() || value.is_u64(),
        "float" => value.is_f64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "timestamp" => value.as_str().is_some_and(|text| event::parse_iso8601(text).is_some()),
        "null" => value.is_null(),
        _ => false,
    }
}

fn printed(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn pattern(text: &str, flags: &Value) -> Result<regex::Regex, String> {
    let flags = flags.as_str().unwrap_or_default();
    let written = if flags.is_empty() { text.to_owned() } else { format!("(?{flags}){text}") };
    regex::Regex::new(&written).map_err(|error| error.to_string())
}

fn length(value: &Value) -> Option<f64> {
    Some(match value {
        Value::String(text) => text.chars().count(),
        Value::Array(elements) => elements.len(),
        Value::Object(members) => members.len(),
        _ => return None,
    } as f64)
}

fn compare(found: Option<f64>, how: &Value, expected: &Value) -> bool {
    let order = found.zip(expected.as_f64()).and_then(|(found, e)| found.partial_cmp(&e));
    let Some(order) = order else {
        return false;
    };
    match how.as_str().unwrap_or_default() {
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        ">=" => order != Ordering::Less,
        "==" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        _ => false,
    }
}

fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<_> =
        value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect();
    keys.sort();
    keys
}

fn list(value: &Value) -> Vec<String> {
    let mut names: Vec<_> = value.as_array().into_iter().flatten().map(printed).collect();
    names.sort();
    names
}

fn list_values(value: &Value) -> Vec<String> {
    let mut values: Vec<_> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
    values.sort();
    values
}

/// Decodes `{"$base64": "..."}`.
fn base64_text(text: &str) -> String {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
