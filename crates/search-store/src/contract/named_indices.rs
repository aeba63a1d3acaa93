//! Indices whose names the installation chooses, beside our own: what goes there is found, counted and followed as
//! everything else, under the name that it has.

use super::{Backend, everything, fields, ids, index, only, operation, query};
use crate::{IndexOperation, SearchRequest, SearchStore, TimeRange};

const OWN: &str = "ecommerce-logs-transaction-2026.11.24";

pub(super) async fn run(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let (store, prefix) = (running.store(), running.index_prefix());
    let position = store.tail_position().await.expect("a position");
    let dated = format!("{prefix}2026.11.24");
    let weekly = format!("{prefix}a.b_2026.48");
    index(store, documents(&dated, &weekly)).await;

    for (text, expected) in [
        ("*", "abcd"),
        ("_index:ecommerce-logs-*", "a"),
        (&format!("_index:{OWN}"), "a"),
        (&format!("_index:{prefix}*"), "bcd"),
        (&format!("_index:{dated}"), "bc"),
        (&format!("_index:{weekly}"), "d"),
        (&format!("_index:{prefix}*-2026.11.24"), ""),
        // What an event is of stands in the document.
        ("type:error", "bd"),
        ("type:error AND NOT tags:x", "d"),
    ] {
        assert_eq!(ids(store, text).await.concat(), expected, "{text}");
    }
    let (all, range) = (everything(), TimeRange::default());
    let listed = store.terms(&all, &query("*"), range, "_index", 10).await.expect("values");
    let mut expected = [(dated.clone(), 2), (OWN.to_owned(), 1), (weekly.clone(), 1)];
    // Of equally many the smaller name comes first.
    expected[1..].sort();
    assert_eq!(listed, expected);
    for (id, index) in [("a", OWN), ("b", &dated), ("d", &weekly)] {
        let hit = store.get(&all, id).await.expect("a read").expect("a hit");
        assert_eq!(hit.index, index);
    }
    let seen = store.count(&only(&["north"]), &query("*"), range).await;
    assert_eq!(seen.expect("a count"), 1, "each shop sees its own there, too");
    let tail = store.tail(&all, &query("*"), &position, 10).await.expect("a tail");
    assert_eq!(tail.hits.len(), 4);
    held(store).await;
}

fn documents(dated: &str, weekly: &str) -> Vec<IndexOperation> {
    let of = |number: i64, id: &str, index: &str, document: &str| IndexOperation {
        index: index.into(),
        ..operation(number, id, document)
    };
    let error = r#"{"event":{"dataset":"error"}}"#;
    let mut all = vec![
        of(0, "a", OWN, r#"{"event":{"dataset":"transaction"}}"#),
        of(1, "b", dated, r#"{"event":{"dataset":"error"},"tags":"x"}"#),
        of(2, "c", dated, r#"{"message":"payment"}"#),
        of(3, "d", weekly, error),
    ];
    all[2].shop = "north".into();
    all
}

/// A consistent search pages through all of them.
async fn held(store: &dyn SearchStore) {
    let mut request = SearchRequest::new(query("*"));
    request.consistent = true;
    request.size = 3;
    let first = store.search(&everything(), &request).await.expect("a page");
    request.cursor.clone_from(&first.cursor);
    let second = store.search(&everything(), &request).await.expect("a page");
    let found: Vec<&str> =
        first.hits.iter().chain(&second.hits).map(|hit| hit.id.as_str()).collect();
    assert_eq!((found, second.cursor), (vec!["d", "c", "b", "a"], None));
}
