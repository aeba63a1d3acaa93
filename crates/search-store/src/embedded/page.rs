//! One page of hits by time, and the cursor that goes on after it. Documents of the same instant stand in
//! the order of their ids, which no merge changes.

use std::cmp::Ordering;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use tantivy::store::StoreReader;

use super::evaluate::failed;
use super::part::{SegmentView, read_hit};
use super::read::Reading;
use crate::{Hit, Order, SIZE_MAX, SearchPage, StoreError};

/// The longest text that can be a cursor.
const CURSOR_BYTES_MAX: usize = 1_024;

/// The document after which a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    order: Order,
    timestamp_ns: i64,
    id: String,
}

impl Cursor {
    /// The text that [`parse`](Self::parse) reads.
    fn text(&self) -> String {
        let order = match self.order {
            Order::NewestFirst => 'n',
            Order::OldestFirst => 'o',
        };
        format!("1{order}.{}.{}", self.timestamp_ns, self.id)
    }

    /// # Errors
    /// For a text that this store did not make, or made for the other order.
    pub(crate) fn parse(text: &str, order: Order) -> Result<Self, StoreError> {
        let invalid = || {
            let message = "this cursor is not one of this search: begin with the first page";
            StoreError::Invalid(message.to_owned())
        };
        if text.len() > CURSOR_BYTES_MAX {
            return Err(invalid());
        }
        let (kind, rest) = text.split_once('.').ok_or_else(invalid)?;
        let (timestamp, id) = rest.split_once('.').ok_or_else(invalid)?;
        let timestamp_ns = timestamp.parse().map_err(|_| invalid())?;
        let cursor = Self { order, timestamp_ns, id: id.to_owned() };
        if id.is_empty() || cursor.text() != text || !kind.starts_with('1') {
            return Err(invalid());
        }
        Ok(cursor)
    }
}

/// Where a document stands in the order that is asked for: the smaller the earlier.
type Rank = (i64, u64);

struct Candidate {
    rank: Rank,
    segment: Arc<SegmentView>,
    document: u32,
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

fn rank(order: Order, timestamp_ns: i64, identity: u64) -> Rank {
    match order {
        Order::OldestFirst => (timestamp_ns, identity),
        // The bitwise complement turns the order round without overflow.
        Order::NewestFirst => (!timestamp_ns, !identity),
    }
}

/// The first documents of an order, and all that stand beside the last of them.
struct First {
    size: usize,
    heap: BinaryHeap<Candidate>,
    /// As far from the begin as the last of the heap.
    beside: Vec<Candidate>,
    seen: u64,
}

impl First {
    fn offer(&mut self, rank: Rank, segment: &Arc<SegmentView>, document: u32) {
        self.seen += 1;
        let full = self.heap.len() >= self.size;
        let last = self.heap.peek().map(|last| last.rank);
        if full && last.is_none_or(|last| rank > last) {
            return;
        }
        let candidate = Candidate { rank, segment: Arc::clone(segment), document };
        if full && last == Some(rank) {
            self.beside.push(candidate);
            return;
        }
        self.heap.push(candidate);
        if self.heap.len() > self.size
            && let Some(last) = self.heap.pop()
        {
            if self.heap.peek().is_some_and(|next| next.rank == last.rank) {
                self.beside.push(last);
            } else {
                self.beside.clear();
            }
        }
    }
}

/// Reads one page.
///
/// # Errors
/// A size or cursor that cannot be, or a store that fails.
pub(crate) fn page(
    reading: &Reading,
    size: usize,
    order: Order,
    cursor: Option<&Cursor>,
) -> Result<SearchPage, StoreError> {
    check_size(size)?;
    let after = cursor
        .map(|cursor| rank(order, cursor.timestamp_ns, super::term::identity_order(&cursor.id)));
    let mut total = 0;
    let mut first = First { size, heap: BinaryHeap::new(), beside: Vec::new(), seen: 0 };
    let mut at_cursor = Vec::new();
    reading.each(|_, segment, found| {
        total += found.count();
        let timestamps = &segment.timestamp.values;
        let identities = &segment.identity.values;
        for document in found.iter() {
            let rank = rank(order, timestamps.get_val(document), identities.get_val(document));
            match after.map_or(Ordering::Greater, |after| rank.cmp(&after)) {
                Ordering::Less => {}
                Ordering::Equal => {
                    at_cursor.push(Candidate { rank, segment: Arc::clone(segment), document });
                }
                Ordering::Greater => first.offer(rank, segment, document),
            }
        }
        Ok(())
    })?;
    let mut candidates = at_cursor;
    candidates.append(&mut first.heap.into_vec());
    candidates.append(&mut first.beside);
    candidates.sort_by_key(|one| (one.rank, Arc::as_ptr(&one.segment) as usize, one.document));
    let mut left = first.seen;
    let mut reader = Reader::new(reading);
    let mut hits = Vec::with_capacity(size.min(candidates.len()));
    for beside in candidates.chunk_by(|a, b| a.rank == b.rank) {
        if hits.len() >= size || reader.is_full() {
            break;
        }
        let mut group = Vec::with_capacity(beside.len());
        for candidate in beside {
            group.push(reader.read(&candidate.segment, candidate.document)?);
        }
        if let Some(cursor) = cursor.filter(|_| after == beside.first().map(|one| one.rank)) {
            group.retain(|hit| by_id(order, &hit.id, &cursor.id) == Ordering::Greater);
            left += group.len() as u64;
        }
        group.sort_by(|one, other| by_id(order, &one.id, &other.id));
        hits.append(&mut group);
    }
    hits.truncate(size);
    let more = left > hits.len() as u64;
    let cursor = hits
        .last()
        .filter(|_| more)
        .map(|last| Cursor { order, timestamp_ns: last.timestamp_ns, id: last.id.clone() }.text());
    Ok(SearchPage { hits, total, cursor })
}

fn by_id(order: Order, one: &str, other: &str) -> Ordering {
    match order {
        Order::OldestFirst => one.cmp(other),
        Order::NewestFirst => other.cmp(one),
    }
}

/// Reads stored documents for one page, until they are as many bytes as a page may hold.
pub(crate) struct Reader<'a> {
    reading: &'a Reading,
    stores: HashMap<*const SegmentView, StoreReader>,
    bytes: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(reading: &'a Reading) -> Self {
        Self { reading, stores: HashMap::new(), bytes: 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= self.reading.page_bytes_max
    }

    pub(crate) fn read(
        &mut self,
        segment: &Arc<SegmentView>,
        document: u32,
    ) -> Result<Hit, StoreError> {
        self.reading.deadline.check()?;
        let store = match self.stores.entry(Arc::as_ptr(segment)) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => place.insert(segment.store().map_err(failed)?),
        };
        let hit = read_hit(store, document).map_err(failed)?;
        self.bytes += hit.document.len();
        Ok(hit)
    }
}

/// # Errors
/// For a page that is too large.
pub(crate) fn check_size(size: usize) -> Result<(), StoreError> {
    if size <= SIZE_MAX {
        return Ok(());
    }
    Err(StoreError::Invalid(format!("a page has at most {SIZE_MAX} documents, not {size}")))
}
