//! The reduced form of a document that an engine refuses, or that must not be sent as it is: of each field the
//! values that fit its kind, under its whole name, and the original as text. It holds what the schema knows, in
//! numbers that engines take, and nothing that one has a reason to refuse.

use std::collections::BTreeMap;
use std::io::Write;

use event::{Event, Kind, NodeId};
use schema::{FieldKind, VALUE_CHARACTERS_MAX};

use super::fields::{Fields, Known};
use super::hidden;
use crate::bounds::PATH_BYTES_MAX;
use crate::{IndexOperation, value};

/// Values of one field, or of one path below a flattened field, that are sent.
const VALUES_MAX: usize = 10_000;
/// Objects of one nested field that are sent; the engines take 10,000 of all together.
const OBJECTS_MAX: usize = 1_000;

/// The values of fields, as JSON, by name.
type Values = BTreeMap<String, Vec<Vec<u8>>>;

/// Writes the reduced form of a document that was decoded.
pub(crate) fn write_document(
    operation: &IndexOperation,
    sent: i64,
    event: &Event,
    fields: &Fields,
    out: &mut Vec<u8>,
) {
    hidden::write_begin(operation, sent, out);
    out.extend_from_slice(b",\"original\":");
    hidden::write_text(std::str::from_utf8(&operation.document).unwrap_or_default(), out);
    out.push(b'}');
    let mut values = Values::new();
    Collector { event, fields }.object(event.root(), "", &mut values);
    write_values(&values, out);
    out.push(b'}');
}

fn write_values(values: &Values, out: &mut Vec<u8>) {
    for (name, all) in values {
        out.push(b',');
        hidden::write_text(name, out);
        out.push(b':');
        write_list(all, out);
    }
}

fn write_list(all: &[Vec<u8>], out: &mut Vec<u8>) {
    out.push(b'[');
    for (place, one) in all.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(one);
    }
    out.push(b']');
}

struct Collector<'a> {
    event: &'a Event,
    fields: &'a Fields,
}

