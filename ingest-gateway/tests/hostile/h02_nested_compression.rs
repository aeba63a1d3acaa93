//! 2: an encoding within an encoding.

use service::http_client;

use crate::bystander::{Bystander, records_of_others};
use crate::memory::{alone, rise_during};
use crate::support::Gateway;
use crate::support::lumberjack::{Sender, compressed, event, window};
use crate::support::otlp::{call, framed, gzip, record, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_02_encodings_within_each_other_are_refused() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let inner = zstd::encode_all(&b"{\"a\":1}\n"[..], 3).unwrap();
    let twice = zstd::encode_all(&inner[..], 3).unwrap();
    let url = gateway.url("/v1/logs");
    let post = |headers: &[&'static str], body: &[u8]| {
        let request = http_client::builder().build().unwrap().post(&url).body(body.to_vec());
        headers.iter().fold(request, |request, value| request.header("content-encoding", *value))
    };
    for headers in [&["zstd, zstd"][..], &["zstd", "zstd"], &["identity, zstd"]] {
        let response = post(headers, &twice).send().await.unwrap();
        assert_eq!(response.status(), 415, "{headers:?}");
    }
    assert_eq!(gateway.refused_requests("415"), 3.0);
    // Said once and done twice: what comes out is not decompressed again, and no line of JSON.
    let (response, rise) = rise_during(post(&["zstd"], &twice).send()).await;
    assert_eq!(response.unwrap().status(), 400);
    assert!(rise < 16 << 20, "{rise} bytes");
    assert_eq!(gateway.refused_requests("400"), 1.0);
    assert!(records_of_others(&gateway).is_empty());
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_02_a_compressed_frame_within_another_ends_the_connection() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&[window(1), compressed(&compressed(&event(1, "{}")))].concat()).await;
    let (answer, rise) = rise_during(sender.rest()).await;
    assert_eq!(answer, b"");
    assert!(rise < 8 << 20, "{rise} bytes");
    assert_eq!(gateway.limit_hits("beats", "nested_compression"), 1.0);
    assert_eq!(records_of_others(&gateway).len(), 0);
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_02_bulk_bodies_and_exports_have_one_encoding_too() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let post = |path: &str, content_type: &str, encoding: &str, body: Vec<u8>| {
        let client = http_client::builder().build().unwrap();
        let request = client.post(gateway.url(path)).header("content-encoding", encoding);
        request.header("content-type", content_type).body(body).send()
    };
    let (bulk, export) = (b"{\"index\":{}}\n{}\n", request(&[record("one")]));
    for (path, content_type, plain) in [
        ("/_bulk", "application/x-ndjson", &bulk[..]),
        ("/v1/logs", "application/x-protobuf", &export[..]),
    ] {
        let twice = gzip(&gzip(plain));
        let named = post(path, content_type, "gzip, gzip", twice.clone()).await.unwrap();
        assert_eq!(named.status(), 415, "{path}");
        // Said once: what comes out is no message.
        let (hidden, rise) = rise_during(post(path, content_type, "gzip", twice)).await;
        assert_eq!(hidden.unwrap().status(), 400, "{path}");
        assert!(rise < 16 << 20, "{path}: {rise} bytes");
    }
    let encoded = [("grpc-encoding", "gzip")];
    let (answer, _) = call(&gateway, &encoded, framed(1, &gzip(&gzip(&export)))).await;
    assert_eq!(answer["grpc-status"], "3");
    let both = [("grpc-encoding", "gzip"), ("content-encoding", "gzip")];
    let (answer, _) = call(&gateway, &both, gzip(&framed(1, &gzip(&export)))).await;
    assert_eq!(answer["grpc-status"], "12");
    assert!(records_of_others(&gateway).is_empty());
    assert_eq!((gateway.refused_requests("415"), gateway.refused_requests("400")), (2.0, 2.0));
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
