//! Pages of documents, a document by its id, and counts. The order of pages is total and stands in the
//! documents, so a page goes on after the last document of the one before (`search_after`).
//!
//! A search over all indices holds nothing open in the engine between its pages, and its cursor never expires: what
//! most searches want, since new logs come before the first page of the newest. A consistent search pages through a
//! point in time, which `point_in_time.rs` opens and closes.

use std::sync::Arc;
use std::time::Instant;

use access::Scope;
use jiff::Timestamp;
use query::Query;
use schema::StoreFields;
use serde_json::{Value, json};

use super::hidden::MILLISECOND_NS;
use super::point_in_time;
use super::search::{self, Over};
use super::shared::Shared;
use super::translate::{self, Translator};
use crate::cursor::{Cursor, StableCursor};
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
        prefixes: &shared.index_prefixes,
    };
    translate::whole(&translator, scope, query, range)
}

/// One page.
///
/// # Errors
/// A request that cannot be run, a view that has expired or cannot be opened, or an engine that fails.
pub(crate) async fn page(
    shared: &Arc<Shared>,
    scope: &Scope,
    request: &SearchRequest,
) -> Result<SearchPage, StoreError> {
    check_size(request.size)?;
    if request.consistent {
        return page_of_point_in_time(shared, scope, request).await;
    }
    let SearchRequest { order, size, .. } = *request;
    let after = request.cursor.as_deref().map(|text| Cursor::parse(text, order)).transpose()?;
    let query = translated(shared, scope, &request.query, request.range).await?;
    let search = PageSearch { shared, scope, query, order, size };
    search.run(Over::Indices, after.as_ref()).await.map(|(page, _)| page)
}

/// One page of a consistent search: the first one opens its point in time, the last one closes it.
async fn page_of_point_in_time(
    shared: &Arc<Shared>,
    scope: &Scope,
    request: &SearchRequest,
) -> Result<SearchPage, StoreError> {
    let SearchRequest { order, size, .. } = *request;
    let now = Timestamp::now();
    let parse = |text: &str| StableCursor::parse(text, order, scope, &request.query, now);
    let cursor = request.cursor.as_deref().map(parse).transpose()?;
    let range = cursor.as_ref().map_or(request.range, |cursor| cursor.view.range());
    let query = translated(shared, scope, &request.query, range).await?;
    let (mut view, after, unclaimed) = match cursor {
        Some(StableCursor { view, after }) => (view, Some(after), None),
        None => match point_in_time::open(shared, scope, request, &query).await? {
            Some((view, unclaimed)) => (view, None, Some(unclaimed)),
            // Nothing matches, and nothing is held.
            None => return Ok(SearchPage::default()),
        },
    };
    let search = PageSearch { shared, scope, query, order, size };
    let keep_alive = shared.points.keep_alive();
    let over = Over::PointInTime { id: &view.engine_id, keep_alive };
    let found = search.run(over, after.as_ref()).await;
    let found = found.and_then(|(mut page, latest_id)| {
        if let Some(latest_id) = latest_id {
            view.engine_id = latest_id;
        }
        page.cursor = page.cursor.map(|after| view.cursor_text(&after)).transpose()?;
        Ok(page)
    });
    let goes_on = match &found {
        Ok(page) => page.cursor.is_some(),
        Err(StoreError::Expired | StoreError::NoPointInTime { .. }) => false,
        // The same page can be asked for again, if there is a cursor to ask with.
        Err(_) => after.is_some(),
    };
    if goes_on {
        // One that another instance has opened is counted there.
        let _ours = shared.points.renew(view.handle, Instant::now());
    } else {
        point_in_time::close(shared, &view).await;
    }
    if let Some(unclaimed) = unclaimed {
        unclaimed.keep();
    }
    found
}

/// A page that is looked for.
struct PageSearch<'a> {
    shared: &'a Shared,
    scope: &'a Scope,
    query: Value,
    order: Order,
    size: usize,
}

impl PageSearch<'_> {
    /// The page after a document, and the latest name of the point in time that it was read from.
    async fn run(
        &self,
        over: Over<'_>,
        after: Option<&Cursor>,
    ) -> Result<(SearchPage, Option<String>), StoreError> {
        let Self { shared, scope, query, order, size } = self;
        let body = |size: usize| {
            // One more than asked for tells whether there is a further page.
            let wanted = if size == 0 { 0 } else { size + 1 };
            let mut body = json!({
                "query": query, "size": wanted, "track_total_hits": true, "sort": sort(*order),
            });
            if let Some(cursor) = after {
                body["search_after"] = search_after(cursor);
            }
            body
        };
        let (answer, size) = search::ask_for(shared, over, *size, body).await?;
        let found = search::read(&answer)?;
        let more = size > 0 && found.raw_hits().len() > size;
        let hits = found.hits(&shared.config.index_namespace, scope);
        let mut hits: Vec<Hit> = hits.into_iter().map(|(hit, _)| hit).collect();
        hits.truncate(size);
        let last = hits.last().filter(|_| more);
        let after = |last: &Hit| {
            Cursor { order: *order, timestamp_ns: last.timestamp_ns, id: last.id.clone() }.text()
        };
        let page = SearchPage { total: found.total(), cursor: last.map(after), hits };
        Ok((page, found.pit_id.as_deref().map(str::to_owned)))
    }
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

fn search_after(cursor: &Cursor) -> Value {
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
