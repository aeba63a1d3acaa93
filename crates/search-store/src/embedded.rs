//! The search store in this process, on tantivy: a folder with a part for each week of receipt, one writer,
//! and readers that see what is committed. An index's name is only a value here, never a path.
//!
//! Documents are replaced by id, also where the earlier version was received in another week.

mod aggregate;
mod bits;
mod catalog;
mod config;
mod document;
mod evaluate;
mod folder;
mod glob;
mod identity;
mod page;
mod part;
mod plan;
mod point_in_time;
mod ranking;
mod read;
mod record;
mod shared;
mod tail;
mod term;
mod writer;

use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use access::Scope;
use async_trait::async_trait;
use query::Query;
use schema::Field;
use tokio::sync::{Semaphore, oneshot};

pub use config::EmbeddedConfig;

use catalog::Catalog;
use document::{Indexed, Preparer};
use evaluate::failed;
use identity::IdentityFilter;
use part::PartName;
use read::Reading;
use shared::{Shared, Snapshot};
use writer::{Bulk, Message, Writer};

use crate::cursor::Cursor;
use crate::{
    Hit, IndexOperation, ItemOutcome, SearchPage, SearchRequest, SearchStore, StoreError,
    TailCursor, TailPage, TimeRange,
};

/// Bytes of pending documents that one permit stands for.
const PERMIT_BYTES: usize = 1 << 10;

/// The search store in this process.
#[derive(Debug)]
pub struct EmbeddedSearch {
    shared: Arc<Shared>,
    messages: Mutex<Option<Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    pending: Arc<Semaphore>,
    reads: Arc<Semaphore>,
}

impl EmbeddedSearch {
    /// Opens the index in a folder, which is made if need be, for documents with these fields.
    ///
    /// # Errors
    /// Another process holds the folder, or it cannot be read or written.
    pub async fn open(
        folder: &Path,
        config: EmbeddedConfig,
        fields: &[Field],
    ) -> Result<Self, StoreError> {
        let folder = folder.to_path_buf();
        let catalog = Arc::new(Catalog::new(fields));
        blocking(move || Self::open_blocking(&folder, config, catalog)).await
    }

    fn open_blocking(
        folder: &Path,
        config: EmbeddedConfig,
        catalog: Arc<Catalog>,
    ) -> Result<Self, StoreError> {
        let lock = folder::lock(folder)?;
        let parts = folder::open_parts(folder, &catalog)?;
        let mut sequence = 0;
        for part in &parts {
            for segment in &part.view(0).map_err(failed)?.segments {
                sequence = sequence.max(segment.sequence.max_value());
            }
        }
        let pending = config.pending_max.as_usize().div_ceil(PERMIT_BYTES).max(1);
        let pending = Arc::new(Semaphore::new(pending.min(Semaphore::MAX_PERMITS)));
        let reads = Arc::new(Semaphore::new(config.reads_max.max(1)));
        let snapshot = Snapshot { parts, sequence };
        let shared = Arc::new(Shared::new(folder.to_path_buf(), config, catalog, snapshot));
        let (messages, received) = std::sync::mpsc::channel();
        let writer = Writer::new(Arc::clone(&shared), received, lock);
        let no_thread =
            |error| StoreError::Fatal(format!("the search index's writer cannot start: {error}"));
        let thread = std::thread::Builder::new()
            .name("search-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(no_thread)?;
        read_known_ids(Arc::clone(&shared), messages.clone()).map_err(no_thread)?;
        Ok(Self {
            shared,
            messages: Mutex::new(Some(messages)),
            thread: Mutex::new(Some(thread)),
            pending,
            reads,
        })
    }

    /// Settles all that was taken and gives the folder back. Later calls answer
    /// [`StoreError::Closed`].
    ///
    /// # Errors
    /// The writer failed.
    pub async fn close(&self) -> Result<(), StoreError> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(messages) = messages {
            // A writer that is gone has nothing to settle.
            drop(messages.send(Message::Close));
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return Ok(()) };
        let failed = || StoreError::Fatal("the search index's writer failed".to_owned());
        blocking(move || thread.join().map_err(|_| failed())).await
    }

