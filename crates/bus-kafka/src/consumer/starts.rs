//! Where a group goes on in a partition: after its last commit, else at the oldest message.
//!
//! Never silently anywhere else: what retention took before it was read, and a partition that is
//! shorter than what was committed, are told and counted.

use bus::{PartitionId, PartitionStart};
use bytes::Bytes;

use crate::counters::{Counters, count};
use crate::groups::Committed;
use crate::topics::Span;

/// Where reading goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: u64,
    /// Whether it lies before what was read: the records come again.
    pub(super) rewound: bool,
}

/// Where to go on when `next` was to be read.
pub(super) fn place(
    group: &str,
    partition: &PartitionId,
    next: u64,
    span: Span,
    counters: &Counters,
) -> Place {
    let PartitionId { topic, partition } = partition;
    let Span { oldest, end } = span;
    if next < oldest {
        let skipped = oldest - next;
        count(&counters.skipped_offsets, skipped);
        tracing::error!(
            group, %topic, partition, next, oldest, skipped,
            "retention removed records before the group read them: it goes on at the oldest"
        );
        return Place { offset: oldest, rewound: false };
    }
    if next > end {
        count(&counters.rewound_partitions, 1);
        tracing::error!(
            group, %topic, partition, next, oldest, end,
            "the partition ends before what the group has read: it was made again, or an unclean \
             election cut it. The group reads again from the oldest, which loses nothing and repeats \
             what is still there"
        );
        return Place { offset: oldest, rewound: true };
    }
    Place { offset: next, rewound: false }
}

/// Where a group begins.
pub(super) fn start(
    group: &str,
    partition: PartitionId,
    committed: Option<Committed>,
    span: Span,
    counters: &Counters,
) -> PartitionStart {
    match committed {
        None => PartitionStart { partition, offset: span.oldest, metadata: Bytes::new() },
        Some(Committed { offset, metadata }) => {
            let place = place(group, &partition, offset, span, counters);
            PartitionStart { partition, offset: place.offset, metadata }
        }
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
