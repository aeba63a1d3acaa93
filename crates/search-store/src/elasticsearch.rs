//! The search store on Elasticsearch 8 and OpenSearch 2, and later ones of both.

mod address;
mod config;
mod tls;

use access::Scope;
use async_trait::async_trait;
use query::Query;
use schema::Field;

pub use config::{ElasticsearchConfig, EngineParts};

use address::Addresses;

use crate::{
    Hit, IndexOperation, ItemOutcome, SearchPage, SearchRequest, SearchStore, StoreError,
    TailCursor, TailPage, TimeRange,
};

/// The search store on Elasticsearch or OpenSearch.
#[derive(Debug)]
pub struct ElasticsearchStore {
    addresses: Addresses,
}

impl ElasticsearchStore {
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
        let _ = fields;
        let addresses = Addresses::parse(urls)?;
        if addresses.has_tls() {
            tls::client(&config)?;
        }
        Ok(Self { addresses })
    }

    fn unfinished<T>(&self) -> Result<T, StoreError> {
        let hosts = self.addresses.hosts.len();
        Err(StoreError::Fatal(format!("the store on {hosts} hosts is not written yet")))
    }
}

#[async_trait]
impl SearchStore for ElasticsearchStore {
    async fn ensure_templates(&self) -> Result<(), StoreError> {
        self.unfinished()
    }

    async fn bulk(&self, _: Vec<IndexOperation>) -> Result<Vec<ItemOutcome>, StoreError> {
        self.unfinished()
    }

    async fn search(&self, _: &Scope, _: &SearchRequest) -> Result<SearchPage, StoreError> {
        self.unfinished()
    }

    async fn count(&self, _: &Scope, _: &Query, _: TimeRange) -> Result<u64, StoreError> {
        self.unfinished()
    }

    async fn histogram(
        &self,
        _: &Scope,
        _: &Query,
        _: TimeRange,
        _: i64,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        self.unfinished()
    }

    async fn terms(
        &self,
        _: &Scope,
        _: &Query,
        _: TimeRange,
        _: &str,
        _: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        self.unfinished()
    }

    async fn get(&self, _: &Scope, _: &str) -> Result<Option<Hit>, StoreError> {
        self.unfinished()
    }

    async fn tail_position(&self) -> Result<TailCursor, StoreError> {
        self.unfinished()
    }

    async fn tail(
        &self,
        _: &Scope,
        _: &Query,
        _: &TailCursor,
        _: usize,
    ) -> Result<TailPage, StoreError> {
        self.unfinished()
    }
}
