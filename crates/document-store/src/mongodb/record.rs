//! Documents as the server holds them: id, version, the body's bytes, and a key for each index.
//!
//! The key of an index is a text, or null where the document is not in it. A document without the
//! field has been written by somebody who did not know the index.

use bytes::Bytes;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, Document as Record, RawDocument, doc};

use super::error::Failure;
use super::key::values_key;
use crate::catalog::Collection;
use crate::{Document, DocumentError, ErrorKind};

pub(super) const ID: &str = "_id";
pub(super) const VERSION: &str = "version";
pub(super) const BODY: &str = "body";
const KEYS: &str = "keys";
/// The server takes 16 MiB; what a change adds to a document must fit, too.
pub(super) const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024 - 64 * 1024;

/// The field that holds the key of an index.
pub(super) fn key_field(index: &str) -> String {
    format!("{KEYS}.{index}")
}

/// What a document's body becomes.
pub(super) struct Content {
    body: Binary,
    keys: Record,
}

impl Content {
    /// Reads the values of the indexes from a body.
    pub(super) fn new(
        collection: &Collection,
        id: &str,
        body: &[u8],
    ) -> Result<Self, DocumentError> {
        let mut keys = Record::new();
        let mut size = id.len() + body.len();
        for (index, key) in collection.indexes.iter().zip(keys_of(collection, id, body)?) {
            size += index.name.len() + key.as_ref().map_or(0, String::len);
            keys.insert(index.name.clone(), key);
        }
        if size > RECORD_BYTES_MAX {
            let text = format!(
                "document {id} of `{}` is larger than {RECORD_BYTES_MAX} bytes: MongoDB cannot hold \
                 it",
                collection.name
            );
            return Err(DocumentError::new(ErrorKind::Invalid, text));
        }
        let body = Binary { subtype: BinarySubtype::Generic, bytes: body.to_vec() };
        Ok(Self { body, keys })
    }

    /// The document as it begins.
    pub(super) fn record(self, id: &str) -> Record {
        let mut record = doc! {ID: id, VERSION: 1_i64, BODY: self.body};
        if !self.keys.is_empty() {
            record.insert(KEYS, self.keys);
        }
        record
    }

    /// What makes a document of this content out of another one, or out of none.
    pub(super) fn update(self) -> Record {
        let mut set = doc! {BODY: self.body};
        if !self.keys.is_empty() {
            set.insert(KEYS, self.keys);
        }
        doc! {"$set": set, "$inc": {VERSION: 1_i64}}
    }
}

/// A document's key in each index. Where values may repeat, the id stands behind them, so that every
/// document has its place.
pub(super) fn keys_of(
    collection: &Collection,
    id: &str,
    body: &[u8],
) -> Result<Vec<Option<String>>, DocumentError> {
    let values = collection.values_of(id, body)?;
    let keys = collection.indexes.iter().zip(values).map(|(index, values)| {
        let key = values_key(&values?);
        Some(if index.unique { key } else { key + id })
    });
    Ok(keys.collect())
}

/// Selects a document, of this version if one is given.
pub(super) fn selector(id: &str, version: Option<u64>) -> Record {
    let mut selector = doc! {ID: id};
    if let Some(version) = version {
        selector.insert(VERSION, stored_version(version));
    }
    selector
}

/// No document has a version that cannot be stored.
fn stored_version(version: u64) -> Bson {
    i64::try_from(version).map_or(Bson::Int64(-1), Bson::Int64)
}

/// A document as the server gave it.
pub(super) fn document(record: &RawDocument) -> Result<Document, Failure> {
    let version = u64::try_from(record.get_i64(VERSION)?).unwrap_or_default();
    let body = Bytes::copy_from_slice(record.get_binary(BODY)?.bytes);
    Ok(Document { id: record.get_str(ID)?.to_owned(), version, body })
}

/// A document's key in an index.
pub(super) fn key<'r>(record: &'r RawDocument, index: &str) -> Result<&'r str, Failure> {
    Ok(record.get_document(KEYS)?.get_str(index)?)
}
