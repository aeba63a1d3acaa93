//! 22: requests that two readers would understand in two ways, and heads without end.

use crate::bystander::{Bystander, records_of_others, texts_of_others};
use crate::memory::{alone, rise_during};
use crate::support::{Gateway, eventually, send_raw, statuses};

const LINE: &str = "{\"smuggled\":1}";

/// A whole request that must never be seen as one.
fn smuggled() -> String {
    format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{LINE}", LINE.len())
}

/// Requests that were refused: before they were seen as one, or by their answer.
fn refused(gateway: &Gateway) -> f64 {
    gateway.limit_hits("http", "protocol") + gateway.refused_requests("400")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_ambiguous_requests_are_refused_and_close_the_connection() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
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
        let before = refused(&gateway);
        let request = format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\n{rest}{inner}");
        let (answer, rise) = rise_during(send_raw(gateway.http, request.as_bytes())).await;
        let statuses = statuses(&answer);
        assert!(statuses.len() <= 1, "{name}: {answer}");
        assert!(statuses.iter().all(|status| *status == 400), "{name}: {answer}");
        assert!(rise < 8 << 20, "{name}: {rise} bytes");
        eventually(name, || refused(&gateway) > before).await;
    }
    assert!(records_of_others(&gateway).is_empty(), "{:?}", texts_of_others(&gateway));
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_a_line_feed_alone_in_a_head_is_refused_and_closes_the_connection() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let (length, inner) = (LINE.len(), smuggled());
    let head = format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    let cases = [
        ("behind the request line", head.replacen("\r\n", "\n", 1)),
        ("behind a header", head.replace("a\r\n", "a\n")),
        ("before the body", head.replace("\r\n\r\n", "\r\n\n")),
        ("everywhere", head.replace('\r', "")),
        // Whoever takes the line feed for a part of the value sees one header here.
        (
            "a header within a header",
            head.replace("host: a", "host: a\ntransfer-encoding: chunked"),
        ),
        ("before the request", format!("\n{head}")),
    ];
    for (name, head) in cases {
        // At once, and behind a request that is good, on the same connection.
        for (before, taken) in [("", 0), ("GET /health HTTP/1.1\r\nhost: a\r\n\r\n", 1)] {
            let counted = gateway.limit_hits("http", "protocol");
            let request = format!("{before}{head}{LINE}{inner}");
            let (answer, rise) = rise_during(send_raw(gateway.http, request.as_bytes())).await;
            assert_eq!(statuses(&answer), [&[200][..taken], &[400]].concat(), "{name}: {answer}");
            assert!(rise < 8 << 20, "{name}: {rise} bytes");
            let counted = || gateway.limit_hits("http", "protocol") == counted + 1.0;
            eventually(name, counted).await;
        }
    }
    assert!(records_of_others(&gateway).is_empty(), "{:?}", texts_of_others(&gateway));

    // In a body it is a line's end as ever, however the body says where it ends.
    let chunks = "7\r\n{\"n\":1}\r\n1\r\n\n\r\n8\r\n{\"n\":2}\n\r\n0\r\n\r\n".to_owned();
    let lines = "{\"n\":1}\n{\"n\":2}\n".to_owned();
    let requests: String = [
        ("transfer-encoding: chunked".to_owned(), chunks),
        (format!("content-length: {}", lines.len()), lines),
    ]
    .iter()
    .map(|(end, body)| format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\n{end}\r\n\r\n{body}"))
    .collect();
    let last = "GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let answer = send_raw(gateway.http, format!("{requests}{last}").as_bytes()).await;
    assert_eq!(statuses(&answer), [200; 3], "{answer}");
    assert_eq!(texts_of_others(&gateway), ["{\"n\":1}", "{\"n\":2}"].repeat(2));
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_without_exactly_one_host_a_request_is_refused_and_closes_the_connection() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let inner = smuggled();
    for (name, hosts) in [("no host", ""), ("two hosts", "host: a\r\nhost: b\r\n")] {
        let before = gateway.limit_hits("http", "protocol");
        let length = LINE.len();
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\n{hosts}content-length: {length}\r\n\r\n{LINE}{inner}"
        );
        let (answer, rise) = rise_during(send_raw(gateway.http, request.as_bytes())).await;
        assert_eq!(statuses(&answer), [400], "{name}: {answer}");
        assert!(rise < 8 << 20, "{name}: {rise} bytes");
        assert!(answer.contains("application/problem+json"), "{name}: {answer}");
        assert!(answer.contains("connection: close"), "{name}: {answer}");
        assert_eq!(gateway.limit_hits("http", "protocol"), before + 1.0, "{name}");
    }
    assert!(records_of_others(&gateway).is_empty(), "{:?}", texts_of_others(&gateway));
    bystander.was_served(&gateway).await;
    let older = send_raw(gateway.http, b"GET /health HTTP/1.0\r\n\r\n").await;
    assert!(older.contains(" 200 "), "HTTP/1.0 knows no host: {older}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_headers_are_bounded() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
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
    eventually("all are counted", || gateway.limit_hits("http", "header_bytes") == 4.0).await;
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_22_an_upgrade_is_not_taken() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings, close\r\n\
                   upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n";
    let answer = send_raw(gateway.http, request.as_bytes()).await;
    assert_eq!(statuses(&answer), [200], "it stays HTTP/1.1: {answer}");
    gateway.stop().await;
}
