//! What goes into a store and comes out: operations, requests, pages, cursors. Plain values; the
//! limits on sizes are checked by the stores.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use query::Query;
use serde::{Deserialize, Serialize};

/// The largest page, in documents.
pub const SIZE_MAX: usize = 1_000;
/// The most values that `terms` lists.
pub const TERMS_SIZE_MAX: usize = 1_000;

/// One document to index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexOperation {
    /// Its id: the same id replaces.
    pub id: String,
    /// Index name, `ecommerce-logs-<type>-YYYY.MM.DD`, or one that `search.index_prefixes` allows.
    pub index: Arc<str>,
    /// The shop that it belongs to.
    pub shop: ByteString,
    /// When it happened, nanoseconds since 1970 UTC.
    pub timestamp_ns: i64,
    /// When the door took it, nanoseconds since 1970 UTC: retention counts from here.
    pub received_at_ns: i64,
    /// The document: one JSON object; it is given back byte for byte.
    pub document: Bytes,
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOutcome {
    /// It is durable.
    Done,
    /// It may work later.
    Retry {
        /// The shortest wait.
        after: Duration,
        /// What is in the way.
        reason: String,
    },
    /// It can never be indexed.
    Rejected {
        /// Short name of the reason, as in dead letters.
        kind: String,
        /// The reason in words.
        message: String,
    },
}

/// From when (inclusive) to when (exclusive), nanoseconds since 1970 UTC, by `@timestamp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// The first moment; none is without limit.
    pub from_ns: Option<i64>,
    /// The moment after the last; none is without limit.
    pub to_ns: Option<i64>,
}

impl TimeRange {
    /// Whether the moment lies within.
    #[must_use]
    pub fn contains(&self, moment_ns: i64) -> bool {
        self.from_ns.is_none_or(|from| moment_ns >= from)
            && self.to_ns.is_none_or(|to| moment_ns < to)
    }
}

/// The order of a page, by `@timestamp`, then id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The latest first.
    #[default]
    NewestFirst,
    /// The earliest first.
    OldestFirst,
}

/// A search for one page.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRequest {
    /// What to find.
    pub query: Query,
    /// When it happened.
    pub range: TimeRange,
    /// Documents of the page, at most [`SIZE_MAX`].
    pub size: usize,
    /// In which order.
    pub order: Order,
    /// The `cursor` of the page before. That of a consistent search holds the engine's own name of what is held:
    /// whoever gives it to others signs it, so that nobody's own text reaches an engine as such a name.
    pub cursor: Option<String>,
    /// Whether all pages show the documents of one moment, that of the first page, and its time range; each page of
    /// such a search says so. The store holds that moment between pages for a while only, and only so many at a
    /// time. Without it, what is indexed meanwhile is found as soon as a page reaches it.
    pub consistent: bool,
}

impl SearchRequest {
    /// The newest 100 of everything that matches.
    #[must_use]
    pub fn new(query: Query) -> Self {
        Self {
            query,
            range: TimeRange::default(),
            size: 100,
            order: Order::NewestFirst,
            cursor: None,
            consistent: false,
        }
    }
}

/// A document that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its id.
    pub id: String,
    /// Its index name.
    pub index: String,
    /// Its shop.
    pub shop: String,
    /// When it happened, nanoseconds since 1970 UTC.
    pub timestamp_ns: i64,
    /// When the door took it, nanoseconds since 1970 UTC.
    pub received_at_ns: i64,
    /// The document as it was given.
    pub document: Bytes,
}

/// One page of hits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchPage {
    /// The documents, in order.
    pub hits: Vec<Hit>,
    /// How many documents match altogether.
    pub total: u64,
    /// Asks for the next page; none when this is the last one.
    pub cursor: Option<String>,
}

/// A place in the order in which documents became searchable. Its text means nothing outside the
/// store that made it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TailCursor(pub String);

/// What became searchable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TailPage {
    /// The documents, in the order in which they became searchable.
    pub hits: Vec<Hit>,
    /// Goes on after these.
    pub cursor: TailCursor,
}
