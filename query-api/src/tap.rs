//! What one filter of the pipeline does to the events, live: server-sent events for admins.
//!
//! Events are shown as they are between two filters, also before personal data is taken out. So it takes an admin
//! of all shops; card numbers are masked all the same. The address of metrics and health has no sign-in and serves
//! none of this.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use access::{Scope, Shops};
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::{Extension, Json};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use redaction::card;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::extract::Parameters;
use crate::identity::Peer;
use crate::problem::Problem;

/// The pipelines at work, as whoever puts the services together gives them.
pub trait PipelineTap: Send + Sync {
    /// The filters of all of them, each one's in their order.
    fn filters(&self) -> Vec<TapFilter>;

    /// What the filter of this number, from 1, of a pipeline does from now on; without an id of the one that has none. A
    /// reader that is too slow misses events.
    ///
    /// # Errors
    /// Why that cannot be shown now.
    fn open(
        &self,
        pipeline_id: Option<&str>,
        filter: usize,
        only_changed: bool,
    ) -> Result<BoxStream<'static, TapMessage>, String>;
}

/// A filter that can be looked on at.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TapFilter {
    /// Id of its pipeline, where that has doors of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline_id: Option<String>,
    /// Its number in the pipeline, from 1.
    pub filter: usize,
    /// Its name.
    pub name: String,
    /// The file that it stands in.
    pub file: String,
    /// Its line in that file, from 1.
    pub line: usize,
}

/// What a filter did to an event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TapMessage {
    /// Hash of the pipeline that did it.
    pub pipeline: String,
    /// The filter.
    #[serde(flatten)]
    pub at: TapFilter,
    /// Id of the record that the event came from.
    pub record_id: String,
    /// Whose it is.
    pub shop: String,
    /// Which of the record's events: 0 is the one that was decoded.
    pub number: usize,
    /// `matched`, `not_matched` or `dropped`.
    pub result: String,
    /// Events that the filter made of this one.
    pub made: usize,
    /// Events that passed unseen since the last message.
    pub lost: u64,
    /// The event before.
    #[schema(value_type = Object)]
    pub before: Value,
    /// The event after; null if it was dropped.
    #[schema(value_type = Object)]
    pub after: Option<Value>,
}

/// The filters that can be looked on at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TapFilters {
    filters: Vec<TapFilter>,
}

/// What to look on at.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TapParameters {
    /// Id of the filter's pipeline, where that has doors of its own.
    pipeline_id: Option<String>,
    /// Number of the filter, from 1.
    filter: usize,
    /// Only events that the filter changes, drops or makes others of.
    #[serde(default)]
    only_changed: bool,
}

/// The filters of the pipelines that run in this process.
#[utoipa::path(get, path = "/api/tap/filters", tag = "tap",
    responses((status = 200, body = TapFilters), (status = 404, body = Problem)))]
pub(crate) async fn filters(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
) -> Result<Json<TapFilters>, Problem> {
    check_all_shops(&scope)?;
    Ok(Json(TapFilters { filters: pipeline(&api)?.filters() }))
}

