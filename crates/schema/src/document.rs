//! The documents' fields, read from `schemas/document.json`: a tree of names whose leaves have kinds.

use std::collections::HashMap;

use serde_json::Value;

use crate::error::SchemaError;
use crate::field::{Field, FieldKind};
use crate::node::{Node, parse};

const FILE: &str = "document.json";

/// A name's place in the tree: an object, a field, or a nested field with fields of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(u16);

impl Place {
    /// The place as an index from 0, below [`DocumentTree::len`].
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

#[derive(Debug)]
struct Entry {
    name: Box<str>,
    dotted: Box<str>,
    parent: Option<Place>,
    children: HashMap<Box<str>, Place>,
    field: Option<usize>,
    many: bool,
}

/// The documents' fields as a tree.
#[derive(Debug)]
pub struct DocumentTree {
    entries: Vec<Entry>,
    fields: Vec<Field>,
}

impl DocumentTree {
    pub(crate) fn read(text: &str) -> Result<Self, SchemaError> {
        let file = parse(FILE, text)?;
        let mut tree = Self { entries: Vec::new(), fields: Vec::new() };
        let root = Node::root(FILE, &file);
        let place = tree.add(&root, "", None)?;
        tree.read_object(&root, &root, place)?;
        Ok(tree)
    }

    fn add(
        &mut self,
        node: &Node<'_>,
        name: &str,
        parent: Option<Place>,
    ) -> Result<Place, SchemaError> {
        let number = u16::try_from(self.entries.len())
            .map_err(|_| node.mistake("there are more names than 65,535"))?;
        let place = Place(number);
        let dotted = match parent.map(|parent| self.dotted(parent)) {
            None | Some("") => name.to_owned(),
            Some(around) => format!("{around}.{name}"),
        };
        self.entries.push(Entry {
            name: name.into(),
            dotted: dotted.into(),
            parent,
            children: HashMap::new(),
            field: None,
            many: false,
        });
        if let Some(parent) = parent {
            self.entries[parent.index()].children.insert(name.into(), place);
        }
        Ok(place)
    }

    fn read_object(
        &mut self,
        root: &Node<'_>,
        object: &Node<'_>,
        parent: Place,
    ) -> Result<(), SchemaError> {
        for (name, node) in object.properties()? {
            if name.is_empty() || name.contains('.') {
                return Err(node.mistake("a name is not empty and holds no dot"));
            }
            let place = self.add(&node, name, Some(parent))?;
            let Some(kind) = self.kind(root, &node, place)? else {
                self.read_object(root, &node, place)?;
                continue;
            };
            let description = node
                .text("description")
                .ok_or_else(|| node.mistake("a field needs a `description`"))?;
            self.entries[place.index()].field = Some(self.fields.len());
            self.fields.push(Field {
                name: self.dotted(place).to_owned(),
                kind,
                description: description.to_owned(),
            });
            if kind == FieldKind::Nested
                && let Some(items) = node.items()
            {
                self.read_object(root, &items, place)?;
            }
        }
        Ok(())
    }

    /// A field's kind; `None` for an object that only holds others.
    fn kind(
        &mut self,
        root: &Node<'_>,
        node: &Node<'_>,
        place: Place,
    ) -> Result<Option<FieldKind>, SchemaError> {
        if let Some(own) = node.extension()? {
            return kind_named(node, own).map(Some);
        }
        let mut referring = node.clone();
        if node.has_type("array") {
            self.entries[place.index()].many = true;
            referring = node.items().ok_or_else(|| node.mistake("an array needs `items`"))?;
        }
        let Some(reference) = referring.text("$ref") else {
            if node.has_type("object") && node.value.get("properties").is_some() {
                return Ok(None);
            }
            return Err(node.mistake("a name is an object with properties, or `$ref`s a kind"));
        };
        let definition = reference
            .strip_prefix("#/$defs/")
            .and_then(|name| root.value.get("$defs")?.get(name))
            .ok_or_else(|| node.mistake(format!("`{reference}` names no definition")))?;
        let definition = Node { value: definition, ..node.clone() };
        let extension = definition.extension()?;
        let extension =
            extension.ok_or_else(|| node.mistake(format!("`{reference}` has no `x-millrace`")))?;
        kind_named(node, extension).map(Some)
    }