    fn messages(&self) -> Result<Sender<Message>, StoreError> {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.clone().ok_or(StoreError::Closed)
    }

    /// Why the writer does not answer.
    fn no_writer(&self) -> StoreError {
        match self.messages() {
            Err(closed) => closed,
            Ok(_) => StoreError::Fatal(
                "the search index's writer failed, as the log tells: restart, which sets a damaged \
                 part aside"
                    .to_owned(),
            ),
        }
    }

    /// Runs a read of what can be searched now on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        read: impl FnOnce(&Shared, &Reading) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (scope, query) = (scope.clone(), query.clone());
        self.read_blocking(move |shared| {
            read(shared, &Reading::new(shared, &scope, &query, range)?)
        })
        .await
    }

    /// Runs a read on a thread that may block, once there is a place for it.
    async fn read_blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.messages()?;
        let permit = Arc::clone(&self.reads).acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Closed)?;
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            // Held by the work, which goes on when whoever asked is gone.
            let _permit = permit;
            read(&shared)
        })
        .await
    }
}

/// Runs work that blocks. A panic of the engine is an error, not the end of the process.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => Err(StoreError::Fatal(
            "the search index's engine gave up on its files: restart, which sets a damaged part aside"
                .to_owned(),
        )),
        Err(_) => Err(StoreError::Closed),
    }
}

/// Tells the writer which ids are indexed, so that it need not ask the index for each.
fn read_known_ids(shared: Arc<Shared>, messages: Sender<Message>) -> std::io::Result<()> {
    let snapshot = shared.snapshot();
    if snapshot.parts.is_empty() {
        return Ok(());
    }
    let mut filter = IdentityFilter::new(shared.config.identity_memory.as_usize());
    let read = move || {
        for part in &snapshot.parts {
            let view = shared.view(part).map_err(failed)?;
            for segment in &view.segments {
                let mut ids = evaluate::prefixed(&segment.terms, &term::code(term::IDENTITY))?;
                while ids.advance() {
                    filter.insert(ids.key());
                }
            }
        }
        Ok(filter)
    };
    let run = move || match read() {
        Ok(filter) => drop(messages.send(Message::Known(filter))),
        Err(error) => {
            let error: StoreError = error;
            tracing::warn!(%error, "the known ids cannot be read: every new id is looked up");
        }
    };
    std::thread::Builder::new().name("search-ids".to_owned()).spawn(run).map(drop)
}

/// Each operation ready to be indexed with its week, or its outcome.
type Prepared = Vec<Result<(i64, Indexed), ItemOutcome>>;

fn prepare(catalog: &Catalog, operations: &[IndexOperation]) -> Prepared {
    let mut preparer = Preparer::new(catalog);
    operations
        .iter()
        .map(|operation| match preparer.prepare(operation) {
            Ok(document) => Ok((PartName::week_of(operation.received_at_ns), document)),
            Err(unfit) => {
                Err(ItemOutcome::Rejected { kind: unfit.kind.to_owned(), message: unfit.message })
            }
        })
        .collect()
}

#[async_trait]
impl SearchStore for EmbeddedSearch {
    async fn ensure_templates(&self) -> Result<(), StoreError> {
        self.messages().map(drop)
    }

