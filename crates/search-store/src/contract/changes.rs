//! Documents come, are replaced, are found by whom they may be found, and outlive the process.

use bytes::Bytes;
use query::Query;

use super::{
    Backend, Running, SECOND_NS, everything, fields, hexadecimal_id, ids, index, only, operation,
    query,
};
use crate::{IndexOperation, ItemOutcome, SearchRequest, StoreErrorKind, TailCursor, TimeRange};

pub(super) async fn run(backend: &dyn Backend) {
    bytes_come_back(backend).await;
    the_same_id_replaces(backend).await;
    what_cannot_be_indexed_is_rejected_alone(backend).await;
    a_scope_sees_its_shops_only(backend).await;
    the_tail_misses_nothing(backend).await;
    hostile_names_are_only_values(backend).await;
    concurrent_bulks_are_all_found(backend).await;
    everything_outlives_the_store(backend).await;
}

async fn bytes_come_back(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let document = "  {\"b\" : 1.50, \"a\":\"\\u00e4\u{e4}\\n\", \"b\":2e0 ,\"\":[ ] }\n";
    let mut given = operation(0, &hexadecimal_id(7), document);
    given.received_at_ns += 1;
    given.timestamp_ns += 1;
    index(running.store(), vec![given.clone()]).await;
    let hit = running.store().get(&everything(), &given.id).await.expect("a read").expect("a hit");
    assert_eq!(hit.document, given.document);
    assert_eq!((&*hit.id, &*hit.index, &*hit.shop), (&*given.id, &*given.index, &*given.shop));
    assert_eq!(hit.timestamp_ns, given.timestamp_ns);
    assert_eq!(hit.received_at_ns, given.received_at_ns);
    assert_eq!(running.store().get(&everything(), "another").await.expect("a read"), None);
}

