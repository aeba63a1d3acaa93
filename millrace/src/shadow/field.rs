//! Two events beside each other, field by field. A field is named as in Logstash: `message`, `[client][ip]`.

use jiff::Timestamp;
use serde_json::Value;

use crate::cases::differences;

/// How a field of two events compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Different,
    /// Only the reference has it.
    Missing,
    /// Only we have it.
    Extra,
}

/// A field that is not looked at, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    names: Vec<String>,
}

impl Ignored {
    /// Reads `host`, `[host][name]` or `host.name`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let names: Vec<&str> = match inside {
            Some(inside) => inside.split("][").collect(),
            None => text.split('.').collect(),
        };
        Self { names: names.into_iter().map(str::to_owned).collect() }
    }

    fn is(&self, path: &[&str]) -> bool {
        self.names.iter().map(String::as_str).eq(path.iter().copied())
    }
}

/// What of a field there is on either side.
pub(super) type Sides<'v> = (Option<&'v Value>, Option<&'v Value>);

/// Compares two events, theirs and ours; `visit` is given each field that either has. A field that is null is not
/// there.
pub(super) fn compare<'v>(
    theirs: &'v Value,
    ours: &'v Value,
    ignored: &[Ignored],
    visit: &mut dyn FnMut(String, Comparison, Sides<'v>),
) {
    let mut walk = Walk { ignored, visit, path: Vec::new() };
    walk.step((Some(theirs), Some(ours)));
}

/// Whether nothing that is looked at differs.
pub(super) fn are_equal(theirs: &Value, ours: &Value, ignored: &[Ignored]) -> bool {
    let mut all = true;
    compare(theirs, ours, ignored, &mut |_, found, _| all &= found == Comparison::Equal);
    all
}

struct Walk<'w, 'v> {
    ignored: &'w [Ignored],
    visit: &'w mut dyn FnMut(String, Comparison, Sides<'v>),
    path: Vec<&'v str>,
}

impl<'v> Walk<'_, 'v> {
    fn step(&mut self, sides: Sides<'v>) {
        let there = |side: Option<&'v Value>| side.filter(|value| !value.is_null());
        let sides = (there(sides.0), there(sides.1));
        if self.ignored.iter().any(|ignored| ignored.is(&self.path)) {
            return;
        }
        match sides {
            (None, None) => {}
            (Some(Value::Object(theirs)), Some(Value::Object(ours))) => {
                let extra = ours.keys().filter(|name| !theirs.contains_key(*name));
                for name in theirs.keys().chain(extra) {
                    self.inner(name, (theirs.get(name), ours.get(name)));
                }
            }
            (Some(Value::Object(object)), None) if !object.is_empty() => {
                object.iter().for_each(|(name, value)| self.inner(name, (Some(value), None)));
            }
            (None, Some(Value::Object(object))) if !object.is_empty() => {
                object.iter().for_each(|(name, value)| self.inner(name, (None, Some(value))));
            }
            (Some(theirs), Some(ours)) => {
                let is_equal = is_equal(&self.path, theirs, ours);
                let found = if is_equal { Comparison::Equal } else { Comparison::Different };
                (self.visit)(shown(&self.path), found, sides);
            }
            (Some(_), None) => (self.visit)(shown(&self.path), Comparison::Missing, sides),
            (None, Some(_)) => (self.visit)(shown(&self.path), Comparison::Extra, sides),
        }
    }

    fn inner(&mut self, name: &'v str, sides: Sides<'v>) {
        self.path.push(name);
        self.step(sides);
        self.path.pop();
    }
}

/// Numbers are equal by value, times as instants, tags in any order.
fn is_equal(path: &[&str], theirs: &Value, ours: &Value) -> bool {
    match path {
        ["@timestamp"] => match (instant(theirs), instant(ours)) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => theirs == ours,
        },
        ["tags"] => sorted(theirs) == sorted(ours),
        _ => differences(theirs, ours, true).is_empty(),
    }
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn sorted(tags: &Value) -> Vec<String> {
    let mut tags = match tags {
        Value::Array(tags) => tags.iter().map(Value::to_string).collect(),
        other => vec![other.to_string()],
    };
    tags.sort_unstable();
    tags
}

fn shown(path: &[&str]) -> String {
    match path {
        [name] => (*name).to_owned(),
        path => path.iter().map(|name| format!("[{name}]")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Comparison::{Different, Equal, Extra, Missing};
    use super::{Comparison, Ignored, compare};

    fn compared(theirs: &Value, ours: &Value, ignored: &[&str]) -> Vec<(String, Comparison)> {
        let ignored: Vec<_> = ignored.iter().map(|text| Ignored::parse(text)).collect();
        let mut found = Vec::new();
        compare(theirs, ours, &ignored, &mut |field, comparison, _| {
            found.push((field, comparison))
        });
        found.sort_by(|left, right| left.0.cmp(&right.0));
        found
    }

    #[test]
    fn fields_are_compared_as_a_user_would() {
        let cases = [
            (json!({"a": 1}), json!({"a": 1.0}), vec![("a", Equal)]),
            (json!({"a": 1}), json!({"a": "1"}), vec![("a", Different)]),
            (json!({"a": null}), json!({}), vec![]),
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 2}}),
                vec![("[a][b]", Different), ("[a][c]", Missing)],
            ),
            (json!({}), json!({"a": {"b": {"c": 1}}}), vec![("[a][b][c]", Extra)]),
            (json!({"a.b": 1}), json!({"a": {"b": 1}}), vec![("[a][b]", Extra), ("a.b", Missing)]),
            (json!({"a": {}}), json!({"a": "x"}), vec![("a", Different)]),
            (json!({"a": [1, {"b": 2}]}), json!({"a": [1, {"b": 3}]}), vec![("a", Different)]),
            (json!({"tags": ["x", "y"]}), json!({"tags": ["y", "x"]}), vec![("tags", Equal)]),
            (
                json!({"@timestamp": "2026-01-02T03:04:05Z"}),
                json!({"@timestamp": "2026-01-02T03:04:05.000Z"}),
                vec![("@timestamp", Equal)],
            ),
        ];
        for (theirs, ours, expected) in cases {
            let expected: Vec<_> =
                expected.into_iter().map(|(field, found)| (field.to_owned(), found)).collect();
            assert_eq!(compared(&theirs, &ours, &[]), expected, "{theirs} {ours}");
        }
    }

    #[test]
    fn what_is_ignored_is_not_looked_at_however_it_is_written() {
        let (theirs, ours) = (json!({"host": {"name": "a", "ip": 1}, "x": 1}), json!({"x": 1}));
        let x = ("x".to_owned(), Equal);
        assert_eq!(compared(&theirs, &ours, &["host"]), std::slice::from_ref(&x));
        for name in ["host.ip", "[host][ip]"] {
            let left = ("[host][name]".to_owned(), Missing);
            assert_eq!(compared(&theirs, &ours, &[name]), [left, x.clone()], "{name}");
        }
    }
}