/// Events before and after a filter, as it works on them: server-sent events whose data is a message. What a reader
/// does not take in time it misses, and is told the number of.
#[utoipa::path(get, path = "/api/tap", tag = "tap", params(TapParameters),
    responses((status = 200, content_type = "text/event-stream", body = TapMessage),
        (status = 404, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn tap(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Extension(peer): Extension<Peer>,
    Parameters(asked): Parameters<TapParameters>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    check_all_shops(&scope)?;
    let pipeline = pipeline(&api)?;
    let id = asked.pipeline_id.as_deref();
    let mut filters = pipeline.filters();
    filters.retain(|filter| filter.pipeline_id.as_deref() == id);
    let Some(at) = filters.iter().find(|filter| filter.filter == asked.filter) else {
        return Err(Problem::not_found(absence(id, asked.filter, filters.len())));
    };
    let permit = Arc::clone(&api.tails).try_acquire_owned().map_err(|_| {
        let most = api.config.tail_streams_max;
        Problem::too_many(format!("{most} live streams are open already"), 10)
    })?;
    let messages = pipeline
        .open(id, asked.filter, asked.only_changed)
        .map_err(|reason| Problem::too_many(reason, 10))?;
    let (user, filter, name) = (scope.user(), asked.filter, at.name.as_str());
    tracing::info!(user, pipeline = id, filter, name, "somebody looks on at a filter");
    // Whoever came with a token stays for a while only; the local admin needs none.
    let lasts = match peer {
        Peer::Local(_) => Duration::MAX,
        Peer::Address(_) => api.config.tail_duration_max.0,
    };
    let shutdown = api.runtime.context.shutdown.clone();
    let events = messages
        .map(|message| Ok(event(message)))
        .take_until(async move { tokio::time::timeout(lasts, shutdown.cancelled()).await })
        .map(move |event| held(&permit, event));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Why there is no such filter, in a pipeline of so many.
fn absence(id: Option<&str>, filter: usize, count: usize) -> String {
    match (id, count) {
        (Some(id), 0) => format!(
            "no pipeline `{id}` with filters runs here: `millrace tap --at enricher` lists all filters"
        ),
        (Some(id), _) => format!("there is no filter {filter}: the pipeline `{id}` has {count}"),
        (None, _) => format!("there is no filter {filter}: the pipeline has {count}"),
    }
}

/// Events of all shops pass a filter.
fn check_all_shops(scope: &Scope) -> Result<(), Problem> {
    match scope.shops() {
        Shops::All => Ok(()),
        Shops::Only(_) => Err(Problem::forbidden("filters are shown to who may see all shops")),
    }
}

/// The stream has its place for as long as it lasts.
fn held<T>(_permit: &OwnedSemaphorePermit, event: T) -> T {
    event
}

fn pipeline(api: &Api) -> Result<&dyn PipelineTap, Problem> {
    api.stores.tap.as_deref().ok_or_else(|| {
        Problem::not_found(
            "no pipeline runs in this process: filters can be looked on at where `millrace up` runs",
        )
    })
}

fn event(mut message: TapMessage) -> Event {
    mask(&mut message.before);
    message.after.iter_mut().for_each(mask);
    // Written without line breaks.
    Event::default().data(serde_json::to_string(&message).unwrap_or_default())
}

/// Masks the card numbers of an event, in texts, names and numbers.
fn mask(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(masked) = card::mask(text) {
                *text = masked;
            }
        }
        Value::Number(number) => {
            let text = number.to_string();
            if card::is_number(text.as_bytes())
                && let Some(masked) = card::mask(&text)
            {
                *value = Value::String(masked);
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(mask),
        Value::Object(fields) => {
            fields.values_mut().for_each(mask);
            let names: Vec<_> = fields
                .keys()
                .filter_map(|name| card::mask(name).map(|masked| (name.clone(), masked)))
                .collect();
            for (name, masked) in names {
                if let Some(value) = fields.remove(&name) {
                    fields.insert(masked, value);
                }
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{absence, mask};

    #[test]
    fn a_filter_that_is_not_there_is_told_from_a_pipeline_that_is_not() {
        let text = absence(Some("audit"), 9, 3);
        assert_eq!(text, "there is no filter 9: the pipeline `audit` has 3");
        assert_eq!(absence(None, 9, 3), "there is no filter 9: the pipeline has 3");
        let text = absence(Some("adit"), 1, 0);
        assert!(text.starts_with("no pipeline `adit` with filters runs here"), "{text}");
    }

    #[test]
    fn card_numbers_are_masked_wherever_they_stand() {
        let mut event = json!({"a": ["4111 1111 1111 1111", 4111111111111111u64, 1700000000000u64],
            "4111111111111111": {"b": "x 4111111111111111"}});
        mask(&mut event);
        assert!(
            !event.to_string().contains("1111 1111") && !event.to_string().contains("11111111")
        );
        assert_eq!(event["a"][1], "411111******1111");
        assert_eq!(event["a"][2], 1700000000000u64, "{event}");
    }
}
