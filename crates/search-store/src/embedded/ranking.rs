//! Finds the first documents of an order by time among all that match. It looks at columns only, and at no
//! more of them than it must: documents that can no longer be among the first are passed over in blocks.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::bits::Bits;
use super::evaluate::Deadline;
use super::part::SegmentView;
use crate::{Order, StoreError};

/// Documents that are looked at before the bounds are drawn anew.
const STEP: u32 = 1 << 15;
/// With fewer matches than one in so many documents, each is looked at by itself.
const SPARSE: u64 = 16;

/// Where a document stands in the order that is asked for: the smaller the earlier.
pub(crate) type Rank = (i64, u64);

/// The rank of a document by its time and the begin of its id.
pub(crate) fn rank(order: Order, timestamp_ns: i64, identity: u64) -> Rank {
    match order {
        Order::OldestFirst => (timestamp_ns, identity),
        // The bitwise complement turns the order round without overflow.
        Order::NewestFirst => (!timestamp_ns, !identity),
    }
}

/// A document that may be among the first.
pub(crate) struct Candidate {
    pub(crate) rank: Rank,
    pub(crate) segment: Arc<SegmentView>,
    pub(crate) document: u32,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

/// The first documents after a place, and all that stand beside the last of them.
pub(crate) struct First {
    order: Order,
    size: usize,
    after: Option<Rank>,
    heap: BinaryHeap<Candidate>,
    /// As far from the begin as the last of the heap: only their ids tell which comes first.
    beside: Vec<Candidate>,
    /// Just at the place; only their ids tell whether they come after it.
    at_place: Vec<Candidate>,
}

impl First {
    /// Of the documents from `after` on, the first `size`, which is at least 1.
    pub(crate) fn new(order: Order, size: usize, after: Option<Rank>) -> Self {
        let (heap, beside, at_place) = (BinaryHeap::new(), Vec::new(), Vec::new());
        Self { order, size, after, heap, beside, at_place }
    }

    /// Looks at what matches in each segment; the segments with the earliest documents come first.
    ///
    /// # Errors
    /// The time is over.
    pub(crate) fn scan_all(
        &mut self,
        places: &mut [(Arc<SegmentView>, Bits)],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        places.sort_by_key(|(segment, _)| match self.order {
            Order::OldestFirst => segment.timestamp.min_value(),
            Order::NewestFirst => !segment.timestamp.max_value(),
        });
        for (segment, found) in places {
            deadline.check()?;
            let documents = segment.reader.max_doc();
            if found.count() * SPARSE < u64::from(documents) {
                found.iter().for_each(|document| self.look_at(segment, document));
                continue;
            }
            let mut matching = Vec::new();
            let mut start = 0;
            while start < documents {
                let end = start.saturating_add(STEP).min(documents);
                let (from, to) = self.wanted();
                matching.clear();
                if from <= segment.timestamp.max_value() && to >= segment.timestamp.min_value() {
                    let column = &segment.timestamp;
                    column.get_docids_for_value_range(from..=to, start..end, &mut matching);
                }
                for document in &matching {
                    if found.contains(*document) {
                        self.look_at(segment, *document);
                    }
                }
                start = end;
            }
        }
        Ok(())
    }

    /// The times of documents that may still be among the first.
    fn wanted(&self) -> (i64, i64) {
        let last = self.heap.peek().filter(|_| self.heap.len() >= self.size);
        let nearest = self.after.map_or(i64::MIN, |after| after.0);
        let farthest = last.map_or(i64::MAX, |last| last.rank.0);
        match self.order {
            Order::OldestFirst => (nearest, farthest),
            Order::NewestFirst => (!farthest, !nearest),
        }
    }

    fn look_at(&mut self, segment: &Arc<SegmentView>, document: u32) {
        let timestamp_ns = segment.timestamp.values.get_val(document);
        let rank = rank(self.order, timestamp_ns, segment.identity.values.get_val(document));
        let candidate = || Candidate { rank, segment: Arc::clone(segment), document };
        match self.after.map_or(Ordering::Greater, |after| rank.cmp(&after)) {
            Ordering::Less => return,
            Ordering::Equal => return self.at_place.push(candidate()),
            Ordering::Greater => {}
        }
        if self.heap.len() < self.size {
            return self.heap.push(candidate());
        }
        match self.heap.peek().map(|last| rank.cmp(&last.rank)) {
            Some(Ordering::Equal) => self.beside.push(candidate()),
            Some(Ordering::Less) => {
                self.heap.push(candidate());
                self.drop_last();
            }
            Some(Ordering::Greater) | None => {}
        }
    }

    fn drop_last(&mut self) {
        let Some(last) = self.heap.pop() else { return };
        if self.heap.peek().is_some_and(|next| next.rank == last.rank) {
            self.beside.push(last);
        } else {
            self.beside.clear();
        }
    }

    /// The candidates by rank; those of one segment in its order.
    pub(crate) fn finish(self) -> Vec<Candidate> {
        let mut candidates = self.at_place;
        candidates.extend(self.heap);
        candidates.extend(self.beside);
        candidates.sort_by_key(|one| (one.rank, Arc::as_ptr(&one.segment) as usize, one.document));
        candidates
    }
}
