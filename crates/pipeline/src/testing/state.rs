//! A state store in memory that can fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::OwnedMutexGuard;

use crate::stage::{StateChange, StateError, StateErrorKind, StateKey, StateStore, StoredState};

/// Keeps state until it is dropped.
#[derive(Debug, Default)]
pub struct MemoryState {
    values: Mutex<BTreeMap<StateKey, StoredState>>,
    exclusive: Arc<tokio::sync::Mutex<()>>,
    failures: AtomicU32,
    is_broken: AtomicBool,
}

impl MemoryState {
    /// Lets the next loads and saves fail.
    pub fn fail_next(&self, times: u32) {
        self.failures.store(times, Ordering::SeqCst);
    }

    /// Lets loads and saves fail for good.
    pub fn break_down(&self) {
        self.is_broken.store(true, Ordering::SeqCst);
    }

    /// All that is stored.
    #[must_use]
    pub fn values(&self) -> BTreeMap<StateKey, Bytes> {
        let values = self.stored();
        values.iter().map(|(key, stored)| (key.clone(), stored.body.clone())).collect()
    }

    /// Stores a value as another process would.
    pub fn put(&self, key: StateKey, body: Bytes) {
        let mut values = self.stored();
        let version = values.get(&key).map_or(1, |stored| stored.version + 1);
        values.insert(key, StoredState { version, body });
    }

    fn stored(&self) -> MutexGuard<'_, BTreeMap<StateKey, StoredState>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fails(&self) -> Result<(), StateError> {
        let error = |kind, message: &str| Err(StateError { kind, message: message.to_owned() });
        if self.is_broken.load(Ordering::SeqCst) {
            return error(StateErrorKind::Fatal, "the state store is broken");
        }
        let less = |left: u32| left.checked_sub(1);
        match self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => error(StateErrorKind::Transient, "the state store was told to fail"),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl StateStore for MemoryState {
    async fn exclusive(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.exclusive).lock_owned().await
    }

    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<StoredState>>, StateError> {
        self.fails()?;
        let values = self.stored();
        Ok(keys.iter().map(|key| values.get(key).cloned()).collect())
    }

    async fn save(&self, changes: Vec<StateChange>) -> Result<(), StateError> {
        self.fails()?;
        let mut values = self.stored();
        let version = |key| values.get(key).map(|stored: &StoredState| stored.version);
        if changes.iter().any(|change| version(&change.key) != change.loaded_version) {
            let message = "a value was changed since it was loaded".to_owned();
            return Err(StateError { kind: StateErrorKind::Conflict, message });
        }
        for StateChange { key, loaded_version, body } in changes {
            let version = loaded_version.unwrap_or_default() + 1;
            values.insert(key, StoredState { version, body });
        }
        Ok(())
    }
}
