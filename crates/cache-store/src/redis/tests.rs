//! The cache on Redis passes the contract, on every kind of installation, and costs little when it is
//! away.
//!
//! The first tests want a server: its URL is in `MILLRACE_TEST_REDIS`. The others start their own.

mod installations;
mod outage;
mod servers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use redis::aio::ConnectionLike;
use service::Span;

use super::*;
use crate::contract;

fn url() -> String {
    std::env::var("MILLRACE_TEST_REDIS").expect("start the engines: scripts/engines up")
}

/// Settings with keys that nobody else has, and with time for a busy machine.
fn settings() -> RedisConfig {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros();
    let key_prefix = format!("millrace-test-{}-{now}-{number}:", std::process::id());
    RedisConfig { key_prefix, call_timeout: Span::from_secs(20), ..RedisConfig::default() }
}

/// Waits until something is so; fails when it is not within a minute.
async fn until<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(60), "it did not come to be so");
        tokio::task::yield_now().await;
    }
}

/// Does to the keys that begin so what time would do.
async fn let_time_pass(nodes: &[String], prefix: &str, time: Duration) {
    let passed = i64::try_from(time.as_millis()).unwrap();
    for node in nodes {
        let client = redis::Client::open(node.as_str()).unwrap();
        let mut node = client.get_multiplexed_async_connection().await.unwrap();
        let mut pattern = redis::cmd("KEYS");
        let keys: Vec<String> =
            pattern.arg(format!("{prefix}*")).query_async(&mut node).await.unwrap();
        for key in keys {
            let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut node).await.unwrap();
            assert_ne!(left, -1, "{key} would stay for ever");
            let command = match left - passed {
                left if left > 0 => {
                    let mut command = redis::cmd("PEXPIRE");
                    command.arg(&key).arg(left);
                    command
                }
                _ => command::delete(&key),
            };
            node.req_packed_command(&command).await.unwrap();
        }
    }
}

/// Runs the whole contract against an installation; its nodes are named for what time does to them.
async fn keeps_the_contract(url: &str, nodes: &[String]) {
    let root = settings();
    let number = AtomicU32::new(0);
    let make = || {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let key_prefix = format!("{}{number}:", root.key_prefix);
        let settings = RedisConfig { key_prefix, ..root.clone() };
        Arc::new(RedisCache::connect(url, &settings).unwrap()) as Arc<dyn CacheStore>
    };
    contract::run(make, |time| let_time_pass(nodes, &root.key_prefix, time)).await;
    contract::additions_are_not_lost(make()).await;
    let_time_pass(nodes, &root.key_prefix, Duration::from_secs(366 * 24 * 3600)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_the_contract() {
    keeps_the_contract(&url(), &[url()]).await;
}

#[tokio::test]
async fn counts_are_exact_and_end_at_the_largest_number() {
    let cache = RedisCache::connect(&url(), &settings()).unwrap();
    let minute = Duration::from_secs(60);
    let large = (1 << 60) + 1;
    assert_eq!(cache.add("n", large, minute).await.unwrap(), large);
    assert_eq!(cache.add("n", 2, minute).await.unwrap(), large + 2);
    assert_eq!(cache.add("n", u64::MAX, minute).await.unwrap(), u64::MAX);
    assert_eq!(cache.add("n", 1, minute).await.unwrap(), u64::MAX);
    assert_eq!(cache.add("m", u64::MAX, minute).await.unwrap(), u64::MAX);
    for key in ["n", "m"] {
        cache.delete(key).await.unwrap();
    }
}

#[tokio::test]
async fn what_expires_at_once_is_not_there() {
    let cache = RedisCache::connect(&url(), &settings()).unwrap();
    cache.set("a", Bytes::from_static(b"x"), Duration::from_secs(60)).await.unwrap();
    cache.set("a", Bytes::from_static(b"y"), Duration::ZERO).await.unwrap();
    assert_eq!(cache.get("a").await.unwrap(), None);
    assert_eq!(cache.add("n", 3, Duration::ZERO).await.unwrap(), 3);
    assert_eq!(cache.add("n", 3, Duration::ZERO).await.unwrap(), 3);
}
