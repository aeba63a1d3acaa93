//! Pages of documents, a document by its id, and counts. The order of pages is total and stands in the
//! documents, so a page goes on after the last document of the one before (`search_after`), and nothing is
//! held open in the engine between them.
//!
//! A point in time would hold a context of each shard of each day's index. OpenSearch 2.19 allows 300 a node: of
//! 310 indices the first reader got one that silently left out ten, and the second none at all (429). What a
//! point in time is for is met otherwise: logs do not change, new ones come before the first page of the newest,
//! and a cursor never expires.

use access::Scope;
use query::Query;
use schema::StoreFields;
use serde_json::{Value, json};

use super::hidden::MILLISECOND_NS;
use super::search;
use super::shared::Shared;
use super::translate::{self, Translator};
use crate::cursor::Cursor;
use crate::refusal::check_size;
use crate::{Hit, Order, SearchPage, SearchRequest, StoreError, TimeRange};

/// Copies of one document that are looked at, one an index.
const COPIES_MAX: usize = 100;

/// What a query translates to, for whom and when.
///
/// # Errors
/// A query that cannot be run, or an engine that does not say what it is.
pub(crate) async fn translated(
    shared: &Shared,
    scope: &Scope,
    query: &Query,
    range: TimeRange,
) -> Result<Value, StoreError> {
    let translator = Translator {
        fields: &shared.fields,
        product: shared.product().await?,
        namespace: &shared.config.index_namespace,
    };
    translate::whole(&translator, scope, query, range)
}

/// One page.
///
/// # Errors
/// A request that cannot be run, or an engine that fails.
pub(crate) async fn page(
    shared: &Shared,
    scope: &Scope,
    request: &SearchRequest,
) -> Result<SearchPage, StoreError> {
    check_size(request.size)?;
    let order = request.order;
    let cursor = request.cursor.as_deref().map(|text| Cursor::parse(text, order)).transpose()?;
    let query = translated(shared, scope, &request.query, request.range).await?;
    let body = |size: usize| {
        // One more than asked for tells whether there is a further page.
        let wanted = if size == 0 { 0 } else { size + 1 };
        let mut body = json!({
            "query": query, "size": wanted, "track_total_hits": true, "sort": sort(order),
        });
        if let Some(cursor) = &cursor {
            body["search_after"] = after(cursor);
        }
        body
    };
    let (answer, size) = search::ask_for(shared, request.size, body).await?;
    let found = search::read(&answer)?;
    let more = size > 0 && found.raw_hits().len() > size;
    let hits = found.hits(&shared.config.index_namespace, scope);
    let mut hits: Vec<Hit> = hits.into_iter().map(|(hit, _)| hit).collect();
    hits.truncate(size);
    let last = hits.last().filter(|_| more);
    let cursor = last
        .map(|last| Cursor { order, timestamp_ns: last.timestamp_ns, id: last.id.clone() }.text());
    Ok(SearchPage { hits, total: found.total(), cursor })
}

/// By time, then id. An index without our fields has none of our documents.
fn sort(order: Order) -> Value {
    let order = match order {
        Order::NewestFirst => "desc",
        Order::OldestFirst => "asc",
    };
    json!([
        { StoreFields::TIMESTAMP: { "order": order, "unmapped_type": "date" } },
        { StoreFields::NANOSECONDS: { "order": order, "missing": 0, "unmapped_type": "integer" } },
        { StoreFields::ID: { "order": order, "unmapped_type": "keyword" } },
    ])
}

fn after(cursor: &Cursor) -> Value {
    let (at, rest) = (
        cursor.timestamp_ns.div_euclid(MILLISECOND_NS),
        cursor.timestamp_ns.rem_euclid(MILLISECOND_NS),
    );
    json!([at, rest, cursor.id])
}

/// How many documents match.
///
/// # Errors
/// As [`page`].
pub(crate) async fn count(
    shared: &Shared,
    scope: &Scope,
    query: &Query,
    range: TimeRange,
) -> Result<u64, StoreError> {
    let query = translated(shared, scope, query, range).await?;
    let body = json!({ "query": query, "size": 0, "track_total_hits": true });
    let answer = search::ask(shared, body).await?;
    Ok(search::read(&answer)?.total())
}

/// The document with this id; of several, in different indices, the one that was sent last.
///
/// # Errors
/// An engine that fails.
pub(crate) async fn get(
    shared: &Shared,
    scope: &Scope,
    id: &str,
) -> Result<Option<Hit>, StoreError> {
    let ids = json!({ "ids": { "values": [id] } });
    let body = json!({
        "query": translate::all_of(vec![translate::visible(scope), ids]),
        "size": COPIES_MAX,
        "track_total_hits": false,
    });
    let answer = search::ask(shared, body).await?;
    let copies = search::read(&answer)?.hits(&shared.config.index_namespace, scope);
    Ok(copies.into_iter().max_by_key(|(_, sent)| *sent).map(|(hit, _)| hit))
}
