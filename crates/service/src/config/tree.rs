//! The settings as they were given, each with where it came from: file, variable or flag.
//!
//! Later sources replace earlier ones setting by setting. Nothing here knows which settings exist.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::deserialize::NodeDeserializer;
use super::mistake::{Mistake, Place};

/// Where a setting came from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    File { line: usize, column: usize },
    Variable(String),
    Flag(String),
    Preset(Place),
    Nowhere,
}

/// A value as it was written.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Boolean(bool),
    Integer(i128),
    Float(f64),
    String(String),
    /// From outside of the file: the setting's type says how to read it.
    Untyped(String),
    /// By place: an item that is taken out leaves the others' places as they are.
    List(BTreeMap<usize, Node>),
    Table(BTreeMap<String, Node>),
}

/// A value with its origin.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    origin: Origin,
}

/// All settings.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    root: Node,
    file: String,
}

impl Default for Tree {
    fn default() -> Self {
        let root = Node { value: Value::Table(BTreeMap::new()), origin: Origin::Nowhere };
        Self { root, file: String::new() }
    }
}

impl Tree {
    /// Takes the settings of a file. What is no TOML becomes mistakes; the rest is still taken.
    pub(super) fn read_file(&mut self, path: &Path, text: &str, mistakes: &mut Vec<Mistake>) {
        self.file = path.display().to_string();
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            let place = self.in_file(&line_and_column(text, at));
            let message = format!("this is not TOML: {}", error.message());
            mistakes.push(Mistake::new(place, &[], message));
        }
        self.root.value = read_table(table.get_ref(), text);
        self.root.origin = line_and_column(text, 0);
    }

    /// Gives a setting a value from outside of the file, over what it had.
    pub(super) fn set(&mut self, path: &[String], value: String, origin: Origin) {
        let mut node = &mut self.root;
        for key in path {
            if !matches!(node.value, Value::Table(_)) {
                node.value = Value::Table(BTreeMap::new());
                node.origin = origin.clone();
            }
            let Value::Table(table) = &mut node.value else {
                return;
            };
            node = table.entry(key.clone()).or_insert_with(|| Node {
                value: Value::Table(BTreeMap::new()),
                origin: origin.clone(),
            });
        }
        *node = Node { value: Value::Untyped(value), origin };
    }

    /// Whether a setting is given, or anything around it that is no table.
    pub(super) fn has(&self, path: &[String]) -> bool {
        let mut node = &self.root;
        for key in path {
            if !matches!(node.value, Value::Table(_)) {
                return true;
            }
            let Some(child) = node.child(key) else { return false };
            node = child;
        }
        true
    }

    /// Takes a setting out, and tables that are empty without it; false if there is none at this
    /// path.
    pub(super) fn remove(&mut self, path: &[String]) -> bool {
        self.root.remove(path)
    }

    /// Where the setting at this path stands, or the nearest table around it that is given.
    pub(super) fn place(&self, path: &[String]) -> Place {
        let mut node = &self.root;
        let mut place = Place::Default;
        for key in path {
            let Some(child) = node.child(key) else {
                break;
            };
            node = child;
            place = match &node.origin {
                Origin::Variable(name) => Place::Variable(name.clone()),
                Origin::Flag(name) => Place::Flag(name.clone()),
                Origin::Preset(place) => place.clone(),
                origin => self.in_file(origin),
            };
        }
        place
    }

    fn in_file(&self, origin: &Origin) -> Place {
        match origin {
            Origin::File { line, column } => {
                Place::File { path: self.file.clone(), line: *line, column: *column }
            }
            _ => Place::Default,
        }
    }

    pub(super) fn deserializer(&self) -> NodeDeserializer<'_> {
        NodeDeserializer(&self.root)
    }
}

impl Node {
    fn child(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(table) => table.get(key),
            Value::List(list) => list.get(&key.parse().ok()?),
            _ => None,
        }
    }

    fn remove(&mut self, path: &[String]) -> bool {
        let Some((key, below)) = path.split_first() else {
            return false;
        };
        match &mut self.value {
            Value::Table(table) => remove_from(table, key, below),
            Value::List(list) => key.parse().is_ok_and(|index| remove_from(list, &index, below)),
            _ => false,
        }
    }

    /// Reads a text from outside of the file as TOML, for lists and tables.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let value = DeValue::parse(text).map_err(|error| error.message().to_owned())?;
        Ok(Self { value: read_value(value.get_ref(), text), origin: Origin::Nowhere })
    }

    /// A part of a text from outside of the file.
    pub(super) fn untyped(text: &str) -> Self {
        Self { value: Value::Untyped(text.to_owned()), origin: Origin::Nowhere }
    }
}

fn remove_from<K: Ord>(nodes: &mut BTreeMap<K, Node>, key: &K, below: &[String]) -> bool {
    if below.is_empty() {
        return nodes.remove(key).is_some();
    }
    let Some(node) = nodes.get_mut(key) else {
        return false;
    };
    let removed = node.remove(below);
    if matches!(&node.value, Value::Table(table) if table.is_empty()) {
        nodes.remove(key);
    }
    removed
}

fn read_table(table: &DeTable<'_>, text: &str) -> Value {
    let entries = table.iter().map(|(key, value)| {
        // The key's place serves a table, the value's place a value: each is where it is mended.
        let at = if value.get_ref().is_table() { key.span() } else { value.span() };
        let origin = line_and_column(text, at.start);
        let node = Node { value: read_value(value.get_ref(), text), origin };
        (key.get_ref().to_string(), node)
    });
    Value::Table(entries.collect())
}

fn read_value(value: &DeValue<'_>, text: &str) -> Value {
    match value {
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::String(value) => Value::String(value.to_string()),
        DeValue::Datetime(value) => Value::String(value.to_string()),
        DeValue::Integer(value) => match i128::from_str_radix(value.as_str(), value.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::String(value.to_string()),
        },
        DeValue::Float(value) => match value.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::String(value.to_string()),
        },
        DeValue::Array(list) => {
            let node = |item: &Spanned<DeValue<'_>>| Node {
                value: read_value(item.get_ref(), text),
                origin: line_and_column(text, item.span().start),
            };
            Value::List(list.iter().map(node).enumerate().collect())
        }
        DeValue::Table(table) => read_table(table, text),
    }
}

fn line_and_column(text: &str, at: usize) -> Origin {
    let before = &text[..text.floor_char_boundary(at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Origin::File {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}
