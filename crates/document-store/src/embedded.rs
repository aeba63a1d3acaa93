//! The store of one machine: a database file in a folder, held by one process.
//!
//! One thread writes. Whatever waits for it goes into one durable transaction, so that many small
//! changes cost one sync. Nothing is answered before it is durable.

mod change;
mod collection;
mod database;
mod find;
mod key;
mod writer;

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use service::ByteSize;
use tokio::sync::{mpsc, oneshot};

use self::collection::Catalog;
use self::database::{Failure, Handle};
use self::writer::{Job, Work};
use crate::catalog::{Collection, check, unknown_collection};
use crate::{
    Change, CollectionSpec, Document, DocumentError, DocumentStore, ErrorKind, Find, Found,
    IndexValue,
};

const FILE: &str = "documents.redb";
/// How many calls may wait for the writer; more wait before they queue.
const QUEUE_CALLS: usize = 256;

/// Settings of the embedded store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddedConfig {
    /// Memory for pages of the file that were read or written lately. Default: 32MiB.
    pub cache: ByteSize,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self { cache: ByteSize(32 * 1024 * 1024) }
    }
}

/// What readers and the writer share.
struct Shared {
    database: Handle,
    catalog: RwLock<Catalog>,
}

impl Shared {
    fn collection(&self, name: &str) -> Result<Arc<Collection>, DocumentError> {
        let catalog = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
        catalog.get(name).cloned().ok_or_else(|| unknown_collection(name))
    }
}

/// Documents in a folder of this machine.
pub struct EmbeddedDocuments {
    folder: PathBuf,
    shared: Arc<Shared>,
    queue: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl EmbeddedDocuments {
    /// Opens or creates the store in a folder. Blocks: after a crash, for as long as the file takes to
    /// be checked.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`] when another process holds the folder, or it cannot be read or written.
    pub fn open(folder: &Path, config: &EmbeddedConfig) -> Result<Self, DocumentError> {
        let at = |error: io::Error| {
            let text = format!("the document store {} cannot be opened: {error}", folder.display());
            DocumentError::new(ErrorKind::Fatal, text)
        };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
        let (path, cache_bytes) = (folder.join(FILE), config.cache.as_usize());
        let open = move || {
            let mut builder = redb::Builder::new();
            builder.set_cache_size(cache_bytes);
            builder.set_repair_callback(|_| {
                tracing::info!("checking the document store after a crash");
            });
            builder.create(&path)
        };
        let this = Self::with_database(folder, Box::new(open))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(at)?;
        Ok(this)
    }

    fn with_database(folder: &Path, open: database::Open) -> Result<Self, DocumentError> {
        let database = Handle::open(folder, open)?;
        let catalog = database.with(collection::load)?;
        let shared = Arc::new(Shared { database, catalog: RwLock::new(catalog) });
        let (queue, jobs) = mpsc::channel(QUEUE_CALLS);
        let for_writer = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("documents".to_owned())
            .spawn(move || writer::run(&for_writer, jobs))
            .map_err(|error| {
                let text = format!("the document store cannot start its writer: {error}");
                DocumentError::new(ErrorKind::Fatal, text)
            })?;
        let (queue, writer) = (Some(queue), Some(writer));
        Ok(Self { folder: folder.to_owned(), shared, queue, writer })
    }

    async fn write(&self, work: Work) -> Result<(), DocumentError> {
        let gone = || DocumentError::new(ErrorKind::Fatal, "the document store has stopped");
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send(Job { work, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl Fn(&redb::Database) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, DocumentError> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || shared.database.with(read)).await;
        done.unwrap_or_else(|error| {
            let text = format!("a read of the document store ended early: {error}");
            Err(DocumentError::new(ErrorKind::Transient, text))
        })
    }
}

impl std::fmt::Debug for EmbeddedDocuments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedDocuments").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Lets go of the folder: what is being written is finished first.
impl Drop for EmbeddedDocuments {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the document store had panicked");
        }
    }
}

#[async_trait]
impl DocumentStore for EmbeddedDocuments {
    async fn ensure_collections(&self, specs: &[CollectionSpec]) -> Result<(), DocumentError> {
        self.write(Work::Ensure(specs.to_vec())).await
    }

    async fn get_many(
        &self,
        collection: &str,
        ids: &[&str],
    ) -> Result<Vec<Option<Document>>, DocumentError> {
        let collection = self.shared.collection(collection)?;
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        self.read(move |database| find::get_many(database, &collection, &ids)).await
    }

    async fn apply(&self, collection: &str, changes: Vec<Change>) -> Result<(), DocumentError> {
        changes.iter().try_for_each(check)?;
        self.shared.collection(collection)?;
        if changes.is_empty() {
            return Ok(());
        }
        self.write(Work::Apply { collection: collection.to_owned(), changes }).await
    }

    async fn find(
        &self,
        collection: &str,
        index: &str,
        find: &Find,
    ) -> Result<Found, DocumentError> {
        let collection = self.shared.collection(collection)?;
        let (index, find) = (index.to_owned(), find.clone());
        self.read(move |database| find::find(database, &collection, &index, &find)).await
    }

    async fn count(
        &self,
        collection: &str,
        index: &str,
        equals: &[IndexValue],
    ) -> Result<u64, DocumentError> {
        let collection = self.shared.collection(collection)?;
        let (index, equals) = (index.to_owned(), equals.to_vec());
        self.read(move |database| find::count(database, &collection, &index, &equals)).await
    }
}

#[cfg(test)]
mod tests;
