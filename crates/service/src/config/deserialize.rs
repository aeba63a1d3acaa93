//! Reads settings into their types. Every problem comes back with the path of the setting it is about.
//!
//! Texts from variables and flags are read as the type wants them; values of the file keep theirs.

use std::collections::{BTreeMap, btree_map};

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeSeed, Deserializer, Error, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::problem::Problem;
use super::tree::{Node, Value};

/// Reads one value.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeDeserializer<'a>(pub(super) &'a Node);

fn integer<'de, V: Visitor<'de>>(number: i128, visitor: V) -> Result<V::Value, Problem> {
    if let Ok(number) = i64::try_from(number) {
        visitor.visit_i64(number)
    } else if let Ok(number) = u64::try_from(number) {
        visitor.visit_u64(number)
    } else {
        Err(Problem::invalid_value(Unexpected::Other(&format!("`{number}`")), &visitor))
    }
}

impl NodeDeserializer<'_> {
    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.0.value {
            Value::Untyped(text) => match (text.trim().parse(), text.trim().parse()) {
                (Ok(number), _) => integer(number, visitor),
                (_, Ok(number)) => visitor.visit_f64(number),
                _ => Err(Problem::invalid_type(Unexpected::Str(text), &visitor)),
            },
            _ => self.deserialize_any(visitor),
        }
    }
}

/// Numbers are read alike: the visitor checks its own range.
macro_rules! numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            self.number(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.0.value {
            Value::Boolean(value) => visitor.visit_bool(*value),
            Value::Integer(number) => integer(*number, visitor),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::String(text) | Value::Untyped(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Items { items: items.iter() }),
            Value::Table(table) => visitor.visit_map(Entries { entries: table.iter(), next: None }),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.0.value {
            Value::Untyped(text) => match text.trim().parse() {
                Ok(value) => visitor.visit_bool(value),
                Err(_) => Err(Problem::invalid_type(Unexpected::Str(text), &visitor)),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let Value::Untyped(text) = &self.0.value else {
            return self.deserialize_any(visitor);
        };
        if text.trim_start().starts_with('[') {
            let list = Node::parse(text).map_err(Problem::custom)?;
            return NodeDeserializer(&list).deserialize_any(visitor).map_err(whole);
        }
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let items: BTreeMap<_, _> = parts.map(Node::untyped).enumerate().collect();
        visitor.visit_seq(Items { items: items.iter() }).map_err(whole)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.0.value {
            Value::Untyped(text) if text.trim_start().starts_with('{') => {
                let table = Node::parse(text).map_err(Problem::custom)?;
                NodeDeserializer(&table).deserialize_any(visitor).map_err(whole)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match &self.0.value {
            Value::String(text) | Value::Untyped(text) => {
                visitor.visit_enum(IntoDeserializer::<Problem>::into_deserializer(text.as_str()))
            }
            Value::Table(table) => {
                let entries = Entries { entries: table.iter(), next: None };
                visitor.visit_enum(MapAccessDeserializer::new(entries))
            }
            Value::Boolean(value) => Err(Problem::unknown_variant(&value.to_string(), variants)),
            Value::Integer(number) => Err(Problem::unknown_variant(&number.to_string(), variants)),
            Value::Float(number) => Err(Problem::unknown_variant(&number.to_string(), variants)),
            Value::List(_) => Err(Problem::unknown_variant("[...]", variants)),
        }
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}

/// A problem within a text from outside of the file is one with the whole text.
fn whole(mut problem: Problem) -> Problem {
    problem.path.clear();
    problem
}

struct Items<'a> {
    items: btree_map::Iter<'a, usize, Node>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Problem> {
        let Some((index, item)) = self.items.next() else {
            return Ok(None);
        };
        let read = seed.deserialize(NodeDeserializer(item));
        read.map(Some).map_err(|problem| problem.within(index.to_string()))
    }
}

struct Entries<'a> {
    entries: btree_map::Iter<'a, String, Node>,
    next: Option<(&'a str, &'a Node)>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Problem> {
        let Some((key, node)) = self.entries.next() else {
            return Ok(None);
        };
        self.next = Some((key, node));
        let read = seed.deserialize(StrDeserializer::<Problem>::new(key));
        read.map(Some).map_err(|problem| problem.within(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let (key, node) = self.next.take().expect("serde asks for a value after its key");
        seed.deserialize(NodeDeserializer(node)).map_err(|problem| problem.within(key))
    }
}
