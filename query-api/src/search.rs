//! Finding events: pages, counts, buckets over time, one event. Query text becomes a syntax tree here;
//! a store never sees text, and always gets the scope of whoever asks.

mod histogram;
mod tail;
mod unknown;

use std::sync::Arc;

use access::Scope;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use schema::Schema;
use search_store::{Order, SIZE_MAX, SearchRequest, check_unsigned_cursor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::extract::Parameters;
use crate::moment;
use crate::problem::Problem;

pub(crate) use histogram::{__path_histogram, histogram};
pub(crate) use tail::{__path_tail, tail};
use unknown::{UnknownField, unknown_fields};

/// Events of a page unless the request says otherwise.
const SIZE_DEFAULT: usize = 50;

/// A search.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParameters {
    /// Query: `type:transaction AND shop.order.amount:>100`. Empty: every event.
    #[serde(default)]
    q: String,
    /// From when, inclusive: RFC 3339, `now-15m` or milliseconds since 1970.
    from: Option<String>,
    /// Until when, exclusive.
    to: Option<String>,
    /// Events of the page, 1 to 1000. Default: 50.
    size: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `newest_first` (the default) or `oldest_first`.
    #[param(value_type = Option<String>)]
    order: Option<Order>,
    /// Whether all pages show the events of one moment, that of the first page, and its time range: send it with every
    /// page. A view that nobody goes on with for a while expires (410); only so many are open at a time (429); one that
    /// would not be whole is refused (503). Default: false.
    #[serde(default)]
    consistent: bool,
}

/// Which events to count.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CountParameters {
    /// Query. Empty: every event.
    #[serde(default)]
    q: String,
    /// From when, inclusive.
    from: Option<String>,
    /// Until when, exclusive.
    to: Option<String>,
}

/// An event.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hit {
    /// Its id.
    id: String,
    /// The index it stands in.
    index: String,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// When the door took it.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// The event, as it is stored.
    #[schema(value_type = Object)]
    document: Box<RawValue>,
}

impl TryFrom<search_store::Hit> for Hit {
    type Error = Problem;

    fn try_from(hit: search_store::Hit) -> Result<Self, Problem> {
        let document = serde_json::from_slice(&hit.document)
            .map_err(|error| Problem::internal(format!("event {}: {error}", hit.id)))?;
        let timestamp = moment::from_ns(hit.timestamp_ns);
        let received_at = moment::from_ns(hit.received_at_ns);
        Ok(Self { id: hit.id, index: hit.index, timestamp, received_at, document })
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page {
    /// How many match altogether.
    total: u64,
    /// The events.
    hits: Vec<Hit>,
    /// For the next page; null on the last one.
    next_cursor: Option<String>,
    /// Fields that the query names and no event can have.
    unknown_fields: Vec<UnknownField>,
}

/// A number of events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Count {
    count: u64,
    /// Fields that the query names and no event can have.
    unknown_fields: Vec<UnknownField>,
}

/// One page of what matches, by time.
#[utoipa::path(get, path = "/api/search/query", tag = "search", params(PageParameters),
    responses((status = 200, body = Page), (status = 400, body = Problem),
        (status = 410, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn page(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Parameters(asked): Parameters<PageParameters>,
) -> Result<Json<Page>, Problem> {
    let size = asked.size.unwrap_or(SIZE_DEFAULT);
    if !(1..=SIZE_MAX).contains(&size) {
        return Err(Problem::invalid(format!("size is 1 to {SIZE_MAX}")));
    }
    let cursor = asked.cursor.map(|cursor| unsealed(&api, &scope, cursor)).transpose()?;
    let request = SearchRequest {
        query: query::parse(&asked.q)?,
        range: moment::range(asked.from.as_deref(), asked.to.as_deref(), Timestamp::now())?,
        size,
        order: asked.order.unwrap_or_default(),
        cursor,
        consistent: asked.consistent,
    };
    let found = api.stores.search.search(&scope, &request).await;
    let found = found.map_err(|error| Problem::of_query(error, &asked.q))?;
    let hits = found.hits.into_iter().map(Hit::try_from).collect::<Result<_, _>>()?;
    let unknown_fields = unknown_fields(&request.query, Schema::embedded());
    let next_cursor = match found.cursor {
        Some(cursor) if asked.consistent => Some(api.stores.keys.seal(scope.user(), &cursor)?),
        cursor => cursor,
    };
    Ok(Json(Page { total: found.total, hits, next_cursor, unknown_fields }))
}

/// The cursor as the store knows it. That of a consistent search must be one that we have signed; whether it is one of
/// this search, the store tells.
fn unsealed(api: &Api, scope: &Scope, cursor: String) -> Result<String, Problem> {
    match api.stores.keys.unseal(scope.user(), &cursor) {
        Some(unsealed) => Ok(unsealed.to_owned()),
        None => {
            check_unsigned_cursor(&cursor)?;
            Ok(cursor)
        }
    }
}

/// How many events match.
#[utoipa::path(get, path = "/api/search/count", tag = "search", params(CountParameters),
    responses((status = 200, body = Count), (status = 400, body = Problem)))]
pub(crate) async fn count(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Parameters(asked): Parameters<CountParameters>,
) -> Result<Json<Count>, Problem> {
    let query = query::parse(&asked.q)?;
    let range = moment::range(asked.from.as_deref(), asked.to.as_deref(), Timestamp::now())?;
    let count = api.stores.search.count(&scope, &query, range).await;
    let count = count.map_err(|error| Problem::of_query(error, &asked.q))?;
    Ok(Json(Count { count, unknown_fields: unknown_fields(&query, Schema::embedded()) }))
}

/// One event.
#[utoipa::path(get, path = "/api/search/event/{id}", tag = "search",
    params(("id" = String, Path, description = "Id of the event")),
    responses((status = 200, body = Hit), (status = 404, body = Problem)))]
pub(crate) async fn event(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
) -> Result<Json<Hit>, Problem> {
    let hit = api.stores.search.get(&scope, &id).await?;
    Ok(Json(hit.ok_or_else(|| Problem::not_found("there is no such event"))?.try_into()?))
}
