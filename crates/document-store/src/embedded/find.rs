//! Reading: by id, and by index with pages. A page mark is the last key of its page, with the query it
//! belongs to; nothing is held open between pages.

use std::ops::Bound;

use bytes::Bytes;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTableMetadata, TableError};

use super::collection::{DocumentTable, IndexTable};
use super::database::Failure;
use super::key::{end_of_prefix, values_key};
use crate::catalog::Collection;
use crate::mark;
use crate::{Document, DocumentError, ErrorKind, FIND_LIMIT_MAX, Find, Found, IndexValue};

/// The version in front of a stored body.
pub(super) const VERSION_BYTES: usize = 8;

/// A stored value's version and body.
pub(super) fn split(stored: &[u8]) -> Result<(u64, &[u8]), Failure> {
    let (version, body) = stored.split_first_chunk::<VERSION_BYTES>().ok_or_else(|| {
        DocumentError::new(ErrorKind::Fatal, "a stored document is damaged: it has no version")
    })?;
    Ok((u64::from_le_bytes(*version), body))
}

type Documents = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

fn open_documents(
    transaction: &ReadTransaction,
    collection: &Collection,
) -> Result<Documents, TableError> {
    transaction.open_table(DocumentTable::new(&collection.table_name()))
}

fn read(documents: &Documents, id: &str) -> Result<Option<Document>, Failure> {
    let Some(stored) = documents.get(id.as_bytes())? else { return Ok(None) };
    let (version, body) = split(stored.value())?;
    Ok(Some(Document { id: id.to_owned(), version, body: Bytes::copy_from_slice(body) }))
}

/// Documents in the order of the ids.
pub(super) fn get_many(
    database: &Database,
    collection: &Collection,
    ids: &[String],
) -> Result<Vec<Option<Document>>, Failure> {
    let transaction = database.begin_read()?;
    let documents = open_documents(&transaction, collection)?;
    ids.iter().map(|id| read(&documents, id)).collect()
}

/// One page of an index.
pub(super) fn find(
    database: &Database,
    collection: &Collection,
    index: &str,
    find: &Find,
) -> Result<Found, Failure> {
    let index = collection.index(index, &find.equals)?;
    let query = mark::query(&collection.name, &index.name, find.descending);
    let prefix = values_key(&find.equals);
    let (mut from, mut until) = (Bound::Included(prefix.clone()), end_of_prefix(&prefix));
    if let Some(after) = &find.after {
        let last = mark::read(after, &query, &prefix)?;
        if find.descending {
            until = Bound::Excluded(last);
        } else {
            from = Bound::Excluded(last);
        }
    }
    let transaction = database.begin_read()?;
    let documents = open_documents(&transaction, collection)?;
    let entries = transaction.open_table(IndexTable::new(&collection.index_table_name(index)))?;
    let mut range = entries
        .range::<&[u8]>((from.as_ref().map(Vec::as_slice), until.as_ref().map(Vec::as_slice)))?;
    let limit = find.limit.min(FIND_LIMIT_MAX);
    let mut found = Found::default();
    let mut last = Vec::new();
    loop {
        let next = if find.descending { range.next_back() } else { range.next() };
        let Some(entry) = next.transpose()? else { return Ok(found) };
        if found.documents.len() == limit {
            found.next = (limit > 0).then(|| mark::write(&query, &last));
            return Ok(found);
        }
        last.clear();
        last.extend_from_slice(entry.0.value());
        let document = read(&documents, id_of(&last, index.fields.len())?)?;
        found.documents.push(document.ok_or_else(damaged)?);
    }
}

/// How many documents an index holds.
pub(super) fn count(
    database: &Database,
    collection: &Collection,
    index: &str,
    equals: &[IndexValue],
) -> Result<u64, Failure> {
    let index = collection.index(index, equals)?;
    let transaction = database.begin_read()?;
    let entries = transaction.open_table(IndexTable::new(&collection.index_table_name(index)))?;
    if equals.is_empty() {
        return Ok(entries.len()?);
    }
    let prefix = values_key(equals);
    let until = end_of_prefix(&prefix);
    let range = (Bound::Included(prefix.as_slice()), until.as_ref().map(Vec::as_slice));
    let mut count = 0;
    for entry in entries.range::<&[u8]>(range)? {
        entry?;
        count += 1;
    }
    Ok(count)
}

fn damaged() -> Failure {
    let text = "an index of the document store is damaged: it names a document that is not there";
    DocumentError::new(ErrorKind::Fatal, text).into()
}

/// The id behind the values of an index entry.
fn id_of(entry: &[u8], fields: usize) -> Result<&str, Failure> {
    let id = super::key::after_values(entry, fields).ok_or_else(damaged)?;
    std::str::from_utf8(id).map_err(|_| damaged())
}
