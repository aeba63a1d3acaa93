//! 22: requests that two readers would understand in two ways, and floods of HTTP/2.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::{Gateway, send_raw, statuses};

const LINE: &str = "{\"smuggled\":1}";

/// A whole request that must never be seen as one.
fn smuggled() -> String {
    format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{LINE}", LINE.len())
}

#[tokio::test]
async fn hostile_22_ambiguous_requests_are_refused_and_close_the_connection() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let inner = smuggled();
    let cases = [
        ("two lengths", "content-length: 0\r\ncontent-length: 5\r\n\r\n"),
        ("chunked is not last", "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ("chunked, misspelt", "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
        ("a folded header", "x-a: b\r\n transfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n"),
        ("a blank before the colon", "transfer-encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("a length with a line feed", "content-length:\n0\r\n\r\n"),
        ("a NUL in a header", "x-a: b\0c\r\ncontent-length: 0\r\n\r\n"),
        ("a chunk size too large", "transfer-encoding: chunked\r\n\r\nffffffffffffffff0\r\n"),
        ("a chunk size with a sign", "transfer-encoding: chunked\r\n\r\n-1\r\n"),
        ("a chunk that is too short", "transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"),
    ];
    for (name, rest) in cases {
        let request = format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\n{rest}{inner}");
        let answer = send_raw(gateway.http, request.as_bytes()).await;
        let statuses = statuses(&answer);
        assert!(statuses.len() <= 1, "{name}: {answer}");
        assert!(statuses.iter().all(|status| *status == 400), "{name}: {answer}");
    }
    assert!(gateway.bus.records().is_empty(), "{:?}", gateway.bus.texts());
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_22_of_two_lengths_chunks_count_and_nothing_is_read_behind_them() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let inner = smuggled();
    let lengths = [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
    ];
    for both in lengths {
        let request =
            format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\n{both}\r\n\r\n0\r\n\r\n{inner}");
        let answer = send_raw(gateway.http, request.as_bytes()).await;
        // RFC 9112, 6.1: chunks win, and the connection ends.
        assert_eq!(statuses(&answer), [200], "{both}: {answer}");
        assert!(answer.contains("connection: close"), "{both}: {answer}");
    }
    assert!(gateway.bus.records().is_empty(), "{:?}", gateway.bus.texts());
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_22_headers_are_bounded() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let large = format!("x-large: {}\r\n", "x".repeat(1 << 20));
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(1 << 20));
    let requests = [
        format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
        format!("GET / HTTP/1.1\r\nhost: a\r\n{large}\r\n"),
        long_path,
    ];
    let larger_than_set = format!("x-large: {}\r\nconnection: close\r\n", "x".repeat(20 << 10));
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{larger_than_set}\r\n");
    assert_eq!(statuses(&send_raw(gateway.http, request.as_bytes()).await), [431]);
    assert_eq!(gateway.limit_hits("http", "header_bytes"), 1.0);
    for request in &requests {
        let (answer, rise) = rise_during(send_raw(gateway.http, request.as_bytes())).await;
        let statuses = statuses(&answer);
        assert!(statuses.iter().all(|status| [414, 431].contains(status)), "{answer}");
        assert!(rise < 8 << 20, "{rise} bytes");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_22_an_upgrade_is_not_taken() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings, close\r\n\
                   upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n";
    let answer = send_raw(gateway.http, request.as_bytes()).await;
    assert_eq!(statuses(&answer), [200], "it stays HTTP/1.1: {answer}");
    gateway.stop().await;
}

/// A frame of HTTP/2 (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
/// POST / over http with HPACK's static table (RFC 7541, A), and an authority.
const HEADER_BLOCK: &[u8] = &[0x83, 0x86, 0x84, 0x41, 0x01, b'a'];

/// Sends frames until the door closes the connection, and gives how many it took.
async fn flood(gateway: &Gateway, mut frames: impl FnMut(u32) -> Vec<u8>) -> u32 {
    let mut stream = TcpStream::connect(gateway.http).await.unwrap();
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let closed = tokio::spawn(async move {
        let mut answer = Vec::new();
        drop(reading.read_to_end(&mut answer).await);
    });
    let mut sent = 0;
    while !closed.is_finished() && sent < 200_000 {
        if writing.write_all(&frames(sent)).await.is_err() {
            break;
        }
        sent += 1;
    }
    drop(writing);
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap().unwrap();
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_floods_of_http_2_end_the_connection() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let rapid_reset = |n: u32| {
        let stream = 2 * n + 1;
        // END_HEADERS without END_STREAM, and the reset right behind it.
        let mut frames = frame(HEADERS, 4, stream, HEADER_BLOCK);
        frames.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        frames
    };
    let (sent, rise) = rise_during(flood(&gateway, rapid_reset)).await;
    assert!(sent < 200_000, "the door takes resets without end");
    assert!(rise < 32 << 20, "{rise} bytes");

    let continuation = |n: u32| {
        if n == 0 {
            return frame(HEADERS, 0, 1, HEADER_BLOCK);
        }
        // A header `x: yyy…` that is never indexed, again and again without END_HEADERS.
        let mut field = vec![0x10, 0x01, b'x', 0x7f, 0x81, 0x07];
        field.extend([b'y'; 1_024]);
        frame(CONTINUATION, 0, 1, &field)
    };
    let (sent, rise) = rise_during(flood(&gateway, continuation)).await;
    assert!(sent < 200_000, "the door takes headers without end");
    assert!(rise < 32 << 20, "{rise} bytes");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
