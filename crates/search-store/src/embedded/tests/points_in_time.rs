//! What a consistent search holds: through merges and retention, and no longer than it may.

use std::time::{Duration, Instant};

use query::Query;

use super::quick;
use crate::contract::{self, everything, index, operation};
use crate::embedded::folder::drop_parts;
use crate::embedded::shared::Snapshot;
use crate::embedded::{EmbeddedConfig, EmbeddedSearch, part};
use crate::{IndexOperation, PointsInTimeConfig, SearchRequest, SearchStore, StoreErrorKind};

async fn open(folder: &tempfile::TempDir, config: EmbeddedConfig) -> EmbeddedSearch {
    let store = EmbeddedSearch::open(folder.path(), config, &contract::fields()).await;
    store.expect("a store")
}

fn first_page() -> SearchRequest {
    SearchRequest { consistent: true, size: 10, ..SearchRequest::new(Query::All) }
}

#[tokio::test]
async fn merges_and_replacements_do_not_change_what_is_held() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder, quick()).await;
    let bulk = |document: &str| -> Vec<IndexOperation> {
        (0..40).map(|number| operation(number, &format!("{number:02}"), document)).collect()
    };
    index(&store, bulk(r#"{"tags":"first"}"#)).await;
    let mut request = first_page();
    let mut pages = vec![store.search(&everything(), &request).await.expect("a page")];
    let segments = |store: &EmbeddedSearch| {
        let held = store.shared.hold().expect("parts");
        held.views.iter().map(|view| view.segments.len()).sum::<usize>()
    };
    // Each round leaves a segment with a document that stays, until eight become one.
    let (deadline, mut most) = (Instant::now() + Duration::from_secs(60), 0);
    for round in 0.. {
        let mut changed = bulk(&format!(r#"{{"tags":"{round}"}}"#));
        changed.push(operation(round, &format!("new-{round}"), "{}"));
        index(&store, changed).await;
        let now = segments(&store);
        if now < most {
            break;
        }
        most = now;
        assert!(Instant::now() < deadline, "{now} segments are never merged");
    }
    while let Some(cursor) = pages.last().and_then(|page| page.cursor.clone()) {
        request.cursor = Some(cursor);
        pages.push(store.search(&everything(), &request).await.expect("a page"));
    }
    let hits: Vec<_> = pages.iter().flat_map(|page| &page.hits).collect();
    assert_eq!((pages.len(), hits.len()), (4, 40));
    assert!(hits.iter().all(|hit| hit.document == r#"{"tags":"first"}"#));
    assert_eq!(store.shared.points.len(), 0);
}

#[tokio::test]
async fn retention_is_not_held_up_and_what_is_held_is_still_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder, quick()).await;
    let bulk = (0..40).map(|number| operation(number, &format!("{number:02}"), "{}"));
    index(&store, bulk.collect()).await;
    let mut request = first_page();
    request.cursor = store.search(&everything(), &request).await.expect("a page").cursor;
    store.shared.publish(Snapshot::default());
    drop_parts(folder.path(), |_| true).expect("dropped");
    let parts = part::list(folder.path()).expect("a folder");
    assert_eq!(parts.len(), 0, "the folder is free of them at once");
    for expected in ["29", "19", "09"] {
        let page = store.search(&everything(), &request).await.expect("a page");
        assert_eq!((page.total, &*page.hits[0].id), (40, expected));
        request.cursor = page.cursor;
    }
    assert_eq!(request.cursor, None);
    let plain = SearchRequest { consistent: false, ..request };
    assert_eq!(store.search(&everything(), &plain).await.expect("a page").total, 0);
}

#[tokio::test]
async fn what_nobody_goes_on_with_is_let_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let keep_alive = service::Span::from_millis(1);
    let points_in_time = PointsInTimeConfig { keep_alive, ..PointsInTimeConfig::default() };
    let store = open(&folder, EmbeddedConfig { points_in_time, ..quick() }).await;
    let bulk = (0..40).map(|number| operation(number, &format!("{number}"), "{}"));
    index(&store, bulk.collect()).await;
    let mut request = first_page();
    request.cursor = store.search(&everything(), &request).await.expect("a page").cursor;
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.shared.points.len() > 0 {
        assert!(Instant::now() < deadline, "it is held for ever");
        tokio::task::yield_now().await;
    }
    let refused = store.search(&everything(), &request).await.expect_err("it has expired");
    assert_eq!(refused.kind(), StoreErrorKind::Expired);
}

#[test]
fn a_first_page_that_nobody_waits_for_is_let_go() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&folder, quick()).await;
        let bulk = (0..40).map(|number| operation(number, &format!("{number}"), "{}"));
        index(&store, bulk.collect()).await;
        let (release, released) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || released.recv());
        let (scope, request) = (everything(), first_page());
        let mut page = store.search(&scope, &request);
        assert!(futures::poll!(&mut page).is_pending(), "the only thread is busy");
        drop(page);
        drop(release);
        busy.await.expect("it ends").expect_err("nothing is ever sent");
        // The page is read all the same, and this comes behind it.
        tokio::task::spawn_blocking(|| ()).await.expect("it ends");
        assert_eq!(store.shared.points.len(), 0);
    });
}

#[tokio::test]
async fn none_outlives_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder, quick()).await;
    let bulk = (0..40).map(|number| operation(number, &format!("{number}"), "{}"));
    index(&store, bulk.collect()).await;
    let mut request = first_page();
    request.cursor = store.search(&everything(), &request).await.expect("a page").cursor;
    store.close().await.expect("a clean end");
    assert_eq!(store.shared.points.len(), 0);
    let store = open(&folder, quick()).await;
    let refused = store.search(&everything(), &request).await.expect_err("another process");
    assert_eq!(refused.kind(), StoreErrorKind::Expired);
}

#[tokio::test]
async fn a_setting_of_none_refuses_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let points_in_time = PointsInTimeConfig { max: 0, ..PointsInTimeConfig::default() };
    let store = open(&folder, EmbeddedConfig { points_in_time, ..quick() }).await;
    let refused = store.search(&everything(), &first_page()).await.expect_err("none may be open");
    assert!(refused.to_string().contains("search.points_in_time.max"), "{refused}");
}
