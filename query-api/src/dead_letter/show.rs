//! Listing and showing dead letters. Every text that holds what a sender sent is masked on the way.

use std::sync::Arc;

use access::Scope;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use pipeline::DeadLetter;
use redaction::card;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::letters::{DEAD_LETTERS, Filter, State as LetterState, Stored};
use crate::api::Api;
use crate::extract::Parameters;
use crate::problem::Problem;

const SIZE_DEFAULT: usize = 50;
const SIZE_MAX: usize = 200;
/// How much of a payload the list shows, in bytes.
const PREVIEW_BYTES: usize = 200;
/// How much of a payload is shown at all, in bytes.
const SHOWN_BYTES_MAX: usize = 256 * 1024;

/// Which letters to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParameters {
    /// Only of this stage.
    stage: Option<String>,
    /// Only of this kind.
    kind: Option<String>,
    /// `waiting` (the default) or `replayed`.
    #[serde(default)]
    #[param(inline)]
    state: LetterState,
    /// Letters of the page, 1 to 200. Default: 50.
    size: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of dead letters, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LetterPage {
    /// How many match altogether.
    total: u64,
    /// The letters.
    letters: Vec<ShownLetter>,
    /// For the next page; null on the last one.
    next_cursor: Option<String>,
}

/// A dead letter without its payload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownLetter {
    /// Record, stage and a hash of the payload: `<record id>-<stage>-<hash>`.
    id: String,
    /// Who refused it: a stage or a door.
    stage: String,
    /// Why, in short.
    kind: String,
    /// Why, for a person.
    message: String,
    /// Byte of the payload at which it went wrong, where that is known.
    position_bytes: Option<u64>,
    #[schema(inline)]
    state: LetterState,
    /// When it was sent again.
    #[schema(value_type = Option<String>, format = DateTime)]
    replayed_at: Option<Timestamp>,
    /// How often it has been sent again.
    attempt: u16,
    /// Tenant.
    shop: String,
    /// Who sent it.
    source: String,
    /// Which door took it.
    listener: String,
    /// Content type as the sender named it, or empty.
    content_type: String,
    /// Where it stood: topic, partition, offset, index; null for what a door refused.
    position: Option<String>,
    /// When the door took it.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// Size of the payload in bytes.
    payload_bytes: u64,
    /// How the payload begins.
    preview: String,
}

/// A dead letter with its payload.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WholeLetter {
    #[serde(flatten)]
    letter: ShownLetter,
    /// The payload in base64, card numbers masked; null if it is there no longer.
    payload: Option<String>,
    /// The payload as text, where it is UTF-8.
    payload_text: Option<String>,
    /// Whether card numbers were masked.
    masked: bool,
    /// Whether only the beginning of the payload is here.
    cut: bool,
}

fn masked_text(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    card::mask_bytes(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn payload_in(letter: &DeadLetter) -> Option<Vec<u8>> {
    BASE64.decode(letter.payload.as_deref()?).ok()
}

fn shown(stored: &Stored) -> ShownLetter {
    let letter = &stored.letter;
    let mut payload = payload_in(letter).unwrap_or_default();
    card::mask_bytes(&mut payload);
    let preview = String::from_utf8_lossy(&payload);
    ShownLetter {
        id: letter.id.clone(),
        stage: letter.stage.clone(),
        kind: letter.kind.clone(),
        message: masked_text(&letter.message),
        position_bytes: letter.position_bytes,
        state: stored.state,
        replayed_at: stored.replayed_at,
        attempt: letter.attempt.saturating_add(u16::from(stored.state == LetterState::Replayed)),
        shop: letter.shop.clone(),
        source: letter.source.clone(),
        listener: letter.listener.clone(),
        content_type: masked_text(&letter.content_type),
        position: letter.position().map(|position| position.to_string()),
        received_at: letter.received_at,
        payload_bytes: letter.payload_bytes,
        preview: preview[..preview.floor_char_boundary(PREVIEW_BYTES)].to_owned(),
    }
}

/// Refused records, the latest first.
#[utoipa::path(get, path = "/api/dead", tag = "dead letters", params(ListParameters),
    responses((status = 200, body = LetterPage), (status = 400, body = Problem)))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Parameters(asked): Parameters<ListParameters>,
) -> Result<Json<LetterPage>, Problem> {
    super::check_all_shops(&scope)?;
    let size = asked.size.unwrap_or(SIZE_DEFAULT);
    if !(1..=SIZE_MAX).contains(&size) {
        return Err(Problem::invalid(format!("size is 1 to {SIZE_MAX}")));
    }
    let filter = Filter { state: asked.state, stage: asked.stage, kind: asked.kind };
    let total = filter.count(api.documents()).await?;
    let found =
        filter.find(api.documents(), true, size, asked.cursor).await.map_err(
            |error| match error.kind {
                document_store::ErrorKind::Invalid => Problem::invalid(error.to_string()),
                _ => error.into(),
            },
        )?;
    let mut letters = Vec::with_capacity(found.documents.len());
    for document in &found.documents {
        letters.push(shown(&Stored::read(document)?));
    }
    Ok(Json(LetterPage { total, letters, next_cursor: found.next }))
}

/// One refused record with its bytes, card numbers masked.
#[utoipa::path(get, path = "/api/dead/{id}", tag = "dead letters",
    params(("id" = String, Path, description = "Id of the dead letter")),
    responses((status = 200, body = WholeLetter), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
) -> Result<Json<WholeLetter>, Problem> {
    super::check_all_shops(&scope)?;
    let document = api.documents().get(DEAD_LETTERS.name, &id).await?;
    let document = document.ok_or_else(|| Problem::not_found("there is no such dead letter"))?;
    let stored = Stored::read(&document)?;
    let mut payload = payload_in(&stored.letter);
    if payload.is_none()
        && let Some(position) = stored.letter.position()
    {
        let record = api.runtime.bus.read(&position).await.map_err(Problem::internal)?;
        payload = record.map(|record| record.payload.to_vec());
    }
    let masked = payload.as_mut().is_some_and(|payload| card::mask_bytes(payload));
    if let Some(payload) = &mut payload {
        payload.truncate(SHOWN_BYTES_MAX);
    }
    let cut = payload
        .as_ref()
        .is_some_and(|payload| (payload.len() as u64) < stored.letter.payload_bytes);
    let payload_text = payload.clone().and_then(|payload| String::from_utf8(payload).ok());
    let payload = payload.map(|payload| BASE64.encode(payload));
    Ok(Json(WholeLetter { letter: shown(&stored), payload, payload_text, masked, cut }))
}
