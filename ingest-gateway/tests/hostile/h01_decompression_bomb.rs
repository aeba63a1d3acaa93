//! 1: a body of a few kilobytes that grows to gigabytes.

use std::io::Write;

use serde_json::Value;
use service::ByteSize;
use service::http_client;

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::Gateway;
use crate::support::lumberjack::{Sender, compressed, frame, window};
use crate::support::otlp::{call, framed};

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

/// A gigabyte of one byte, behind a beginning.
fn gzip_bomb(beginning: &[u8], byte: u8) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(beginning).unwrap();
    let block = vec![byte; 1 << 20];
    for _ in 0..1 << 10 {
        encoder.write_all(&block).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_01_a_bomb_is_refused_at_the_limit() {
    let _alone = alone().await;
    let bombs = [("zstd", zstd_bomb()), ("gzip", gzip_bomb(b"", 0))];
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_01_bulk_bodies_and_exports_are_bounded_too() {
    let _alone = alone().await;
    let (zeros, blanks) = (gzip_bomb(b"", 0), gzip_bomb(b"{\"resourceLogs\":", b' '));
    // A field of a gigabyte, as its length says.
    let field = gzip_bomb(b"\x0a\x80\x80\x80\x80\x04", 0);
    let gateway = Gateway::start(|config| {
        config.http.decompressed_ratio_max = u32::MAX;
        config.http.decompressed_bytes_max = ByteSize(64 << 20);
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let client = http_client::builder().build().unwrap();
    for (path, content_type, bomb, limit) in [
        ("/_bulk", "application/x-ndjson", &zeros, "decompress_limit"),
        ("/v1/logs", "application/json", &blanks, "message_bytes"),
        ("/v1/logs", "application/x-protobuf", &field, "message_bytes"),
    ] {
        let before = gateway.limit_hits("http", limit);
        let request = client
            .post(gateway.url(path))
            .header("content-encoding", "gzip")
            .header("content-type", content_type)
            .body(bomb.clone());
        let (response, rise) = rise_during(request.send()).await;
        assert_eq!(response.unwrap().status(), 413, "{path} {content_type}");
        assert!(rise < 48 << 20, "{path} {content_type}: {rise} bytes");
        assert_eq!(gateway.limit_hits("http", limit), before + 1.0, "{path} {content_type}");
    }
    let before = gateway.limit_hits("http", "message_bytes");
    let message = framed(1, &field);
    let (answer, rise) = rise_during(call(&gateway, &[("grpc-encoding", "gzip")], message)).await;
    assert_eq!(answer.0["grpc-status"], "8");
    assert!(rise < 48 << 20, "gRPC: {rise} bytes");
    assert_eq!(gateway.limit_hits("http", "message_bytes"), before + 1.0);
    assert_eq!((gateway.refused_requests("413"), gateway.refused_requests("grpc-8")), (3.0, 1.0));
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_01_a_bomb_of_refused_lines_leaves_few_dead_letters() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| config.http.decompressed_ratio_max = u32::MAX).await;
    let bystander = Bystander::start(&gateway);
    // Sixteen million lines of one letter.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let block = "x\n".repeat(1 << 19);
    for _ in 0..1 << 5 {
        encoder.write_all(block.as_bytes()).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    let client = http_client::builder().build().unwrap();
    let request = client.post(gateway.url("/v1/logs")).header("content-encoding", "gzip");
    let response = request.body(bomb).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let problem: Value = response.json().await.unwrap();
    assert_eq!(
        (&problem["refused_count"], &problem["stopped_at_line"]),
        (&10_000.into(), &10_001.into())
    );
    assert_eq!(gateway.bus.letters().len(), 10_000);
    assert_eq!(gateway.limit_hits("http", "refused_lines"), 1.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_01_a_compressed_frame_of_windows_is_answered_and_holds_nothing() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| config.beats.decompressed_ratio_max = u32::MAX).await;
    let bystander = Bystander::start(&gateway);
    // Windows without events, eleven million of them, in some hundred kilobytes.
    let bomb = compressed(&window(0).repeat(11_300_000));
    assert!(bomb.len() < 1 << 20, "{} bytes", bomb.len());
    let attack = async {
        let mut sender = Sender::connect(gateway.beats).await;
        sender.send(&bomb).await;
        sender.count_rest().await
    };
    let (answer_bytes, rise) = rise_during(attack).await;
    assert!(answer_bytes > 6 * 1_000_000, "they are answered until the limit: {answer_bytes}");
    assert!(rise < 32 << 20, "{rise} bytes");
    assert_eq!(gateway.limit_hits("beats", "decompress_limit"), 1.0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