async fn the_same_id_replaces(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let version =
        |number: i64, text: &str| operation(number, "same", &format!(r#"{{"message":"{text}"}}"#));
    index(store, vec![version(0, "first")]).await;
    index(store, vec![version(0, "second"), version(1, "third")]).await;
    assert_eq!(ids(store, "*").await, ["same"]);
    assert_eq!(ids(store, "first OR second").await, Vec::<String>::new());
    assert_eq!(ids(store, "third").await, ["same"]);
    // The same bytes again, as after a crash between the index and the commit of the offset.
    for _ in 0..3 {
        index(store, vec![version(1, "third"), operation(2, "other", "{}")]).await;
    }
    assert_eq!(ids(store, "*").await, ["same", "other"]);
    // Received in another week.
    let mut earlier = version(1, "fourth");
    earlier.received_at_ns -= 8 * 86_400 * SECOND_NS;
    index(store, vec![earlier]).await;
    assert_eq!(ids(store, "third").await, Vec::<String>::new());
    assert_eq!(ids(store, "fourth").await, ["same"]);
    index(store, vec![version(1, "fifth")]).await;
    assert_eq!(ids(store, "*").await, ["same", "other"]);
    assert_eq!(ids(store, "fifth").await, ["same"]);
}

async fn what_cannot_be_indexed_is_rejected_alone(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let bulk = vec![
        operation(0, "good", "{}"),
        operation(1, "list", "[]"),
        operation(2, "cut", r#"{"a":"#),
        operation(3, "", "{}"),
        operation(4, "fine", r#"{"message":"yes"}"#),
    ];
    let outcomes = store.bulk(bulk).await.expect("a bulk");
    let rejected: Vec<bool> =
        outcomes.iter().map(|one| matches!(one, ItemOutcome::Rejected { .. })).collect();
    assert_eq!(rejected, [false, true, true, true, false]);
    assert_eq!(outcomes[0], ItemOutcome::Done);
    assert_eq!(outcomes[4], ItemOutcome::Done);
    assert_eq!(ids(store, "*").await, ["good", "fine"]);
    assert_eq!(store.bulk(Vec::new()).await.expect("a bulk"), Vec::new());
}

/// Hostile input 18: whatever the query says, another tenant's documents are not read.
async fn a_scope_sees_its_shops_only(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let start = store.tail_position().await.expect("a position");
    let of = |shop: &str, number: i64| IndexOperation {
        shop: shop.into(),
        ..operation(number, &format!("{shop}-{number}"), r#"{"event":{"dataset":"error"}}"#)
    };
    index(store, vec![of("north", 0), of("south", 1), of("north", 2), of("northern", 3)]).await;
    let check = async |shops: &[&str], expected: &[&str]| {
        let scope = only(shops);
        let (all, range) = (Query::All, TimeRange::default());
        let mut request = SearchRequest::new(query("type:error OR NOT type:error"));
        request.order = crate::Order::OldestFirst;
        let page = store.search(&scope, &request).await.expect("a page");
        let found: Vec<&str> = page.hits.iter().map(|hit| hit.id.as_str()).collect();
        assert_eq!(found, expected, "search of {shops:?}");
        let count = expected.len() as u64;
        assert_eq!(page.total, count);
        assert_eq!(store.count(&scope, &all, range).await.expect("a count"), count);
        let buckets = store.histogram(&scope, &all, range, SECOND_NS).await.expect("counts");
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), count);
        let values = store.terms(&scope, &all, range, "event.dataset", 5).await.expect("values");
        assert_eq!(values.iter().map(|(_, count)| count).sum::<u64>(), count);
        let tail = store.tail(&scope, &all, &start, 100).await.expect("a tail");
        assert_eq!(tail.hits.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), expected);
        for id in ["north-0", "south-1", "northern-3"] {
            let hit = store.get(&scope, id).await.expect("a read");
            assert_eq!(hit.is_some(), expected.contains(&id), "get {id} of {shops:?}");
        }
    };
    check(&["north"], &["north-0", "north-2"]).await;
    check(&["south"], &["south-1"]).await;
    check(&["south", "north"], &["north-0", "south-1", "north-2"]).await;
    check(&["nowhere"], &[]).await;
    check(&[], &[]).await;
    // Another shop's document of the same id replaces, and is gone for the first one.
    let mut moved = of("north", 0);
    moved.shop = "south".into();
    index(store, vec![moved]).await;
    assert_eq!(store.get(&only(&["north"]), "north-0").await.expect("a read"), None);
    let moved = store.get(&only(&["south"]), "north-0").await.expect("a read");
    assert_eq!(moved.map(|hit| hit.shop).as_deref(), Some("south"));
    check(&["north"], &["north-2"]).await;
}

async fn the_tail_misses_nothing(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    index(store, vec![operation(0, "before", "{}")]).await;
    let start = store.tail_position().await.expect("a position");
    let mut place = start.clone();
    let mut seen = Vec::new();
    for round in 0..6i64 {
        // Each round is older than the one before.
        let bulk = (0..5).map(|number| {
            let kind = if number % 2 == 0 { "even" } else { "odd" };
            let document = format!(r#"{{"event":{{"dataset":"{kind}"}}}}"#);
            operation(-round * 10 - number, &format!("{round}-{number}"), &document)
        });
        index(store, bulk.collect()).await;
        loop {
            let page = store.tail(&everything(), &query("type:even"), &place, 2).await;
            let page = page.expect("a tail");
            place = page.cursor;
            if page.hits.is_empty() {
                break;
            }
            seen.extend(page.hits.into_iter().map(|hit| hit.id));
        }
    }
    let expected: Vec<String> =
        (0..6).flat_map(|round| [0, 2, 4].map(|number| format!("{round}-{number}"))).collect();
    assert_eq!(seen, expected);
    let whole = store.tail(&everything(), &Query::All, &start, 100).await.expect("a tail");
    assert_eq!(whole.hits.len(), 30);
    // Both followers have seen all there is for them.
    for (all, cursor) in [(Query::All, &whole.cursor), (query("type:even"), &place)] {
        let more = store.tail(&everything(), &all, cursor, 100).await.expect("a tail");
        assert_eq!(more.hits, Vec::new(), "{all}");
    }
    // Indexed again, it comes again.
    index(store, vec![operation(0, "before", r#"{"message":"again"}"#)]).await;
    let again = store.tail(&everything(), &Query::All, &whole.cursor, 100).await.expect("a tail");
    assert_eq!(again.hits.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), ["before"]);
    for text in ["", "x", "1.x", "1.-1", "999", "../../etc/passwd", "1.\0"] {
        let refused = store.tail(&everything(), &Query::All, &TailCursor(text.to_owned()), 5).await;
        assert_eq!(refused.expect_err(text).kind(), StoreErrorKind::Invalid, "{text:?}");
    }
}

/// Hostile inputs 11 and 12: names are never paths, and texts are never templates.
async fn hostile_names_are_only_values(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let names = ["../../etc/passwd", "/absolute", "a\nb", "*", "a,b", "NUL\0", "-x", "Ünïcode", ""];
    let mut bulk = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let mut one =
            operation(0, &format!("{number}/{name}"), r#"{"message":"${jndi:ldap://x}"}"#);
        one.shop = (*name).into();
        if backend.takes_any_index_name() {
            one.index = (*name).into();
        }
        bulk.push(one);
    }
    index(store, bulk.clone()).await;
    for (one, name) in bulk.iter().zip(names) {
        let hit = store.get(&only(&[name]), &one.id).await.expect("a read");
        let hit = hit.expect("its own document");
        assert_eq!((&*hit.index, &*hit.shop), (&*one.index, &*one.shop));
    }
    for (number, name) in names.iter().enumerate() {
        let query = Query::Phrase { field: Some("_index".to_owned()), text: (*name).to_owned() };
        let count = store.count(&everything(), &query, TimeRange::default()).await;
        let expected = u64::from(backend.takes_any_index_name());
        assert_eq!(count.expect("a count"), expected, "{name:?}");
        if !backend.takes_any_index_name() {
            let mut other = operation(0, &format!("other {number}"), "{}");
            other.index = (*name).into();
            let outcomes = store.bulk(vec![other]).await.expect("a bulk");
            assert!(matches!(outcomes[..], [ItemOutcome::Rejected { .. }]), "{name:?}");
        }
    }
    let field =
        Query::Phrase { field: Some("a\0b.c..\"{}".to_owned()), text: "\u{0}\u{ff}".to_owned() };
    assert_eq!(store.count(&everything(), &field, TimeRange::default()).await.expect("none"), 0);
}

async fn concurrent_bulks_are_all_found(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let bulk = |task: u64| {
        let one = move |number: u64| {
            let mut one = operation(0, &hexadecimal_id(task * 1_000 + number), r#"{"tags":"x"}"#);
            one.timestamp_ns += i64::try_from(number).expect("small");
            one
        };
        (0..200).map(one).collect::<Vec<_>>()
    };
    let (a, b, c, d) = tokio::join!(
        store.bulk(bulk(1)),
        store.bulk(bulk(2)),
        store.bulk(bulk(3)),
        // The same documents as the first.
        store.bulk(bulk(1)),
    );
    for outcomes in [a, b, c, d] {
        assert!(outcomes.expect("a bulk").iter().all(|one| *one == ItemOutcome::Done));
    }
    index(store, vec![operation(1, "last", "{}")]).await;
    let count = store.count(&everything(), &query("tags:x"), TimeRange::default()).await;
    assert_eq!(count.expect("a count"), 600);
}

async fn everything_outlives_the_store(backend: &dyn Backend) {
    let mut running: Box<dyn Running> = backend.empty(&fields()).await;
    let bulk: Vec<_> = (0..300)
        .map(|number| operation(number, &format!("{number:03}"), r#"{"tags":["kept"]}"#))
        .collect();
    index(running.store(), bulk.clone()).await;
    let position = running.store().tail_position().await.expect("a position");
    running.reopen().await;
    let range = TimeRange::default();
    let count = running.store().count(&everything(), &query("tags:kept"), range).await;
    assert_eq!(count.expect("a count"), 300);
    // What was being indexed when the process stopped comes again, and some that is new.
    let mut again = bulk[200..].to_vec();
    again.push(operation(1_000, "new", r#"{"tags":["kept"]}"#));
    again[0].document = Bytes::from_static(br#"{"tags":["changed"]}"#);
    index(running.store(), again).await;
    let count = running.store().count(&everything(), &query("tags:*"), range).await;
    assert_eq!(count.expect("a count"), 301);
    assert_eq!(ids(running.store(), "tags:changed").await, ["200"]);
    let tail = running.store().tail(&everything(), &Query::All, &position, 1_000).await;
    assert_eq!(tail.expect("a tail").hits.len(), 101);
}
