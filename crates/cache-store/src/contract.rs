//! What every cache must do, as long as it forgets nothing early. A backend passes by
//! [`run`] and [`additions_are_not_lost`].

use std::future::Future;
use std::sync::Arc;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Runs the suite; `make` gives an empty cache each time, `wait` lets time pass for it.
pub(crate) async fn run<F: Future<Output = ()>>(
    make: impl Fn() -> Arc<dyn CacheStore>,
    wait: impl Fn(Duration) -> F,
) {
    values_are_replaced_deleted_and_expire(make().as_ref(), &wait).await;
    counters_expire_after_their_first_addition(make().as_ref(), &wait).await;
    values_and_counters_replace_each_other(make().as_ref()).await;
}

async fn values_are_replaced_deleted_and_expire<F: Future<Output = ()>>(
    cache: &dyn CacheStore,
    wait: &impl Fn(Duration) -> F,
) {
    assert_eq!(cache.get("a").await.unwrap(), None);
    cache.set("a", Bytes::from_static(b"\x00one"), SECOND).await.unwrap();
    cache.set("a", Bytes::from_static(b"two"), 10 * SECOND).await.unwrap();
    cache.set("b", Bytes::new(), SECOND).await.unwrap();
    assert_eq!(cache.get("b").await.unwrap(), Some(Bytes::new()));
    wait(2 * SECOND).await;
    assert_eq!(cache.get("a").await.unwrap(), Some(Bytes::from_static(b"two")));
    assert_eq!(cache.get("b").await.unwrap(), None);
    cache.delete("a").await.unwrap();
    cache.delete("a").await.unwrap();
    assert_eq!(cache.get("a").await.unwrap(), None);
    cache.set("far", Bytes::new(), Duration::MAX).await.unwrap();
    assert!(cache.get("far").await.unwrap().is_some());
}

async fn counters_expire_after_their_first_addition<F: Future<Output = ()>>(
    cache: &dyn CacheStore,
    wait: &impl Fn(Duration) -> F,
) {
    assert_eq!(cache.add("n", 2, 3 * SECOND).await.unwrap(), 2);
    wait(2 * SECOND).await;
    assert_eq!(cache.add("n", 1, 3 * SECOND).await.unwrap(), 3);
    assert_eq!(cache.add("n", u64::MAX, 3 * SECOND).await.unwrap(), u64::MAX);
    wait(2 * SECOND).await;
    assert_eq!(cache.add("n", 1, 3 * SECOND).await.unwrap(), 1, "the window has passed");
    cache.delete("n").await.unwrap();
    assert_eq!(cache.add("n", 1, 3 * SECOND).await.unwrap(), 1);
}

async fn values_and_counters_replace_each_other(cache: &dyn CacheStore) {
    cache.add("x", 5, SECOND).await.unwrap();
    assert_eq!(cache.get("x").await.unwrap(), None);
    cache.set("x", Bytes::from_static(b"7"), SECOND).await.unwrap();
    assert_eq!(cache.add("x", 1, SECOND).await.unwrap(), 1);
}

/// Part of the suite that wants several threads.
pub(crate) async fn additions_are_not_lost(cache: Arc<dyn CacheStore>) {
    let add = |_| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move { cache.add("many", 1, 60 * SECOND).await.unwrap() })
    };
    let added: Vec<_> = (0..1000).map(add).collect();
    let mut seen = Vec::new();
    for task in added {
        seen.push(task.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (1..=1000).collect::<Vec<_>>(), "each addition sees its own value");
}
