//! What TLS holds of connections is memory too: it has a part of its own, and one address not all of it.

use std::net::SocketAddr;
use std::sync::Arc;

use ingest_gateway::TlsConfig;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use service::ByteSize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::support::{Gateway, SOON, eventually};

const NAME: &str = "gateway.example";
/// A quarter of 32 MiB, of which an address has half, at 20 KiB each.
const CONNECTIONS_OF_AN_ADDRESS: usize = (4 << 20) / (20 << 10);

/// Connects from this address of the machine.
async fn connect_from(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn silent_connections_with_tls_stay_within_their_part_and_others_are_served() {
    let pair = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let gateway = Gateway::start(|config| {
        config.memory_bytes_max = ByteSize(32 << 20);
        config.http.message_bytes_max = ByteSize(4 << 20);
        config.tcp.tls = TlsConfig {
            certificate_file: write("door.crt", pair.cert.pem()),
            key_file: write("door.key", pair.signing_key.serialize_pem()),
            ..TlsConfig::default()
        };
    })
    .await;
    let held = || gateway.metric("millrace_gateway_tls_held_bytes");
    // The next connection's is held before it comes.
    eventually("the door waits", || held() == f64::from(20 << 10)).await;

    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_OF_AN_ADDRESS + 10 {
        silent.push(connect_from([127, 0, 0, 2], gateway.tcp).await);
    }
    let hits = || gateway.limit_hits("tcp", "tls_memory_per_address");
    eventually("those beyond its part are sent away", || hits() == 10.0).await;
    let all = (CONNECTIONS_OF_AN_ADDRESS + 1) * (20 << 10);
    assert_eq!(held(), all as f64);

    let mut roots = RootCertStore::empty();
    roots.add(pair.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = connect_from([127, 0, 0, 3], gateway.tcp).await;
    let name = ServerName::try_from(NAME).unwrap();
    let mut other = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    other.write_all(b"{\"other\":1}\n").await.unwrap();
    other.shutdown().await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(SOON, other.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(gateway.bus.texts(), ["{\"other\":1}"]);

    drop((silent, other));
    eventually("all is given back", || held() == f64::from(20 << 10)).await;
    gateway.stop().await;
}
