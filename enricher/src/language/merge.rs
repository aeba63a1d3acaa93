//! Options that are written more than once, and hashes written as arrays, by Logstash's rules.

use super::tree::{Attribute, Key, Plugin, Value, ValueKind};

impl Plugin {
    /// Its options as Logstash's compiler hands them to a plugin: each once, merged from all the
    /// times it was written.
    #[must_use]
    pub fn options(&self) -> Vec<Attribute> {
        let mut options: Vec<Attribute> = Vec::new();
        for attribute in &self.attributes {
            match options.iter_mut().find(|earlier| earlier.name == attribute.name) {
                Some(earlier) => merge(&mut earlier.value, attribute.value.clone()),
                None => options.push(attribute.clone()),
            }
        }
        options
    }
}

impl Value {
    /// A hash's pairs, or those of a flat array of keys and values as Logstash takes it: a key that
    /// stands twice there has an array of its values. `None` for anything else.
    #[must_use]
    pub fn into_pairs(self) -> Option<Vec<(Key, Value)>> {
        pairs(self)
    }
}

/// Takes a later value of the same option: hashes merge, anything else becomes one array, but a
/// scalar that is said again is said once.
fn merge(earlier: &mut Value, later: Value) {
    earlier.span = earlier.span.to(later.span);
    match (&mut earlier.kind, later.kind) {
        (ValueKind::Hash(pairs), ValueKind::Hash(added)) => {
            for (key, value) in added {
                add_pair(pairs, key, value);
            }
        }
        (ValueKind::Array(elements), ValueKind::Array(added)) => elements.extend(added),
        (ValueKind::Array(elements), kind) => elements.push(Value { span: later.span, kind }),
        (_, kind) => {
            let later = Value { span: later.span, kind };
            if earlier.as_text().is_some() && earlier.as_text() == later.as_text() {
                return;
            }
            let first = Value {
                span: earlier.span,
                kind: std::mem::replace(&mut earlier.kind, ValueKind::Array(Vec::new())),
            };
            earlier.kind = ValueKind::Array(match later.kind {
                ValueKind::Array(added) => std::iter::once(first).chain(added).collect(),
                kind => vec![first, Value { span: later.span, kind }],
            });
        }
    }
}

fn add_pair(pairs: &mut Vec<(Key, Value)>, key: Key, value: Value) {
    match pairs.iter_mut().find(|(earlier, _)| earlier.text == key.text) {
        Some((_, earlier)) => merge(earlier, value),
        None => pairs.push((key, value)),
    }
}

fn pairs(value: Value) -> Option<Vec<(Key, Value)>> {
    let elements = match value.kind {
        ValueKind::Hash(pairs) => return Some(pairs),
        ValueKind::Array(elements) => elements,
        _ => return None,
    };
    if elements.iter().all(|element| matches!(element.kind, ValueKind::Hash(_))) {
        let mut pairs = Vec::new();
        for element in elements {
            if let ValueKind::Hash(added) = element.kind {
                added.into_iter().for_each(|(key, value)| add_pair(&mut pairs, key, value));
            }
        }
        return Some(pairs);
    }
    if elements.len() % 2 == 1 {
        return None;
    }
    let mut pairs = Vec::new();
    let mut elements = elements.into_iter();
    while let (Some(key), Some(value)) = (elements.next(), elements.next()) {
        let key = Key { text: key.as_text()?, span: key.span };
        add_pair(&mut pairs, key, value);
    }
    Some(pairs)
}
