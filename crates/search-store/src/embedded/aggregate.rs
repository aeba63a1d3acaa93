//! Counts over what matches: by time, and by the values of a field. Both are exact.

use std::collections::{BTreeMap, HashMap};

use schema::FieldKind;
use tantivy::schema::IndexRecordOption;

use super::bits::Bits;
use super::catalog::{Catalog, CatalogField};
use super::evaluate::{failed, prefixed};
use super::part::SegmentView;
use super::read::Reading;
use super::{term, value};
use crate::{BUCKETS_MAX, StoreError, TERMS_SIZE_MAX, TimeRange};

/// How many different values are counted.
const VALUES_MAX: usize = 1_000_000;

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
        for document in found.iter() {
            let here = timestamps.get_val(document).div_euclid(interval_ns);
            if here != bucket && count > 0 {
                *counts.entry(bucket).or_default() += count;
                count = 0;
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

fn check_interval(range: TimeRange, interval_ns: i64) -> Result<(), StoreError> {
    if interval_ns <= 0 {
        return Err(StoreError::Invalid("the interval of a histogram must be positive".to_owned()));
    }
    if let (Some(from), Some(to)) = (range.from_ns, range.to_ns) {
        let length = i128::from(to) - i128::from(from);
        if length / i128::from(interval_ns) > i128::from(BUCKETS_MAX) {
            return Err(too_many_buckets());
        }
    }
    Ok(())
}

fn too_many_buckets() -> StoreError {
    StoreError::Invalid(format!(
        "a histogram has at most {BUCKETS_MAX} intervals: take a longer interval or a shorter time range"
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
    if size > TERMS_SIZE_MAX {
        let message = format!("at most {TERMS_SIZE_MAX} values are listed, not {size}");
        return Err(StoreError::Invalid(message));
    }
    Source::of(name, current)?;
    let mut counts: HashMap<String, u64> = HashMap::new();
    reading.each(|catalog, segment, found| {
        // A part from before the field had these values has none to list.
        if let Ok(Some(source)) = Source::of(name, catalog) {
            source.count(reading, segment, found, &mut counts)?;
        }
        if counts.len() > VALUES_MAX {
            return Err(StoreError::Invalid(format!(
                "{name} has more than {VALUES_MAX} values here: narrow the query or the time range"
            )));
        }
        Ok(())
    })?;
    let mut listed: Vec<(String, u64)> = counts.into_iter().collect();
    listed.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    listed.truncate(size);
    Ok(listed)
}

/// Where the values of a field are.
enum Source<'a> {
    /// Terms with this prefix.
    Terms(Vec<u8>, FieldKind),
    Column(&'a CatalogField),
}

impl<'a> Source<'a> {
    fn of(name: &str, catalog: &'a Catalog) -> Result<Option<Self>, StoreError> {
        if name == "_index" {
            return Ok(Some(Self::Terms(term::code(term::INDEX).to_vec(), FieldKind::Keyword)));
        }
        let Some(field) = catalog.field(name) else {
            let path = super::plan::path_of(name, catalog);
            return Ok(path.map(|prefix| Self::Terms(prefix, FieldKind::Keyword)));
        };
        let terms = |kind| Ok(Some(Self::Terms(term::code(field.code()).to_vec(), kind)));
        match field.kind {
            FieldKind::Keyword | FieldKind::Boolean => terms(FieldKind::Keyword),
            FieldKind::Ip => terms(FieldKind::Ip),
            FieldKind::Long | FieldKind::Decimal { .. } | FieldKind::Double => {
                Ok(Some(Self::Column(field)))
            }
            FieldKind::Text
            | FieldKind::Date
            | FieldKind::GeoPoint
            | FieldKind::Flattened
            | FieldKind::Nested => Err(StoreError::Invalid(format!(
                "the values of {name} cannot be listed: choose a keyword, a number, an address or a boolean"
            ))),
        }
    }

    fn count(
        &self,
        reading: &Reading,
        segment: &SegmentView,
        found: &Bits,
        counts: &mut HashMap<String, u64>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Terms(prefix, kind) => {
                count_terms(reading, segment, prefix, *kind, found, counts)
            }
            Self::Column(field) => count_column(segment, field, found, counts),
        }
    }
}

fn count_terms(
    reading: &Reading,
    segment: &SegmentView,
    prefix: &[u8],
    kind: FieldKind,
    found: &Bits,
    counts: &mut HashMap<String, u64>,
) -> Result<(), StoreError> {
    let mut stream = prefixed(&segment.terms, prefix)?;
    let mut looked_at = 0u32;
    while stream.advance() {
        looked_at += 1;
        if looked_at.is_multiple_of(4_096) {
            reading.deadline.check()?;
        }
        let mut postings = segment
            .terms
            .read_block_postings_from_terminfo(stream.value(), IndexRecordOption::Basic)
            .map_err(failed)?;
        let mut count = 0;
        while !postings.docs().is_empty() {
            count += postings.docs().iter().filter(|document| found.contains(**document)).count();
            postings.advance();
        }
        if count > 0 {
            let bytes = stream.key().get(prefix.len()..).unwrap_or_default();
            let text = match (kind, <[u8; 16]>::try_from(bytes)) {
                (FieldKind::Ip, Ok(octets)) => value::format_address(octets),
                _ => String::from_utf8_lossy(bytes).into_owned(),
            };
            *counts.entry(text).or_default() += count as u64;
        }
    }
    Ok(())
}

fn count_column(
    segment: &SegmentView,
    field: &CatalogField,
    found: &Bits,
    counts: &mut HashMap<String, u64>,
) -> Result<(), StoreError> {
    let columns = segment.reader.fast_fields();
    let mut add = |text: String| *counts.entry(text).or_default() += 1;
    match field.kind {
        FieldKind::Double => {
            if let Some(column) = columns.column_opt::<f64>(&field.column).map_err(failed)? {
                let values = found.iter().flat_map(|document| column.values_for_doc(document));
                values.for_each(|value| add(value.to_string()));
            }
        }
        kind => {
            let scale = if let FieldKind::Decimal { scale } = kind { scale } else { 0 };
            if let Some(column) = columns.column_opt::<i64>(&field.column).map_err(failed)? {
                let values = found.iter().flat_map(|document| column.values_for_doc(document));
                values.for_each(|value| add(value::format_scaled(value, scale)));
            }
        }
    }
    Ok(())
}
