//! Consistent searches: their pages show one moment, whatever is indexed meanwhile.

use super::{Backend, NOON_NS, SECOND_NS, everything, fields, index, only, operation, query};
use crate::cursor::StableCursor;
use crate::{
    IndexOperation, Order, SearchPage, SearchRequest, SearchStore, StoreError, StoreErrorKind,
    TimeRange,
};

/// Documents that are there before the first page.
const DOCUMENTS: i64 = 30;
/// Consistent searches of one user, as the settings have it.
const PER_USER: usize = 4;

pub(super) async fn run(backend: &dyn Backend) {
    for order in [Order::NewestFirst, Order::OldestFirst] {
        pages_show_one_moment(backend, order).await;
    }
    shops_are_kept_apart(backend).await;
    an_expired_view_is_refused(backend).await;
    the_last_page_makes_room(backend).await;
    cursors_are_for_their_own_search(backend).await;
    nothing_is_held_where_nothing_matches(backend).await;
}

fn consistent(text: &str, order: Order, size: usize) -> SearchRequest {
    SearchRequest { order, size, consistent: true, ..SearchRequest::new(query(text)) }
}

fn id(number: i64) -> String {
    format!("{number:02}")
}

fn documents() -> Vec<IndexOperation> {
    (0..DOCUMENTS).map(|number| operation(number, &id(number), r#"{"message":"first"}"#)).collect()
}

/// Documents in front of any page, behind it and within it, new ones and others in the place of what was there.
fn changes() -> Vec<IndexOperation> {
    let mut other_index = operation(DOCUMENTS / 2, "other", "{}");
    other_index.index = "ecommerce-logs-error-2026.11.25".into();
    vec![
        operation(-50, "early", "{}"),
        operation(DOCUMENTS + 50, "late", "{}"),
        other_index,
        operation(-60, &id(DOCUMENTS - 1), r#"{"message":"moved to the begin"}"#),
        operation(DOCUMENTS + 60, &id(0), r#"{"message":"moved to the end"}"#),
        operation(DOCUMENTS / 2, &id(DOCUMENTS / 2), r#"{"message":"replaced"}"#),
    ]
}

async fn page(store: &dyn SearchStore, request: &SearchRequest) -> SearchPage {
    store.search(&everything(), request).await.expect("a page")
}

/// All pages from this one on.
async fn rest(
    store: &dyn SearchStore,
    mut request: SearchRequest,
    first: SearchPage,
) -> Vec<SearchPage> {
    let mut pages = vec![first];
    while let Some(cursor) = pages.last().and_then(|page| page.cursor.clone()) {
        request.cursor = Some(cursor);
        pages.push(page(store, &request).await);
    }
    pages
}

fn ids(pages: &[SearchPage]) -> Vec<&str> {
    pages.iter().flat_map(|page| &page.hits).map(|hit| hit.id.as_str()).collect()
}

async fn pages_show_one_moment(backend: &dyn Backend, order: Order) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    index(store, documents()).await;
    let mut request = consistent("*", order, 7);
    // Whoever says `now` has another range with each page.
    request.range = TimeRange { from_ns: None, to_ns: Some(NOON_NS + 100 * SECOND_NS) };
    let plain = SearchRequest { consistent: false, ..request.clone() };
    let (first, plain_first) = (page(store, &request).await, page(store, &plain).await);
    index(store, changes()).await;
    request.range = TimeRange { from_ns: Some(NOON_NS + SECOND_NS), to_ns: None };
    let pages = rest(store, request, first).await;
    let mut expected: Vec<String> = (0..DOCUMENTS).map(id).collect();
    if order == Order::NewestFirst {
        expected.reverse();
    }
    assert_eq!(ids(&pages), expected, "{order:?}");
    for page in &pages {
        assert_eq!(page.total, DOCUMENTS.unsigned_abs());
        assert!(page.hits.iter().all(|hit| hit.document == r#"{"message":"first"}"#), "{page:?}");
    }
    // Others see what is there now, and so does a search that goes on without it.
    let plain_pages = rest(store, plain.clone(), plain_first).await;
    let total = DOCUMENTS.unsigned_abs() + 3;
    assert_eq!(plain_pages.last().map(|page| page.total), Some(total));
    let found = ids(&plain_pages);
    let behind = if order == Order::NewestFirst { "early" } else { "late" };
    assert!(found.contains(&behind) && found.contains(&"other"), "{found:?}");
    let again = consistent("*", order, 7);
    let first = page(store, &again).await;
    assert_eq!(ids(&rest(store, again, first).await).len() as u64, total);
}

async fn shops_are_kept_apart(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let mut bulk = documents();
    for (number, one) in bulk.iter_mut().enumerate() {
        one.shop = if number.is_multiple_of(3) { "north" } else { "south" }.into();
    }
    index(store, bulk).await;
    let north = only(&["north"]);
    let mut request = consistent("*", Order::OldestFirst, 3);
    let mut found = Vec::new();
    loop {
        let page = store.search(&north, &request).await.expect("a page");
        assert_eq!(page.total, 10);
        found.extend(page.hits.into_iter().map(|hit| hit.id));
        let Some(cursor) = page.cursor else { break };
        request.cursor = Some(cursor);
        let of_others = store.search(&only(&["south"]), &request).await;
        assert_eq!(of_others.expect_err("another's").kind(), StoreErrorKind::Invalid);
    }
    let expected: Vec<String> = (0..DOCUMENTS).step_by(3).map(id).collect();
    assert_eq!(found, expected);
}

async fn an_expired_view_is_refused(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    index(store, documents()).await;
    let mut request = consistent("*", Order::NewestFirst, 5);
    request.cursor = page(store, &request).await.cursor;
    request.cursor = page(store, &request).await.cursor;
    let text = request.cursor.as_deref().expect("there is more");
    let cursor = StableCursor::read(text, Order::NewestFirst).expect("its own cursor");
    running.expire(&cursor.view).await;
    let refused = store.search(&everything(), &request).await.expect_err("it has expired");
    assert_eq!(refused.kind(), StoreErrorKind::Expired, "{refused}");
    assert!(refused.to_string().contains("begin with the first page"), "{refused}");
    request.cursor = None;
    assert_eq!(page(store, &request).await.hits.len(), 5);
}

async fn the_last_page_makes_room(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    index(store, documents()).await;
    let request = consistent("*", Order::NewestFirst, 10);
    // One that ends with its first page takes no room.
    for _ in 0..=PER_USER {
        let whole = page(store, &consistent("*", Order::NewestFirst, 100)).await;
        assert_eq!((whole.hits.len(), whole.cursor), (30, None));
    }
    let first = page(store, &request).await;
    for _ in 1..PER_USER {
        page(store, &request).await;
    }
    let refused = store.search(&everything(), &request).await.expect_err("no room");
    assert!(matches!(refused, StoreError::TooManyPointsInTime { .. }), "{refused:?}");
    assert!(refused.to_string().contains("without `consistent`"), "{refused}");
    page(store, &SearchRequest { consistent: false, ..request.clone() }).await;
    store.search(&only(&["default"]), &request).await.expect("another user has room");
    let pages = rest(store, request.clone(), first).await;
    assert_eq!(pages.len(), 3);
    page(store, &request).await;
    // A query that cannot be run keeps no room either.
    let wrong = consistent("shop.order.amount:>abc", Order::NewestFirst, 5);
    let refused = store.search(&only(&["south"]), &wrong).await.expect_err("no number");
    assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{refused}");
}

async fn cursors_are_for_their_own_search(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    index(store, documents()).await;
    let request = consistent("*", Order::NewestFirst, 5);
    let stable = page(store, &request).await.cursor;
    let plain = page(store, &SearchRequest { consistent: false, ..request.clone() }).await.cursor;
    let with = |change: &dyn Fn(&mut SearchRequest)| {
        let mut changed = SearchRequest { cursor: stable.clone(), ..request.clone() };
        change(&mut changed);
        changed
    };
    let wrong = [
        with(&|request| request.query = query("message:first")),
        with(&|request| request.order = Order::OldestFirst),
        with(&|request| request.consistent = false),
        with(&|request| request.cursor.clone_from(&plain)),
        with(&|request| request.cursor = Some("2.AAAA.1n.5.a".to_owned())),
        with(&|request| request.cursor = Some(format!("2.{}.1n.5.a", "x".repeat(100_000)))),
        with(&|request| request.cursor = Some("2..1n.5.a".to_owned())),
    ];
    for request in wrong {
        let refused = store.search(&everything(), &request).await.expect_err("a wrong cursor");
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{request:.300?}: {refused}");
    }
    assert_eq!(page(store, &with(&|_| {})).await.hits.len(), 5, "it is still good");
}

async fn nothing_is_held_where_nothing_matches(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let request = consistent("message:nothing", Order::NewestFirst, 5);
    for _ in 0..=PER_USER {
        assert_eq!(page(store, &request).await, SearchPage::default());
    }
    index(store, documents()).await;
    for _ in 0..=PER_USER {
        assert_eq!(page(store, &request).await, SearchPage::default());
    }
}
