//! Counts over what matches: by time, and by the values of a field. Both are exact.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use schema::FieldKind;
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::termdict::TermStreamer;

use super::bits::Bits;
use super::catalog::{Catalog, CatalogField};
use super::evaluate::{failed, prefixed};
use super::part::SegmentView;
use super::plan::path_of;
use super::read::Reading;
use super::term;
use crate::refusal::{self, check_interval, too_many_buckets};
use crate::{BUCKETS_MAX, StoreError, TimeRange, value};

/// How many different numbers are counted.
const NUMBERS_MAX: usize = 500_000;
/// Values between two looks at the clock.
const VALUES_STEP: u32 = 4_096;

/// Counts by interval.
///
/// # Errors
/// An interval that cannot be, or a store that fails.
pub(crate) fn histogram(
    reading: &Reading,
    range: TimeRange,
    interval_ns: i64,
) -> Result<Vec<(i64, u64)>, StoreError> {
    check_interval(range, interval_ns)?;
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    reading.each(|_, segment, found| {
        let timestamps = &segment.timestamp.values;
        let (mut bucket, mut count) = (0, 0);
        for (number, document) in (0u32..).zip(found.iter()) {
            if number.is_multiple_of(VALUES_STEP) {
                reading.deadline.check()?;
            }
            let here = timestamps.get_val(document).div_euclid(interval_ns);
            if here != bucket && count > 0 {
                *counts.entry(bucket).or_default() += count;
                count = 0;
                if counts.len() as u64 > BUCKETS_MAX {
                    return Err(too_many_buckets());
                }
            }
            bucket = here;
            count += 1;
        }
        if count > 0 {
            *counts.entry(bucket).or_default() += count;
        }
        if counts.len() as u64 > BUCKETS_MAX {
            return Err(too_many_buckets());
        }
        Ok(())
    })?;
    Ok(counts
        .into_iter()
        .map(|(bucket, count)| (bucket.saturating_mul(interval_ns), count))
        .collect())
}

fn too_many_numbers(name: &str) -> StoreError {
    StoreError::Invalid(format!(
        "{name} has more than {NUMBERS_MAX} values here: narrow the query or the time range"
    ))
}

/// The most frequent values of a field; of equally frequent ones the smaller first.
///
/// # Errors
/// A field whose values cannot be listed, too many values, or a store that fails.
pub(crate) fn terms(
    reading: &Reading,
    name: &str,
    current: &Catalog,
    size: usize,
) -> Result<Vec<(String, u64)>, StoreError> {
    refusal::check_terms_size(size)?;
    Source::of(name, current)?;
    let mut listed = Listed::new(size);
    let mut places = Vec::new();
    let mut numbers = HashMap::new();
    let mut counted = 0;
    reading.each(|catalog, segment, found| {
        // A part from before the field had these values has none to list.
        match Source::of(name, catalog) {
            Ok(Some(Source::Terms { prefix, addresses })) => {
                places.push(Place { segment: Arc::clone(segment), prefix, addresses, found });
            }
            Ok(Some(Source::Column(field))) => {
                count_numbers(segment, field, &found, &mut |number| {
                    *numbers.entry(number).or_default() += 1;
                    counted += 1;
                    if counted % u64::from(VALUES_STEP) == 0 {
                        reading.deadline.check()?;
                    }
                    if numbers.len() > NUMBERS_MAX { Err(too_many_numbers(name)) } else { Ok(()) }
                })?;
            }
            Ok(None) | Err(_) => {}
        }
        Ok(())
    })?;
    numbers.into_iter().for_each(|(number, count)| listed.offer(number.text(), count));
    merge_terms(reading, &places, &mut listed)?;
    Ok(listed.finish())
}

/// The most frequent values so far.
struct Listed {
    size: usize,
    least: BinaryHeap<(Reverse<u64>, String)>,
}

impl Listed {
    fn new(size: usize) -> Self {
        Self { size, least: BinaryHeap::new() }
    }

    fn offer(&mut self, value: String, count: u64) {
        self.least.push((Reverse(count), value));
        if self.least.len() > self.size {
            self.least.pop();
        }
    }

    fn finish(self) -> Vec<(String, u64)> {
        self.least.into_sorted_vec().into_iter().map(|(count, value)| (value, count.0)).collect()
    }
}

/// Where the values of a field are.
enum Source<'a> {
    /// Terms that begin so; addresses are written out.
    Terms {
        prefix: Vec<u8>,
        addresses: bool,
    },
    Column(&'a CatalogField),
}

