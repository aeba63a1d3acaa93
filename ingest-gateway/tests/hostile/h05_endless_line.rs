//! 5: a gigabyte without the end of a line.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::{Gateway, SOON, any_port, eventually, send_raw, statuses};

const STREAM_BYTES: usize = 1 << 30;

/// Sends a beginning, so many bytes more, and an end; then waits for the door's own end.
async fn pour(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    beginning: &[u8],
    bytes: usize,
    end: &[u8],
) {
    stream.write_all(beginning).await.unwrap();
    let block = vec![b'x'; 1 << 20];
    for _ in 0..bytes / block.len() {
        stream.write_all(&block).await.unwrap();
    }
    stream.write_all(&block[..bytes % block.len()]).await.unwrap();
    stream.write_all(end).await.unwrap();
    stream.shutdown().await.unwrap();
    let closed = tokio::time::timeout(SOON, stream.read_to_end(&mut Vec::new())).await;
    closed.expect("the door closes").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_05_an_endless_line_over_tcp_is_dropped_up_to_its_end() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let stream = TcpStream::connect(gateway.tcp).await.unwrap();
    let attack = pour(stream, b"", STREAM_BYTES, b"\n{\"after\":1}\n");
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 48 << 20, "{rise} bytes");
    bystander.was_served(&gateway).await;
    assert!(gateway.bus.texts().contains(&"{\"after\":1}".to_owned()), "the next line is whole");
    let letters = gateway.bus.letters();
    assert_eq!((letters[0].kind.as_str(), letters[0].payload_bytes), ("too_large", 1 << 30));
    assert_eq!(gateway.door("tcp").refused["too_large"], 1);
    assert_eq!(gateway.refused_records("tcp", "too_large"), 1.0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_05_an_endless_line_over_http_ends_with_the_body() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    for begin in ["", "[", "{\"a\":\""] {
        let body = format!("{begin}{}", "x".repeat(12 << 20));
        let head = "POST /v1/logs HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ";
        let request = format!("{head}{}\r\n\r\n{body}", body.len());
        let (answer, rise) = rise_during(send_raw(gateway.http, request.as_bytes())).await;
        assert_eq!(statuses(&answer), [400], "{begin}");
        assert!(answer.contains("\"too_large\":1"), "{answer}");
        assert!(rise < 16 << 20, "{begin}: {rise} bytes");
    }
    eventually("each is counted", || gateway.door("http").refused["too_large"] == 3).await;
    assert_eq!(gateway.refused_records("http", "too_large"), 3.0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_05_an_endless_line_over_a_socket_of_the_file_system_is_dropped_up_to_its_end() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lines");
    let gateway = Gateway::start(|config| config.unix.stream_path = Some(path.clone())).await;
    let bystander = Bystander::start(&gateway);
    let stream = UnixStream::connect(&path).await.unwrap();
    let attack = pour(stream, b"", STREAM_BYTES, b"\n{\"after\":1}\n");
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 48 << 20, "{rise} bytes");
    bystander.was_served(&gateway).await;
    assert!(gateway.bus.texts().contains(&"{\"after\":1}".to_owned()), "the next line is whole");
    assert_eq!(gateway.bus.letters()[0].payload_bytes, 1 << 30);
    assert_eq!(gateway.door("unix").refused["too_large"], 1);
    assert_eq!(gateway.refused_records("unix", "too_large"), 1.0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_05_an_endless_message_of_syslog_is_dropped_up_to_its_end() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| config.syslog.tcp_listen = any_port()).await;
    let bystander = Bystander::start(&gateway);
    let counted_bytes = 999_999_999;
    // One up to a line feed, and one with the longest length that a frame may have.
    let cases = [("<13>", STREAM_BYTES, "\n"), ("999999999 <13>", counted_bytes - 4, "")];
    for (beginning, bytes, end) in cases {
        let stream = TcpStream::connect(gateway.syslog.tcp.unwrap()).await.unwrap();
        let end = format!("{end}<13>Oct 11 22:14:15 h after: it\n");
        let attack = pour(stream, beginning.as_bytes(), bytes, end.as_bytes());
        let ((), rise) = rise_during(attack).await;
        assert!(rise < 48 << 20, "{beginning}: {rise} bytes");
    }
    bystander.was_served(&gateway).await;
    let texts = gateway.bus.texts();
    let after = texts.iter().filter(|text| text.contains("\"name\":\"after\"")).count();
    assert_eq!(after, 2, "the next message of each is whole");
    let sizes: Vec<u64> = gateway.bus.letters().iter().map(|letter| letter.payload_bytes).collect();
    assert_eq!(sizes, [(1 << 30) + 4, 999_999_999]);
    assert_eq!(gateway.door("syslog").refused["too_large"], 2);
    assert_eq!(gateway.refused_records("syslog", "too_large"), 2.0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_05_an_endless_line_of_a_bulk_body_ends_with_the_body() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let long = "x".repeat(12 << 20);
    let head = "POST /_bulk HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ";
    let post = |body: String| format!("{head}{}\r\n\r\n{body}", body.len());
    let action = post(format!("{{\"index\":{{\"_id\":\"{long}\"}}}}\n{{}}\n"));
    let (answer, rise) = rise_during(send_raw(gateway.http, action.as_bytes())).await;
    assert_eq!(statuses(&answer), [400], "nothing behind it can be told apart");
    assert!(answer.contains("line 1 is no action"), "{answer}");
    assert!(rise < 16 << 20, "an action: {rise} bytes");

    let document = post(format!(
        "{{\"index\":{{}}}}\n{{\"a\":\"{long}\"}}\n{{\"index\":{{}}}}\n{{\"b\":1}}\n"
    ));
    let (answer, rise) = rise_during(send_raw(gateway.http, document.as_bytes())).await;
    assert_eq!(statuses(&answer), [200]);
    assert!(answer.contains("too_large") && answer.contains("\"status\":201"), "{answer}");
    assert!(rise < 16 << 20, "a document: {rise} bytes");
    assert!(gateway.bus.texts().contains(&"{\"b\":1}".to_owned()), "the next one is whole");
    assert_eq!(gateway.bus.letters()[0].payload_bytes, (12 << 20) + 8);
    assert_eq!(gateway.door("http").refused["too_large"], 1);
    assert_eq!(gateway.refused_records("http", "too_large"), 1.0);
    assert_eq!(gateway.refused_requests("400"), 1.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
