//! What several callers index at the same time.

use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;

use super::{Played, bulk, operations, quick, statuses};
use crate::SearchStore;
use crate::elasticsearch::ElasticsearchConfig;

/// An engine that takes its time.
async fn slow() -> Played {
    let played = Played::start().await;
    played
        .on_bulk(|bulk| {
            let status = |id: &str| if id == "busy" { 429 } else { 201 };
            statuses(bulk, |one| status(&one.id)).set_delay(Duration::from_millis(50))
        })
        .await;
    played
}

#[tokio::test]
async fn who_comes_meanwhile_goes_together_and_gets_an_own_answer() {
    let played = slow().await;
    let store = played.store(quick());
    let calls: [&[&str]; 4] = [&["a"], &["b", "c"], &["busy"], &["d"]];
    let answers = join_all(calls.map(|ids| bulk(&store, ids))).await;
    assert_eq!(answers, [vec!["done"], vec!["done", "done"], vec!["retry"], vec!["done"]]);
    assert_eq!(played.ids(), [vec!["a"], vec!["b", "c", "busy", "d"]]);
}

#[tokio::test]
async fn a_full_request_goes_while_another_is_on_its_way() {
    let played = slow().await;
    let config = ElasticsearchConfig { bulk_documents_max: 2, ..quick() };
    let store = played.store(config);
    // Two answers, after which two may run.
    for id in ["one", "two"] {
        bulk(&store, &[id]).await;
    }
    let calls: [&[&str]; 4] = [&["a"], &["b"], &["c"], &["d"]];
    join_all(calls.map(|ids| bulk(&store, ids))).await;
    let mut bulks = played.ids().split_off(2);
    bulks[..2].sort();
    assert_eq!(bulks, [vec!["a"], vec!["b", "c"], vec!["d"]]);
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_sent() {
    let played = slow().await;
    let store = played.store(quick());
    let first = bulk(&store, &["a"]);
    let (_, gone) = tokio::join!(first, async { store.bulk(operations(&["gone"])).now_or_never() });
    assert!(gone.is_none());
    assert_eq!(bulk(&store, &["b"]).await, ["done"]);
    assert_eq!(played.ids(), [vec!["a"], vec!["b"]]);
}
