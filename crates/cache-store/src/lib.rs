//! The cache port: values and counters that may be lost at any time. A right answer never needs it.
//! `memory` is the cache of one process, `redis` the one that many share.

mod memory;
mod redis;

#[cfg(test)]
mod contract;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use self::redis::{RedisCache, RedisConfig};
pub use memory::{MemoryCache, MemoryConfig};

/// The cache is away. What it would have told must be found otherwise.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the cache does not answer: {0}")]
pub struct CacheError(pub String);

/// A cache with times to live.
#[async_trait]
pub trait CacheStore: Send + Sync {
    /// Reads a value that has not expired; a counter is no value.
    ///
    /// # Errors
    /// The cache is away.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, CacheError>;

    /// Stores a value for a time, in place of what is there.
    ///
    /// # Errors
    /// The cache is away.
    async fn set(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<(), CacheError>;

    /// Forgets a value or a counter.
    ///
    /// # Errors
    /// The cache is away.
    async fn delete(&self, key: &str) -> Result<(), CacheError>;

    /// Adds to a counter and gives its value after that. A counter begins at 0, also where a value
    /// was, and expires `window` after its first addition.
    ///
    /// # Errors
    /// The cache is away.
    async fn add(&self, key: &str, amount: u64, window: Duration) -> Result<u64, CacheError>;
}