impl Collector<'_> {
    fn object(&self, object: NodeId, path: &str, values: &mut Values) {
        let mut next = self.event.first_child(object);
        while let Some(child) = next {
            next = self.event.next_sibling(child);
            let key = self.event.key(child);
            let name = if path.is_empty() { key.into_owned() } else { format!("{path}.{key}") };
            self.value(child, &name, values);
        }
    }

    fn value(&self, value: NodeId, name: &str, values: &mut Values) {
        let field = self.fields.get(name);
        match (self.event.kind(value), field) {
            (Kind::Null, _) => {}
            (Kind::Array, _) => {
                let mut next = self.event.first_child(value);
                while let Some(element) = next {
                    next = self.event.next_sibling(element);
                    self.value(element, name, values);
                }
            }
            (Kind::Object, Some(field)) => self.object_of_field(value, field, values),
            (Kind::Object, None) if self.fields.is_object(name) => {
                self.object(value, name, values);
            }
            (_, Some(field)) => {
                if let Some(json) = self.scalar(value, field.kind) {
                    add(values, name, json, VALUES_MAX);
                }
            }
            _ => {}
        }
    }

    fn object_of_field(&self, object: NodeId, field: &Known, values: &mut Values) {
        match field.kind {
            FieldKind::Flattened => {
                let mut leaves = Values::new();
                self.leaves(object, "", &mut leaves);
                if !leaves.is_empty() {
                    add(values, &field.name, flattened(&leaves), VALUES_MAX);
                }
            }
            FieldKind::Nested => {
                let mut inner = Values::new();
                self.object(object, &field.name, &mut inner);
                add(values, &field.name, nested(&inner, &field.name), OBJECTS_MAX);
            }
            FieldKind::GeoPoint => {
                let place = |key| self.event.child(object, key).and_then(|id| self.number(id));
                if let (Some(lat), Some(lon)) = (place("lat"), place("lon"))
                    && lat.abs() <= 90.0
                    && lon.abs() <= 180.0
                {
                    let json = format!(r#"{{"lat":{lat},"lon":{lon}}}"#);
                    add(values, &field.name, json.into_bytes(), VALUES_MAX);
                }
            }
            _ => {}
        }
    }

    /// All values below a flattened field, by path.
    fn leaves(&self, value: NodeId, path: &str, leaves: &mut Values) {
        let container = self.event.kind(value);
        let mut next = self.event.first_child(value);
        while let Some(child) = next {
            next = self.event.next_sibling(child);
            let name = if container == Kind::Object {
                let key = self.event.key(child);
                if path.is_empty() { plain(&key) } else { format!("{path}.{}", plain(&key)) }
            } else {
                path.to_owned()
            };
            if matches!(self.event.kind(child), Kind::Object | Kind::Array) {
                self.leaves(child, &name, leaves);
            } else if let Some(text) = self.event.scalar_text(child) {
                let fits = !name.is_empty()
                    && name.len() <= PATH_BYTES_MAX
                    && text.len() <= VALUE_CHARACTERS_MAX;
                if fits {
                    add(leaves, &name, quoted(&text), VALUES_MAX);
                }
            }
        }
    }

    fn number(&self, value: NodeId) -> Option<f64> {
        self.event.scalar_text(value).and_then(|text| value::parse_double(text.as_bytes()))
    }

    /// A value as its field's kind takes it; none if it does not fit.
    fn scalar(&self, id: NodeId, kind: FieldKind) -> Option<Vec<u8>> {
        let text = self.event.scalar_text(id)?;
        match kind {
            FieldKind::Keyword if text.len() > VALUE_CHARACTERS_MAX * 4 => None,
            FieldKind::Keyword | FieldKind::Text => Some(quoted(&text)),
            FieldKind::Long => {
                value::indexed_scaled(text.as_bytes(), 0).map(|n| n.to_string().into_bytes())
            }
            FieldKind::Decimal { scale } => value::indexed_scaled(text.as_bytes(), scale)
                .map(|n| value::format_scaled(n, scale).into_bytes()),
            FieldKind::Double => {
                value::parse_double(text.as_bytes()).map(|n| format!("{n:?}").into_bytes())
            }
            FieldKind::Boolean => {
                matches!(&*text, "true" | "false").then(|| text.as_bytes().to_vec())
            }
            FieldKind::Date => value::indexed_date(&text)
                .map(|ns| ns.div_euclid(hidden::MILLISECOND_NS).to_string().into_bytes()),
            FieldKind::Ip => {
                value::parse_address(&text).map(|octets| quoted(&value::format_address(octets)))
            }
            FieldKind::GeoPoint | FieldKind::Flattened | FieldKind::Nested => None,
        }
    }
}

/// A key without what engines use between a path and its value.
pub(crate) fn plain(key: &str) -> String {
    key.replace('\0', "\u{fffd}")
}

fn quoted(text: &str) -> Vec<u8> {
    let mut json = Vec::with_capacity(text.len() + 2);
    hidden::write_text(text, &mut json);
    json
}

fn add(values: &mut Values, name: &str, json: Vec<u8>, most: usize) {
    let all = values.entry(name.to_owned()).or_default();
    if all.len() < most {
        all.push(json);
    }
}

/// `{"a.b":["x"]}`.
fn flattened(leaves: &Values) -> Vec<u8> {
    members(leaves.iter().map(|(path, all)| (path.as_str(), all)))
}

/// An object of a nested field; its fields' names are within it.
fn nested(inner: &Values, outer: &str) -> Vec<u8> {
    let within = |name: &'_ str| name.len().min(outer.len() + 1);
    members(inner.iter().map(|(name, all)| (&name[within(name)..], all)))
}

fn members<'a>(all: impl Iterator<Item = (&'a str, &'a Vec<Vec<u8>>)>) -> Vec<u8> {
    let mut json = vec![b'{'];
    for (place, (name, values)) in all.enumerate() {
        if place > 0 {
            json.push(b',');
        }
        hidden::write_text(name, &mut json);
        // A vector takes all that is written.
        let _infallible = json.write_all(b":");
        write_list(values, &mut json);
    }
    json.push(b'}');
    json
}

#[cfg(test)]
mod tests;
