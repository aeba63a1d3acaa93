//! The document port: users, sessions, dead letters, state. Documents are found by id or by a declared
//! index, never by a scan. `embedded` is the store of one machine, in a folder; `mongodb` is the one that
//! many share.

mod catalog;
mod embedded;
mod mark;
mod mongodb;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod key_properties;

use async_trait::async_trait;
use bytes::Bytes;

pub use self::mongodb::{MongoConfig, MongoDocuments};
pub use embedded::{EmbeddedConfig, EmbeddedDocuments};

/// The longest id of a document, in bytes.
pub const ID_BYTES_MAX: usize = 512;
/// The largest body of a document, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The longest text in an index, in bytes.
pub const INDEX_TEXT_BYTES_MAX: usize = 1024;
/// The most documents of a page.
pub const FIND_LIMIT_MAX: usize = 1000;

/// A collection as the platform wants it.
#[derive(Clone, Debug)]
pub struct CollectionSpec {
    /// Name: `[a-z0-9_]+`.
    pub name: &'static str,
    /// Indexes; the documents of a collection that has any are JSON objects.
    pub indexes: &'static [IndexSpec],
}

/// An index: the values of these top-level fields, in this order. A document that lacks one, or has
/// null there, is not in the index.
#[derive(Clone, Debug)]
pub struct IndexSpec {
    /// Name.
    pub name: &'static str,
    /// Fields whose values are strings or integers.
    pub fields: &'static [&'static str],
    /// Whether two documents may not have the same values.
    pub unique: bool,
}

/// A value in an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IndexValue {
    /// An integer.
    Integer(i64),
    /// A string.
    Text(String),
}

/// A stored document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Identity within the collection.
    pub id: String,
    /// Grows with each change, from 1.
    pub version: u64,
    /// Content: opaque where the collection has no index.
    pub body: Bytes,
}

/// What must be true of the stored document for a change to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Anything.
    Any,
    /// There is none.
    Absent,
    /// It has this version.
    Version(u64),
}

/// One change of a transaction.
#[derive(Clone, Debug)]
pub enum Change {
    /// Stores a document in place of what is there.
    Put {
        /// Identity.
        id: String,
        /// Content.
        body: Bytes,
        /// Condition.
        expect: Expect,
    },
    /// Removes a document; nothing happens if there is none and `Any` is expected.
    Delete {
        /// Identity.
        id: String,
        /// Condition.
        expect: Expect,
    },
}

/// Which documents of an index, in its order.
#[derive(Clone, Debug, Default)]
pub struct Find {
    /// The first fields have these values; empty means every document of the index.
    pub equals: Vec<IndexValue>,
    /// From the end to the beginning.
    pub descending: bool,
    /// At most this many, and never more than [`FIND_LIMIT_MAX`].
    pub limit: usize,
    /// Goes on after the page that gave this.
    pub after: Option<String>,
}

/// A page of documents.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// In the index's order.
    pub documents: Vec<Document>,
    /// Asks for the next page; `None` at the end.
    pub next: Option<String>,
}

/// What the caller can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The condition did not hold, or a unique index has the values already.
    Conflict,
    /// It may work later.
    Transient,
    /// The call is wrong: an unknown collection or index, a body that is not JSON, an indexed value
    /// that is neither string nor integer, something too long.
    Invalid,
    /// It will not work until a person acts.
    Fatal,
}

/// An error of the store. Its text says what happened and where.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct DocumentError {
    /// What the caller can do.
    pub kind: ErrorKind,
    /// What happened, where, and what to do.
    pub message: String,
}

impl DocumentError {
    /// Makes an error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// A store of documents. All that returns `Ok` is durable.
#[async_trait]
pub trait DocumentStore: Send + Sync {
    /// Makes collections and indexes that are missing. An index that was added later is filled.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`] where an index stands there with other fields, or the documents that are
    /// there already do not fit into an index that is new.
    async fn ensure_collections(&self, specs: &[CollectionSpec]) -> Result<(), DocumentError>;

    /// Reads documents in the order of the ids; `None` where there is none.
    ///
    /// # Errors
    /// Of the store.
    async fn get_many(
        &self,
        collection: &str,
        ids: &[&str],
    ) -> Result<Vec<Option<Document>>, DocumentError>;

    /// Reads one document.
    ///
    /// # Errors
    /// Of the store.
    async fn get(&self, collection: &str, id: &str) -> Result<Option<Document>, DocumentError> {
        Ok(self.get_many(collection, &[id]).await?.into_iter().flatten().next())
    }

    /// Makes all of these changes in one transaction, or none. Changes of one document happen in
    /// their order.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when a condition does not hold.
    async fn apply(&self, collection: &str, changes: Vec<Change>) -> Result<(), DocumentError>;

    /// Stores one document in place of what is there, where `expect` holds.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    async fn put(
        &self,
        collection: &str,
        id: &str,
        body: Bytes,
        expect: Expect,
    ) -> Result<(), DocumentError> {
        self.apply(collection, vec![Change::Put { id: id.to_owned(), body, expect }]).await
    }

    /// Removes one document where `expect` holds.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    async fn delete(
        &self,
        collection: &str,
        id: &str,
        expect: Expect,
    ) -> Result<(), DocumentError> {
        self.apply(collection, vec![Change::Delete { id: id.to_owned(), expect }]).await
    }

    /// Finds documents by an index.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an unknown index or a page mark of another query.
    async fn find(
        &self,
        collection: &str,
        index: &str,
        find: &Find,
    ) -> Result<Found, DocumentError>;

    /// How many documents the index holds with these first values.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    async fn count(
        &self,
        collection: &str,
        index: &str,
        equals: &[IndexValue],
    ) -> Result<u64, DocumentError>;
}
