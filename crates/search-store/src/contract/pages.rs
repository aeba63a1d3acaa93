//! Pages, their order and cursors, and counts over time.

use query::Query;

use super::{
    Backend, NOON_NS, SECOND_NS, everything, fields, hexadecimal_id, index, operation, query,
};
use crate::{Order, SIZE_MAX, SearchRequest, SearchStore, StoreErrorKind, TimeRange};

pub(super) async fn run(backend: &dyn Backend) {
    pages_hold_each_document_once(backend).await;
    ids_of_any_form_are_paged(backend).await;
    instants_are_exact_to_the_nanosecond(backend).await;
    cursors_of_others_are_refused(backend).await;
    histograms_count_each_document_once(backend).await;
}

/// The ids of all pages.
async fn walk(store: &dyn SearchStore, text: &str, order: Order, size: usize) -> Vec<String> {
    let mut request = SearchRequest::new(query(text));
    request.order = order;
    request.size = size;
    let mut ids = Vec::new();
    loop {
        let page = store.search(&everything(), &request).await.expect("a page");
        assert!(page.hits.len() <= size);
        assert!(!page.hits.is_empty() || page.cursor.is_none(), "an empty page is the last");
        ids.extend(page.hits.into_iter().map(|hit| hit.id));
        match page.cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => return ids,
        }
    }
}

