//! Windows in a real document store, whatever a sender calls its customers.

use std::sync::Arc;

use bus::Record;
use bytes::Bytes;
use document_store::{EmbeddedConfig, EmbeddedDocuments};
use fraud_worker::DocumentStateStore;
use fraud_worker::transaction::TransactionReader;
use pipeline::{StateKey, StateStore};
use serde_json::json;

fn customer_key(user: &str) -> StateKey {
    let document = json!({
        "@timestamp": "2026-01-01T00:00:00.000Z",
        "event": { "dataset": "transaction" },
        "user": { "id": user },
    });
    let record = Record { payload: document.to_string().into(), ..Record::default() };
    let read = TransactionReader::default().read(&record).expect("a document");
    StateKey(read.expect("a transaction").customer_key().expect("a customer"))
}

#[tokio::test]
async fn a_customer_with_a_very_long_id_has_a_window_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let documents = EmbeddedDocuments::open(folder.path(), &EmbeddedConfig::default());
    let state = DocumentStateStore::open(Arc::new(documents.expect("a store"))).await;
    let state = state.expect("a collection");
    let users = ["u-1".to_owned(), "x".repeat(600), "x".repeat(601), "y".repeat(100_000)];
    let keys: Vec<_> = users.iter().map(|user| customer_key(user)).collect();
    for (number, key) in (0..).zip(&keys) {
        state.save(vec![(key.clone(), Bytes::from(vec![number]))]).await.expect("saved");
    }
    let values = state.load(&keys).await.expect("loaded");
    let values: Vec<_> = values.into_iter().map(|value| value.expect("a window")[0]).collect();
    assert_eq!(values, [0, 1, 2, 3]);
}
