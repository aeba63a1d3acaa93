//! A state store in memory that can fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::OwnedMutexGuard;

use crate::stage::{StateKey, StateStore};

/// Keeps state until it is dropped.
#[derive(Debug, Default)]
pub struct MemoryState {
    values: Mutex<BTreeMap<StateKey, Bytes>>,
    exclusive: Arc<tokio::sync::Mutex<()>>,
    failures: AtomicU32,
}

impl MemoryState {
    /// Lets the next loads and saves fail.
    pub fn fail_next(&self, times: u32) {
        self.failures.store(times, Ordering::SeqCst);
    }

    /// All that is stored.
    #[must_use]
    pub fn values(&self) -> BTreeMap<StateKey, Bytes> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fails(&self) -> Result<(), String> {
        let less = |left: u32| left.checked_sub(1);
        match self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => Err("the state store was told to fail".to_owned()),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl StateStore for MemoryState {
    async fn exclusive(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.exclusive).lock_owned().await
    }

    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, String> {
        self.fails()?;
        let values = self.values();
        Ok(keys.iter().map(|key| values.get(key).cloned()).collect())
    }

    async fn save(&self, changes: Vec<(StateKey, Bytes)>) -> Result<(), String> {
        self.fails()?;
        self.values.lock().unwrap_or_else(PoisonError::into_inner).extend(changes);
        Ok(())
    }
}