async fn pages_hold_each_document_once(backend: &dyn Backend) {
    const DOCUMENTS: u64 = 3_000;
    let running = backend.empty(&fields()).await;
    let store = running.store();
    // Three instants only, in several bulks, ids not in the order of arrival.
    let mut expected = Vec::new();
    for part in 0..5u64 {
        let bulk = (0..DOCUMENTS / 5).map(|number| {
            let number = number * 5 + part;
            let shuffled = number * 2_654_435_761 % 4_294_967_296;
            let second = i64::try_from(number % 3).expect("small");
            let tag = if number.is_multiple_of(2) { "even" } else { "odd" };
            let document = format!(r#"{{"tags":"{tag}"}}"#);
            let one = operation(second, &hexadecimal_id(shuffled), &document);
            expected.push((one.timestamp_ns, one.id.clone(), tag));
            one
        });
        let bulk: Vec<_> = bulk.collect();
        index(store, bulk).await;
    }
    expected.sort();
    let ids = |tag: &str| {
        let of_tag = expected.iter().filter(|one| tag.is_empty() || one.2 == tag);
        of_tag.map(|one| one.1.clone()).collect::<Vec<_>>()
    };
    for size in [7, 500, SIZE_MAX] {
        assert_eq!(walk(store, "*", Order::OldestFirst, size).await, ids(""), "size {size}");
    }
    assert_eq!(walk(store, "tags:odd", Order::OldestFirst, 64).await, ids("odd"));
    let mut newest = ids("even");
    newest.reverse();
    assert_eq!(walk(store, "tags:even", Order::NewestFirst, 64).await, newest);

    let mut request = SearchRequest::new(Query::All);
    request.size = 0;
    let page = store.search(&everything(), &request).await.expect("a page");
    assert_eq!((page.total, page.hits.len()), (DOCUMENTS, 0));
    // What comes after the first page was read does not disturb the second.
    request.size = 100;
    let first = store.search(&everything(), &request).await.expect("a page");
    index(store, vec![operation(50, "late", "{}")]).await;
    request.cursor = first.cursor;
    let second = store.search(&everything(), &request).await.expect("a page");
    let mut expected = ids("");
    expected.reverse();
    let found: Vec<String> = second.hits.into_iter().map(|hit| hit.id).collect();
    assert_eq!(found, expected[100..200]);
    assert_eq!(second.total, DOCUMENTS + 1);
}

async fn ids_of_any_form_are_paged(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let bulk = (0..200).map(|number| operation(0, &format!("a-common-begin-{number:03}"), "{}"));
    let bulk: Vec<_> = bulk.collect();
    let expected: Vec<String> = bulk.iter().map(|one| one.id.clone()).collect();
    index(store, bulk).await;
    assert_eq!(walk(store, "*", Order::OldestFirst, 13).await, expected);
    assert_eq!(walk(store, "*", Order::OldestFirst, 200).await, expected);
    let reversed: Vec<String> = expected.into_iter().rev().collect();
    assert_eq!(walk(store, "*", Order::NewestFirst, 33).await, reversed);
}

async fn instants_are_exact_to_the_nanosecond(backend: &dyn Backend) {
    const STEP_NS: i64 = 333_333;
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let of = |number: i64| {
        let mut one = operation(0, &format!("{:02}", 20 - number), "{}");
        one.timestamp_ns = NOON_NS + number * STEP_NS;
        one
    };
    let bulk: Vec<_> = (0..20).map(of).collect();
    let mut expected: Vec<String> = bulk.iter().map(|one| one.id.clone()).collect();
    index(store, bulk).await;
    assert_eq!(walk(store, "*", Order::OldestFirst, 3).await, expected);
    expected.reverse();
    assert_eq!(walk(store, "*", Order::NewestFirst, 3).await, expected);
    for (from, to) in [(0, 20), (1, 2), (2, 5), (3, 3), (5, 17), (-7, 1)] {
        let ends = [(0, 0), (1, 0), (0, 1), (1, 1)]
            .map(|(a, b)| (NOON_NS + from * STEP_NS + a, NOON_NS + to * STEP_NS + b));
        for (from, to) in ends {
            let within = |number: &i64| (from..to).contains(&(NOON_NS + number * STEP_NS));
            let range = TimeRange { from_ns: Some(from), to_ns: Some(to) };
            let count = store.count(&everything(), &Query::All, range).await;
            let expected = (0..20).filter(within).count() as u64;
            assert_eq!(count.expect("a count"), expected, "{from} {to}");
        }
    }
}

async fn cursors_of_others_are_refused(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    index(store, (0..5).map(|number| operation(number, &format!("{number}"), "{}")).collect())
        .await;
    let mut request = SearchRequest::new(Query::All);
    request.size = 2;
    let cursor = store.search(&everything(), &request).await.expect("a page").cursor;
    let cursor = cursor.expect("there is more");
    let long = "x".repeat(100_000);
    let other_order = cursor.replacen('n', "o", 1);
    for text in ["", "x", "....", "1n.5", "1n.x.id", "\u{0}", &long, &other_order, "9n.5.id"] {
        request.cursor = Some(text.to_owned());
        let refused = store.search(&everything(), &request).await;
        assert_eq!(refused.expect_err(text).kind(), StoreErrorKind::Invalid, "{text:.40}");
    }
    request.cursor = None;
    request.size = SIZE_MAX + 1;
    let refused = store.search(&everything(), &request).await.expect_err("too large a page");
    assert_eq!(refused.kind(), StoreErrorKind::Invalid);
}

async fn histograms_count_each_document_once(backend: &dyn Backend) {
    let running = backend.empty(&fields()).await;
    let store = running.store();
    let bulk = (0..100).map(|number| operation(number * 7, &format!("{number}"), "{}"));
    index(store, bulk.collect()).await;
    let minute = 60 * SECOND_NS;
    let counts = store
        .histogram(&everything(), &Query::All, TimeRange::default(), minute)
        .await
        .expect("counts");
    let mut expected: Vec<(i64, u64)> = Vec::new();
    for number in 0..100 {
        let begin = (NOON_NS + number * 7 * SECOND_NS).div_euclid(minute) * minute;
        match expected.last_mut() {
            Some((last, count)) if *last == begin => *count += 1,
            _ => expected.push((begin, 1)),
        }
    }
    assert_eq!(counts, expected);
    // Before 1970, and an interval that is no divisor of the day.
    let mut early = operation(0, "early", "{}");
    early.timestamp_ns = -1;
    index(store, vec![early]).await;
    let range = TimeRange { from_ns: None, to_ns: Some(0) };
    let counts = store.histogram(&everything(), &Query::All, range, 7 * SECOND_NS).await;
    assert_eq!(counts.expect("counts"), [(-7 * SECOND_NS, 1)]);
    let long = TimeRange { from_ns: Some(0), to_ns: Some(NOON_NS) };
    for (range, interval) in [(long, 0), (long, -5), (long, SECOND_NS)] {
        let refused = store.histogram(&everything(), &Query::All, range, interval).await;
        assert_eq!(refused.expect_err("an interval").kind(), StoreErrorKind::Invalid);
    }
}
