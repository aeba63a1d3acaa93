//! What arrives, while it arrives: server-sent events. Each page of the store ends with an id that a
//! reader who comes back sends as `Last-Event-ID`: nothing is missed, the last page may come again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use access::Scope;
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;
use query::Query;
use search_store::{TailCursor, TailPage};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::Hit;
use crate::api::Api;
use crate::extract::Parameters;
use crate::identity::Peer;
use crate::problem::Problem;

const PAGE: usize = 200;
/// How often a reader is told where the stream stands although nothing matched.
const MARK_INTERVAL: Duration = Duration::from_secs(10);
/// How long a browser waits before it comes back.
const RETRY: Duration = Duration::from_secs(2);
/// What a browser sends when it comes back.
const LAST_EVENT_ID: &str = "last-event-id";

/// What to follow.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TailParameters {
    /// Query. Empty: every event.
    #[serde(default)]
    q: String,
}

/// Events that match, as they become searchable: server-sent events whose data is an event as
/// `/api/search/event/{id}` gives it.
#[utoipa::path(get, path = "/api/search/tail", tag = "search", params(TailParameters,
    ("Last-Event-ID" = Option<String>, Header, description = "Goes on after this event")),
    responses((status = 200, content_type = "text/event-stream"), (status = 400, body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn tail(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Parameters(asked): Parameters<TailParameters>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let query = query::parse(&asked.q)?;
    let permit = Arc::clone(&api.tails).try_acquire_owned().map_err(|_| {
        let most = api.config.tail_streams_max;
        Problem::too_many(format!("{most} live streams are open already"), 10)
    })?;
    let cursor = match headers.get(LAST_EVENT_ID) {
        None => api.stores.search.tail_position().await?,
        Some(id) => {
            let id = id.to_str().map_err(|_| Problem::invalid("Last-Event-ID is no text"))?;
            TailCursor(id.to_owned())
        }
    };
    // The first page is read before the answer, so that what cannot be run is a problem.
    let first = api.stores.search.tail(&scope, &query, &cursor, PAGE).await;
    let first = first.map_err(|error| Problem::of_query(error, &asked.q))?;
    // Whoever came with a token stays for a while only; the local admin needs none.
    let ends_at = match peer {
        Peer::Local(_) => None,
        Peer::Address(_) => Some(Instant::now() + api.config.tail_duration_max.0),
    };
    let mut tail = Tail {
        api,
        scope,
        query,
        cursor: first.cursor.clone(),
        waiting: VecDeque::new(),
        is_behind: false,
        marked_at: Instant::now(),
        ends_at,
        _permit: permit,
    };
    tail.waiting.push_back(Event::default().id(tail.mark()).retry(RETRY));
    tail.take(first);
    let events = futures::stream::unfold(tail, async |mut tail| {
        let event = tail.next().await?;
        Some((Ok(event), tail))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

struct Tail {
    api: Arc<Api>,
    scope: Scope,
    query: Query,
    cursor: TailCursor,
    waiting: VecDeque<Event>,
    /// The last page was full.
    is_behind: bool,
    marked_at: Instant,
    ends_at: Option<Instant>,
    _permit: OwnedSemaphorePermit,
}

impl Tail {
    /// The next event; `None` when the stream has lasted long enough or the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.ends_at.is_some_and(|end| Instant::now() >= end) {
                return None;
            }
            // After a full page there is more at once.
            let interval =
                if self.is_behind { Duration::ZERO } else { self.api.config.tail_poll_interval.0 };
            let pause = tokio::time::sleep(interval);
            self.api.runtime.context.shutdown.run_until_cancelled(pause).await?;
            let store = &self.api.stores.search;
            match store.tail(&self.scope, &self.query, &self.cursor, PAGE).await {
                Ok(page) => self.take(page),
                Err(error) => {
                    tracing::warn!(%error, "a live stream ends");
                    return None;
                }
            }
        }
    }

    fn take(&mut self, page: TailPage) {
        let moved = page.cursor != self.cursor;
        self.cursor = page.cursor;
        let mark_is_due = moved && self.marked_at.elapsed() >= MARK_INTERVAL;
        let last = page.hits.len();
        self.is_behind = last >= PAGE;
        for (place, hit) in page.hits.into_iter().enumerate() {
            match event(hit) {
                Some(event) if place + 1 == last => {
                    self.waiting.push_back(event.id(self.mark()));
                }
                Some(event) => self.waiting.push_back(event),
                None => {}
            }
        }
        if last > 0 || mark_is_due {
            self.marked_at = Instant::now();
        }
        if last == 0 && mark_is_due {
            self.waiting.push_back(Event::default().id(self.mark()));
        }
    }

    /// The place as an id: one line.
    fn mark(&self) -> String {
        self.cursor.0.chars().filter(|c| !c.is_control()).collect()
    }
}

/// An event of the stream. Line breaks in a document stand between its tokens only, where a space does.
fn event(hit: search_store::Hit) -> Option<Event> {
    let hit = Hit::try_from(hit).ok()?;
    let data = serde_json::to_string(&hit).ok()?;
    Some(Event::default().data(data.replace(['\n', '\r'], " ")))
}
