//! 24: floods of datagrams from everywhere, and the hope that they are answered.

use std::net::SocketAddr;

use tokio::net::{UdpSocket, UnixDatagram};

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::{Gateway, MemoryBus, any_port, eventually};

/// Sockets that send.
async fn sockets() -> Vec<UdpSocket> {
    let mut sockets = Vec::new();
    for _ in 0..100 {
        sockets.push(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    }
    sockets
}

/// Sends so many datagrams, in turns from each socket.
async fn flood(sockets: &[UdpSocket], address: SocketAddr, datagrams: &[&[u8]], count: usize) {
    for n in 0..count {
        let datagram = datagrams[n % datagrams.len()];
        sockets[n % sockets.len()].send_to(datagram, address).await.unwrap();
    }
}

fn nothing_came(sockets: &[UdpSocket]) {
    for socket in sockets {
        let answer = socket.try_recv(&mut [0; 16]);
        assert_eq!(answer.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_24_a_flood_is_never_answered_and_every_datagram_is_counted() {
    let _alone = alone().await;
    let gateway = Gateway::start_on(MemoryBus::forgetful(), |_| {}).await;
    let bystander = Bystander::start(&gateway);
    let sockets = sockets().await;
    let datagrams: [&[u8]; 4] = [b"", b"\n\n\n", b"\0\0\0", b"{\"a\":1}\n{\"a\":2}"];
    let attack = flood(&sockets, gateway.udp, &datagrams, 100_000);
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 32 << 20, "{rise} bytes");
    let dropped = "millrace_gateway_udp_dropped_datagrams_total{door=\"udp\"}";
    // Of four datagrams two are empty, one has one line and one has two.
    let expected = 75_000.0 - 3.0 * gateway.metric(dropped);
    eventually("all that the kernel kept arrives", || {
        gateway.door("udp").accepted as f64 >= expected
    })
    .await;
    nothing_came(&sockets);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_24_a_flood_of_syslog_is_never_answered_and_every_datagram_is_counted() {
    let _alone = alone().await;
    let gateway = Gateway::start_on(MemoryBus::forgetful(), |config| {
        config.syslog.udp_listen = any_port();
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let sockets = sockets().await;
    let long = [b"<13>".as_slice(), &[b'x'; 8_000]].concat();
    let parameters = "[a b=\"1\"]".repeat(2_000);
    let parameters = format!("<13>1 - h a - - {parameters} m");
    let datagrams: [&[u8]; 5] =
        [b"", b"<999>no priority", b"<13>Feb 30 99:99:99 h a: m", &long, parameters.as_bytes()];
    let attack = flood(&sockets, gateway.syslog.udp.unwrap(), &datagrams, 50_000);
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 64 << 20, "{rise} bytes");
    // Of five datagrams one is empty, and the others are a message each.
    let counted = || {
        let dropped = "millrace_gateway_syslog_dropped_datagrams_total{door=\"syslog\"}";
        let dropped = gateway.metric(dropped);
        gateway.door("syslog").accepted as f64 + dropped
    };
    eventually("all are taken, or counted as dropped", || counted() >= 40_000.0).await;
    assert!(counted() <= 50_000.0, "{}", counted());
    nothing_came(&sockets);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_24_a_flood_within_the_machine_waits_and_loses_nothing() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let (lines, syslog) = (folder.path().join("lines"), folder.path().join("log"));
    let gateway = Gateway::start_on(MemoryBus::forgetful(), |config| {
        config.unix.datagram_path = Some(lines.clone());
        config.syslog.socket_path = Some(syslog.clone());
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let attack = async {
        let socket = UnixDatagram::unbound().unwrap();
        for n in 0..40_000 {
            let (path, datagram) = match n % 4 {
                0 => (&lines, &b"{\"a\":1}\n\n{\"a\":2}"[..]),
                1 => (&lines, &b"\n\n"[..]),
                2 => (&syslog, &b"<13>one\ntwo"[..]),
                _ => (&syslog, &b"<"[..]),
            };
            socket.send_to(datagram, path).await.unwrap();
        }
        let taken = |door: &str| gateway.door(door).accepted == 20_000;
        eventually("all arrive", || taken("unix") && taken("syslog")).await;
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 32 << 20, "{rise} bytes");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
