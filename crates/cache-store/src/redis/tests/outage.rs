//! A cache that is away, one that stands still, and one that comes back.

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::servers::{Server, free_port};
use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// For a cache that fails at once: however slow the machine is, no time runs out.
fn pausing() -> RedisConfig {
    let (connect_timeout, pause) = (Span::from_secs(20), Span::from_secs(2));
    RedisConfig { connect_timeout, failures_until_pause: 3, pause, ..settings() }
}

/// For a cache that never answers.
fn impatient() -> RedisConfig {
    RedisConfig { call_timeout: Span::from_millis(500), ..pausing() }
}

/// Calls until the cache is left alone; gives how many calls that took.
async fn calls_until_pause(cache: &RedisCache) -> u32 {
    let mut calls = 0;
    loop {
        let error = cache.get("a").await.unwrap_err().to_string();
        if error.contains("left alone") {
            return calls;
        }
        calls += 1;
    }
}

#[tokio::test]
async fn a_cache_that_is_away_costs_little_and_is_used_when_it_comes() {
    let port = free_port();
    let url = format!("redis://:hunter2@127.0.0.1:{port}");
    let cache = RedisCache::connect(&url, &pausing()).unwrap();
    assert!(!format!("{cache:?}").contains("hunter2"));
    let error = cache.add("n", 1, MINUTE).await.unwrap_err().to_string();
    assert!(error.contains(&port.to_string()) && !error.contains("hunter2"), "{error}");
    assert_eq!(calls_until_pause(&cache).await, 2);
    for _ in 0..10 {
        let error = cache.set("a", Bytes::new(), MINUTE).await.unwrap_err().to_string();
        assert!(error.contains("left alone"), "it is not asked: {error}");
    }

    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start_in(folder, port, &["--requirepass", "hunter2"]);
    until(|| async { cache.set("a", Bytes::from_static(b"x"), MINUTE).await.is_ok() }).await;
    assert_eq!(cache.get("a").await.unwrap(), Some(Bytes::from_static(b"x")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_the_middle_is_used_again() {
    let mut server = Server::start(&[]);
    until(|| server.is_up()).await;
    let cache = Arc::new(RedisCache::connect(&server.url(), &pausing()).unwrap());
    assert_eq!(cache.add("n", 1, MINUTE).await.unwrap(), 1);
    let calls = (0..4).map(|_| {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move {
            // Until it is told that the cache is away.
            while cache.add("n", 1, MINUTE).await.is_ok() {}
        })
    });
    let calls: Vec<_> = calls.collect();
    server.kill();
    for call in calls {
        tokio::time::timeout(MINUTE, call).await.unwrap().unwrap();
    }
    server.start_again();
    until(|| async { cache.get("n").await.is_ok() }).await;
    // The script has gone with the server.
    assert_eq!(cache.add("n", 1, MINUTE).await.unwrap(), 1);
    assert_eq!(cache.add("n", 1, MINUTE).await.unwrap(), 2);
}

#[tokio::test]
async fn a_server_that_stands_still_holds_nobody_up() {
    let server = Server::start(&[]);
    until(|| server.is_up()).await;
    let cache = RedisCache::connect(&server.url(), &impatient()).unwrap();
    let stored = Bytes::from_static(b"x");
    until(|| async { cache.set("a", stored.clone(), MINUTE).await.is_ok() }).await;
    server.signal("-STOP");
    assert_eq!(calls_until_pause(&cache).await, 3);
    server.signal("-CONT");
    until(|| async { cache.get("a").await.is_ok_and(|found| found == Some(stored.clone())) }).await;
}

#[tokio::test]
async fn a_script_that_the_server_has_forgotten_is_sent_again() {
    let server = Server::start(&[]);
    until(|| server.is_up()).await;
    let cache = RedisCache::connect(&server.url(), &settings()).unwrap();
    for count in 1..4 {
        assert_eq!(cache.add("n", 1, MINUTE).await.unwrap(), count);
        server.ask::<String>(&["SCRIPT", "FLUSH"]).await.unwrap();
    }
}

#[tokio::test]
async fn a_full_server_is_an_error_and_no_lie() {
    let server = Server::start(&["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]);
    until(|| server.is_up()).await;
    let cache = RedisCache::connect(&server.url(), &settings()).unwrap();
    let mut stored = 0;
    let value = Bytes::from(vec![0; 100_000]);
    let error = loop {
        match cache.set(&stored.to_string(), value.clone(), MINUTE).await {
            Ok(()) => stored += 1,
            Err(error) => break error.to_string(),
        }
        assert!(stored < 100);
    };
    assert!(error.contains("OOM"), "{error}");
    assert_eq!(cache.get("0").await.unwrap(), Some(value));
    assert_eq!(cache.get(&stored.to_string()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_takes_longer_than_a_call_is_made_all_the_same() {
    let server = Server::start(&[]);
    until(|| server.is_up()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let (opened, accepted) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU32::new(0)));
    let (gate, count, port) = (Arc::clone(&opened), Arc::clone(&accepted), server.port);
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            let gate = Arc::clone(&gate);
            tokio::spawn(async move {
                let _open = gate.acquire().await.unwrap();
                let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                drop(copy_bidirectional(&mut near, &mut far).await);
            });
        }
    });
    let settings = RedisConfig { connect_timeout: Span::from_secs(60), ..impatient() };
    let cache = RedisCache::connect(&url, &settings).unwrap();
    assert_eq!(calls_until_pause(&cache).await, 3);
    opened.add_permits(9);
    until(|| async { cache.get("a").await.is_ok() }).await;
    assert_eq!(accepted.load(Ordering::Relaxed), 1, "it was not begun again");
}

/// Passes on what opens a connection; what is then asked for never gets there.
async fn pass_until_get(mut near: TcpStream, mut far: TcpStream) {
    let (mut from_near, mut to_near) = near.split();
    let (mut from_far, mut to_far) = far.split();
    let questions = async {
        let mut buffer = [0; 4096];
        loop {
            let length = from_near.read(&mut buffer).await.unwrap();
            let question = &buffer[..length];
            if question.is_empty() || question.windows(3).any(|part| part == b"GET") {
                return std::future::pending::<()>().await;
            }
            to_far.write_all(question).await.unwrap();
        }
    };
    let (answers, ()) = tokio::join!(copy(&mut from_far, &mut to_near), questions);
    drop(answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_leads_nowhere_is_left_however_often_it_happens() {
    let server = Server::start(&[]);
    until(|| server.is_up()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let port = server.port;
    tokio::spawn(async move {
        for number in 1.. {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            tokio::spawn(async move {
                match number {
                    1..=3 => pass_until_get(near, far).await,
                    _ => drop(copy_bidirectional(&mut near, &mut far).await),
                }
            });
        }
    });
    let cache = RedisCache::connect(&url, &impatient()).unwrap();
    assert_eq!(calls_until_pause(&cache).await, 3);
    until(|| async { cache.get("a").await.is_ok() }).await;
}
