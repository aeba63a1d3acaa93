//! A state store in memory that can fail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bus::ErrorKind;
use bytes::Bytes;
use tokio::sync::OwnedMutexGuard;

use crate::stage::{StateError, StateKey, StateStore};

/// Keeps state until it is dropped.
#[derive(Debug, Default)]
pub struct MemoryState {
    values: Mutex<BTreeMap<StateKey, Bytes>>,
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
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fails(&self) -> Result<(), StateError> {
        let error = |kind, message: &str| Err(StateError { kind, message: message.to_owned() });
        if self.is_broken.load(Ordering::SeqCst) {
            return error(ErrorKind::Fatal, "the state store is broken");
        }
        let less = |left: u32| left.checked_sub(1);
        match self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => error(ErrorKind::Transient, "the state store was told to fail"),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl StateStore for MemoryState {
    async fn exclusive(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.exclusive).lock_owned().await
    }

    async fn load(&self, keys: &[StateKey]) -> Result<Vec<Option<Bytes>>, StateError> {
        self.fails()?;
        let values = self.values();
        Ok(keys.iter().map(|key| values.get(key).cloned()).collect())
    }

    async fn save(&self, changes: Vec<(StateKey, Bytes)>) -> Result<(), StateError> {
        self.fails()?;
        self.values.lock().unwrap_or_else(PoisonError::into_inner).extend(changes);
        Ok(())
    }
}
