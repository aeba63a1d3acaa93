//! State and health.

use access::Role;
use reqwest::Method;
use serde_json::json;

use super::rig::{FOREIGN_TOPIC, Rig, answer, eventually};
use crate::ATTRIBUTION;

#[tokio::test]
async fn health_is_public_and_says_little() {
    let rig = Rig::start().await;
    let health = eventually(async || {
        let health = answer(rig.request(Method::GET, "/api/health")).await;
        (health.body["ready"] == true).then_some(health)
    })
    .await;
    let version = env!("CARGO_PKG_VERSION");
    let expected = json!({"version": version, "attribution": ATTRIBUTION, "ready": true});
    assert_eq!(health.body, expected);
    let part = service::HealthState::Failed { reason: "disk".to_owned() };
    rig.runtime.context.health.set("indexer", part);
    let health = answer(rig.request(Method::GET, "/api/health")).await;
    assert_eq!((&health.body["ready"], health.body.get("parts")), (&json!(false), None));
    rig.stop().await;
}

#[tokio::test]
async fn status_has_ledgers_lag_and_counts() {
    let rig = Rig::start().await;
    rig.runtime.ledgers.door("tcp").accepted(7);
    let foreign = vec![bus::contract::record("a", 1)];
    assert!(rig.runtime.bus.publish(FOREIGN_TOPIC, foreign).await.iter().all(Result::is_ok));
    rig.index(&[("1", "2026-02-01T10:00:00Z", json!({"event": {"dataset": "other"}}))]).await;
    let status = eventually(async || {
        let status = rig.get("/api/status", Role::Analyst).await.body;
        (status["parts"]["dead-letters"]["state"] == "ready").then_some(status)
    })
    .await;
    assert_eq!(status["balanced"], true);
    assert_eq!(status["events"], 1);
    assert_eq!(status["scores"], 0);
    assert_eq!(status["dead_letters"], json!({"waiting": 0, "replayed": 0}));
    assert_eq!(status["durability_warning"], json!(null));
    assert_eq!(status["doors"][0]["accepted"], 7);
    assert_eq!(status["stages"][0]["stage"], "dead-letters");
    let lags = status["lag"].as_array().unwrap();
    let lag = |group: &str, topic: &str, records: u64| {
        json!({"group": group, "topic": topic, "records": records,
            "records_in_partition_max": records, "partitions": 2})
    };
    assert!(lags.contains(&lag("dead-letters", "logs.dead", 0)), "{lags:?}");
    assert!(lags.contains(&lag("enricher", FOREIGN_TOPIC, 1)), "{lags:?}");
    rig.stop().await;
}

#[tokio::test]
async fn the_description_is_the_file_that_clients_are_made_from() {
    let rig = Rig::start().await;
    let served = answer(rig.request(Method::GET, "/api/openapi.json")).await;
    assert_eq!(served.body["openapi"], "3.1.0");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/openapi.json");
    let text = serde_json::to_string_pretty(&served.body).unwrap() + "\n";
    if std::env::var_os("MILLRACE_WRITE_OPENAPI").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "schemas/openapi.json is not what the handlers say: if the change is meant, run this test \
         with MILLRACE_WRITE_OPENAPI=1"
    );
    rig.stop().await;
}
