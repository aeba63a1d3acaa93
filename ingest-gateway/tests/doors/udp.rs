//! Lines over UDP.

use std::time::Duration;

use service::ByteSize;
use tokio::net::UdpSocket;

use crate::support::{Gateway, Mode, eventually};

#[tokio::test]
async fn datagrams_become_records_and_are_never_answered() {
    let gateway = Gateway::start(|_| {}).await;
    let one = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    one.send_to(b"{\"a\":1}\n", gateway.udp).await.unwrap();
    one.send_to(b"{\"a\":2}\r\n\n{\"a\":3}", gateway.udp).await.unwrap();
    one.send_to(b"", gateway.udp).await.unwrap();
    let large = vec![b'x'; 65_507];
    one.send_to(&large, gateway.udp).await.unwrap();
    other.send_to(b"{\"b\":1}", gateway.udp).await.unwrap();
    eventually("all lines arrive", || gateway.door("udp").accepted == 5).await;

    let records = gateway.bus.records();
    let of = |socket: &UdpSocket| {
        let key = socket.local_addr().unwrap().to_string();
        let own = records.iter().filter(|record| *record.routing_key == *key);
        own.map(|record| record.payload.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(&one)[..3], ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]);
    assert_eq!(of(&one)[3], large);
    assert_eq!(of(&other), ["{\"b\":1}"]);
    assert_eq!((&*records[0].source, &*records[0].listener), ("127.0.0.1", "udp"));
    let answer = one.try_recv(&mut [0; 16]);
    assert_eq!(answer.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    gateway.stop().await;
}

#[tokio::test]
async fn a_stop_reads_what_has_arrived() {
    let gateway = Gateway::start(|_| {}).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    gateway.bus.set_mode(Mode::Hangs);
    for n in 0..5_000 {
        socket.send_to(format!("{n}").as_bytes(), gateway.udp).await.unwrap();
    }
    gateway.bus.set_mode(Mode::Works);
    let bus = gateway.stop().await;
    let expected: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
    assert_eq!(bus.texts(), expected);
}

#[tokio::test]
async fn what_the_kernel_drops_is_counted() {
    let gateway =
        Gateway::start(|config| config.udp.receive_buffer_bytes = ByteSize(8 << 10)).await;
    gateway.bus.set_mode(Mode::Hangs);
    let dropped = "millrace_gateway_udp_dropped_datagrams_total{door=\"udp\"}";
    assert_eq!(gateway.metric(dropped), 0.0);
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut sent = 0.0;
    while gateway.metric(dropped) == 0.0 {
        for _ in 0..1_000 {
            socket.send_to(&[b'x'; 1_000], gateway.udp).await.unwrap();
            sent += 1.0;
        }
        assert!(sent < 1_000_000.0, "the door keeps what it cannot make durable");
    }
    gateway.bus.set_mode(Mode::Works);
    let settled = || {
        let accepted = gateway.door("udp").accepted as f64;
        accepted + gateway.metric(dropped) == sent
    };
    eventually("every datagram is either accepted or counted as dropped", settled).await;
    tokio::time::timeout(Duration::from_secs(10), gateway.stop()).await.unwrap();
}
