//! Which dead letters to act on: by id, by stage and kind, or all; and purging them.

use std::sync::Arc;

use access::Scope;
use axum::extract::State;
use axum::{Extension, Json};
use document_store::{Change, Document, Expect};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::letters::{DEAD_LETTERS, Filter, PAGE, State as LetterState};
use crate::api::Api;
use crate::extract::JsonBody;
use crate::problem::Problem;

const IDS_MAX: usize = 1000;
/// What is said of an id that names no letter.
pub(super) const UNKNOWN: &str = "no such dead letter";

/// Which letters: `ids`, or those of a `stage` and a `kind`, or `all`.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Selection {
    /// These, at most 1000.
    ids: Vec<String>,
    /// All of this stage.
    stage: Option<String>,
    /// All of this kind.
    kind: Option<String>,
    /// All.
    all: bool,
    /// Which state, for everything but `ids`: `waiting` (the default) or `replayed`.
    #[schema(inline)]
    state: LetterState,
}

/// A selection that makes sense.
pub(super) enum Selected {
    Ids(Vec<String>),
    Filter(Filter),
}

impl Selection {
    /// Whether it says what to act on, in one way.
    pub(super) fn checked(self) -> Result<Selected, Problem> {
        let filters = self.stage.is_some() || self.kind.is_some();
        match (self.ids.is_empty(), filters, self.all) {
            (false, false, false) if self.ids.len() <= IDS_MAX => Ok(Selected::Ids(self.ids)),
            (false, false, false) => Err(Problem::invalid(format!("at most {IDS_MAX} ids"))),
            (true, true, false) | (true, false, true) => Ok(Selected::Filter(Filter {
                state: self.state,
                stage: self.stage,
                kind: self.kind,
            })),
            _ => Err(Problem::invalid(
                "say which: `ids`, or `stage` and `kind`, or `all`, and only one of these",
            )),
        }
    }
}

/// Reads the selected letters page by page, those of a filter from the oldest on: what is sent again
/// is sent in its order.
pub(super) struct Pages<'a> {
    api: &'a Api,
    selected: Selected,
    after: Option<String>,
    done: bool,
    /// Ids that were asked for and name no letter, so far.
    pub(super) unknown: Vec<String>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(api: &'a Api, selected: Selected) -> Self {
        Self { api, selected, after: None, done: false, unknown: Vec::new() }
    }

    /// The next page; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Document>>, Problem> {
        if self.done {
            return Ok(None);
        }
        match &mut self.selected {
            Selected::Ids(ids) => {
                let page: Vec<String> = ids.drain(..ids.len().min(PAGE)).collect();
                self.done = ids.is_empty();
                let names: Vec<&str> = page.iter().map(String::as_str).collect();
                let found = self.api.documents().get_many(DEAD_LETTERS.name, &names).await?;
                let missing = page.iter().zip(&found).filter(|(_, found)| found.is_none());
                self.unknown.extend(missing.map(|(id, _)| id.clone()));
                Ok(Some(found.into_iter().flatten().collect()))
            }
            Selected::Filter(filter) => {
                let after = self.after.take();
                let found = filter.find(self.api.documents(), false, PAGE, after).await?;
                self.done = found.next.is_none();
                self.after = found.next;
                Ok(Some(found.documents))
            }
        }
    }
}

/// How many letters were removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurgeAnswer {
    purged: u64,
    /// Ids that were asked for and name no letter.
    unknown: Vec<String>,
}

/// Removes refused records for good.
#[utoipa::path(post, path = "/api/dead/purge", tag = "dead letters", request_body = Selection,
    responses((status = 200, body = PurgeAnswer), (status = 400, body = Problem)))]
pub(crate) async fn purge(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    JsonBody(selection): JsonBody<Selection>,
) -> Result<Json<PurgeAnswer>, Problem> {
    super::check_all_shops(&scope)?;
    let mut pages = Pages::new(&api, selection.checked()?);
    let mut purged = 0;
    while let Some(page) = pages.next().await? {
        purged += page.len() as u64;
        let delete = |document: Document| Change::Delete { id: document.id, expect: Expect::Any };
        let changes = page.into_iter().map(delete).collect();
        api.documents().apply(DEAD_LETTERS.name, changes).await?;
    }
    tracing::info!(purged, by = scope.user(), "dead letters were purged");
    Ok(Json(PurgeAnswer { purged, unknown: pages.unknown }))
}
