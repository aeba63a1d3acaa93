//! 1: a body of a few kilobytes that grows to gigabytes.

use std::io::Write;

use serde_json::Value;
use service::ByteSize;
use service::http_client;

use crate::bystander::Bystander;
use crate::lumberjack::{Sender, frame, window};
use crate::memory::{alone, rise_during};
use crate::support::Gateway;

const PLAIN_BYTES: usize = 10 << 30;

/// Ten gigabytes of zeros. Gzip cannot make them smaller than ten megabytes.
fn zstd_bomb() -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(20).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..PLAIN_BYTES / zeros.len() {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..1 << 10 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_01_a_bomb_is_refused_at_the_limit() {
    let _alone = alone().await;
    let bombs = [("zstd", zstd_bomb()), ("gzip", gzip_bomb())];
    assert!(bombs[0].1.len() < 2 << 20, "{} bytes", bombs[0].1.len());
    let gateway = Gateway::start(|config| {
        // With the ratio out of the way the size alone must stop it.
        config.http.decompressed_ratio_max = u32::MAX;
        config.http.decompressed_bytes_max = ByteSize(64 << 20);
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let client = http_client::builder().build().unwrap();
    for (index, (encoding, bomb)) in bombs.iter().enumerate() {
        let request = client
            .post(gateway.url("/v1/logs"))
            .header("content-encoding", *encoding)
            .body(bomb.clone());
        let (response, rise) = rise_during(request.send()).await;
        let response = response.unwrap();
        assert_eq!(response.status(), 413, "{encoding}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["accepted"], 0);
        assert!(rise < 48 << 20, "{encoding}: {rise} bytes, less than the limit of 64MiB");
        assert_eq!(gateway.limit_hits("http", "decompress_limit"), index as f64 + 1.0);
    }
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_01_a_ratio_no_log_has_is_refused_early() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let response = http_client::builder()
        .build()
        .unwrap()
        .post(gateway.url("/v1/logs"))
        .header("content-encoding", "zstd")
        .body(zstd::encode_all(&vec![b'\n'; 32 << 20][..], 3).unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 413);
    assert!(response.text().await.unwrap().contains("more than 500 times"));
    assert_eq!(gateway.limit_hits("http", "decompress_limit"), 1.0);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_01_a_compressed_lumberjack_frame_is_bounded_too() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| {
        config.beats.decompressed_ratio_max = u32::MAX;
        config.beats.decompressed_bytes_max = ByteSize(256 << 20);
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    // One event that is as long as may be, and then one that is not allowed.
    for _ in 0..2 {
        encoder.write_all(&frame(b"2J", &[1, 200 << 20], b"")).unwrap();
        for _ in 0..200 {
            encoder.write_all(&[b' '; 1 << 20]).unwrap();
        }
    }
    let bomb = encoder.finish().unwrap();
    let attack = async {
        let mut sender = Sender::connect(gateway.beats).await;
        sender.send(&[window(2), frame(b"2C", &[bomb.len() as u32], &bomb)].concat()).await;
        sender.rest().await
    };
    let (answer, rise) = rise_during(attack).await;
    assert!(answer.chunks(6).all(|ack| ack == b"2A\0\0\0\0"), "{answer:?}");
    assert!(rise < 24 << 20, "{rise} bytes");
    assert_eq!(gateway.limit_hits("beats", "decompress_limit"), 1.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
