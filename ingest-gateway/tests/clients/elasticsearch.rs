//! Documents from Elasticsearch's own client for Python.

use serde_json::{Value, json};
use service::Span;

use crate::python;
use crate::support::{Gateway, Mode, TOKEN, eventually};

#[tokio::test]
async fn the_official_client_starts_and_sends_in_bulk() {
    let gateway = Gateway::start_with_token().await;
    let arguments = [gateway.url(""), TOKEN.to_owned(), "10000".to_owned()];
    let said: Value = serde_json::from_str(&python("bulk.py", &arguments).await).unwrap();
    assert_eq!((&said["taken"], &said["errors"]), (&json!(10_000), &json!([])));
    assert_eq!(said["version"], "8.19.0");
    assert!(said["refused"].as_str().unwrap().contains("never removed"));
    let texts = gateway.bus.texts();
    assert_eq!(texts.len(), 10_000);
    assert_eq!(texts[9_999], "{\"n\":9999,\"message\":\"order 9999\"}");
    gateway.stop().await;
}

#[tokio::test]
async fn it_makes_an_index_and_writes_documents_one_by_one() {
    let gateway = Gateway::start_with_token().await;
    let arguments = [gateway.url(""), TOKEN.to_owned()];
    let said: Value = serde_json::from_str(&python("documents.py", &arguments).await).unwrap();
    let made = json!({"acknowledged": true, "shards_acknowledged": true, "index": "shop-2026"});
    assert_eq!((&said["made"], &said["bare"]), (&made, &json!(true)));
    assert_eq!(said["results"], json!(["created", "created", "created", "created"]));
    let records = gateway.bus.records();
    let first = records[0].id.to_string();
    assert_eq!(said["ids"], json!([first, "order/2", "order/2", "3"]));
    assert_eq!(gateway.bus.texts(), ["{\"n\":1}", "{\"n\":2}", "{\"n\":2}", "{\"n\":3}"]);
    assert_eq!(records[1].id, records[2].id, "sent again it is the same event");
    assert!(said["refused"].as_str().unwrap().starts_with("not_an_object"), "{said}");
    gateway.stop().await;
}

#[tokio::test]
async fn it_sends_again_what_there_was_no_room_for() {
    let gateway = Gateway::start(|config| config.retry_after = Span::from_millis(20)).await;
    gateway.bus.set_mode(Mode::Full);
    let arguments = [gateway.url(""), TOKEN.to_owned(), "2000".to_owned()];
    let sending = tokio::spawn(async move { python("bulk.py", &arguments).await });
    eventually("it was told to come again", || gateway.busy("http") > 2).await;
    gateway.bus.set_mode(Mode::Works);
    let said: Value = serde_json::from_str(&sending.await.unwrap()).unwrap();
    assert_eq!(said["taken"], 2_000);
    assert_eq!(gateway.bus.records().len(), 2_000);
    gateway.stop().await;
}
