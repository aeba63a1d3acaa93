//! The stage's state in a document store: one collection of opaque values, one transaction a batch.

use std::sync::Arc;

use async_trait::async_trait;
use document_store::{
    Change, CollectionSpec, Document, DocumentError, DocumentStore, ErrorKind, Expect,
};
use pipeline::{StateChange, StateError, StateErrorKind, StateKey, StateStore, StoredState};
use tokio::sync::{Mutex, OwnedMutexGuard};

const COLLECTION: CollectionSpec = CollectionSpec { name: "fraud_state", indexes: &[] };

/// Keeps state in a document store.
pub struct DocumentStateStore {
    documents: Arc<dyn DocumentStore>,
    turn: Arc<Mutex<()>>,
}

impl std::fmt::Debug for DocumentStateStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DocumentStateStore").finish_non_exhaustive()
    }
}

impl DocumentStateStore {
    /// Makes the collection if it is missing.
    ///
    /// # Errors
    /// Of the store.
    pub async fn open(documents: Arc<dyn DocumentStore>) -> Result<Self, DocumentError> {
        documents.ensure_collections(&[COLLECTION]).await?;
        Ok(Self { documents, turn: Arc::default() })
    }
}

#[async_trait]
impl StateStore for DocumentStateStore {
    async fn exclusive(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<StoredState>>, StateError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0.as_str()).collect();
        let found = self.documents.get_many(COLLECTION.name, &ids).await.map_err(state_error)?;
        let stored = |found: Document| StoredState { version: found.version, body: found.body };
        Ok(found.into_iter().map(|document| document.map(stored)).collect())
    }

    async fn save(&self, changes: Vec<StateChange>) -> Result<(), StateError> {
        let put = |change: StateChange| Change::Put {
            id: change.key.0,
            body: change.body,
            expect: change.loaded_version.map_or(Expect::Absent, Expect::Version),
        };
        let changes = changes.into_iter().map(put).collect();
        self.documents.apply(COLLECTION.name, changes).await.map_err(state_error)
    }
}

/// A call that is wrong stays wrong however often it is tried again.
fn state_error(error: DocumentError) -> StateError {
    let kind = match error.kind {
        ErrorKind::Conflict => StateErrorKind::Conflict,
        ErrorKind::Transient => StateErrorKind::Transient,
        ErrorKind::Invalid | ErrorKind::Fatal => StateErrorKind::Fatal,
    };
    StateError { kind, message: format!("the fraud windows: {}", error.message) }
}
