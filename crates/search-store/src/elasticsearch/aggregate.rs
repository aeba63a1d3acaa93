//! Counts over what matches: by time, and by the values of a field. Counts by time are exact; counts of values
//! are as exact as the engine's, which looks at many more values of each shard than are listed.

use std::cmp::Reverse;

use access::Scope;
use query::Query;
use schema::{FieldKind, Product, StoreFields};
use serde::Deserialize;
use serde_json::{Value, json};

use super::failure::RETRY_SOON;
use super::fields::{Known, Target};
use super::hidden::MILLISECOND_NS;
use super::index;
use super::page::translated;
use super::reduced::plain;
use super::search;
use super::shared::Shared;
use crate::refusal::{check_interval, check_terms_size, not_listed, too_many_buckets};
use crate::{BUCKETS_MAX, StoreError, TimeRange, value};

/// Values of each shard that are counted, for each one that is listed.
const SHARD_FACTOR: usize = 10;
/// Values of each shard that are counted at least.
const SHARD_SIZE_MIN: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
struct Buckets {
    #[serde(default)]
    buckets: Vec<Bucket>,
    /// Of a nested field.
    #[serde(default)]
    values: Option<Box<Buckets>>,
}

#[derive(Debug, Deserialize)]
struct Bucket {
    key: Value,
    #[serde(default)]
    key_as_string: Option<String>,
    doc_count: u64,
    /// The documents around objects of a nested field.
    #[serde(default)]
    documents: Option<Counted>,
}

#[derive(Debug, Deserialize)]
struct Counted {
    doc_count: u64,
}

#[derive(Debug, Deserialize)]
struct Aggregations {
    found: Buckets,
}

async fn buckets(shared: &Shared, query: Value, found: Value) -> Result<Buckets, StoreError> {
    let body = json!({
        "query": query, "size": 0, "track_total_hits": false, "aggs": { "found": found },
    });
    let answer = search::ask(shared, body).await?;
    // Without any index there are no aggregations either.
    let Some(aggregations) = search::read(&answer)?.aggregations else {
        return Ok(Buckets::default());
    };
    let read: Result<Aggregations, _> = serde_json::from_str(aggregations.get());
    read.map(|read| read.found).map_err(|error| StoreError::Unavailable {
        after: RETRY_SOON,
        reason: format!("the search engine's counts cannot be read: {error}"),
    })
}

/// The names of the indices in which something matches, as the engine has them; none if there are more than `most`.
///
/// # Errors
/// An engine that fails.
pub(crate) async fn indices(
    shared: &Shared,
    query: &Value,
    most: usize,
) -> Result<Option<Vec<String>>, StoreError> {
    let found = json!({ "terms": { "field": "_index", "size": most + 1 } });
    let found = buckets(shared, query.clone(), found).await?.buckets;
    if found.len() > most {
        return Ok(None);
    }
    Ok(Some(found.iter().filter_map(|bucket| bucket.key.as_str().map(str::to_owned)).collect()))
}

/// Counts by interval.
///
/// # Errors
/// An interval that cannot be, or an engine that fails.
pub(crate) async fn histogram(
    shared: &Shared,
    scope: &Scope,
    query: &Query,
    range: TimeRange,
    interval_ns: i64,
) -> Result<Vec<(i64, u64)>, StoreError> {
    check_interval(range, interval_ns)?;
    if interval_ns % MILLISECOND_NS != 0 {
        let message = "the search engine counts by whole milliseconds: take such an interval";
        return Err(StoreError::Invalid(message.to_owned()));
    }
    let query = translated(shared, scope, query, range).await?;
    let found = json!({ "date_histogram": {
        "field": StoreFields::TIMESTAMP,
        "fixed_interval": format!("{}ms", interval_ns / MILLISECOND_NS),
        "min_doc_count": 1,
    } });
    let counts = buckets(shared, query, found).await?;
    if counts.buckets.len() as u64 > BUCKETS_MAX {
        return Err(too_many_buckets());
    }
    let count = |bucket: Bucket| {
        let begin = bucket.key.as_i64()?;
        Some((begin.saturating_mul(MILLISECOND_NS), bucket.doc_count))
    };
    Ok(counts.buckets.into_iter().filter_map(count).collect())
}

