//! What two values differ in, field by field.

use serde_json::Value;

/// A field that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where it stands: `client.geo.name`, `items[0].sku`.
    pub path: String,
    /// What was expected; `None` if the field should not be there.
    pub expected: Option<Value>,
    /// What is there.
    pub got: Option<Value>,
}

/// Compares an event with what is expected of it. Unless `exact`, fields that the expectation does not
/// name may be there, and `null` says that a field is not there or null. Numbers are equal by value.
#[must_use]
pub fn differences(expected: &Value, got: &Value, exact: bool) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(expected, got, exact, "", &mut found);
    found
}

fn compare(expected: &Value, got: &Value, exact: bool, path: &str, found: &mut Vec<Difference>) {
    match (expected, got) {
        (Value::Object(wanted), Value::Object(there)) => {
            for (name, wanted) in wanted {
                let path = inner(path, name);
                match there.get(name) {
                    Some(there) => compare(wanted, there, exact, &path, found),
                    None if wanted.is_null() && !exact => {}
                    None => {
                        found.push(Difference { path, expected: Some(wanted.clone()), got: None });
                    }
                }
            }
            for (name, there) in
                there.iter().filter(|(name, _)| exact && !wanted.contains_key(*name))
            {
                let (path, got) = (inner(path, name), Some(there.clone()));
                found.push(Difference { path, expected: None, got });
            }
        }
        (Value::Array(wanted), Value::Array(there)) if wanted.len() == there.len() => {
            for (place, (wanted, there)) in wanted.iter().zip(there).enumerate() {
                compare(wanted, there, exact, &format!("{path}[{place}]"), found);
            }
        }
        _ if is_equal(expected, got) => {}
        _ => found.push(Difference {
            path: path.to_owned(),
            expected: Some(expected.clone()),
            got: Some(got.clone()),
        }),
    }
}

fn inner(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// 1 is 1.0; whole numbers are compared as such, since not all of them are floats.
fn is_equal(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || (left.is_f64() || right.is_f64()) && left.as_f64() == right.as_f64()
        }
        _ => expected == got,
    }
}
