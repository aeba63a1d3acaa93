//! For tests: how the time that something takes grows with the size of its input.

use std::time::{Duration, Instant};

const SMALL: usize = 4_000;
const TIMES_LARGER: usize = 8;
/// Times the time in proportion that is allowed: caches and neighbours cost something too.
const SLACK: u32 = 3;

/// Asserts that what is done for a size takes time in proportion to it. What takes quadratic time
/// takes [`TIMES_LARGER`] times the time in proportion.
pub(crate) fn assert_linear(mut run: impl FnMut(usize)) {
    let mut fastest = |size| {
        let one = |_| {
            let start = Instant::now();
            run(size);
            start.elapsed()
        };
        (0..5).map(one).min().unwrap_or(Duration::MAX)
    };
    let (small, large) = (fastest(SMALL), fastest(SMALL * TIMES_LARGER));
    let allowed = small * TIMES_LARGER as u32 * SLACK;
    assert!(
        large < allowed,
        "{small:?} for {SMALL}, but {large:?} for {TIMES_LARGER} times as much"
    );
}
