//! The search store on Elasticsearch 8 and OpenSearch 2.7, and later ones of both. Documents stand in one index for
//! each log type and day, or in indices that the installation names; beside each document stands what the operation says
//! of it, in fields of the platform's own.
//!
//! Differences from the embedded index: an index name must be one of ours, or one that is allowed; a document's id
//! is its own within an index only, so that one that is indexed again under another day stands twice until the first
//! is deleted;
//! dates in fields are kept to the millisecond; retention goes by the age of indices, and a document for an
//! index that was compacted, which takes no more, goes to the index of its day of receipt, unless it stands there
//! already: then it stays as it is. What queries cannot ask is told in `translate.rs`.

mod address;
mod aggregate;
mod body;
mod bulk;
mod bulk_answer;
mod client;
mod concurrency;
mod config;
mod failure;
mod fields;
mod form;
mod gather;
mod hidden;
mod hosts;
mod index;
mod named;
mod page;
mod point_in_time;
mod product;
mod reduced;
mod search;
mod shared;
mod stamp;
mod tail;
mod templates;
mod tls;
mod translate;
mod verdict;

use std::sync::Arc;

use access::Scope;
use async_trait::async_trait;
use query::Query;
use schema::Field;

pub use config::{ElasticsearchConfig, EngineParts};

use address::Addresses;
use shared::Shared;

use crate::{
    Hit, IndexOperation, ItemOutcome, SearchPage, SearchRequest, SearchStore, StoreError,
    TailCursor, TailPage, TimeRange,
};

/// The search store on Elasticsearch or OpenSearch.
#[derive(Debug)]
pub struct ElasticsearchStore {
    shared: Arc<Shared>,
}

impl ElasticsearchStore {
    /// Whether these are addresses of an engine. Nothing is asked.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check_url(urls: &str) -> Result<(), StoreError> {
        Addresses::parse(urls).map(drop)
    }

    /// A store at these addresses (`https://a:9200,https://b:9200`), for documents with these fields.
    /// Nothing is asked yet: an engine that is down is told by the first call.
    ///
    /// # Errors
    /// Addresses, settings or files that cannot be used.
    pub fn connect(
        urls: &str,
        config: ElasticsearchConfig,
        fields: &[Field],
    ) -> Result<Self, StoreError> {
        let addresses = Addresses::parse(urls)?;
        Ok(Self { shared: Arc::new(Shared::new(addresses, config, fields)?) })
    }
}

#[async_trait]
impl SearchStore for ElasticsearchStore {
    async fn ensure_templates(&self) -> Result<(), StoreError> {
        templates::ensure(&self.shared).await.map(drop)
    }

    async fn bulk(&self, operations: Vec<IndexOperation>) -> Result<Vec<ItemOutcome>, StoreError> {
        gather::bulk(&self.shared, operations).await
    }

    async fn search(
        &self,
        scope: &Scope,
        request: &SearchRequest,
    ) -> Result<SearchPage, StoreError> {
        page::page(&self.shared, scope, request).await
    }

    async fn count(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
    ) -> Result<u64, StoreError> {
        page::count(&self.shared, scope, query, range).await
    }

    async fn histogram(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        interval_ns: i64,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        aggregate::histogram(&self.shared, scope, query, range, interval_ns).await
    }

    async fn terms(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        field: &str,
        size: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        aggregate::terms(&self.shared, scope, query, range, field, size).await
    }

    async fn get(&self, scope: &Scope, id: &str) -> Result<Option<Hit>, StoreError> {
        page::get(&self.shared, scope, id).await
    }

    async fn tail_position(&self) -> Result<TailCursor, StoreError> {
        tail::position(&self.shared).await
    }

    async fn tail(
        &self,
        scope: &Scope,
        query: &Query,
        after: &TailCursor,
        size: usize,
    ) -> Result<TailPage, StoreError> {
        tail::tail(&self.shared, scope, query, after, size).await
    }
}

#[cfg(test)]
mod tests;
