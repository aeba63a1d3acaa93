//! The limit follows an engine that is played.

use std::time::{Duration, Instant};

use super::{Concurrency, Limit, Went};

/// Runs rounds of as many requests as fit, all of which go so.
fn rounds(limit: &mut Limit, clock: &mut Instant, count: usize, went: Went, took_ms: u64) -> usize {
    let mut width = 0;
    for _ in 0..count {
        let began = *clock;
        width = std::iter::from_fn(|| limit.begin().then_some(())).count();
        *clock += Duration::from_millis(took_ms);
        for _ in 0..width {
            limit.end(went, began, *clock, Duration::from_millis(took_ms));
        }
        *clock += Duration::from_millis(1);
    }
    width
}

#[test]
fn it_doubles_until_the_most() {
    let (mut limit, mut clock) = (Limit::new(16), Instant::now());
    let widths: Vec<_> =
        (0..6).map(|_| rounds(&mut limit, &mut clock, 1, Went::Well, 10)).collect();
    assert_eq!(widths, [1, 2, 4, 8, 16, 16]);
}

#[test]
fn a_refusal_halves_it_once_a_round_and_then_it_grows_slowly() {
    let (mut limit, mut clock) = (Limit::new(64), Instant::now());
    rounds(&mut limit, &mut clock, 5, Went::Well, 10);
    assert_eq!(rounds(&mut limit, &mut clock, 1, Went::Overloaded, 10), 32);
    assert_eq!(rounds(&mut limit, &mut clock, 1, Went::Well, 10), 16);
    assert_eq!(rounds(&mut limit, &mut clock, 1, Went::Well, 10), 16);
    let after = rounds(&mut limit, &mut clock, 4, Went::Well, 10);
    assert!((19..=21).contains(&after), "{after}");
    for _ in 0..20 {
        rounds(&mut limit, &mut clock, 1, Went::Overloaded, 10);
    }
    assert_eq!(rounds(&mut limit, &mut clock, 1, Went::Well, 10), 1, "one is always tried");
}

#[test]
fn answers_that_grow_slow_make_it_smaller() {
    let (mut limit, mut clock) = (Limit::new(16), Instant::now());
    rounds(&mut limit, &mut clock, 6, Went::Well, 10);
    rounds(&mut limit, &mut clock, 1, Went::Well, 50);
    let after = rounds(&mut limit, &mut clock, 1, Went::Well, 10);
    assert!(after < 16, "{after}");
    // An engine that stays slow becomes the usual one.
    let last = rounds(&mut limit, &mut clock, 300, Went::Well, 50);
    assert_eq!(last, 16);
}

#[test]
fn what_says_nothing_changes_nothing() {
    let (mut limit, mut clock) = (Limit::new(16), Instant::now());
    rounds(&mut limit, &mut clock, 2, Went::Well, 10);
    assert_eq!(rounds(&mut limit, &mut clock, 3, Went::Neither, 900), 4);
}

#[tokio::test]
async fn who_gives_up_leaves_the_place_to_the_next() {
    let concurrency = Concurrency::new(1);
    let first = concurrency.place().await;
    let mut waiting = Box::pin(concurrency.place());
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(first);
    waiting.await.end(Went::Well, 1);
    concurrency.place().await.end(Went::Overloaded, 1);
}
