//! Sends a search and reads what it finds: a whole answer or none. A part of an answer is never taken for all of
//! it.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use access::Scope;
use bytes::Bytes;
use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::client::{Body, NoAnswer};
use super::failure::{EngineError, RETRY_SOON, refused, too_long, unanswered};
use super::shared::Shared;
use super::{hidden, index};
use crate::{Hit, StoreError};

/// What a search gives back.
#[derive(Debug, Deserialize)]
pub(crate) struct Found<'a> {
    timed_out: bool,
    /// Names the point in time from now on.
    #[serde(borrow, default)]
    pub(crate) pit_id: Option<Cow<'a, str>>,
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

    /// The documents that the scope may see, with the stamps by which they were sent.
    pub(crate) fn hits(&self, namespace: &str, scope: &Scope) -> Vec<(Hit, i64)> {
        self.hits.hits.iter().filter_map(|raw| raw.read(namespace, scope)).collect()
    }

    /// The stamps that a search was sorted by, each with its document if the scope may see it.
    pub(crate) fn by_stamp(&self, namespace: &str, scope: &Scope) -> Vec<(Option<Hit>, i64)> {
        let stamped = |raw: &RawHit<'_>| {
            let sent = raw.sort.first()?.as_i64()?;
            Some((raw.read(namespace, scope).map(|(hit, _)| hit), sent))
        };
        self.hits.hits.iter().filter_map(stamped).collect()
    }
}

impl RawHit<'_> {
    /// The document with its stamp; none if it is not of this store's form, or of a shop that was not asked for:
    /// the query says so, and here nobody relies on the engine for it.
    fn read(&self, namespace: &str, scope: &Scope) -> Option<(Hit, i64)> {
        let index = index::shown(namespace, &self.index);
        let Some((hit, sent)) = hidden::read(&self.id, index, self.source?.get().as_bytes()) else {
            tracing::warn!(index, id = %self.id, "a document is not of this store's form");
            return None;
        };
        if !scope.shops().contain(&hit.shop) {
            tracing::error!(index, id = %self.id, "the engine gave a document of another shop");
            return None;
        }
        Some((hit, sent))
    }
}

/// What is searched.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Over<'a> {
    /// All our indices, as they are now.
    Indices,
    /// What the engine holds under this name, which it goes on to hold for as long.
    PointInTime { id: &'a str, keep_alive: Duration },
}

/// Why a search has no answer.
#[derive(Debug)]
enum SearchFailure {
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
pub(crate) async fn ask(shared: &Shared, body: Value) -> Result<Bytes, StoreError> {
    let until = Instant::now() + shared.config.read_time_max.0;
    Ok(ask_until(shared, Over::Indices, body, until).await?)
}

/// Runs a search for so many documents, or for fewer if these are too large to be read together. Gives the
/// answer's bytes, for [`read`], and for how many it was.
///
/// # Errors
/// As [`ask`].
pub(crate) async fn ask_for(
    shared: &Shared,
    over: Over<'_>,
    mut size: usize,
    body: impl Fn(usize) -> Value,
) -> Result<(Bytes, usize), StoreError> {
    let until = Instant::now() + shared.config.read_time_max.0;
    loop {
        match ask_until(shared, over, body(size), until).await {
            Err(SearchFailure::TooLong) if size > 1 => size = size.div_ceil(4),
            Err(failure) => return Err(failure.into()),
            Ok(answer) => return Ok((answer, size)),
        }
    }
}

async fn ask_until(
    shared: &Shared,
    over: Over<'_>,
    mut body: Value,
    until: Instant,
) -> Result<Bytes, SearchFailure> {
    let _place = shared.place_of_read(until).await.map_err(SearchFailure::Store)?;
    let time = until.saturating_duration_since(Instant::now());
    body["timeout"] = milliseconds(time).into();
    let path = match over {
        Over::Indices => format!(
            "{}/_search?ignore_unavailable=true&allow_no_indices=true&expand_wildcards=open\
             &allow_partial_search_results=false",
            shared.all_indices()
        ),
        Over::PointInTime { id, keep_alive } => {
            body["pit"] = json!({ "id": id, "keep_alive": milliseconds(keep_alive) });
            // Which indices it covers was said when it was opened.
            "_search?allow_partial_search_results=false".to_owned()
        }
    };
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
    if matches!(over, Over::PointInTime { .. }) && is_gone(&EngineError::of(&answer.body)) {
        return Err(SearchFailure::Store(StoreError::Expired));
    }
    Err(SearchFailure::Store(refused(&answer, &hosts)))
}

/// Whether a point in time has ended, or an index that it covers was deleted.
fn is_gone(error: &EngineError) -> bool {
    error.is("search_context_missing_exception") || error.is("index_not_found_exception")
}

/// A time as engines read it.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis().max(1))
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
