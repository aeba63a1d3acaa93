//! One page of hits by time, and the cursor that goes on after it. Documents of the same instant stand in
//! the order of their ids, which no merge changes.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use tantivy::store::StoreReader;

use super::evaluate::failed;
use super::part::{SegmentView, read_hit};
use super::ranking::{First, rank};
use super::read::Reading;
use super::term::identity_order;
use crate::cursor::Cursor;
use crate::refusal::check_size;
use crate::{Hit, Order, SearchPage, StoreError};

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
    let after = cursor.map(|one| rank(order, one.timestamp_ns, identity_order(&one.id)));
    let mut total = 0;
    let mut places = Vec::new();
    reading.each(|_, segment, found| {
        total += found.count();
        places.push((Arc::clone(segment), found));
        Ok(())
    })?;
    if size == 0 {
        return Ok(SearchPage { hits: Vec::new(), total, cursor: None });
    }
    // One more than asked for tells whether there is a further page.
    let mut first = First::new(order, size + 1, after);
    first.scan_all(&mut places, reading.deadline)?;
    let mut reader = Reader::new(reading);
    let mut hits: Vec<Hit> = Vec::new();
    let mut cut = false;
    for beside in first.finish().chunk_by(|a, b| a.rank == b.rank) {
        cut = reader.is_full();
        if cut || hits.len() > size {
            break;
        }
        let mut group = Vec::with_capacity(beside.len());
        for candidate in beside {
            group.push(reader.read(&candidate.segment, candidate.document)?);
        }
        if let Some(cursor) = cursor.filter(|_| after == beside.first().map(|one| one.rank)) {
            group.retain(|hit| by_id(order, &hit.id, &cursor.id) == Ordering::Greater);
        }
        group.sort_by(|one, other| by_id(order, &one.id, &other.id));
        hits.append(&mut group);
    }
    let more = cut || hits.len() > size;
    hits.truncate(size);
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
