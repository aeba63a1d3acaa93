//! The collection of dead letters: what is stored of each, and how they are found and kept few.

use bytes::Bytes;
use document_store::{
    Change, CollectionSpec, Document, DocumentError, DocumentStore, ErrorKind, Expect, Find, Found,
    IndexSpec, IndexValue,
};
use jiff::Timestamp;
use pipeline::DeadLetter;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::moment;

/// The collection; an id is the letter's.
pub(crate) const DEAD_LETTERS: CollectionSpec = CollectionSpec {
    name: "dead_letters",
    indexes: &[
        IndexSpec { name: BY_TIME, fields: &["dead_at_ns"], unique: false },
        IndexSpec { name: BY_STATE, fields: &["state", "dead_at_ns"], unique: false },
        IndexSpec { name: BY_STAGE, fields: &["state", "stage", "dead_at_ns"], unique: false },
        IndexSpec { name: BY_KIND, fields: &["state", "kind", "dead_at_ns"], unique: false },
        IndexSpec {
            name: BY_STAGE_AND_KIND,
            fields: &["state", "stage", "kind", "dead_at_ns"],
            unique: false,
        },
    ],
};
const BY_TIME: &str = "by_time";
const BY_STATE: &str = "by_state";
const BY_STAGE: &str = "by_stage";
const BY_KIND: &str = "by_kind";
const BY_STAGE_AND_KIND: &str = "by_stage_and_kind";

/// Letters read at a time where all of many are: each may hold 64 KiB of payload.
pub(super) const PAGE: usize = 100;

/// What has become of a letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It waits for a person.
    #[default]
    Waiting,
    /// Its record was sent again.
    Replayed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Replayed => "replayed",
        }
    }
}

/// A letter as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) state: State,
    stage: String,
    kind: String,
    dead_at_ns: i64,
    pub(super) replayed_at: Option<Timestamp>,
    pub(super) letter: DeadLetter,
}

impl Stored {
    /// A letter that has just come.
    pub(super) fn new(letter: DeadLetter) -> Self {
        Self {
            state: State::Waiting,
            stage: letter.stage.clone(),
            kind: letter.kind.clone(),
            dead_at_ns: moment::as_ns(letter.dead_at),
            replayed_at: None,
            letter,
        }
    }

    /// The same, sent again.
    pub(super) fn replayed(self, at: Timestamp) -> Self {
        Self { state: State::Replayed, replayed_at: Some(at), ..self }
    }

    pub(super) fn read(document: &Document) -> Result<Self, DocumentError> {
        serde_json::from_slice(&document.body).map_err(|error| {
            let text = format!("the stored dead letter {} cannot be read: {error}", document.id);
            DocumentError::new(ErrorKind::Fatal, text)
        })
    }

    pub(super) fn body(&self) -> Result<Bytes, DocumentError> {
        serde_json::to_vec(self).map(Bytes::from).map_err(|error| {
            let text = format!("dead letter {} cannot be written: {error}", self.letter.id);
            DocumentError::new(ErrorKind::Invalid, text)
        })
    }
}

/// Which letters.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) state: State,
    pub(super) stage: Option<String>,
    pub(super) kind: Option<String>,
}

impl Filter {
    fn index(&self) -> (&'static str, Vec<IndexValue>) {
        let mut values = vec![IndexValue::Text(self.state.name().to_owned())];
        values.extend(self.stage.iter().chain(&self.kind).cloned().map(IndexValue::Text));
        let index = match (&self.stage, &self.kind) {
            (None, None) => BY_STATE,
            (Some(_), None) => BY_STAGE,
            (None, Some(_)) => BY_KIND,
            (Some(_), Some(_)) => BY_STAGE_AND_KIND,
        };
        (index, values)
    }

    /// A page of them by time, the latest first if `descending`.
    pub(super) async fn find(
        &self,
        documents: &dyn DocumentStore,
        descending: bool,
        limit: usize,
        after: Option<String>,
    ) -> Result<Found, DocumentError> {
        let (index, equals) = self.index();
        let find = Find { equals, descending, limit, after };
        documents.find(DEAD_LETTERS.name, index, &find).await
    }

    /// How many there are.
    pub(super) async fn count(&self, documents: &dyn DocumentStore) -> Result<u64, DocumentError> {
        let (index, equals) = self.index();
        documents.count(DEAD_LETTERS.name, index, &equals).await
    }
}

/// How many letters wait, and how many were replayed.
pub(crate) async fn waiting_and_replayed(
    documents: &dyn DocumentStore,
) -> Result<(u64, u64), DocumentError> {
    let waiting = Filter::default().count(documents).await?;
    let all = documents.count(DEAD_LETTERS.name, BY_TIME, &[]).await?;
    Ok((waiting, all.saturating_sub(waiting)))
}

/// Removes letters that died before `oldest`, and the oldest of those that are more than `most`.
pub(crate) async fn remove_surplus(
    documents: &dyn DocumentStore,
    oldest: Timestamp,
    most: u64,
) -> Result<u64, DocumentError> {
    let oldest_ns = moment::as_ns(oldest);
    let find = Find { limit: PAGE, ..Find::default() };
    let mut removed = 0;
    loop {
        let surplus = documents.count(DEAD_LETTERS.name, BY_TIME, &[]).await?.saturating_sub(most);
        let found = documents.find(DEAD_LETTERS.name, BY_TIME, &find).await?;
        let mut changes = Vec::new();
        for (place, document) in found.documents.into_iter().enumerate() {
            // What cannot be read is as good as gone.
            let is_old =
                Stored::read(&document).map_or(true, |stored| stored.dead_at_ns < oldest_ns);
            if !is_old && place as u64 >= surplus {
                break;
            }
            changes.push(Change::Delete { id: document.id, expect: Expect::Any });
        }
        if changes.is_empty() {
            return Ok(removed);
        }
        removed += changes.len() as u64;
        documents.apply(DEAD_LETTERS.name, changes).await?;
    }
}
