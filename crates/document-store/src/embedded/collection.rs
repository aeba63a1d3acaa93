//! The catalog: which collections and indexes there are, kept in the file itself, so that an index is
//! maintained also by a process that does not know it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::database::Failure;
use super::key::values_key;
use crate::{CollectionSpec, DocumentError, ErrorKind, INDEX_TEXT_BYTES_MAX, IndexValue};

/// Collections by name.
pub(super) type Catalog = HashMap<String, Arc<Collection>>;

const CATALOG: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("catalog");

/// A table of an index: the values' key with the id behind it.
pub(super) type IndexTable<'a> = TableDefinition<'a, &'static [u8], ()>;
/// A table of documents: id to version (8 bytes, lowest first) and body.
pub(super) type DocumentTable<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;

/// A collection as it stands in the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Collection {
    pub(super) name: String,
    pub(super) indexes: Vec<Index>,
}

/// An index as it stands in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) fields: Vec<String>,
    pub(super) unique: bool,
}

impl Collection {
    pub(super) fn table_name(&self) -> String {
        format!("documents/{}", self.name)
    }

    pub(super) fn index_table_name(&self, index: &Index) -> String {
        format!("index/{}/{}", self.name, index.name)
    }

    pub(super) fn index(&self, name: &str) -> Result<&Index, DocumentError> {
        self.indexes.iter().find(|index| index.name == name).ok_or_else(|| {
            let text = format!("the collection `{}` has no index `{name}`", self.name);
            DocumentError::new(ErrorKind::Invalid, text)
        })
    }

    /// The values' key of a document in each index; `None` where it lacks a field.
    pub(super) fn keys_of(&self, id: &str, body: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Failure> {
        if self.indexes.is_empty() {
            return Ok(Vec::new());
        }
        let name = &self.name;
        let fields: BTreeMap<Cow<'_, str>, &RawValue> =
            serde_json::from_slice(body).map_err(|error| {
                invalid(format!("document {id} of `{name}` is no JSON object: {error}"))
            })?;
        let key_of = |index: &Index| {
            let values = index.fields.iter().map(|field| match fields.get(field.as_str()) {
                None => Ok(None),
                Some(raw) => index_value(raw)
                    .map_err(|reason| invalid(format!("`{field}` of {id} in `{name}` {reason}"))),
            });
            let values: Option<Vec<IndexValue>> = values.collect::<Result<_, Failure>>()?;
            Ok(values.map(|values| values_key(&values)))
        };
        self.indexes.iter().map(key_of).collect()
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

fn invalid(message: String) -> Failure {
    DocumentError::new(ErrorKind::Invalid, message).into()
}

/// Reads the catalog of a file.
pub(super) fn load(database: &redb::Database) -> Result<Catalog, Failure> {
    let mut catalog = Catalog::new();
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(CATALOG) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(catalog),
        table => table?,
    };
    for entry in table.iter()? {
        let (name, stored) = entry?;
        let collection: Collection = serde_json::from_slice(stored.value()).map_err(|error| {
            let text = format!("the catalog's entry of `{}` is damaged: {error}", name.value());
            DocumentError::new(ErrorKind::Fatal, text)
        })?;
        catalog.insert(name.value().to_owned(), Arc::new(collection));
    }
    Ok(catalog)
}

/// Adds what is missing to the file and gives the collections that are new or have grown.
pub(super) fn ensure(
    transaction: &WriteTransaction,
    catalog: &Catalog,
    specs: &[CollectionSpec],
) -> Result<Vec<Arc<Collection>>, Failure> {
    let mut changed = Vec::new();
    for spec in specs {
        let known = catalog.get(spec.name);
        let fresh = || Collection { name: spec.name.to_owned(), indexes: Vec::new() };
        let mut collection = known.map_or_else(fresh, |known| Collection::clone(known));
        let before = collection.indexes.len();
        for wanted in spec.indexes {
            let wanted = Index {
                name: wanted.name.to_owned(),
                fields: wanted.fields.iter().map(|&field| field.to_owned()).collect(),
                unique: wanted.unique,
            };
            match collection.indexes.iter().find(|index| index.name == wanted.name) {
                Some(index) if *index == wanted => {}
                Some(_) => return Err(other_fields(spec.name, &wanted.name)),
                None => collection.indexes.push(wanted),
            }
        }
        if known.is_some() && collection.indexes.len() == before {
            continue;
        }
        create(transaction, &collection, before)?;
        changed.push(Arc::new(collection));
    }
    Ok(changed)
}

fn other_fields(collection: &str, index: &str) -> Failure {
    let text = format!(
        "the index `{index}` of `{collection}` was made with other fields: give the new one another \
         name"
    );
    DocumentError::new(ErrorKind::Fatal, text).into()
}

/// Writes a collection's catalog entry and tables; fills the indexes from `first_new` on.
fn create(
    transaction: &WriteTransaction,
    collection: &Collection,
    first_new: usize,
) -> Result<(), Failure> {
    let entry = serde_json::to_vec(collection).map_err(|error| {
        DocumentError::new(ErrorKind::Fatal, format!("the catalog cannot be written: {error}"))
    })?;
    transaction.open_table(CATALOG)?.insert(collection.name.as_str(), entry.as_slice())?;
    let table_name = collection.table_name();
    let documents = transaction.open_table(DocumentTable::new(&table_name))?;
    let new = Collection {
        name: collection.name.clone(),
        indexes: collection.indexes[first_new..].to_vec(),
    };
    let mut tables = super::change::IndexTables::open(transaction, &new)?;
    for document in documents.iter()? {
        let (id, stored) = document?;
        let id = std::str::from_utf8(id.value()).unwrap_or_default();
        let (_, body) = super::find::split(stored.value())?;
        let filled = new.keys_of(id, body).and_then(|keys| tables.insert(&keys, id));
        filled.map_err(|failure| match failure {
            Failure::Refused(error) => {
                let text = format!("a new index cannot be filled: {error}");
                DocumentError::new(ErrorKind::Fatal, text).into()
            }
            storage => storage,
        })?;
    }
    Ok(())
}