    /// Every field, in the order of the schema.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How many places there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The document itself.
    #[must_use]
    pub fn root(&self) -> Place {
        Place(0)
    }

    /// The place of a name within a place.
    #[must_use]
    pub fn child(&self, place: Place, name: &str) -> Option<Place> {
        self.entries[place.index()].children.get(name).copied()
    }

    /// The places within a place, in the order of the schema.
    pub fn children(&self, place: Place) -> impl Iterator<Item = Place> + '_ {
        // Places are numbered as they are read, and a child after its parent.
        let children = &self.entries[place.index()].children;
        let mut places: Vec<_> = children.values().copied().collect();
        places.sort_unstable();
        places.into_iter()
    }

    /// Every place, the document itself first.
    pub fn places(&self) -> impl Iterator<Item = Place> + use<> {
        (0..self.entries.len() as u16).map(Place)
    }

    /// The place of a dotted name.
    #[must_use]
    pub fn find(&self, dotted: &str) -> Option<Place> {
        dotted.split('.').try_fold(self.root(), |place, name| self.child(place, name))
    }

    /// The place of a dotted name within an object. Nothing is found below a nested field, where a
    /// name stands many times.
    #[must_use]
    pub fn find_below(&self, object: Place, dotted: &str) -> Option<Place> {
        dotted.split('.').try_fold(object, |place, name| {
            let is_object = self.entries[place.index()].field.is_none();
            is_object.then(|| self.child(place, name))?
        })
    }

    /// A place's whole name, dotted.
    #[must_use]
    pub fn dotted(&self, place: Place) -> &str {
        &self.entries[place.index()].dotted
    }

    /// The place around a place.
    #[must_use]
    pub fn parent(&self, place: Place) -> Option<Place> {
        self.entries[place.index()].parent
    }

    /// The last part of a place's name.
    #[must_use]
    pub fn name(&self, place: Place) -> &str {
        &self.entries[place.index()].name
    }

    /// The field that stands at a place; `None` for an object.
    #[must_use]
    pub fn field(&self, place: Place) -> Option<&Field> {
        self.entries[place.index()].field.map(|index| &self.fields[index])
    }

    /// Whether a field's value is an array of its kind.
    #[must_use]
    pub fn is_many(&self, place: Place) -> bool {
        self.entries[place.index()].many
    }
}

fn kind_named(
    node: &Node<'_>,
    extension: &serde_json::Map<String, Value>,
) -> Result<FieldKind, SchemaError> {
    let kind = extension.get("kind").and_then(Value::as_str).unwrap_or_default();
    Ok(match kind {
        "keyword" => FieldKind::Keyword,
        "text" => FieldKind::Text,
        "long" => FieldKind::Long,
        "double" => FieldKind::Double,
        "decimal" => {
            let scale = extension.get("scale").and_then(Value::as_u64);
            let scale = scale.and_then(|scale| u8::try_from(scale).ok()).filter(|s| *s <= 9);
            let scale = scale.ok_or_else(|| node.mistake("a decimal has a `scale` of 0 to 9"))?;
            FieldKind::Decimal { scale }
        }
        "boolean" => FieldKind::Boolean,
        "date" => FieldKind::Date,
        "ip" => FieldKind::Ip,
        "geo_point" => FieldKind::GeoPoint,
        "flattened" => FieldKind::Flattened,
        "nested" => FieldKind::Nested,
        other => return Err(node.mistake(format!("there is no kind `{other}`"))),
    })
}