impl<'a> Source<'a> {
    fn of(name: &str, catalog: &'a Catalog) -> Result<Option<Self>, StoreError> {
        let terms = |prefix| Ok(Some(Self::Terms { prefix, addresses: false }));
        if name == "_index" {
            return terms(term::code(term::INDEX).to_vec());
        }
        let Some(field) = catalog.field(name) else {
            return path_of(name, catalog).map_or(Ok(None), terms);
        };
        let prefix = term::code(field.code()).to_vec();
        match field.kind {
            FieldKind::Keyword | FieldKind::Boolean => terms(prefix),
            FieldKind::Ip => Ok(Some(Self::Terms { prefix, addresses: true })),
            FieldKind::Long | FieldKind::Decimal { .. } | FieldKind::Double => {
                Ok(Some(Self::Column(field)))
            }
            FieldKind::Text
            | FieldKind::Date
            | FieldKind::GeoPoint
            | FieldKind::Flattened
            | FieldKind::Nested => Err(refusal::not_listed(name)),
        }
    }
}

/// A segment, the terms of the field in it, and what matched.
struct Place {
    segment: Arc<SegmentView>,
    prefix: Vec<u8>,
    addresses: bool,
    found: Bits,
}

/// Walks through the sorted terms of all segments at once, so that each value is complete when it is
/// counted and none is kept.
fn merge_terms(reading: &Reading, places: &[Place], listed: &mut Listed) -> Result<(), StoreError> {
    let mut streams = Vec::with_capacity(places.len());
    let mut heads: BinaryHeap<(Reverse<Vec<u8>>, usize)> = BinaryHeap::new();
    for place in places {
        streams.push(prefixed(&place.segment.terms, &place.prefix)?);
    }
    let advance = |streams: &mut [TermStreamer<'_>], index: usize| {
        let stream = &mut streams[index];
        let more = stream.advance();
        more.then(|| stream.key().get(places[index].prefix.len()..).unwrap_or_default().to_vec())
    };
    for index in 0..streams.len() {
        heads.extend(advance(&mut streams, index).map(|value| (Reverse(value), index)));
    }
    let mut values = 0u32;
    while let Some((Reverse(value), first)) = heads.pop() {
        values += 1;
        if values.is_multiple_of(VALUES_STEP) {
            reading.deadline.check()?;
        }
        let mut count = 0;
        let mut next = Some(first);
        while let Some(index) = next {
            count += count_postings(&places[index], streams[index].value())?;
            heads.extend(advance(&mut streams, index).map(|value| (Reverse(value), index)));
            let same = heads.peek().is_some_and(|(head, _)| head.0 == value);
            next = same.then(|| heads.pop().map(|(_, index)| index)).flatten();
        }
        if count > 0 {
            let addresses = places[first].addresses;
            listed.offer(shown(addresses, &value), count);
        }
    }
    Ok(())
}

fn shown(addresses: bool, value: &[u8]) -> String {
    match <[u8; 16]>::try_from(value) {
        Ok(octets) if addresses => value::format_address(octets),
        _ => String::from_utf8_lossy(value).into_owned(),
    }
}

/// How many of the documents of a term matched.
fn count_postings(place: &Place, info: &TermInfo) -> Result<u64, StoreError> {
    let terms = &place.segment.terms;
    let mut postings =
        terms.read_block_postings_from_terminfo(info, IndexRecordOption::Basic).map_err(failed)?;
    let mut count = 0;
    while !postings.docs().is_empty() {
        let matched = postings.docs().iter().filter(|document| place.found.contains(**document));
        count += matched.count() as u64;
        postings.advance();
    }
    Ok(count)
}

/// A value of a column.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Number {
    Whole {
        value: i64,
        scale: u8,
    },
    /// The bits of a double.
    Double(u64),
}

impl Number {
    fn text(self) -> String {
        match self {
            Self::Whole { value, scale } => value::format_scaled(value, scale),
            Self::Double(bits) => f64::from_bits(bits).to_string(),
        }
    }
}

fn count_numbers(
    segment: &SegmentView,
    field: &CatalogField,
    found: &Bits,
    add: &mut dyn FnMut(Number) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let columns = segment.reader.fast_fields();
    if field.kind == FieldKind::Double {
        if let Some(column) = columns.column_opt::<f64>(&field.column).map_err(failed)? {
            let mut values = found.iter().flat_map(|document| column.values_for_doc(document));
            values.try_for_each(|value| add(Number::Double(value.to_bits())))?;
        }
        return Ok(());
    }
    let scale = if let FieldKind::Decimal { scale } = field.kind { scale } else { 0 };
    if let Some(column) = columns.column_opt::<i64>(&field.column).map_err(failed)? {
        let mut values = found.iter().flat_map(|document| column.values_for_doc(document));
        values.try_for_each(|value| add(Number::Whole { value, scale }))?;
    }
    Ok(())
}
