//! 26: one shop that sends nearly all of the load, from very many connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest_gateway::{Config, QuotaConfig, ShopConfig};
use service::{ByteSize, Span, http_client};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::memory::{alone, rise_during};
use crate::support::callers::socket;
use crate::support::{Gateway, MemoryBus, eventually};

/// What waits in the kernel on the side of a sender.
const SEND_BUFFER_BYTES: u32 = 64 << 10;

fn shops(config: &mut Config) {
    config.tcp.shop = Some("hot".parse().unwrap());
    config.http.shop = Some("small".parse().unwrap());
}

/// A connection of the hot shop, from another address than the small one's: what it holds is not its share.
async fn connect(address: SocketAddr) -> TcpStream {
    let socket = socket(2);
    socket.set_send_buffer_size(SEND_BUFFER_BYTES).unwrap();
    socket.connect(address).await.unwrap()
}

/// Connections of the hot shop that pour lines until they are dropped.
async fn pour(gateway: &Gateway, connections: usize) -> JoinSet<()> {
    let lines: Arc<[u8]> = b"{\"a\":1}\n".repeat(8 << 10).into();
    let mut pouring = JoinSet::new();
    for _ in 0..connections {
        let mut stream = connect(gateway.tcp).await;
        let lines = Arc::clone(&lines);
        pouring.spawn(async move { while stream.write_all(&lines).await.is_ok() {} });
    }
    pouring
}

/// Sends a line of the small shop over HTTP so many times: how long each took, and how many batches the log was given
/// meanwhile.
async fn send_small(gateway: &Gateway, times: usize) -> (Vec<Duration>, Vec<u64>) {
    let client = http_client::builder().build().unwrap();
    let (mut waits, mut batches) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let (begun, before) = (Instant::now(), gateway.bus.batches());
        let request = client.post(gateway.url("/v1/logs")).body("{\"small\":1}");
        assert_eq!(request.send().await.unwrap().status(), 200);
        waits.push(begun.elapsed());
        batches.push(gateway.bus.batches() - before);
    }
    waits.sort_unstable();
    batches.sort_unstable();
    (waits, batches)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_26_a_small_shop_is_not_behind_the_batches_of_a_hot_one() {
    let _alone = alone().await;
    let mut bus = MemoryBus::forgetful();
    // A log that takes one batch after the other.
    bus.pace = Some(Duration::from_millis(5));
    let gateway = Gateway::start_on(bus, |config| {
        shops(config);
        config.memory_bytes_max = ByteSize(32 << 20);
        config.http.message_bytes_max = ByteSize(4 << 20);
        config.drain_timeout = Span::from_secs(1);
    })
    .await;
    let pouring = pour(&gateway, 80).await;
    // Eight full batches are on their way then, and dozens wait.
    let publishing = || gateway.metric("millrace_gateway_publishing_held_bytes");
    eventually("there is no room for more", || publishing() > (7 << 20) as f64).await;
    let reading = || gateway.metric("millrace_gateway_reading_held_bytes");
    eventually("many wait", || reading() > (10 << 20) as f64).await;

    let ((waits, batches), rise) = rise_during(send_small(&gateway, 40)).await;
    // As much as the doors may hold of what the hot one goes on to pour.
    assert!(rise < 32 << 20, "{rise} bytes");
    let (wait, before) = (waits[36], batches[36]);
    // Without turns it would be nearly all of the eighty.
    assert!(before <= 40, "one in ten was behind {before} batches or more");
    assert!(wait < Duration::from_secs(2), "one in ten waited for {wait:?} or longer");
    let (small, hot) = (gateway.door("http").accepted, gateway.door("tcp").accepted);
    assert!(small == 40 && hot > 99 * small, "{hot} of {small} and {hot}");
    drop(pouring);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_26_a_hot_shop_with_a_quota_takes_its_rate_and_no_memory() {
    let _alone = alone().await;
    let (events_per_second, burst) = (20_000, Span::from_millis(100));
    let gateway = Gateway::start_on(MemoryBus::forgetful(), |config| {
        shops(config);
        let quota = QuotaConfig {
            events_per_second: Some(events_per_second),
            burst: Some(burst),
            ..QuotaConfig::default()
        };
        config.shops.insert("hot".parse().unwrap(), ShopConfig { quota });
        config.drain_timeout = Span::from_secs(1);
    })
    .await;
    let begun = Instant::now();
    let pouring = pour(&gateway, 60).await;
    let waits = "millrace_gateway_quota_wait_seconds_count{shop=\"hot\"}";
    eventually("its senders wait", || gateway.metric(waits) > 50.0).await;
    let ((small_waits, _), rise) = rise_during(send_small(&gateway, 200)).await;
    assert!(rise < 16 << 20, "{rise} bytes");
    let wait = small_waits[180];
    assert!(wait < Duration::from_secs(1), "one in ten waited for {wait:?} or longer");
    let held = gateway.metric("millrace_gateway_reading_held_bytes");
    assert!(held < (8 << 20) as f64, "{held} bytes are held of a shop that waits");
    let (taken, seconds) = (gateway.door("tcp").accepted, begun.elapsed().as_secs_f64());
    // Each connection may have been let in once on the same level.
    let most = events_per_second as f64 * (seconds + 0.1) + 60.0 * 1_024.0;
    assert!(taken as f64 <= most, "{taken} events in {seconds} s");
    drop(pouring);
    gateway.stop().await;
}
