//! 9: bytes that are no text: invalid UTF-8, lone surrogates, NUL, a byte order mark, escapes.

use pipeline::dead_letter::REPLAY_ATTEMPTS_MAX;
use serde_json::Value;
use service::http_client;
use tokio::net::UdpSocket;

use crate::memory::alone;
use crate::support::{Gateway, eventually, send_tcp};

const STRANGE: &[u8] = b"\xff\xfe nul \x00 escape \x1b[31m \xed\xa0\x80 \xc0\xaf";

#[tokio::test]
async fn hostile_09_doors_that_only_frame_keep_every_byte() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    send_tcp(gateway.tcp, &[STRANGE, b"\n\xef\xbb\xbf{\"a\":1}\n"].concat()).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(STRANGE, gateway.udp).await.unwrap();
    eventually("the datagram arrives", || gateway.door("udp").accepted == 1).await;
    let records = gateway.bus.records();
    assert_eq!(records[0].payload, STRANGE);
    assert_eq!(records[1].payload, &b"\xef\xbb\xbf{\"a\":1}"[..]);
    assert_eq!(records[2].payload, STRANGE);
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_09_json_that_is_no_text_is_refused_with_its_bytes() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let line = b"{\"a\":\"\xff\"}";
    let good: &[u8] = b"{\"a\":\"\\ud800 \\u0000 \\u001b[31m\"}";
    let body = [line, b"\n".as_slice(), good, b"\n{\"a\":\"\x1b\"}\n{\"a\":\"\x00\"}"].concat();
    let response = http_client::builder()
        .build()
        .unwrap()
        .post(gateway.url("/v1/logs"))
        .body(body)
        .send()
        .await
        .unwrap();
    let answer: Value = response.json().await.unwrap();
    let kinds: Vec<_> = answer["refused"].as_array().unwrap().iter().map(|r| &r["kind"]).collect();
    assert_eq!(kinds, ["invalid_utf8", "invalid_json", "invalid_json"]);
    assert_eq!(answer["refused"][0]["position"], 6);
    assert_eq!(gateway.bus.records()[0].payload, good);
    assert_eq!(
        gateway.bus.letters()[0].replay(None, REPLAY_ATTEMPTS_MAX).unwrap().payload,
        &line[..]
    );

    let plain = http_client::builder()
        .build()
        .unwrap()
        .post(gateway.url("/v1/logs"))
        .header("content-type", "text/plain");
    let answer: Value = plain.body(STRANGE.to_vec()).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["accepted"], 1);
    assert_eq!(gateway.bus.records()[1].payload, STRANGE);
    gateway.stop().await;
}
