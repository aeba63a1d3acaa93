//! Whoever is refused in the midst of sending reads the answer, and no reset takes it away.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Gateway, SOON, statuses};

/// Sends all of it and then reads; an error is what a client would see in place of the answer.
async fn send_then_read(gateway: &Gateway, request: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(gateway.http).await?;
    stream.write_all(request).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap()?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn a_head_that_is_too_large_is_answered_however_much_follows() {
    let gateway = Gateway::start(|_| {}).await;
    let begin = b"POST /v1/logs HTTP/1.1\r\nhost: door\r\nx: ";
    let endless = [&begin[..], &vec![b'y'; 600 << 10]].concat();
    let answer = send_then_read(&gateway, &endless).await.unwrap();
    assert_eq!(statuses(&answer), [431], "{answer}");

    let length = 600 << 10;
    let head = format!("{}\r\ncontent-length: {length}\r\n\r\n", "y".repeat(20 << 10));
    let with_body = [&begin[..], head.as_bytes(), &vec![b'z'; length]].concat();
    let answer = send_then_read(&gateway, &with_body).await.unwrap();
    assert_eq!(statuses(&answer), [431], "{answer}");
    assert!(answer.contains("the request line and headers are too large"), "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_no_request_is_answered_too() {
    let gateway = Gateway::start(|_| {}).await;
    let nonsense =
        [&b"POST /v1/logs HTTP/1.1\r\n: no name\r\n\r\n"[..], &vec![b'z'; 300 << 10]].concat();
    let answer = send_then_read(&gateway, &nonsense).await.unwrap();
    assert_eq!(statuses(&answer), [400], "{answer}");
    gateway.stop().await;
}
