//! 23: what begins and never ends, over the protocols that hold more than a line: handshakes, windows, calls, heads.

use std::net::SocketAddr;

use service::{ByteSize, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bystander::Bystander;
use crate::http2::{DATA, END_HEADERS, HEADERS, frame, opening, post};
use crate::memory::{alone, rise_during};
use crate::support::callers::connect_from;
use crate::support::certificate::Certificate;
use crate::support::lumberjack::{Sender, frame as lumberjack, window};
use crate::support::otlp::GRPC;
use crate::support::{Gateway, Mode, SOON, any_port, eventually};

const HELD: &str = "millrace_gateway_reading_held_bytes";
/// Senders of windows that never end: more than one address has memory for.
const SENDERS: u64 = 40;

/// Waits for the door's end of each connection.
async fn all_end(streams: Vec<TcpStream>) {
    for mut stream in streams {
        let end = async { while matches!(stream.read(&mut [0; 4_096]).await, Ok(1..)) {} };
        tokio::time::timeout(SOON, end).await.expect("the door closes");
    }
}

/// Connections of another address that each say this, and then nothing more.
async fn begin(count: usize, address: SocketAddr, bytes: &[u8]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = connect_from(2, address).await;
        // The door may have said no in the midst of it.
        drop(stream.write_all(bytes).await);
        streams.push(stream);
    }
    streams
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_handshakes_that_never_end_are_ended_and_hold_up_nobody() {
    let _alone = alone().await;
    let certificate = Certificate::new();
    let gateway = Gateway::start(|config| {
        let handshake_timeout = Span::from_secs(3);
        let tls = ingest_gateway::TlsConfig { handshake_timeout, ..certificate.door() };
        (config.http.tls, config.beats.tls, config.syslog.tls) = (tls.clone(), tls.clone(), tls);
        config.syslog.tls_listen = any_port();
    })
    .await;
    let bystander = Bystander::over_tcp(&gateway);
    let doors =
        [("http", gateway.http), ("beats", gateway.beats), ("syslog", gateway.syslog.tls.unwrap())];
    // Nothing, the head of a record that says that 16 kilobytes follow, and the beginning of a hello.
    let beginnings =
        [&b""[..], b"\x16\x03\x01\x40\x00", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"];
    for (door, address) in doors {
        let attack = async {
            let mut streams = Vec::new();
            for beginning in beginnings {
                streams.extend(begin(60, address, beginning).await);
            }
            // While they do nothing, another one shakes hands, within the same time.
            drop(certificate.connect(address, &[]).await);
            all_end(streams).await;
        };
        let ((), rise) = rise_during(attack).await;
        assert!(rise < 24 << 20, "{door}: {rise} bytes");
        let counted = || gateway.limit_hits(door, "tls_handshake_timeout") == 180.0;
        eventually("all are counted", counted).await;
    }
    // What is no TLS at all ends at once.
    let mut plain = TcpStream::connect(gateway.http).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    drop(plain.read_to_end(&mut Vec::new()).await);
    let failures = "millrace_gateway_tls_handshake_failures_total{door=\"http\"}";
    eventually("it is counted", || gateway.metric(failures) >= 1.0).await;
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_idle_connections_with_tls_cost_little() {
    let _alone = alone().await;
    let certificate = Certificate::new();
    let gateway = Gateway::start(|config| {
        (config.http.tls, config.beats.tls) = (certificate.door(), certificate.door());
    })
    .await;
    let bystander = Bystander::over_tcp(&gateway);
    for (door, address, protocol) in [
        ("http", gateway.http, Some("h2")),
        ("http", gateway.http, None),
        ("beats", gateway.beats, None),
    ] {
        let connect = async {
            let mut idle = Vec::new();
            for _ in 0..100 {
                idle.push(certificate.connect(address, protocol.as_slice()).await);
            }
            let open = format!("millrace_gateway_connections{{door=\"{door}\"}}");
            eventually("all are let in", || gateway.metric(&open) == 100.0).await;
            idle
        };
        let (idle, rise) = rise_during(connect).await;
        // Both ends of each are of this process.
        assert!(rise < 100 * (160 << 10), "{door}: {} bytes for each", rise / 100);
        drop(idle);
        let open = format!("millrace_gateway_connections{{door=\"{door}\"}}");
        eventually("places are given back", || gateway.metric(&open) == 0.0).await;
    }
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_windows_and_frames_that_never_end_stay_within_the_memory() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| {
        config.memory_bytes_max = ByteSize(32 << 20);
        config.http.message_bytes_max = ByteSize(4 << 20);
        config.beats.idle_timeout = Span::from_secs(1);
        config.beats.window_timeout = Span::from_secs(2);
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let (part, whole_bytes) = (vec![b'x'; 700 << 10], 900 << 10);
    let event = [window(2), lumberjack(b"2J", &[1, whole_bytes], &part)].concat();
    let key = lumberjack(b"1D", &[1, 2, whole_bytes], &part);
    let pairs = [lumberjack(b"1W", &[1], b""), key].concat();
    let inner = deflate(&lumberjack(b"2J", &[1, whole_bytes], &part));
    let stored = [window(1), lumberjack(b"2C", &[whole_bytes], &inner)].concat();
    for (name, bytes) in [("event", &event), ("pairs", &pairs), ("compressed", &stored)] {
        let before = gateway.limit_hits("beats", "idle_timeout");
        let attack = async {
            let mut senders = JoinSet::new();
            for _ in 0..SENDERS {
                let mut stream = connect_from(2, gateway.beats).await;
                let bytes = bytes.clone();
                senders.spawn(async move {
                    // The door reads as much as one address may hold.
                    drop(stream.write_all(&bytes).await);
                    stream
                });
            }
            let ends = async {
                let streams = senders.join_all().await;
                all_end(streams).await;
            };
            tokio::time::timeout(3 * SOON, ends).await.expect("all are sent away");
        };
        let ((), rise) = rise_during(attack).await;
        // The senders have the bytes themselves.
        let sent_bytes = SENDERS * bytes.len() as u64;
        assert!(rise < sent_bytes + (32 << 20), "{name}: {rise} bytes, {sent_bytes} of them sent");
        let ended = gateway.limit_hits("beats", "idle_timeout") - before;
        assert_eq!(ended, SENDERS as f64, "{name}");
    }
    let mut next = Sender::connect(gateway.beats).await;
    next.send(&[window(1), crate::support::lumberjack::event(1, "{}")].concat()).await;
    assert_eq!(next.ack().await, 1, "the next connection is served");
    bystander.was_served(&gateway).await;
    eventually("memory is given back", || gateway.metric(HELD) == 0.0).await;
    gateway.stop().await;
}

/// A zlib stream of blocks that are stored as they are, without an end.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut stream = b"\x78\x01".to_vec();
    for block in bytes.chunks(0xffff) {
        let length = block.len() as u16;
        stream.push(0);
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_calls_that_never_end_are_ended_and_hold_up_nobody() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| {
        config.http.idle_timeout = Span::from_secs(2);
        config.http.body_idle_timeout = Span::from_secs(1);
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let headers = [("content-type", "application/grpc"), ("te", "trailers")];
    let head = [opening(&[]), frame(HEADERS, END_HEADERS, 1, &post(GRPC, &headers))].concat();
    // A message of a megabyte of which as much has come as may come unasked.
    let beginning = [&b"\0\0\x10\0\0"[..], &[0x0a; 16_379]].concat();
    let data = frame(DATA, 0, 1, &beginning);
    let more = frame(DATA, 0, 1, &[b'x'; 16_000]);
    let call = [head, data, more.repeat(2)].concat();
    let attack = async {
        let streams = begin(300, gateway.http, &call).await;
        all_end(streams).await;
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 64 << 20, "{rise} bytes");
    let ended = gateway.limit_hits("http", "body_idle_timeout");
    let refused = gateway.refused_requests("grpc-4") + gateway.refused_requests("grpc-14");
    assert!(ended >= 1.0 && refused >= 300.0, "{ended} ended, {refused} refused");
    bystander.was_served(&gateway).await;
    eventually("memory is given back", || gateway.metric(HELD) == 0.0).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_heads_that_never_end_hold_little() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| config.http.idle_timeout = Span::from_secs(2)).await;
    let bystander = Bystander::start(&gateway);
    let head = |fields: usize| {
        let field = format!("x-long: {}\r\n", "y".repeat(8_000));
        format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\n{}", field.repeat(fields)).into_bytes()
    };
    let block = post("/v1/logs", &[("x", &"y".repeat(15_000))]);
    let cases = [
        (head(7), "idle_timeout"),
        (head(25), "header_bytes"),
        (b"POST /v1/logs HTTP/1.1\r\n".to_vec(), "idle_timeout"),
        (b"PRI * HTTP/2.0\r\n\r\nSM".to_vec(), "idle_timeout"),
        ([opening(&[]), frame(HEADERS, 0, 1, &block)].concat(), "idle_timeout"),
    ];
    for (bytes, limit) in &cases {
        let before = gateway.limit_hits("http", limit);
        let attack = async {
            all_end(begin(300, gateway.http, bytes).await).await;
            let ended = || gateway.limit_hits("http", limit) - before >= 300.0;
            eventually("all are counted", ended).await;
        };
        let ((), rise) = rise_during(attack).await;
        assert!(rise < 300 * (128 << 10), "{} bytes for each of {}", rise / 300, bytes.len());
    }
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_23_single_bytes_cost_no_more_than_they_are_while_the_log_hangs() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    gateway.bus.set_mode(Mode::Hangs);
    let attack = async {
        let mut senders = JoinSet::new();
        for _ in 0..8 {
            let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
            stream.set_nodelay(true).unwrap();
            senders.spawn(async move {
                stream.write_all(b"{\"n\":1}\n").await.unwrap();
                for _ in 0..60_000 {
                    stream.write_all(b"x").await.unwrap();
                    tokio::task::yield_now().await;
                }
                stream
            });
        }
        senders.join_all().await
    };
    let (streams, rise) = rise_during(attack).await;
    assert!(rise < 8 << 20, "{rise} bytes for 480,000");
    gateway.bus.set_mode(Mode::Works);
    let bystander = Bystander::start(&gateway);
    drop(streams);
    let kept = || {
        let whole = gateway.bus.texts().iter().filter(|text| text.starts_with("xx")).count() as u64;
        whole + gateway.door("tcp").refused.get("incomplete_line").copied().unwrap_or_default()
    };
    eventually("what was sent is kept", || kept() == 8).await;
    eventually("memory is given back", || gateway.metric(HELD) < f64::from(1 << 20)).await;
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
