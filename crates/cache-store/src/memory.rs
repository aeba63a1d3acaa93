//! The cache of one process, bounded by bytes; what was used longest ago goes first.

use std::fmt;
use std::time::{Duration, Instant as SystemInstant};

use async_trait::async_trait;
use bytes::Bytes;
use moka::Expiry;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use service::ByteSize;
use tokio::time::Instant;

use crate::{CacheError, CacheStore};

/// What an entry costs beside its key and value: resident memory of 200,000 counters, measured.
const ENTRY_BYTES: usize = 440;
const TIME_TO_LIVE_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// Settings of the cache in memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryConfig {
    /// Memory for all keys and values. Default: 16MiB.
    pub capacity: ByteSize,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { capacity: ByteSize(16 * 1024 * 1024) }
    }
}

#[derive(Clone)]
enum Content {
    Value(Bytes),
    Counter(u64),
}

#[derive(Clone)]
struct Entry {
    content: Content,
    expires_at: Instant,
}

impl Entry {
    fn new(content: Content, time_to_live: Duration) -> Self {
        Self { content, expires_at: Instant::now() + time_to_live.min(TIME_TO_LIVE_MAX) }
    }

    fn is_alive(&self) -> bool {
        Instant::now() < self.expires_at
    }

    fn remaining(&self) -> Option<Duration> {
        Some(self.expires_at.saturating_duration_since(Instant::now()))
    }
}

/// Lets memory go when an entry has expired; whether it has is decided by the entry itself.
struct ByEntry;

impl Expiry<String, Entry> for ByEntry {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: SystemInstant) -> Option<Duration> {
        entry.remaining()
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry,
        _: SystemInstant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        entry.remaining()
    }
}

fn weight(key: &str, entry: &Entry) -> u32 {
    let content = match &entry.content {
        Content::Value(value) => value.len(),
        Content::Counter(_) => 0,
    };
    u32::try_from(ENTRY_BYTES + key.len() + content).unwrap_or(u32::MAX)
}

/// A cache in this process's memory.
pub struct MemoryCache {
    entries: Cache<String, Entry>,
}

impl MemoryCache {
    /// Makes an empty cache.
    #[must_use]
    pub fn new(config: &MemoryConfig) -> Self {
        let entries = Cache::builder()
            .max_capacity(config.capacity.0)
            .weigher(|key: &String, entry| weight(key, entry))
            .expire_after(ByEntry)
            // A counter that is new must be kept, or it would begin at 0 each time.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { entries }
    }
}

impl fmt::Debug for MemoryCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.entry_count();
        f.debug_struct("MemoryCache").field("entries", &entries).finish_non_exhaustive()
    }
}

#[async_trait]
impl CacheStore for MemoryCache {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, CacheError> {
        Ok(self.entries.get(key).filter(Entry::is_alive).and_then(|entry| match entry.content {
            Content::Value(value) => Some(value),
            Content::Counter(_) => None,
        }))
    }

    async fn set(&self, key: &str, value: Bytes, time_to_live: Duration) -> Result<(), CacheError> {
        self.entries.insert(key.to_owned(), Entry::new(Content::Value(value), time_to_live));
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), CacheError> {
        self.entries.invalidate(key);
        Ok(())
    }

    async fn add(&self, key: &str, amount: u64, window: Duration) -> Result<u64, CacheError> {
        let added = self.entries.entry_by_ref(key).and_upsert_with(|there| {
            let there = there.map(moka::Entry::into_value).filter(Entry::is_alive);
            match there {
                Some(Entry { content: Content::Counter(count), expires_at }) => {
                    Entry { content: Content::Counter(count.saturating_add(amount)), expires_at }
                }
                _ => Entry::new(Content::Counter(amount), window),
            }
        });
        match added.into_value().content {
            Content::Counter(count) => Ok(count),
            Content::Value(_) => Err(CacheError(format!("{key} holds a value, not a counter"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::contract;

    #[tokio::test(start_paused = true)]
    async fn the_memory_keeps_the_contract() {
        let make = || Arc::new(MemoryCache::new(&MemoryConfig::default())) as Arc<dyn CacheStore>;
        contract::run(make, tokio::time::advance).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_addition_is_lost_between_threads() {
        contract::additions_are_not_lost(Arc::new(MemoryCache::new(&MemoryConfig::default())))
            .await;
    }

    #[tokio::test]
    async fn memory_is_bounded_and_what_is_used_stays() {
        let cache = MemoryCache::new(&MemoryConfig { capacity: ByteSize(1024 * 1024) });
        let hour = Duration::from_secs(3600);
        for n in 0..10_000 {
            cache.set(&format!("key-{n}"), Bytes::from(vec![0; 1024]), hour).await.unwrap();
            assert_eq!(cache.add("used", 1, hour).await.unwrap(), n + 1);
        }
        cache.entries.run_pending_tasks();
        assert!(cache.entries.weighted_size() <= 1024 * 1024);
        assert!(cache.get("key-0").await.unwrap().is_none());
        assert!(cache.get("key-9999").await.unwrap().is_some());
    }
}
