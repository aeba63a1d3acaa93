//! What code reads and writes: values as Ruby has them, copied out of events and maps.

use event::{Event, Kind, NodeId};
use indexmap::IndexMap;

use crate::filters::math::number::Number;

/// Members of a map or a hash, in the order in which they came.
pub(super) type Members = IndexMap<String, Value>;

/// What a value takes in memory beside its texts, in bytes.
const VALUE_BYTES: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    /// As JSON writes it: what is only copied stays as exact as it was sent.
    Number(String),
    Text(String),
    /// Nanoseconds since 1970 UTC.
    Instant(i64),
    List(Vec<Value>),
    Hash(Members),
}

impl Value {
    /// Copies a value of an event.
    pub(super) fn of(event: &Event, id: NodeId) -> Self {
        match event.kind(id) {
            Kind::Null => Self::Nil,
            Kind::True => Self::Bool(true),
            Kind::False => Self::Bool(false),
            Kind::Number => Self::Number(event.scalar_text(id).unwrap_or_default().into_owned()),
            Kind::String => Self::Text(event.text(id).unwrap_or_default().into_owned()),
            Kind::Array => {
                Self::List(event.elements(id).map(|element| Self::of(event, element)).collect())
            }
            Kind::Object => {
                let members = event.children(id);
                Self::Hash(
                    members.map(|(key, id)| (key.into_owned(), Self::of(event, id))).collect(),
                )
            }
        }
    }

    pub(super) fn number(number: Number) -> Self {
        Self::Number(number.to_string())
    }

    pub(super) fn count(count: usize) -> Self {
        Self::Number(count.to_string())
    }

    /// The number, if it is one.
    pub(super) fn as_number(&self) -> Option<Number> {
        match self {
            Self::Number(text) => Number::read(text),
            _ => None,
        }
    }

    /// Everything but `nil` and `false`.
    pub(super) fn is_true(&self) -> bool {
        !matches!(self, Self::Nil | Self::Bool(false))
    }

    /// As `==` has it: numbers by their worth, and nothing equals what is of another kind.
    pub(super) fn is_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) if left == right => true,
            (Self::Number(_), Self::Number(_)) => match (self.as_number(), other.as_number()) {
                (Some(left), Some(right)) => left.compare(right).is_eq(),
                _ => false,
            },
            (Self::List(left), Self::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l.is_equal(r))
            }
            (Self::Hash(left), Self::Hash(right)) => {
                let is_in = |(key, value): (&String, &Self)| {
                    right.get(key).is_some_and(|other| value.is_equal(other))
                };
                left.len() == right.len() && left.iter().all(is_in)
            }
            _ => self == other,
        }
    }

    /// As `to_s` prints it; `None` of lists and hashes.
    pub(super) fn printed(&self) -> Option<String> {
        Some(match self {
            Self::Nil => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) => {
                Number::read(text).map_or_else(|| text.clone(), |n| n.to_string())
            }
            Self::Text(text) => text.clone(),
            Self::Instant(timestamp_ns) => instant_text(*timestamp_ns),
            Self::List(_) | Self::Hash(_) => return None,
        })
    }

    /// As a key of a map: what is no text is known by what it prints.
    pub(super) fn key(&self) -> Option<String> {
        match self {
            Self::Nil => None,
            _ => self.printed(),
        }
    }

    /// What it takes in memory, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        VALUE_BYTES
            + match self {
                Self::Nil | Self::Bool(_) | Self::Instant(_) => 0,
                Self::Number(text) | Self::Text(text) => text.len(),
                Self::List(elements) => elements.iter().map(Self::size_bytes).sum(),
                Self::Hash(members) => members
                    .iter()
                    .map(|(key, value)| key_size_bytes(key) + value.size_bytes())
                    .sum(),
            }
    }

    /// How many lists and hashes lie within each other.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::List(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            Self::Hash(members) => 1 + members.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Writes it as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => out.extend_from_slice(b"null"),
            Self::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Number(text) => out.extend_from_slice(text.as_bytes()),
            Self::Text(text) => write_text(text, out),
            Self::Instant(timestamp_ns) => write_text(&instant_text(*timestamp_ns), out),
            Self::List(elements) => {
                out.push(b'[');
                for (place, element) in elements.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    element.write(out);
                }
                out.push(b']');
            }
            Self::Hash(members) => {
                out.push(b'{');
                for (place, (key, value)) in members.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    write_text(key, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

/// What a key of a map takes in memory, in bytes.
pub(super) fn key_size_bytes(key: &str) -> usize {
    VALUE_BYTES + key.len()
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    event::escape(text, out);
    out.push(b'"');
}

fn instant_text(timestamp_ns: i64) -> String {
    let mut text = Vec::with_capacity(30);
    event::format_timestamp(timestamp_ns, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
