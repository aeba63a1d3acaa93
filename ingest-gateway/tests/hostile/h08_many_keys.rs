//! 8: objects with countless keys, a huge key, and nesting without end.

use serde_json::Value;
use service::http_client;

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::Gateway;

async fn post(gateway: &Gateway, body: String) -> Value {
    let request = http_client::builder().build().unwrap().post(gateway.url("/v1/logs")).body(body);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_08_keys_are_bounded_and_what_is_refused_is_kept() {
    let _alone = alone().await;
    let gateway = Gateway::start(|config| {
        config.memory_bytes_max = service::ByteSize(256 << 20);
        config.line_bytes_max = service::ByteSize(16 << 20);
        config.memory_bytes_max = service::ByteSize(256 << 20);
    })
    .await;
    let bystander = Bystander::start(&gateway);
    let many: Vec<String> = (0..1_000_000).map(|n| format!("\"k{n}\":1")).collect();
    let many = format!("{{{}}}", many.join(","));
    let size = many.len() as u64;
    let (answer, rise) = rise_during(post(&gateway, many)).await;
    assert_eq!(answer["refused"][0]["kind"], "too_many_fields");
    assert!(rise < 96 << 20, "{rise} bytes");
    let letters = gateway.bus.letters();
    assert_eq!(letters[0].payload_bytes, size, "a dead letter, not a drop");

    let huge_key = format!("{{\"{}\":1}}", "k".repeat(1 << 20));
    assert_eq!(post(&gateway, huge_key).await["accepted"], 1);
    let twice = "{\"a\":1,\"a\":2,\"a.b\":1,\"a\":{\"b\":2}}";
    assert_eq!(post(&gateway, twice.to_owned()).await["accepted"], 1);
    assert!(gateway.bus.texts().contains(&twice.to_owned()), "the door changes no byte");
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(post(&gateway, deep).await["refused"][0]["kind"], "too_deep");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
