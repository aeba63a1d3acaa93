//! Collections and indexes as a store keeps them, and the values that documents have in them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    BODY_BYTES_MAX, Change, CollectionSpec, DocumentError, ErrorKind, ID_BYTES_MAX,
    INDEX_TEXT_BYTES_MAX, IndexValue,
};

/// A collection as it stands in a store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Collection {
    pub(crate) name: String,
    pub(crate) indexes: Vec<Index>,
}

/// An index as it stands in a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) fields: Vec<String>,
    pub(crate) unique: bool,
}

impl Collection {
    /// A collection without indexes.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), indexes: Vec::new() }
    }

    /// Adds the indexes of a declaration that are missing here.
    pub(crate) fn grow(&mut self, spec: &CollectionSpec) -> Result<(), DocumentError> {
        for wanted in spec.indexes {
            let wanted = Index {
                name: wanted.name.to_owned(),
                fields: wanted.fields.iter().map(|&field| field.to_owned()).collect(),
                unique: wanted.unique,
            };
            match self.indexes.iter().find(|index| index.name == wanted.name) {
                Some(index) if *index == wanted => {}
                Some(_) => return Err(other_fields(&self.name, &wanted.name)),
                None => self.indexes.push(wanted),
            }
        }
        Ok(())
    }

    /// The index of this name, for a query with these first values.
    pub(crate) fn index(&self, name: &str, equals: &[IndexValue]) -> Result<&Index, DocumentError> {
        let index = self.indexes.iter().find(|index| index.name == name).ok_or_else(|| {
            invalid(format!("the collection `{}` has no index `{name}`", self.name))
        })?;
        if equals.len() > index.fields.len() {
            let (asked, fields) = (equals.len(), index.fields.len());
            let text = format!("the index `{name}` has {fields} fields, {asked} values are asked");
            return Err(invalid(text));
        }
        Ok(index)
    }

    /// A document's values in each index; `None` where it lacks one of them.
    pub(crate) fn values_of(
        &self,
        id: &str,
        body: &[u8],
    ) -> Result<Vec<Option<Vec<IndexValue>>>, DocumentError> {
        if self.indexes.is_empty() {
            return Ok(Vec::new());
        }
        let name = &self.name;
        let fields: BTreeMap<Cow<'_, str>, &RawValue> =
            serde_json::from_slice(body).map_err(|error| {
                invalid(format!("document {id} of `{name}` is no JSON object: {error}"))
            })?;
        let value = |field: &String| match fields.get(field.as_str()) {
            None => Ok(None),
            Some(raw) => index_value(raw)
                .map_err(|reason| invalid(format!("`{field}` of {id} in `{name}` {reason}"))),
        };
        self.indexes.iter().map(|index| index.fields.iter().map(value).collect()).collect()
    }
}

fn index_value(raw: &RawValue) -> Result<Option<IndexValue>, String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Known {
        Integer(i64),
        Text(String),
        Null(()),
    }
    match serde_json::from_str(raw.get()) {
        Ok(Known::Text(text)) if text.len() > INDEX_TEXT_BYTES_MAX => {
            Err(format!("is longer than {INDEX_TEXT_BYTES_MAX} bytes, too long for an index"))
        }
        Ok(Known::Text(text)) => Ok(Some(IndexValue::Text(text))),
        Ok(Known::Integer(number)) => Ok(Some(IndexValue::Integer(number))),
        Ok(Known::Null(())) => Ok(None),
        Err(_) => Err("is neither a string nor an integer, and cannot be indexed".to_owned()),
    }
}

/// Checks what does not depend on what is stored.
pub(crate) fn check(change: &Change) -> Result<(), DocumentError> {
    let (Change::Put { id, .. } | Change::Delete { id, .. }) = change;
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        let text = format!("a document's id has 1 to {ID_BYTES_MAX} bytes, not {}", id.len());
        return Err(invalid(text));
    }
    match change {
        Change::Put { id, body, .. } if body.len() > BODY_BYTES_MAX => {
            Err(invalid(format!("document {id} is larger than {BODY_BYTES_MAX} bytes")))
        }
        _ => Ok(()),
    }
}

/// The error of a collection that is in no catalog.
pub(crate) fn unknown_collection(name: &str) -> DocumentError {
    invalid(format!("there is no collection `{name}`: it was never declared"))
}

fn other_fields(collection: &str, index: &str) -> DocumentError {
    let text = format!(
        "the index `{index}` of `{collection}` was made with other fields: give the new one another \
         name"
    );
    DocumentError::new(ErrorKind::Fatal, text)
}

fn invalid(message: String) -> DocumentError {
    DocumentError::new(ErrorKind::Invalid, message)
}
