//! Where a group goes on in a partition: after its last commit, else at the oldest message.
//!
//! Never silently anywhere else: what retention took before it was read, and a partition that is
//! shorter than what was committed, are told and counted.

use std::ops::Range;
use std::sync::Arc;

use bus::{BusError, PartitionId, PartitionStart};
use bytes::Bytes;

use super::Surroundings;
use crate::counters::{Counters, count};
use crate::groups::Committed;
use crate::topics::Span;

/// Asks where a group goes on in these partitions, which stand at `places` in the cluster. Blocks.
pub(super) fn starts(
    group: &str,
    partitions: Vec<PartitionId>,
    places: &[(Arc<str>, u32)],
    around: &Surroundings,
) -> Result<Vec<PartitionStart>, BusError> {
    let committed = around.groups.committed(group, places)?;
    let spans = around.topics.spans(places)?;
    let begin =
        |(partition, (committed, span))| start(group, partition, committed, span, &around.counters);
    Ok(partitions.into_iter().zip(committed.into_iter().zip(spans)).map(begin).collect())
}

/// Where a group begins.
fn start(
    group: &str,
    partition: PartitionId,
    committed: Option<Committed>,
    span: Span,
    counters: &Counters,
) -> PartitionStart {
    let Span { oldest, end } = span;
    let Some(Committed { offset, metadata }) = committed else {
        return PartitionStart { partition, offset: oldest, metadata: Bytes::new() };
    };
    let mut start = PartitionStart { partition, offset, metadata };
    if offset < oldest {
        passed(group, &start.partition, offset..oldest, span, counters);
        start.offset = oldest;
    } else if offset > end {
        let PartitionId { topic, partition } = &start.partition;
        count(&counters.rewound_partitions, 1);
        tracing::error!(
            group, %topic, partition, committed = offset, oldest, end,
            "the partition ends before what the group has committed: it was made again, or an unclean \
             election cut it. The group reads again from the oldest, which loses nothing and repeats \
             what is still there"
        );
        start.offset = oldest;
    }
    start
}

/// Tells and counts which of these offsets retention took before they were read; the others are missing
/// by right, where a topic is compacted or written in transactions.
pub(super) fn passed(
    group: &str,
    partition: &PartitionId,
    missing: Range<u64>,
    span: Span,
    counters: &Counters,
) {
    let PartitionId { topic, partition } = partition;
    let skipped = span.oldest.min(missing.end).saturating_sub(missing.start);
    if skipped > 0 {
        count(&counters.skipped_offsets, skipped);
        tracing::error!(
            group, %topic, partition, next = missing.start, oldest = span.oldest, skipped,
            "retention removed records before the group read them: it goes on at the oldest"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(committed: Option<u64>, oldest: u64, end: u64) -> (u64, u64, u64) {
        let counters = Counters::default();
        let partition = PartitionId { topic: "t".into(), partition: 0 };
        let committed = committed.map(|offset| Committed { offset, metadata: Bytes::new() });
        let start = start("g", partition, committed, Span { oldest, end }, &counters);
        let counts = counters.counts();
        (start.offset, counts.skipped_offsets, counts.rewound_partitions)
    }

    #[test]
    fn a_group_goes_on_after_its_commit_and_anything_else_is_counted() {
        assert_eq!(begin(None, 5, 9), (5, 0, 0), "without a commit at the oldest");
        assert_eq!(begin(Some(7), 5, 9), (7, 0, 0));
        assert_eq!(begin(Some(9), 5, 9), (9, 0, 0), "at the end");
        assert_eq!(begin(Some(2), 5, 9), (5, 3, 0), "retention took three");
        assert_eq!(begin(Some(10), 5, 9), (5, 0, 1), "the partition was cut");
    }
}
