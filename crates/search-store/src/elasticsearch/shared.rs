//! What all calls of a store share: its settings, the documents' fields, the connections, and what is known of
//! the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use schema::Product;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::address::Addresses;
use super::client::Client;
use super::concurrency::Concurrency;
use super::config::ElasticsearchConfig;
use super::failure::RETRY_SOON;
use super::fields::Fields;
use super::gather::Gather;
use super::index::is_own;
use super::named::{self, Owner};
use super::product;
use super::stamp::Stamps;
use super::templates;
use crate::point_in_time::PointsInTime;
use crate::{IndexPrefixes, StoreError};

/// The parts of a store.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ElasticsearchConfig,
    /// What the names of `config.named_indices` begin with.
    pub(crate) index_prefixes: IndexPrefixes,
    pub(crate) fields: Fields,
    pub(crate) all_fields: Vec<schema::Field>,
    pub(crate) client: Client,
    pub(crate) concurrency: Concurrency,
    pub(crate) gather: Gather,
    pub(crate) stamps: Stamps,
    /// The points in time that this process has opened; the engine holds them.
    pub(crate) points: Arc<PointsInTime<()>>,
    /// A place for each read that may run.
    reads: Semaphore,
    product: OnceCell<Product>,
    /// Indices for which the templates were seen to be there, and whose they are.
    known_indices: Mutex<BTreeMap<String, Owner>>,
    bulk_bytes_max: AtomicUsize,
}

/// Indices that are remembered; then all are forgotten and looked at again.
const KNOWN_INDICES_MAX: usize = 10_000;
/// No refusal makes a bulk request smaller than this.
const BULK_BYTES_MIN: usize = 64 << 10;

impl Shared {
    /// # Errors
    /// For settings and files that cannot be used.
    pub(crate) fn new(
        addresses: Addresses,
        config: ElasticsearchConfig,
        fields: &[schema::Field],
    ) -> Result<Self, StoreError> {
        let prefixes = config.named_indices.iter().map(|named| named.prefix.clone());
        Ok(Self {
            index_prefixes: IndexPrefixes(prefixes.collect()),
            fields: Fields::new(fields),
            all_fields: fields.to_vec(),
            client: Client::new(addresses, &config)?,
            concurrency: Concurrency::new(config.concurrency_max),
            gather: Gather::default(),
            stamps: Stamps::new(),
            points: Arc::new(PointsInTime::new(config.points_in_time)),
            reads: Semaphore::new(config.reads_max.max(1)),
            product: OnceCell::new(),
            known_indices: Mutex::default(),
            bulk_bytes_max: AtomicUsize::new(config.bulk_bytes_max.as_usize()),
            config,
        })
    }

    /// The pattern of all our indices, with the alias of those that the installation names: other indices of such names
    /// are somebody else's, whose fields are of other types.
    pub(crate) fn all_indices(&self) -> String {
        let namespace = &self.config.index_namespace;
        let own = format!("{namespace}{}*", schema::INDEX_PREFIX);
        if self.config.named_indices.is_empty() {
            return own;
        }
        format!("{own},{}", schema::named_alias(namespace))
    }

    /// Which engine it is; asked once.
    ///
    /// # Errors
    /// It does not answer, or is none that this store knows.
    pub(crate) async fn product(&self) -> Result<Product, StoreError> {
        self.product.get_or_try_init(|| product::find(&self.client)).await.copied()
    }

    /// Installs the templates if an index is new, which the engine makes by itself: without its template it
    /// would mix the shops' names up, and grow a field for every key. Gives those that are not ours, which hold none of
    /// our documents.
    ///
    /// # Errors
    /// As [`templates::ensure`] and [`named::owner`].
    pub(crate) async fn ensure_indices(
        &self,
        names: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Owner>, StoreError> {
        let known = || self.known_indices.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut not_ours, mut new) = (BTreeMap::new(), Vec::new());
        {
            let known = known();
            for name in names {
                match known.get(&name) {
                    Some(Owner::We) => {}
                    Some(owner) => {
                        not_ours.insert(name, *owner);
                    }
                    None => new.push(name),
                }
            }
        }
        if new.is_empty() {
            return Ok(not_ours);
        }
        templates::ensure(self).await?;
        let mut owners = Vec::with_capacity(new.len());
        for name in new {
            let owner = if is_own(&name) { Owner::We } else { named::owner(self, &name).await? };
            if owner != Owner::We {
                not_ours.insert(name.clone(), owner);
            }
            // What is not ours because of a template may become ours at any time.
            if owner != Owner::Others {
                owners.push((name, owner));
            }
        }
        let mut known = known();
        if known.len() > KNOWN_INDICES_MAX {
            known.clear();
        }
        known.extend(owners);
        Ok(not_ours)
    }

    /// A place for a read, as soon as there is one.
    ///
    /// # Errors
    /// There was none in time.
    pub(crate) async fn place_of_read(
        &self,
        until: Instant,
    ) -> Result<SemaphorePermit<'_>, StoreError> {
        match tokio::time::timeout_at(until.into(), self.reads.acquire()).await {
            Ok(place) => place.map_err(|_| StoreError::Closed),
            Err(_) => Err(StoreError::Unavailable {
                after: RETRY_SOON,
                reason: format!(
                    "{} reads run already (search.elasticsearch.reads_max), and none has ended in time",
                    self.config.reads_max
                ),
            }),
        }
    }

    /// The engine did not answer: the templates may be gone when it does again.
    pub(crate) fn forget_indices(&self) {
        self.known_indices.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Bytes of a bulk request: what is set, or less where something on the way takes no more.
    pub(crate) fn bulk_bytes_max(&self) -> usize {
        self.bulk_bytes_max.load(Ordering::Relaxed)
    }

    /// A bulk request of as many bytes was too large.
    pub(crate) fn was_too_large(&self, bytes: usize) {
        let less = (bytes / 2).max(BULK_BYTES_MIN);
        if self.bulk_bytes_max.fetch_min(less, Ordering::Relaxed) > less {
            tracing::warn!(
                bytes,
                bulk_bytes_max = less,
                "the search engine takes no bulk of this size: they are smaller from now on"
            );
        }
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
            Err(error) if error.is_panic() => Err(mistake()),
            Err(_) => Err(StoreError::Closed),
        }
    }
}

/// The error of work that has failed by itself.
pub(crate) fn mistake() -> StoreError {
    StoreError::Fatal("the search store made a mistake: see the log".to_owned())
}
