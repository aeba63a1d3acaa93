//! What TLS holds of connections is memory too: it has a part of its own, and one address not all of it.

use service::ByteSize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::callers::connect_from;
use crate::support::certificate::Certificate;
use crate::support::{Gateway, SOON, eventually};

/// A quarter of 32 MiB, of which an address has half, at 20 KiB each.
const CONNECTIONS_OF_AN_ADDRESS: usize = (4 << 20) / (20 << 10);

#[tokio::test]
async fn silent_connections_with_tls_stay_within_their_part_and_others_are_served() {
    let certificate = Certificate::new();
    let gateway = Gateway::start(|config| {
        config.memory_bytes_max = ByteSize(32 << 20);
        config.http.message_bytes_max = ByteSize(4 << 20);
        config.tcp.tls = certificate.door();
    })
    .await;
    let held = || gateway.metric("millrace_gateway_tls_held_bytes");
    // The next connection's is held before it comes.
    eventually("the door waits", || held() == f64::from(20 << 10)).await;

    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_OF_AN_ADDRESS + 10 {
        silent.push(connect_from(2, gateway.tcp).await);
    }
    let hits = || gateway.limit_hits("tcp", "tls_memory_per_address");
    eventually("those beyond its part are sent away", || hits() == 10.0).await;
    let all = (CONNECTIONS_OF_AN_ADDRESS + 1) * (20 << 10);
    assert_eq!(held(), all as f64);

    let stream = connect_from(3, gateway.tcp).await;
    let mut other = certificate.greet(stream, &[]).await;
    other.write_all(b"{\"other\":1}\n").await.unwrap();
    other.shutdown().await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(SOON, other.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(gateway.bus.texts(), ["{\"other\":1}"]);

    drop((silent, other));
    eventually("all is given back", || held() == f64::from(20 << 10)).await;
    gateway.stop().await;
}
