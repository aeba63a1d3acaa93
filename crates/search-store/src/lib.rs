//! The search port: documents go in by id, and are found by query, always within a [`Scope`]. The
//! embedded index stands in `embedded/`, the one on Elasticsearch and OpenSearch in `elasticsearch/`. No text
//! of an event or of a user reaches an engine except as a value in a parsed query, or in a cursor that whoever serves
//! users has signed, and nothing can be read without a scope.

mod bounds;
#[cfg(test)]
mod contract;
mod cursor;
mod elasticsearch;
mod embedded;
mod ends;
mod index_prefixes;
mod point_in_time;
mod refusal;
mod request;
mod value;
mod words;

use std::time::Duration;

use access::Scope;
use async_trait::async_trait;
use query::Query;

pub use cursor::check_unsigned_cursor;
pub use elasticsearch::{ElasticsearchConfig, ElasticsearchStore, EngineParts};
pub use embedded::{EmbeddedConfig, EmbeddedSearch};
pub use index_prefixes::IndexPrefixes;
pub use point_in_time::PointsInTimeConfig;
pub use refusal::shown;
pub use request::{
    Hit, IndexOperation, ItemOutcome, Order, SIZE_MAX, SearchPage, SearchRequest, TERMS_SIZE_MAX,
    TailCursor, TailPage, TimeRange,
};

/// How many buckets a histogram may have.
pub const BUCKETS_MAX: u64 = 10_000;

/// A store of documents that can be searched.
#[async_trait]
pub trait SearchStore: Send + Sync {
    /// Makes what the store needs before the first document: templates, folders.
    ///
    /// # Errors
    /// The store cannot be reached, or refuses.
    async fn ensure_templates(&self) -> Result<(), StoreError>;

    /// Indexes each document under its id; a document with the same id is replaced. Returns when all
    /// that is `Done` is durable and can soon be found, one outcome for each operation, in order.
    ///
    /// # Errors
    /// Nothing can be indexed until somebody changes something.
    async fn bulk(&self, operations: Vec<IndexOperation>) -> Result<Vec<ItemOutcome>, StoreError>;

    /// One page of what matches, by time.
    ///
    /// # Errors
    /// A query or cursor that cannot be run, a consistent search that has expired or cannot be begun, or a store that
    /// fails.
    async fn search(
        &self,
        scope: &Scope,
        request: &SearchRequest,
    ) -> Result<SearchPage, StoreError>;

    /// How many documents match.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    async fn count(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
    ) -> Result<u64, StoreError>;

    /// How many documents match in each interval: the interval's begin (a multiple of it since 1970)
    /// and its count, in time order, without empty intervals.
    ///
    /// # Errors
    /// As [`search`](Self::search); also an interval that is not positive, or more than
    /// [`BUCKETS_MAX`] intervals.
    async fn histogram(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        interval_ns: i64,
    ) -> Result<Vec<(i64, u64)>, StoreError>;

    /// The most frequent values of a keyword, number or boolean field among what matches.
    ///
    /// # Errors
    /// As [`search`](Self::search); also a field whose values cannot be listed.
    async fn terms(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        field: &str,
        size: usize,
    ) -> Result<Vec<(String, u64)>, StoreError>;

    /// The document with this id, scores included.
    ///
    /// # Errors
    /// A store that fails.
    async fn get(&self, scope: &Scope, id: &str) -> Result<Option<Hit>, StoreError>;

    /// Where the store stands now, to follow it from here with [`tail`](Self::tail).
    ///
    /// # Errors
    /// A store that fails.
    async fn tail_position(&self) -> Result<TailCursor, StoreError>;

    /// What became searchable after the cursor and matches, in the order in which it did: an event
    /// that arrives late is not missed. An event that is indexed again comes again. A cursor goes on for
    /// the query that it was made with.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    async fn tail(
        &self,
        scope: &Scope,
        query: &Query,
        after: &TailCursor,
        size: usize,
    ) -> Result<TailPage, StoreError>;
}

/// Why a store cannot do what was asked. [`kind`](Self::kind) says what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The request cannot be run; the caller must change it.
    #[error("{0}")]
    Invalid(String),
    /// Another process holds the folder.
    #[error(
        "the search index {path} is in use by another process: stop that one, or let both use an \
         Elasticsearch (search = \"https://host:9200\")"
    )]
    InUse {
        /// The folder.
        path: String,
    },
    /// The store is busy; the same request may work later.
    #[error("{reason}")]
    Unavailable {
        /// The shortest wait.
        after: Duration,
        /// What is in the way.
        reason: String,
    },
    /// The moment that a consistent search pages through is no longer held.
    #[error("this view has expired: begin with the first page")]
    Expired,
    /// As many consistent searches are open as may be.
    #[error("{reason}")]
    TooManyPointsInTime {
        /// When one ends that nobody goes on with.
        after: Duration,
        /// Which limit it is, and what to do.
        reason: String,
    },
    /// The store cannot hold all that matches as it is now.
    #[error("{reason}")]
    NoPointInTime {
        /// The shortest wait.
        after: Duration,
        /// What is in the way, and what to do.
        reason: String,
    },
    /// The store is broken until somebody repairs something: a full disk, a damaged file.
    #[error("{0}")]
    Fatal(String),
    /// The store was closed.
    #[error("the search index is closed")]
    Closed,
}

/// What to do about a [`StoreError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Change the request.
    Invalid,
    /// Begin with the first page.
    Expired,
    /// Try again later.
    Unavailable,
    /// Stop; a person must act.
    Fatal,
}

impl StoreError {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        match self {
            StoreError::Invalid(_) => StoreErrorKind::Invalid,
            StoreError::Expired => StoreErrorKind::Expired,
            StoreError::Unavailable { .. }
            | StoreError::TooManyPointsInTime { .. }
            | StoreError::NoPointInTime { .. } => StoreErrorKind::Unavailable,
            StoreError::InUse { .. } | StoreError::Fatal(_) | StoreError::Closed => {
                StoreErrorKind::Fatal
            }
        }
    }
}
