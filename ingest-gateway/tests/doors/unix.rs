//! Lines over sockets in the file system.

use std::os::unix::fs::PermissionsExt;

use ingest_gateway::{GatewayError, SocketMode, bind};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixDatagram, UnixStream};

use crate::support::{Gateway, Mode, config, eventually};

#[tokio::test]
async fn lines_of_a_connection_and_of_datagrams_become_records() {
    let folder = tempfile::tempdir().unwrap();
    let (streams, datagrams) = (folder.path().join("lines"), folder.path().join("datagrams"));
    let gateway = Gateway::start(|config| {
        config.unix.stream_path = Some(streams.clone());
        config.unix.datagram_path = Some(datagrams.clone());
        config.unix.mode = SocketMode(0o600);
    })
    .await;
    for path in [&streams, &datagrams] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let mut stream = UnixStream::connect(&streams).await.unwrap();
    stream.write_all(b"{\"n\":1}\n{\"n\":2}").await.unwrap();
    stream.shutdown().await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(gateway.bus.texts(), ["{\"n\":1}", "{\"n\":2}"], "the door's end means durable");
    let source = gateway.bus.records()[0].source.to_string();
    assert_eq!(source, format!("unix:{}", rustix::process::getuid().as_raw()));

    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(b"{\"n\":3}\n{\"n\":4}", &datagrams).await.unwrap();
    let large = vec![b'x'; 150_000];
    socket.send_to(&large, &datagrams).await.unwrap();
    eventually("they arrive", || gateway.door("unix").accepted == 5).await;
    assert_eq!(gateway.bus.texts()[2..4], ["{\"n\":3}", "{\"n\":4}"]);
    assert_eq!(gateway.bus.records()[4].payload, large);
    gateway.stop().await;
    assert!(!streams.exists() && !datagrams.exists());
}

#[tokio::test]
async fn large_datagrams_that_fit_into_no_batch_wait_for_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("datagrams");
    let gateway = Gateway::start(|config| config.unix.datagram_path = Some(path.clone())).await;
    gateway.bus.set_mode(Mode::Hangs);
    let datagram = |n: u8| vec![b'a' + n; 150_000];
    let sending = tokio::spawn(async move {
        let socket = UnixDatagram::unbound().unwrap();
        for n in 0..24 {
            socket.send_to(&datagram(n), &path).await.unwrap();
        }
    });
    // One batch is on its way and another one, of a megabyte, is full.
    let received = "millrace_gateway_received_bytes_total{door=\"unix\"}";
    eventually("a batch is full", || gateway.metric(received) >= 1_200_000.0).await;
    gateway.bus.set_mode(Mode::Works);
    sending.await.unwrap();
    eventually("they arrive", || gateway.door("unix").accepted == 24).await;
    let records = gateway.bus.records();
    assert!(records.iter().zip(0..).all(|(record, n)| record.payload == datagram(n)));
    gateway.stop().await;
}

#[tokio::test]
async fn a_datagram_that_is_too_long_is_refused_under_an_id_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("datagrams");
    let gateway = Gateway::start(|config| config.unix.datagram_path = Some(path.clone())).await;
    gateway.bus.set_mode(Mode::Hangs);
    let socket = UnixDatagram::unbound().unwrap();
    SockRef::from(&socket).set_send_buffer_size(1 << 20).unwrap();
    let received = || gateway.metric("millrace_gateway_received_bytes_total{door=\"unix\"}");
    socket.send_to(b"{\"n\":1}", &path).await.unwrap();
    eventually("a batch is on its way", || received() > 0.0).await;
    // All of these come into the next one.
    let too_long = vec![b'x'; 300_000];
    for _ in 0..2 {
        socket.send_to(&too_long, &path).await.unwrap();
    }
    socket.send_to(b"{\"n\":2}", &path).await.unwrap();
    let read_bytes = f64::from(2 * (256 << 10) + 14);
    eventually("all are read", || received() >= read_bytes).await;
    gateway.bus.set_mode(Mode::Works);
    eventually("they are settled", || {
        gateway.door("unix").accepted == 2 && gateway.bus.letters().len() == 2
    })
    .await;
    let letters = gateway.bus.letters();
    let mut ids: Vec<_> = letters.iter().map(|letter| letter.record_id().unwrap()).collect();
    let kept = gateway.bus.records();
    ids.extend(kept.iter().map(|record| record.id));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "{ids:?}");
    for letter in &letters {
        assert_eq!(letter.kind, "too_large");
        assert!(letter.message.contains("longer than the 256KiB"), "{}", letter.message);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_gateway_takes_no_socket_from_another_and_follows_a_dead_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    let gateway = Gateway::start(|config| config.unix.stream_path = Some(path.clone())).await;
    let mut second = config();
    second.unix.stream_path = Some(path.clone());
    let error = bind(second).unwrap_err();
    assert!(matches!(error, GatewayError::SocketFile(_)));
    assert!(error.to_string().contains("another process lives on it"), "{error}");
    gateway.stop().await;

    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let gateway = Gateway::start(|config| config.unix.stream_path = Some(path.clone())).await;
    let mut stream = UnixStream::connect(&path).await.unwrap();
    stream.write_all(b"one\n").await.unwrap();
    eventually("it is served", || gateway.door("unix").accepted == 1).await;
    gateway.stop().await;
}
