//! Lines of a block of a file, each with the place where it begins, of which its id is made.
//!
//! Knows no encoding and copies nothing. What has no end yet is left for the next block.

use bytes::Bytes;

use super::events::Events;
use crate::intake::Batch;

/// Gives the lines of a block that begins at `offset` of its file to its events, until the batch is full. Says
/// where the first byte stands that was not taken.
///
/// Zeros at the beginning of a line are passed over where something stands behind them: they are the hole
/// that a writer leaves who goes on at his old place in a file that was truncated. Behind the last line
/// a writer may put his next ones in their place.
pub(crate) fn fill(
    batch: &mut Batch,
    events: &mut Events,
    block: &Bytes,
    offset: u64,
    is_last: bool,
    line_bytes_max: usize,
) -> u64 {
    let mut at = 0;
    while !batch.is_full() {
        let zeros = block[at..].iter().take_while(|byte| **byte == 0).count();
        if at + zeros == block.len() && !is_last {
            break;
        }
        at += zeros;
        let rest = &block[at..];
        let (line_bytes, passed) = match memchr::memchr(b'\n', rest) {
            Some(end) => (end, end + 1),
            None if is_last && !rest.is_empty() => (rest.len(), rest.len()),
            None => break,
        };
        let line = block.slice(at..at + line_bytes);
        events.take(line, offset + at as u64, line_bytes_max, batch);
        at += passed;
    }
    offset + at as u64
}
