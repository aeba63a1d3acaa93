//! Windows in a real document store, whatever a sender calls its customers.

use std::sync::Arc;

use bus::Record;
use bytes::Bytes;
use document_store::{DocumentStore, EmbeddedConfig, EmbeddedDocuments};
use fraud_worker::DocumentStateStore;
use fraud_worker::transaction::TransactionReader;
use pipeline::{StateChange, StateErrorKind, StateKey, StateStore};
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

fn change(key: &StateKey, loaded_version: Option<u64>, value: u8) -> StateChange {
    StateChange { key: key.clone(), loaded_version, body: Bytes::from(vec![value]) }
}

#[tokio::test]
async fn of_two_workers_that_loaded_the_same_window_only_the_first_may_save() {
    let folder = tempfile::tempdir().expect("a folder");
    let documents = EmbeddedDocuments::open(folder.path(), &EmbeddedConfig::default());
    let documents = Arc::new(documents.expect("a store"));
    let open = || DocumentStateStore::open(Arc::clone(&documents) as Arc<dyn DocumentStore>);
    let (one, other) = (open().await.expect("a collection"), open().await.expect("a collection"));
    let (ours, theirs) = (customer_key("u-1"), customer_key("u-2"));
    one.save(vec![change(&ours, None, 1)]).await.expect("saved");
    let both = vec![change(&theirs, None, 2), change(&ours, None, 2)];
    let refused = other.save(both).await.expect_err("it was made meanwhile");
    assert_eq!(refused.kind, StateErrorKind::Conflict);
    let loaded = other.load(&[ours.clone(), theirs]).await.expect("loaded");
    assert_eq!(loaded[1], None, "all or nothing");
    let version = loaded[0].as_ref().map(|stored| stored.version);
    other.save(vec![change(&ours, version, 3)]).await.expect("nobody else has changed it");
    let late = one.save(vec![change(&ours, version, 4)]).await.expect_err("changed meanwhile");
    assert_eq!(late.kind, StateErrorKind::Conflict);
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
        state.save(vec![change(key, None, number)]).await.expect("saved");
    }
    let values = state.load(&keys).await.expect("loaded");
    let values: Vec<_> = values.into_iter().map(|value| value.expect("a window").body[0]).collect();
    assert_eq!(values, [0, 1, 2, 3]);
}
