//! Pages of a tail, with the stamps of documents that are played.

use bytes::Bytes;

use super::{GIVEN_MAX, Hit, Place, given};
use crate::TailPage;

/// A store in which documents become searchable in any order.
#[derive(Default)]
struct Played {
    searchable: Vec<i64>,
}

impl Played {
    /// One page, of a follower whose window begins at `horizon`.
    fn tail(&self, place: &Place, size: usize, horizon: i64) -> (Vec<i64>, Place) {
        let mut found: Vec<i64> = self.searchable.clone();
        found.retain(|sent| *sent > place.settled && !place.given.contains(sent));
        found.sort_unstable();
        found.truncate(size + 1);
        let found = found.into_iter().map(|sent| (hit(sent), sent)).collect();
        let TailPage { hits, cursor } = given(place.clone(), found, size, horizon);
        let place = Place::parse(&cursor).expect("its own cursor");
        (hits.iter().map(|hit| hit.timestamp_ns).collect(), place)
    }
}

/// A document; one whose stamp is 7 is another's and is not given.
fn hit(sent: i64) -> Option<Hit> {
    (sent != 7).then(|| Hit {
        id: sent.to_string(),
        index: String::new(),
        shop: String::new(),
        timestamp_ns: sent,
        received_at_ns: 0,
        document: Bytes::new(),
    })
}

#[test]
fn a_document_that_is_late_within_the_window_is_given() {
    let mut store = Played { searchable: vec![11, 15] };
    let start = Place { settled: 10, given: Vec::new() };
    let (hits, place) = store.tail(&start, 5, 5);
    assert_eq!(hits, [11, 15]);
    store.searchable.extend([12, 16]);
    let (hits, place) = store.tail(&place, 5, 11);
    assert_eq!(hits, [12, 16]);
    assert_eq!(place, Place { settled: 11, given: vec![12, 15, 16] });
    let (hits, place) = store.tail(&place, 5, 100);
    assert_eq!((hits, place), (vec![], Place { settled: 100, given: vec![] }));
}

#[test]
fn a_document_that_is_not_given_hides_none_behind_it() {
    let store = Played { searchable: (5..=12).collect() };
    let start = Place { settled: 4, given: Vec::new() };
    let (hits, place) = store.tail(&start, 3, 100);
    assert_eq!(hits, [5, 6]);
    let (hits, place) = store.tail(&place, 3, 100);
    assert_eq!(hits, [8, 9, 10]);
    let (hits, _) = store.tail(&place, 3, 100);
    assert_eq!(hits, [11, 12]);
}

#[test]
fn pages_are_cut_without_losing_any() {
    let store = Played { searchable: (11..=40).collect() };
    for horizon in [0, 20, 35, 100] {
        let mut place = Place { settled: 10, given: Vec::new() };
        let mut seen = Vec::new();
        loop {
            let (hits, next) = store.tail(&place, 7, horizon);
            if hits.is_empty() {
                break;
            }
            seen.extend(hits);
            place = next;
        }
        assert_eq!(seen, store.searchable, "{horizon}");
    }
}

#[test]
fn more_than_a_cursor_remembers_waits_until_the_window_has_passed() {
    let many = i64::try_from(GIVEN_MAX).expect("small") + 500;
    let mut store = Played { searchable: (1..=many).map(|sent| sent * 2).collect() };
    let mut place = Place { settled: 0, given: Vec::new() };
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (hits, next) = store.tail(&place, 1_000, 0);
        seen.extend(hits);
        place = next;
    }
    assert_eq!(seen.len(), GIVEN_MAX, "the rest waits");
    // One that is late among those that were given.
    store.searchable.push(101);
    for _ in 0..5 {
        let (hits, next) = store.tail(&place, 1_000, 100);
        seen.extend(hits);
        place = next;
    }
    for _ in 0..5 {
        let (hits, next) = store.tail(&place, 1_000, many * 2);
        seen.extend(hits);
        place = next;
    }
    seen.sort_unstable();
    store.searchable.sort_unstable();
    assert_eq!(seen, store.searchable);
}
