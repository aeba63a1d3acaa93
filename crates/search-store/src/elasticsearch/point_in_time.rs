//! Opens and closes points in time: `_pit` of Elasticsearch, `_search/point_in_time` of OpenSearch.
//!
//! One holds a context of each shard that it covers, and OpenSearch 2.19 allows 300 a node: over 310 indices it leaves
//! ten out without a word unless it is told not to, and refuses then. So only the indices are covered in which something
//! matches, one that does not cover all its shards is closed at once and never taken for whole, and how many are open
//! is limited here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Scope;
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Method;
use schema::Product;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::aggregate;
use super::client::{Answer, Body};
use super::failure::{EngineError, RETRY_LONG, RETRY_SOON, refused, unanswered};
use super::search::milliseconds;
use super::shared::Shared;
use crate::cursor::View;
use crate::point_in_time::Opening;
use crate::{SearchRequest, StoreError};

/// Indices that are named one by one.
const INDICES_MAX: usize = 200;
/// How long their names may be together: engines take a request's first line of 4 KiB.
const NAMES_BYTES_MAX: usize = 3_000;
/// How long closing may take. It ends by itself if nobody closes it.
const CLOSE_TIME: Duration = Duration::from_secs(5);

/// What an engine says of one that it has opened.
#[derive(Debug, Deserialize)]
struct Opened {
    #[serde(alias = "pit_id")]
    id: String,
    /// Elasticsearch before 8.16 does not say; it refuses by itself if a shard is missing.
    #[serde(rename = "_shards", default)]
    shards: Shards,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Shards {
    total: u64,
    successful: u64,
    failed: u64,
}

impl Shards {
    fn are_all_there(&self) -> bool {
        self.failed == 0 && self.successful >= self.total
    }
}

/// One that was opened for a first page which nobody has yet. Dropped with the request that wanted the page, it is
/// closed in the engine by a task of its own, and counted until then.
#[derive(Debug)]
pub(crate) struct Unclaimed {
    shared: Arc<Shared>,
    engine_id: String,
    opening: Option<Opening<()>>,
}

impl Unclaimed {
    /// It goes on: the page with its cursor is handed out, or [`close`] has seen to it.
    pub(crate) fn keep(mut self) {
        if let Some(opening) = self.opening.take() {
            opening.keep();
        }
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        let Some(opening) = self.opening.take() else { return };
        // Without a runtime the process ends, and what the engine holds ends by its keep-alive.
        let Ok(runtime) = Handle::try_current() else { return };
        let (shared, engine_id) = (Arc::clone(&self.shared), std::mem::take(&mut self.engine_id));
        runtime.spawn(async move {
            let Ok(product) = shared.product().await else { return };
            if !close_engines(&shared, product, &engine_id).await {
                opening.keep();
            }
        });
    }
}

/// Opens one over all that matches a search's first page. None if nothing does.
///
/// # Errors
/// As many as may be are open, the engine cannot hold all of it, or it fails.
pub(crate) async fn open(
    shared: &Arc<Shared>,
    scope: &Scope,
    request: &SearchRequest,
    query: &Value,
) -> Result<Option<(View, Unclaimed)>, StoreError> {
    // Let go where this ends without one, also when it is dropped: what the engine opens then has no name here yet, and
    // ends by its keep-alive.
    let opening = shared.points.open(scope.user(), (), Instant::now())?;
    let Some(engine_id) = open_over_matches(shared, query).await? else { return Ok(None) };
    let now = Timestamp::now();
    let mut view = View::new(opening.handle(), scope, &request.query, request.range, now);
    view.engine_id.clone_from(&engine_id);
    let unclaimed = Unclaimed { shared: Arc::clone(shared), engine_id, opening: Some(opening) };
    Ok(Some((view, unclaimed)))
}

/// The engine's name of a new one.
async fn open_over_matches(shared: &Shared, query: &Value) -> Result<Option<String>, StoreError> {
    let product = shared.product().await?;
    let named = aggregate::indices(shared, query, INDICES_MAX).await?;
    if named.as_ref().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    let names = named.map(|names| names.join(","));
    let names = names.filter(|names| names.len() <= NAMES_BYTES_MAX);
    let indices = names.unwrap_or_else(|| shared.all_indices());
    let place = match product {
        Product::Elasticsearch => "_pit?",
        Product::OpenSearch => "_search/point_in_time?allow_partial_pit_creation=false&",
    };
    let path = format!(
        "{indices}/{place}keep_alive={}&ignore_unavailable=true&expand_wildcards=open",
        milliseconds(shared.points.keep_alive())
    );
    let time = shared.config.read_time_max.0;
    let hosts = shared.client.shown();
    let answer = shared.client.ask(Method::POST, &path, Body::None, time).await;
    let answer = answer.map_err(|failure| unanswered(&failure, &hosts))?;
    if !answer.status.is_success() {
        return Err(not_opened(&answer, &hosts));
    }
    let Opened { id, shards } =
        serde_json::from_slice(&answer.body).map_err(|error| StoreError::Unavailable {
            after: RETRY_SOON,
            reason: format!("the search engine's answer cannot be read: {error}"),
        })?;
    if !shards.are_all_there() {
        close_engines(shared, product, &id).await;
        return Err(incomplete(RETRY_SOON, "it holds a part only"));
    }
    Ok(Some(id))
}

/// Closes one, here and in the engine. If that fails it is counted until it ends by itself.
pub(crate) async fn close(shared: &Shared, view: &View) {
    let Ok(product) = shared.product().await else { return };
    if close_engines(shared, product, &view.engine_id).await {
        shared.points.close(view.handle);
    }
}

/// Whether the engine does not hold it any more.
async fn close_engines(shared: &Shared, product: Product, id: &str) -> bool {
    let (path, body) = match product {
        Product::Elasticsearch => ("_pit", json!({ "id": id })),
        Product::OpenSearch => ("_search/point_in_time", json!({ "pit_id": [id] })),
    };
    let body = Body::Json(Bytes::from(body.to_string()));
    let answer = shared.client.ask(Method::DELETE, path, body, CLOSE_TIME).await;
    match answer {
        // There is none of this name: it has ended.
        Ok(answer) if answer.status.is_success() || answer.status.as_u16() == 404 => true,
        Ok(answer) => {
            let told = EngineError::of(&answer.body).told();
            tracing::warn!(status = %answer.status, told, "a point in time is left to expire");
            false
        }
        Err(failure) => {
            let told = failure.told(&shared.client.shown());
            tracing::warn!(told, "a point in time is left to expire");
            false
        }
    }
}

fn not_opened(answer: &Answer, hosts: &str) -> StoreError {
    let error = EngineError::of(&answer.body);
    let after = answer.retry_after;
    if answer.status.as_u16() == 429 || error.is("rejected_execution_exception") {
        return incomplete(after.unwrap_or(RETRY_LONG), &error.told());
    }
    if answer.status.is_server_error() {
        return incomplete(after.unwrap_or(RETRY_SOON), &error.told());
    }
    refused(answer, hosts)
}

/// The engine's own words name nodes and indices: they are for the log.
fn incomplete(after: Duration, told: &str) -> StoreError {
    tracing::warn!(told, "the search engine opens no point in time over all that matches");
    StoreError::NoPointInTime {
        after,
        reason: "the search engine cannot hold all that matches as it is now: take a shorter time range, or \
                 search without `consistent`"
            .to_owned(),
    }
}
