//! Changes within a transaction: conditions, versions, documents and their index entries. Never
//! commits.

use redb::{ReadableTable, Table, WriteTransaction};

use super::collection::{DocumentTable, IndexTable};
use super::database::Failure;
use super::find::{VERSION_BYTES, split};
use super::key::end_of_prefix;
use crate::catalog::Collection;
use crate::{Change, DocumentError, ErrorKind, Expect};

/// The open indexes of a collection, in the order of the collection.
pub(super) struct IndexTables<'t> {
    tables: Vec<Table<'t, &'static [u8], ()>>,
    collection: &'t Collection,
}

impl<'t> IndexTables<'t> {
    pub(super) fn open(
        transaction: &'t WriteTransaction,
        collection: &'t Collection,
    ) -> Result<Self, Failure> {
        let mut tables = Vec::with_capacity(collection.indexes.len());
        for index in &collection.indexes {
            let name = collection.index_table_name(index);
            tables.push(transaction.open_table(IndexTable::new(&name))?);
        }
        Ok(Self { tables, collection })
    }

    /// Enters a document under the key of its values in each index.
    pub(super) fn insert(&mut self, keys: &[Option<Vec<u8>>], id: &str) -> Result<(), Failure> {
        for (place, key) in keys.iter().enumerate() {
            let Some(key) = key else { continue };
            let index = &self.collection.indexes[place];
            if index.unique {
                let taken = self.tables[place]
                    .range::<&[u8]>((
                        std::ops::Bound::Included(key.as_slice()),
                        end_of_prefix(key).as_ref().map(Vec::as_slice),
                    ))?
                    .next()
                    .is_some();
                if taken {
                    let text = format!(
                        "another document of `{}` has the values of {id} in the index `{}`",
                        self.collection.name, index.name
                    );
                    return Err(DocumentError::new(ErrorKind::Conflict, text).into());
                }
            }
            self.tables[place].insert(entry(key, id).as_slice(), ())?;
        }
        Ok(())
    }

    fn remove(&mut self, keys: &[Option<Vec<u8>>], id: &str) -> Result<(), Failure> {
        for (table, key) in self.tables.iter_mut().zip(keys) {
            if let Some(key) = key {
                table.remove(entry(key, id).as_slice())?;
            }
        }
        Ok(())
    }
}

fn entry(key: &[u8], id: &str) -> Vec<u8> {
    [key, id.as_bytes()].concat()
}

/// Makes the changes.
pub(super) fn apply(
    transaction: &WriteTransaction,
    collection: &Collection,
    changes: &[Change],
) -> Result<(), Failure> {
    let table_name = collection.table_name();
    let mut documents = transaction.open_table(DocumentTable::new(&table_name))?;
    let mut indexes = IndexTables::open(transaction, collection)?;
    for change in ordered(collection, changes) {
        let (Change::Put { id, expect, .. } | Change::Delete { id, expect }) = change;
        let (version, old_keys) = match documents.get(id.as_bytes())? {
            None => (0, Vec::new()),
            Some(stored) => {
                let (version, body) = split(stored.value())?;
                (version, collection.keys_of(id, body)?)
            }
        };
        check(&collection.name, id, *expect, version)?;
        indexes.remove(&old_keys, id)?;
        match change {
            Change::Put { body, .. } => {
                indexes.insert(&collection.keys_of(id, body)?, id)?;
                let length = VERSION_BYTES + body.len();
                let mut place = documents.insert_reserve(id.as_bytes(), length)?;
                let (head, tail) = place.as_mut().split_at_mut(VERSION_BYTES);
                head.copy_from_slice(&(version + 1).to_le_bytes());
                tail.copy_from_slice(body);
            }
            Change::Delete { .. } => {
                documents.remove(id.as_bytes())?;
            }
        }
    }
    Ok(())
}

/// By id where that cannot change the outcome: neighbours in the tree are then written together.
fn ordered<'c>(collection: &Collection, changes: &'c [Change]) -> Vec<&'c Change> {
    let mut ordered: Vec<&Change> = changes.iter().collect();
    if collection.indexes.iter().all(|index| !index.unique) {
        ordered.sort_by_key(|change| match change {
            Change::Put { id, .. } | Change::Delete { id, .. } => id.as_str(),
        });
    }
    ordered
}

fn check(collection: &str, id: &str, expect: Expect, version: u64) -> Result<(), Failure> {
    let reason = match expect {
        Expect::Any => return Ok(()),
        Expect::Absent if version == 0 => return Ok(()),
        Expect::Version(wanted) if wanted == version => return Ok(()),
        Expect::Absent => "is there already".to_owned(),
        Expect::Version(_) if version == 0 => "is not there".to_owned(),
        Expect::Version(wanted) => format!("has version {version}, not {wanted}"),
    };
    let text = format!("document {id} of `{collection}` {reason}");
    Err(DocumentError::new(ErrorKind::Conflict, text).into())
}