/// The most frequent values of a field; of equally frequent ones the smaller first.
///
/// # Errors
/// A field whose values cannot be listed, too many values, or an engine that fails.
pub(crate) async fn terms(
    shared: &Shared,
    scope: &Scope,
    query: &Query,
    range: TimeRange,
    name: &str,
    size: usize,
) -> Result<Vec<(String, u64)>, StoreError> {
    check_terms_size(size)?;
    let product = shared.product().await?;
    let source = source(shared, product, name)?;
    let query = translated(shared, scope, query, range).await?;
    let Some(Source { name, field }) = source.filter(|_| size > 0) else {
        return Ok(Vec::new());
    };
    let shard_size = (size * SHARD_FACTOR).max(SHARD_SIZE_MIN);
    let values = json!({ "field": name, "size": size, "shard_size": shard_size });
    let found = match field.and_then(|field| field.nested.as_deref()) {
        None => json!({ "terms": values }),
        // Objects are counted there; their documents are wanted.
        Some(path) => json!({
            "nested": { "path": path },
            "aggs": { "values": {
                "terms": values, "aggs": { "documents": { "reverse_nested": {} } },
            } },
        }),
    };
    let found = buckets(shared, query, found).await?;
    let found = found.values.map_or(found.buckets, |inner| inner.buckets);
    let kind = field.map(|field| field.kind);
    let mut listed: Vec<(String, u64)> = found
        .into_iter()
        .map(|bucket| {
            let count = bucket.documents.as_ref().map_or(bucket.doc_count, |one| one.doc_count);
            (shown(&bucket, kind, &shared.config.index_namespace, &name), count)
        })
        .collect();
    listed.sort_by(|one, other| (Reverse(one.1), &one.0).cmp(&(Reverse(other.1), &other.0)));
    Ok(listed)
}

/// Where the values of a field are.
struct Source<'a> {
    name: String,
    field: Option<&'a Known>,
}

fn source<'a>(
    shared: &'a Shared,
    product: Product,
    name: &str,
) -> Result<Option<Source<'a>>, StoreError> {
    match shared.fields.resolve(name) {
        Target::Index => Ok(Some(Source { name: name.to_owned(), field: None })),
        Target::Path(field) if product == Product::OpenSearch => Err(StoreError::Invalid(format!(
            "OpenSearch cannot list the values of single names below {}: choose another field",
            field.name
        ))),
        Target::Path(_) => Ok(Some(Source { name: plain(name), field: None })),
        Target::Id | Target::Timestamp => Err(not_listed(name)),
        Target::Object(_) | Target::Unknown => Ok(None),
        Target::Field(field) => match field.kind {
            FieldKind::Keyword
            | FieldKind::Boolean
            | FieldKind::Ip
            | FieldKind::Long
            | FieldKind::Decimal { .. }
            | FieldKind::Double => Ok(Some(Source { name: name.to_owned(), field: Some(field) })),
            _ => Err(not_listed(name)),
        },
    }
}

/// A value as the embedded index writes it.
fn shown(bucket: &Bucket, kind: Option<FieldKind>, namespace: &str, name: &str) -> String {
    let number = bucket.key.as_f64();
    match (kind, number) {
        (Some(FieldKind::Decimal { scale }), Some(number)) => {
            let scaled = (number * 10f64.powi(i32::from(scale))).round();
            value::format_scaled(scaled as i64, scale)
        }
        (Some(FieldKind::Double), Some(number)) => number.to_string(),
        (Some(FieldKind::Boolean), _) => bucket.key_as_string.clone().unwrap_or_default(),
        _ => {
            let text = bucket.key.as_str().map_or_else(|| bucket.key.to_string(), str::to_owned);
            if name == "_index" { index::shown(namespace, &text).to_owned() } else { text }
        }
    }
}
