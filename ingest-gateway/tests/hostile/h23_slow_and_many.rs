//! 23: senders that are slow on purpose, and very many connections from one address.

use std::time::Duration;

use service::{ByteSize, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::{Gateway, SOON, eventually, send_tcp, statuses};

/// Sends a byte every now and then until the door closes, and gives what it said.
async fn trickle(gateway: &Gateway, begin: &[u8], byte: &[u8]) -> String {
    let mut stream = TcpStream::connect(gateway.http).await.unwrap();
    stream.write_all(begin).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    let read = reading.read_to_end(&mut answer);
    let write = async {
        while writing.write_all(byte).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        read = tokio::time::timeout(SOON, read) => drop(read.expect("the door closes")),
        () = write => {}
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_every_phase_of_a_request_has_its_time() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| {
        config.http.idle_timeout = Span::from_millis(400);
        config.http.body_idle_timeout = Span::from_millis(400);
        config.http.body_timeout = Span::from_millis(800);
    })
    .await;
    let bystander = Bystander::start(&gateway);
    for begin in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM", b"POST /v1/logs HTTP/1.1\r\n"] {
        let mut silent = TcpStream::connect(gateway.http).await.unwrap();
        silent.write_all(begin).await.unwrap();
        let mut nothing = Vec::new();
        let end = tokio::time::timeout(SOON, silent.read_to_end(&mut nothing));
        drop(end.await.expect("a connection that says nothing is closed"));
    }
    let headers = trickle(&gateway, b"POST /v1/logs HTTP/1.1\r\nx: ", b"y").await;
    assert!(statuses(&headers).iter().all(|status| *status == 408), "{headers}");
    let head = b"POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n{\"a\":\"";
    let body = trickle(&gateway, head, b"y").await;
    assert_eq!(statuses(&body), [408], "it trickles: {body}");
    assert!(body.contains("longer than it may"), "{body}");

    let mut stopped = TcpStream::connect(gateway.http).await.unwrap();
    stopped.write_all(head).await.unwrap();
    let mut answer = Vec::new();
    drop(tokio::time::timeout(SOON, stopped.read_to_end(&mut answer)).await.unwrap());
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains("has stopped coming"), "{answer}");
    assert!(gateway.limit_hits("http", "idle_timeout") >= 1.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_an_address_has_its_cap_of_connections() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| config.connections_per_address_max = 50).await;
    let bystander = Bystander::start(&gateway);
    let open = || gateway.metric("millrace_gateway_connections{door=\"tcp\"}");
    let open_http = || gateway.metric("millrace_gateway_connections{door=\"http\"}");
    // Over both doors: a connection that it makes later would be one of those beyond the cap.
    eventually("the bystander is connected", || open() >= 1.0 && open_http() >= 1.0).await;
    let mut many = Vec::new();
    for _ in 0..400 {
        many.push(TcpStream::connect(gateway.tcp).await.unwrap());
    }
    let hits = || gateway.limit_hits("tcp", "connections_per_address");
    eventually("those beyond the cap are sent away", || hits() >= 350.0).await;
    assert!(open() <= 50.0);
    drop(many);
    eventually("places are given back", || open() <= 1.0).await;
    send_tcp(gateway.tcp, b"{\"after\":1}\n").await;
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_half_lines_of_many_connections_stay_within_the_memory() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| {
        config.memory_bytes_max = ByteSize(32 << 20);
        config.http.message_bytes_max = ByteSize(4 << 20);
        config.tcp.line_timeout = Span::from_secs(2);
    })
    .await;
    let attack = async {
        let mut hoarders = Vec::new();
        for _ in 0..200 {
            let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
            hoarders.push(tokio::spawn(async move {
                drop(stream.write_all(&vec![b'x'; 900 << 10]).await);
                drop(stream.read_to_end(&mut Vec::new()).await);
            }));
        }
        let held = || gateway.metric("millrace_gateway_reading_held_bytes");
        eventually("they hold what one address may", || held() >= (11 << 20) as f64).await;
        assert!(held() <= (12 << 20) as f64, "half of the memory for reading");
        for hoarder in hoarders {
            tokio::time::timeout(SOON * 3, hoarder).await.unwrap().unwrap();
        }
    };
    let ((), rise) = rise_during(attack).await;
    // 200 senders have a block of 900 kB each themselves, which is this test's own memory.
    assert!(rise < 200 * (900 << 10) + (48 << 20), "{rise} bytes");
    send_tcp(gateway.tcp, b"{\"after\":1}\n").await;
    assert!(gateway.bus.texts().contains(&"{\"after\":1}".to_owned()));
    assert_eq!(gateway.metric("millrace_gateway_reading_held_bytes"), 0.0);
    assert_eq!(gateway.limit_hits("tcp", "idle_timeout"), 200.0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_idle_connections_cost_little() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| config.connections_per_address_max = 10_000).await;
    let connect = async {
        let mut idle = Vec::new();
        for _ in 0..300 {
            let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
            stream.write_all(b"{\"a\":1}\n").await.unwrap();
            idle.push(stream);
        }
        eventually("all are served", || gateway.door("tcp").accepted == 300).await;
        idle
    };
    let (idle, rise) = rise_during(connect).await;
    assert!(rise < 300 * (20 << 10), "{} bytes for each", rise / 300);
    drop(idle);
    gateway.stop().await;
}
