//! For tests: how the time that something takes grows with the size of its input.

use std::time::{Duration, Instant};

const SMALL: usize = 4_000;
const TIMES_LARGER: usize = 8;
/// Times the time in proportion that is allowed: caches cost something too.
const SLACK: f64 = 3.0;
const ROUNDS: usize = 7;

/// Asserts that what is done for a size takes time in proportion to it. What takes quadratic time
/// takes [`TIMES_LARGER`] times the time in proportion.
pub(crate) fn assert_linear(mut run: impl FnMut(usize)) {
    let mut time = |size, times| {
        let start = Instant::now();
        (0..times).for_each(|_| run(size));
        start.elapsed()
    };
    // As often as it takes for the same work, half of it before and half behind, so that what else runs on the machine takes
    // its share of both. Where it did not all the same, the other rounds decide.
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let before = time(SMALL, TIMES_LARGER / 2);
            let large = time(SMALL * TIMES_LARGER, 1);
            let small = before + time(SMALL, TIMES_LARGER / 2);
            (large.as_secs_f64() / small.as_secs_f64(), small, large)
        })
        .collect();
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (times, small, large): (f64, Duration, Duration) = rounds[ROUNDS / 2];
    assert!(
        times < SLACK,
        "{small:?} for {TIMES_LARGER} times {SMALL}, but {large:?} for {TIMES_LARGER} times as much at once"
    );
}
