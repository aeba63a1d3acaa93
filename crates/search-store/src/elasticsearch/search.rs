//! Sends a search and reads what it finds: a whole answer or none. A part of an answer is never taken for all of
//! it.

use std::borrow::Cow;

use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::client::{Body, NoAnswer};
use super::failure::{RETRY_SOON, refused, too_long, unanswered};
use super::hidden;
use super::shared::Shared;
use crate::{Hit, StoreError};

/// What a search gives back.
#[derive(Debug, Deserialize)]
pub(crate) struct Found<'a> {
    timed_out: bool,
    #[serde(borrow)]
    pub(crate) hits: Hits<'a>,
    #[serde(borrow, default)]
    pub(crate) aggregations: Option<&'a RawValue>,
}

/// The documents of a search.
#[derive(Debug, Deserialize)]
pub(crate) struct Hits<'a> {
    #[serde(default)]
    total: Option<Total>,
    #[serde(borrow, default)]
    hits: Vec<RawHit<'a>>,
}

#[derive(Debug, Deserialize)]
struct Total {
    value: u64,
}

/// A document as it stands in an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct RawHit<'a> {
    #[serde(borrow, rename = "_index")]
    index: Cow<'a, str>,
    #[serde(borrow, rename = "_id")]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "_source", default)]
    source: Option<&'a RawValue>,
    /// The values that it was sorted by.
    #[serde(default)]
    pub(crate) sort: Vec<Value>,
}

impl Found<'_> {
    /// How many documents match.
    pub(crate) fn total(&self) -> u64 {
        self.hits.total.as_ref().map_or(0, |total| total.value)
    }

    /// The documents, as they stand in the answer.
    pub(crate) fn raw_hits(&self) -> &[RawHit<'_>] {
        &self.hits.hits
    }

    /// The documents with the stamps by which they were sent.
    pub(crate) fn hits(&self, namespace: &str) -> Vec<(Hit, i64)> {
        let read = |raw: &RawHit<'_>| {
            let index = raw.index.strip_prefix(namespace).unwrap_or(&raw.index);
            let hit = hidden::read(&raw.id, index, raw.source?.get().as_bytes());
            if hit.is_none() {
                tracing::warn!(index, id = %raw.id, "a document is not of this store's form");
            }
            hit
        };
        self.hits.hits.iter().filter_map(read).collect()
    }
}

/// Why a search has no answer.
#[derive(Debug)]
pub(crate) enum SearchFailure {
    /// The answer would be longer than it may be.
    TooLong,
    Store(StoreError),
}

impl From<SearchFailure> for StoreError {
    fn from(failure: SearchFailure) -> Self {
        match failure {
            SearchFailure::Store(error) => error,
            SearchFailure::TooLong => StoreError::Invalid(
                "these documents are too large to be read together: ask for fewer".to_owned(),
            ),
        }
    }
}

/// Runs a search over all our indices and gives the answer's bytes, for [`read`].
///
/// # Errors
/// The engine does not answer, refuses, or answers in part only.
pub(crate) async fn ask(shared: &Shared, mut body: Value) -> Result<Bytes, SearchFailure> {
    let time = shared.config.read_time_max.0;
    body["timeout"] = format!("{}ms", time.as_millis()).into();
    let path = format!(
        "{}{}*/_search?ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open\
         &allow_partial_search_results=false",
        shared.config.index_namespace,
        schema::INDEX_PREFIX
    );
    let body = Body::Json(Bytes::from(body.to_string()));
    let hosts = shared.client.shown();
    let answer = match shared.client.ask(Method::POST, &path, body, time).await {
        Ok(answer) => answer,
        Err(NoAnswer::TooLong) => return Err(SearchFailure::TooLong),
        Err(NoAnswer::TooLate) => return Err(SearchFailure::Store(too_long())),
        Err(failure) => return Err(SearchFailure::Store(unanswered(&failure, &hosts))),
    };
    if answer.status.as_u16() == 200 {
        return Ok(answer.body);
    }
    Err(SearchFailure::Store(refused(&answer, &hosts)))
}

/// Reads an answer.
///
/// # Errors
/// It is cut off, or is none.
pub(crate) fn read(body: &[u8]) -> Result<Found<'_>, StoreError> {
    let found: Found<'_> =
        serde_json::from_slice(body).map_err(|error| StoreError::Unavailable {
            after: RETRY_SOON,
            reason: format!("the search engine's answer cannot be read: {error}"),
        })?;
    if found.timed_out { Err(too_long()) } else { Ok(found) }
}
