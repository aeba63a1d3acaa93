//! The catalog: which collections and indexes there are, kept in the file itself, so that an index is
//! maintained also by a process that does not know it.

use std::collections::HashMap;
use std::sync::Arc;

use redb::{ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::database::Failure;
use super::key::values_key;
use crate::catalog::{Collection, Index};
use crate::{CollectionSpec, DocumentError, ErrorKind};

/// Collections by name.
pub(super) type Catalog = HashMap<String, Arc<Collection>>;

const CATALOG: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("catalog");

/// A table of an index: the values' key with the id behind it.
pub(super) type IndexTable<'a> = TableDefinition<'a, &'static [u8], ()>;
/// A table of documents: id to version (8 bytes, lowest first) and body.
pub(super) type DocumentTable<'a> = TableDefinition<'a, &'static [u8], &'static [u8]>;

impl Collection {
    pub(super) fn table_name(&self) -> String {
        format!("documents/{}", self.name)
    }

    pub(super) fn index_table_name(&self, index: &Index) -> String {
        format!("index/{}/{}", self.name, index.name)
    }

    /// The values' key of a document in each index; `None` where it lacks a field.
    pub(super) fn keys_of(
        &self,
        id: &str,
        body: &[u8],
    ) -> Result<Vec<Option<Vec<u8>>>, DocumentError> {
        let values = self.values_of(id, body)?;
        Ok(values.into_iter().map(|values| values.map(|values| values_key(&values))).collect())
    }
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
        let fresh = || Collection::new(spec.name);
        let mut collection = known.map_or_else(fresh, |known| Collection::clone(known));
        let before = collection.indexes.len();
        collection.grow(spec)?;
        if known.is_some() && collection.indexes.len() == before {
            continue;
        }
        create(transaction, &collection, before)?;
        changed.push(Arc::new(collection));
    }
    Ok(changed)
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
        let filled =
            new.keys_of(id, body).map_err(Failure::from).and_then(|keys| tables.insert(&keys, id));
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
