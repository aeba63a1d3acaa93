//! 5: a gigabyte without the end of a line.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::{Gateway, eventually, read_to_close, send_raw, statuses};

const STREAM_BYTES: usize = 1 << 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_05_an_endless_line_over_tcp_is_dropped_up_to_its_end() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let attack = async {
        let mut stream = TcpStream::connect(gateway.tcp).await.unwrap();
        let block = vec![b'x'; 1 << 20];
        for _ in 0..STREAM_BYTES / block.len() {
            stream.write_all(&block).await.unwrap();
        }
        stream.write_all(b"\n{\"after\":1}\n").await.unwrap();
        stream.shutdown().await.unwrap();
        read_to_close(&mut stream).await
    };
    let (_, rise) = rise_during(attack).await;
    assert!(rise < 48 << 20, "{rise} bytes");
    bystander.was_served(&gateway).await;
    assert!(gateway.bus.texts().contains(&"{\"after\":1}".to_owned()), "the next line is whole");
    let letters = gateway.bus.letters();
    assert_eq!((letters[0].kind.as_str(), letters[0].payload_bytes), ("too_large", 1 << 30));
    assert_eq!(gateway.door("tcp").refused["too_large"], 1);
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
    gateway.stop().await;
}