    async fn bulk(&self, operations: Vec<IndexOperation>) -> Result<Vec<ItemOutcome>, StoreError> {
        let messages = self.messages()?;
        let bytes: usize = operations.iter().map(|one| one.document.len() * 2 + 1_024).sum();
        let room = self.shared.config.pending_max.as_usize().div_ceil(PERMIT_BYTES).max(1);
        let room = (bytes / PERMIT_BYTES).clamp(1, room.min(Semaphore::MAX_PERMITS));
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.pending).acquire_many_owned(room).await;
        let permit = permit.map_err(|_| StoreError::Closed)?;
        let shared = Arc::clone(&self.shared);
        let prepare = move || Ok((prepare(&shared.catalog, &operations), permit));
        let (prepared, permit) = blocking(prepare).await?;
        let mut outcomes = Vec::with_capacity(prepared.len());
        let mut documents = Vec::with_capacity(prepared.len());
        for one in prepared {
            match one {
                Ok(document) => {
                    documents.push(document);
                    outcomes.push(None);
                }
                Err(outcome) => outcomes.push(Some(outcome)),
            }
        }
        let (reply, answered) = oneshot::channel();
        let bulk = Bulk { documents, reply, permit };
        messages.send(Message::Bulk(bulk)).map_err(|_| self.no_writer())?;
        let mut answers = answered.await.map_err(|_| self.no_writer())??.into_iter();
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.or_else(|| answers.next()))
            .map(settled)
            .collect())
    }

    async fn search(
        &self,
        scope: &Scope,
        request: &SearchRequest,
    ) -> Result<SearchPage, StoreError> {
        if request.consistent {
            let (scope, request) = (scope.clone(), request.clone());
            let read = move |shared: &Shared| point_in_time::page(shared, &scope, &request);
            return self.read_blocking(read).await.map(point_in_time::Read::hand_out);
        }
        let (size, order) = (request.size, request.order);
        let cursor =
            request.cursor.as_deref().map(|text| Cursor::parse(text, order)).transpose()?;
        self.read(scope, &request.query, request.range, move |_, reading| {
            page::page(reading, size, order, cursor.as_ref())
        })
        .await
    }

    async fn count(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
    ) -> Result<u64, StoreError> {
        self.read(scope, query, range, |_, reading| {
            let mut count = 0;
            reading.each(|_, _, found| {
                count += found.count();
                Ok(())
            })?;
            Ok(count)
        })
        .await
    }

    async fn histogram(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        interval_ns: i64,
    ) -> Result<Vec<(i64, u64)>, StoreError> {
        self.read(scope, query, range, move |_, reading| {
            aggregate::histogram(reading, range, interval_ns)
        })
        .await
    }

    async fn terms(
        &self,
        scope: &Scope,
        query: &Query,
        range: TimeRange,
        field: &str,
        size: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let field = field.to_owned();
        self.read(scope, query, range, move |shared, reading| {
            aggregate::terms(reading, &field, &shared.catalog, size)
        })
        .await
    }

    async fn get(&self, scope: &Scope, id: &str) -> Result<Option<Hit>, StoreError> {
        let query = Query::Term { field: Some("_id".to_owned()), value: id.to_owned() };
        let asking = scope.clone();
        self.read(scope, &query, TimeRange::default(), move |_, reading| {
            let page = page::page(reading, 1, crate::Order::NewestFirst, None)?;
            Ok(page.hits.into_iter().find(|hit| asking.shops().contain(&hit.shop)))
        })
        .await
    }

    async fn tail_position(&self) -> Result<TailCursor, StoreError> {
        self.messages()?;
        Ok(tail::cursor(self.shared.snapshot().sequence))
    }

    async fn tail(
        &self,
        scope: &Scope,
        query: &Query,
        after: &TailCursor,
        size: usize,
    ) -> Result<TailPage, StoreError> {
        let after = tail::parse(after)?;
        self.read(scope, query, TimeRange::default(), move |_, reading| {
            tail::tail(reading, after, size)
        })
        .await
    }
}

/// The writer answers for each document; if it were not so, the document comes again.
fn settled(outcome: Option<ItemOutcome>) -> ItemOutcome {
    outcome.unwrap_or_else(|| ItemOutcome::Retry {
        after: Duration::from_secs(1),
        reason: "the search index's writer did not answer".to_owned(),
    })
}

#[cfg(test)]
mod tests;
