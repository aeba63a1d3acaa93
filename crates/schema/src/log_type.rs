//! A log type, compiled from its schema file: what its names mean, and what ECS calls its events.

use serde_json::{Map, Value};

use crate::compile::Compiler;
use crate::error::SchemaError;
use crate::index_name::FRAUD_SCORE;
use crate::node::{Node, texts};
use crate::rule::Table;

/// A log type.
#[derive(Debug)]
pub struct LogType {
    /// Its name: `event.dataset`, and part of its indices' names.
    pub name: Box<str>,
    /// What it is, for documentation.
    pub description: Box<str>,
    /// `event.kind`.
    pub event_kind: Box<str>,
    /// `event.category`; empty where ECS has none for it.
    pub event_categories: Vec<Box<str>>,
    /// `event.type`; empty where ECS has none for it.
    pub event_types: Vec<Box<str>>,
    /// What the names of its events mean.
    pub table: Table,
}

impl LogType {
    pub(crate) fn read(
        compiler: &mut Compiler<'_>,
        root: &Node<'_>,
        envelope: &Node<'_>,
    ) -> Result<Self, SchemaError> {
        let missing = |what: &str| root.mistake(format!("the file needs {what}"));
        let extension = root.extension()?.and_then(|extension| extension.get("event"));
        let event =
            extension.and_then(Value::as_object).ok_or_else(|| missing("`x-millrace.event`"))?;
        let name = root.text("title").ok_or_else(|| missing("a `title`"))?;
        let holders: &[&Node<'_>] = if name == FRAUD_SCORE { &[root] } else { &[envelope, root] };
        Ok(Self {
            name: name.into(),
            description: root.text("description").ok_or_else(|| missing("a `description`"))?.into(),
            event_kind: event
                .get("kind")
                .and_then(Value::as_str)
                .ok_or_else(|| missing("`x-millrace.event.kind`"))?
                .into(),
            event_categories: boxed(root, event, "category")?,
            event_types: boxed(root, event, "type")?,
            table: compiler.log_type(holders)?,
        })
    }

    /// Whether a shop may send events of this type; our own scores it may not.
    #[must_use]
    pub fn is_for_shops(&self) -> bool {
        &*self.name != FRAUD_SCORE
    }
}

fn boxed(
    node: &Node<'_>,
    map: &Map<String, Value>,
    name: &str,
) -> Result<Vec<Box<str>>, SchemaError> {
    Ok(texts(node, map, name)?.into_iter().map(Box::from).collect())
}
