//! For tests: how the time that something takes grows with the size of its input.

use std::time::{Duration, Instant};

const SMALL: usize = 4_000;
const TIMES_LARGER: usize = 8;
/// Times the time in proportion that is allowed: caches cost something too.
const SLACK: u32 = 3;

/// Asserts that what is done for a size takes time in proportion to it. What takes quadratic time
/// takes [`TIMES_LARGER`] times the time in proportion.
pub(crate) fn assert_linear(mut run: impl FnMut(usize)) {
    // As often as it takes for the same work, so that what else runs on the machine takes its share of both.
    let mut time = |size, times| {
        let start = Instant::now();
        (0..times).for_each(|_| run(size));
        start.elapsed()
    };
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..7 {
        let both = [time(SMALL, TIMES_LARGER), time(SMALL * TIMES_LARGER, 1)];
        fastest = std::array::from_fn(|number| fastest[number].min(both[number]));
    }
    let [small, large] = fastest;
    assert!(
        large < small * SLACK,
        "{small:?} for {TIMES_LARGER} times {SMALL}, but {large:?} for {TIMES_LARGER} times as much at once"
    );
}
