//! Sends refused records again, to the topic they came from, under the same id: what was indexed of
//! them before is overwritten, and what is refused again is the same dead letter with one more attempt.

use std::sync::Arc;

use access::Scope;
use axum::extract::State;
use axum::{Extension, Json};
use bus::Record;
use document_store::{Document, DocumentError, ErrorKind, Expect};
use jiff::Timestamp;
use pipeline::ReplayError;
use serde::Serialize;
use utoipa::ToSchema;

use super::letters::{DEAD_LETTERS, Stored};
use super::select::{Pages, Selection, UNKNOWN};
use crate::api::Api;
use crate::extract::JsonBody;
use crate::problem::Problem;

/// Refusals that an answer names.
const REFUSALS_MAX: usize = 100;

/// What became of a replay.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ReplayAnswer {
    /// Records that were sent again.
    replayed: u64,
    /// Records that could not be sent again.
    refused: u64,
    /// Why, for the first hundred of these.
    refusals: Vec<Refusal>,
}

/// Why a record was not sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refusal {
    id: String,
    reason: String,
}

/// Sends refused records again.
#[utoipa::path(post, path = "/api/dead/replay", tag = "dead letters", request_body = Selection,
    responses((status = 200, body = ReplayAnswer), (status = 400, body = Problem)))]
pub(crate) async fn replay(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    JsonBody(selection): JsonBody<Selection>,
) -> Result<Json<ReplayAnswer>, Problem> {
    super::check_all_shops(&scope)?;
    let mut pages = Pages::new(&api, selection.checked()?);
    let mut answer = ReplayAnswer::default();
    while let Some(page) = pages.next().await? {
        replay_page(&api, page, &mut answer).await?;
    }
    for id in pages.unknown {
        answer.refuse(id, UNKNOWN.to_owned());
    }
    let ReplayAnswer { replayed, refused, .. } = answer;
    tracing::info!(replayed, refused, by = scope.user(), "dead letters were replayed");
    Ok(Json(answer))
}

/// A letter on its way.
struct Sent {
    document: Document,
    stored: Stored,
    record: Record,
}

async fn replay_page(
    api: &Api,
    page: Vec<Document>,
    answer: &mut ReplayAnswer,
) -> Result<(), Problem> {
    let mut sent: Vec<Sent> = Vec::with_capacity(page.len());
    for document in page {
        let stored = Stored::read(&document)?;
        match to_send(api, &stored).await? {
            Ok(record) => sent.push(Sent { document, stored, record }),
            Err(reason) => answer.refuse(document.id, reason),
        }
    }
    // One publication for each topic; records keep their order within it.
    sent.sort_by(|a, b| a.stored.letter.replay_topic().cmp(b.stored.letter.replay_topic()));
    for group in
        sent.chunk_by(|a, b| a.stored.letter.replay_topic() == b.stored.letter.replay_topic())
    {
        let records = group.iter().map(|sent| sent.record.clone()).collect();
        let topic = group[0].stored.letter.replay_topic();
        let published = api.runtime.bus.publish(topic, records).await;
        for (sent, published) in group.iter().zip(published) {
            match published {
                Ok(_) => {
                    mark(api, sent).await?;
                    answer.replayed += 1;
                }
                Err(error) => answer.refuse(sent.document.id.clone(), error.to_string()),
            }
        }
    }
    Ok(())
}

/// The record to send; the reason where there is none.
async fn to_send(api: &Api, stored: &Stored) -> Result<Result<Record, String>, Problem> {
    let attempts_max = api.config.replay_attempts_max;
    let position = match stored.letter.replay(None, attempts_max) {
        Err(ReplayError::StoredAt { position, .. }) => position,
        made => return Ok(made.map_err(|error| error.to_string())),
    };
    let record = api.runtime.bus.read(&position).await.map_err(Problem::internal)?;
    let Some(record) = record else {
        return Ok(Err(format!("retention has removed its payload from {position}")));
    };
    let made = stored.letter.replay(Some(record.payload), attempts_max);
    Ok(made.map_err(|error| error.to_string()))
}

/// Notes that the letter was replayed, unless it has died again already.
async fn mark(api: &Api, sent: &Sent) -> Result<(), DocumentError> {
    let body = sent.stored.clone().replayed(Timestamp::now()).body()?;
    let expect = Expect::Version(sent.document.version);
    match api.documents().put(DEAD_LETTERS.name, &sent.document.id, body, expect).await {
        Err(error) if error.kind == ErrorKind::Conflict => Ok(()),
        marked => marked,
    }
}

impl ReplayAnswer {
    fn refuse(&mut self, id: String, reason: String) {
        self.refused += 1;
        if self.refusals.len() < REFUSALS_MAX {
            self.refusals.push(Refusal { id, reason });
        }
    }
}
