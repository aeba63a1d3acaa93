//! Follows what becomes searchable, by the stamps with which documents were sent. A document may become
//! searchable after one that was sent later, so what lies less than the window back is asked for again, and
//! the cursor remembers what of it was given. Where that would be too much, the rest waits until the window has
//! passed: it comes later, and in order.
//!
//! Nothing is missed that becomes searchable within the window; clocks that differ take from it.

mod place;

use access::Scope;
use query::Query;
use schema::StoreFields;
use serde_json::{Value, json};

use super::page::translated;
use super::search;
use super::shared::Shared;
use super::stamp;
use super::translate::all_of;
use crate::refusal::check_size;
use crate::{Hit, StoreError, TailCursor, TailPage, TimeRange};

use place::{GIVEN_MAX, Place};

/// Where so much is sent that a cursor cannot remember it, one who begins to follow sees again what was sent
/// this long before, rather than missing any.
const BEGIN_OVERLAP: std::time::Duration = std::time::Duration::from_secs(2);

/// Where the store stands now.
///
/// # Errors
/// An engine that fails.
pub(crate) async fn position(shared: &Shared) -> Result<TailCursor, StoreError> {
    let now = stamp::now();
    let settled = now.saturating_sub(stamp::length(shared.config.tail_window.0));
    let body = json!({
        "query": sent_after(settled),
        "size": GIVEN_MAX + 1,
        "_source": false,
        "track_total_hits": false,
        "sort": [{ StoreFields::SENT: { "order": "desc", "unmapped_type": "long" } }],
    });
    let answer = search::ask(shared, body).await?;
    let found = search::read(&answer)?;
    let stamps = found.raw_hits().iter().filter_map(|hit| hit.sort.first()?.as_i64());
    let mut given: Vec<i64> = stamps.collect();
    let mut place = Place { settled, given: Vec::new() };
    if given.len() > GIVEN_MAX {
        given.truncate(GIVEN_MAX);
        let oldest = given.last().copied().unwrap_or(now);
        place.settled = now.saturating_sub(stamp::length(BEGIN_OVERLAP)).min(oldest - 1);
    }
    given.reverse();
    place.given = given;
    Ok(place.cursor())
}

/// What became searchable after a cursor.
///
/// # Errors
/// A size, query or cursor that cannot be, or an engine that fails.
pub(crate) async fn tail(
    shared: &Shared,
    scope: &Scope,
    query: &Query,
    after: &TailCursor,
    size: usize,
) -> Result<TailPage, StoreError> {
    check_size(size)?;
    let place = Place::parse(after)?;
    let query = translated(shared, scope, query, TimeRange::default()).await?;
    if size == 0 {
        return Ok(TailPage { hits: Vec::new(), cursor: after.clone() });
    }
    // Read before the engine is asked: what is sent from now on is younger.
    let horizon = stamp::now().saturating_sub(stamp::length(shared.config.tail_window.0));
    let known =
        json!({ "bool": { "must_not": [{ "terms": { StoreFields::SENT: place.given } }] } });
    let query = all_of(vec![query, sent_after(place.settled), known]);
    let body = |size: usize| {
        json!({
            "query": query,
            "size": size + 1,
            "track_total_hits": false,
            "sort": [{ StoreFields::SENT: { "order": "asc", "unmapped_type": "long" } }],
        })
    };
    let (answer, size) = search::ask_for(shared, search::Over::Indices, size, body).await?;
    let found = search::read(&answer)?.by_stamp(&shared.config.index_namespace, scope);
    Ok(given(place, found, size, horizon))
}

fn sent_after(stamp: i64) -> Value {
    json!({ "range": { StoreFields::SENT: { "gt": stamp } } })
}

/// The page of what was found, and the place after it. What is not given is passed by, too.
fn given(mut place: Place, found: Vec<(Option<Hit>, i64)>, size: usize, horizon: i64) -> TailPage {
    let mut more = found.len() > size;
    let mut hits = Vec::with_capacity(found.len().min(size));
    let mut reached = place.settled;
    for (hit, sent) in found.into_iter().take(size) {
        if sent > horizon && place.given.len() >= GIVEN_MAX {
            more = true;
            break;
        }
        if sent > horizon {
            place.given.push(sent);
        }
        reached = reached.max(sent);
        hits.extend(hit);
    }
    let settled = if more { horizon.min(reached) } else { horizon };
    place.settled = place.settled.max(settled);
    place.given.retain(|sent| *sent > place.settled);
    place.given.sort_unstable();
    TailPage { hits, cursor: place.cursor() }
}

#[cfg(test)]
mod tests;
