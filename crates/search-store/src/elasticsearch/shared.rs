//! What all calls of a store share: its settings, the documents' fields, the connections, and what is known of
//! the engine.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::address::Addresses;
use super::client::Client;
use super::concurrency::Concurrency;
use super::config::ElasticsearchConfig;
use super::fields::Fields;
use super::product::{self, Engine};
use super::stamp::Stamps;
use crate::StoreError;

/// The parts of a store.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ElasticsearchConfig,
    pub(crate) fields: Fields,
    pub(crate) all_fields: Vec<schema::Field>,
    pub(crate) client: Client,
    pub(crate) concurrency: Concurrency,
    pub(crate) stamps: Stamps,
    engine: OnceCell<Engine>,
}

impl Shared {
    /// # Errors
    /// For settings and files that cannot be used.
    pub(crate) fn new(
        addresses: Addresses,
        config: ElasticsearchConfig,
        fields: &[schema::Field],
    ) -> Result<Self, StoreError> {
        Ok(Self {
            fields: Fields::new(fields),
            all_fields: fields.to_vec(),
            client: Client::new(addresses, &config)?,
            concurrency: Concurrency::new(config.concurrency_max),
            stamps: Stamps::new(),
            engine: OnceCell::new(),
            config,
        })
    }

    /// What the engine is; asked once.
    ///
    /// # Errors
    /// It does not answer, or is none that this store knows.
    pub(crate) async fn engine(&self) -> Result<Engine, StoreError> {
        self.engine.get_or_try_init(|| product::find(&self.client)).await.copied()
    }

    /// Runs work that takes a while on a thread that may block.
    ///
    /// # Errors
    /// The process ends.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(self);
        match tokio::task::spawn_blocking(move || work(&shared)).await {
            Ok(done) => Ok(done),
            Err(error) if error.is_panic() => {
                Err(StoreError::Fatal("the search store made a mistake: see the log".to_owned()))
            }
            Err(_) => Err(StoreError::Closed),
        }
    }
}
