//! Follows what becomes searchable, by the sequence in which documents were indexed. Segments that hold
//! nothing new are not looked at.

use std::collections::BinaryHeap;
use std::sync::Arc;

use super::page::Reader;
use super::part::SegmentView;
use super::read::Reading;
use crate::refusal::check_size;
use crate::{Hit, StoreError, TailCursor, TailPage};

/// The text of a place in the sequence.
pub(crate) fn cursor(sequence: u64) -> TailCursor {
    TailCursor(format!("1.{sequence}"))
}

/// # Errors
/// For a text that this store did not make.
pub(crate) fn parse(cursor: &TailCursor) -> Result<u64, StoreError> {
    let digits = cursor.0.strip_prefix("1.").filter(|digits| digits.len() <= 20);
    let plain = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    plain
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| StoreError::Invalid("this tail cursor is not one of this store".to_owned()))
}

/// Reads what was indexed after `after` and matches, oldest first.
///
/// # Errors
/// A size that cannot be, or a store that fails.
pub(crate) fn tail(reading: &Reading, after: u64, size: usize) -> Result<TailPage, StoreError> {
    check_size(size)?;
    let until = reading.snapshot.sequence;
    // A place that the store has not reached comes from data that was lost since.
    let after = after.min(until);
    let mut first: BinaryHeap<(u64, usize, u32)> = BinaryHeap::new();
    let mut segments: Vec<Arc<SegmentView>> = Vec::new();
    let mut more = size == 0;
    let is_new = |segment: &SegmentView| segment.sequence.max_value() > after;
    reading.each_of(is_new, |_, segment, found| {
        segments.push(Arc::clone(segment));
        for document in found.iter() {
            let sequence = segment.sequence.values.get_val(document);
            if sequence > after && sequence <= until {
                first.push((sequence, segments.len() - 1, document));
                if first.len() > size {
                    more = true;
                    first.pop();
                }
            }
        }
        Ok(())
    })?;
    let mut reader = Reader::new(reading);
    let mut hits: Vec<Hit> = Vec::with_capacity(first.len());
    let mut reached = after;
    for (sequence, segment, document) in first.into_sorted_vec() {
        if reader.is_full() {
            more = true;
            break;
        }
        hits.push(reader.read(&segments[segment], document)?);
        reached = sequence;
    }
    let reached = if more { reached } else { until };
    Ok(TailPage { hits, cursor: cursor(reached) })
}

#[cfg(test)]
mod tests {
    use super::{TailCursor, cursor, parse};

    #[test]
    fn cursors_are_read_back_and_others_refused() {
        assert_eq!(parse(&cursor(u64::MAX)).ok(), Some(u64::MAX));
        for text in ["", "1", "1.", "1.x", "2.5", "1.-5", "1.99999999999999999999", "1.1.1", "1.+1"]
        {
            assert!(parse(&TailCursor(text.to_owned())).is_err(), "{text}");
        }
    }
}
