//! The store on servers that speak MongoDB's protocol: documents that several processes share.
//!
//! The server must be a replica set, for the sake of transactions. Documents, changes and pages are
//! the same as those of the embedded store; a document with its index keys has less than 16 MiB.

mod catalog;
mod change;
mod client;
mod config;
mod error;
mod fill;
mod find;
mod key;
mod record;
mod steps;
mod transaction;

use std::sync::Arc;

use async_trait::async_trait;

use self::catalog::{Catalog, Entry, Times};
use self::client::{Deadline, Server};
use self::error::Failure;
use self::fill::Filling;
use crate::catalog::check;
use crate::{
    Change, CollectionSpec, Document, DocumentError, DocumentStore, Find, Found, IndexValue,
};

pub use config::MongoConfig;

/// What the calls share.
struct Shared {
    server: Server,
    catalog: Catalog,
}

/// Documents on MongoDB.
pub struct MongoDocuments {
    shared: Arc<Shared>,
}

impl MongoDocuments {
    /// Checks a URL and the settings' credentials, whose file is read. No server is asked.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn check_url(url: &str, config: &MongoConfig) -> Result<(), DocumentError> {
        config::Address::parse(url, config).map(drop)
    }

    /// Prepares a store at a URL: `mongodb://host:27017,host2:27017/?replicaSet=name` or
    /// `mongodb+srv://name`. The server is asked for with the first call.
    ///
    /// # Errors
    /// [`Fatal`](crate::ErrorKind::Fatal) when the URL or the settings cannot be used.
    pub fn connect(url: &str, config: &MongoConfig) -> Result<Self, DocumentError> {
        Self::with(url, config, Times::new(config.call_timeout.0, config.server_timeout.0))
    }

    fn with(url: &str, config: &MongoConfig, times: Times) -> Result<Self, DocumentError> {
        let (server, catalog) = (Server::new(url, config)?, Catalog::new(times));
        Ok(Self { shared: Arc::new(Shared { server, catalog }) })
    }
}

impl std::fmt::Debug for MongoDocuments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = self.shared.server.place();
        f.debug_struct("MongoDocuments").field("url", &place).finish_non_exhaustive()
    }
}

impl Shared {
    async fn ensure(self: Arc<Self>, specs: Vec<CollectionSpec>) -> Result<(), Failure> {
        self.server.check().await?;
        let database = self.server.database().await?;
        for spec in &specs {
            let declared = self.catalog.ensure(self.server.place(), database, spec).await?;
            if let Some(entry) = declared {
                tokio::spawn(Arc::clone(&self).fill_later(entry));
            }
        }
        Ok(())
    }

    /// Fills new indexes once more when nobody stores without them any longer.
    async fn fill_later(self: Arc<Self>, entry: Entry) {
        tokio::time::sleep(self.catalog.times.known_to_all).await;
        let name = entry.collection.name.clone();
        if let Err(failure) = self.fill_again(entry).await {
            let error = failure.explain(self.server.place());
            tracing::warn!(%error, collection = name, "a new index is filled at the next start");
        }
    }

    async fn fill_again(&self, entry: Entry) -> Result<(), Failure> {
        let database = self.server.database().await?;
        for index in &entry.collection.indexes {
            if entry.unfilled.contains(&index.name) {
                let (place, collection) = (self.server.place(), &entry.collection);
                Filling { place, database, collection, index }.fill().await?;
            }
        }
        catalog::filled(database, &entry.collection.name, &entry.unfilled).await
    }

    async fn apply(
        self: Arc<Self>,
        name: String,
        changes: Vec<Change>,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let database = self.server.database().await?;
        let collection = self.catalog.collection(database, &name).await?;
        match changes.as_slice() {
            [] => Ok(()),
            [change] => {
                change::apply(&database.collection(&name), &collection, change, deadline).await
            }
            changes => {
                let place = self.server.place();
                transaction::apply(place, database, &collection, changes, deadline).await
            }
        }
    }

    async fn get_many(
        self: Arc<Self>,
        name: String,
        ids: Vec<String>,
    ) -> Result<Vec<Option<Document>>, Failure> {
        let database = self.server.database().await?;
        self.catalog.collection(database, &name).await?;
        find::get_many(&database.collection(&name), &ids).await
    }

    async fn find(
        self: Arc<Self>,
        name: String,
        index: String,
        find: Find,
    ) -> Result<Found, Failure> {
        let database = self.server.database().await?;
        let collection = self.catalog.collection(database, &name).await?;
        find::find(&database.collection(&name), &collection, &index, &find).await
    }

    async fn count(
        self: Arc<Self>,
        name: String,
        index: String,
        equals: Vec<IndexValue>,
    ) -> Result<u64, Failure> {
        let database = self.server.database().await?;
        let collection = self.catalog.collection(database, &name).await?;
        find::count(&database.collection(&name), &collection, &index, &equals).await
    }
}

#[async_trait]
impl DocumentStore for MongoDocuments {
    async fn ensure_collections(&self, specs: &[CollectionSpec]) -> Result<(), DocumentError> {
        let work = Arc::clone(&self.shared).ensure(specs.to_vec());
        self.shared.server.unbounded(work).await
    }

    async fn get_many(
        &self,
        collection: &str,
        ids: &[&str],
    ) -> Result<Vec<Option<Document>>, DocumentError> {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let work = Arc::clone(&self.shared).get_many(collection.to_owned(), ids);
        self.shared.server.bounded(work).await
    }

    async fn apply(&self, collection: &str, changes: Vec<Change>) -> Result<(), DocumentError> {
        changes.iter().try_for_each(check)?;
        let deadline = self.shared.server.deadline();
        let work = Arc::clone(&self.shared).apply(collection.to_owned(), changes, deadline);
        self.shared.server.bounded(work).await
    }

    async fn find(
        &self,
        collection: &str,
        index: &str,
        find: &Find,
    ) -> Result<Found, DocumentError> {
        let (name, index) = (collection.to_owned(), index.to_owned());
        let work = Arc::clone(&self.shared).find(name, index, find.clone());
        self.shared.server.bounded(work).await
    }

    async fn count(
        &self,
        collection: &str,
        index: &str,
        equals: &[IndexValue],
    ) -> Result<u64, DocumentError> {
        let (name, index) = (collection.to_owned(), index.to_owned());
        let work = Arc::clone(&self.shared).count(name, index, equals.to_vec());
        self.shared.server.bounded(work).await
    }
}

#[cfg(test)]
mod tests;
