//! What an engine says about one operation, and what becomes of it: each lands in just one place. It believes
//! the operation's own status, never a summary.

use std::borrow::Cow;
use std::ops::Deref;
use std::time::Duration;

use serde::Deserialize;

use super::failure::{EngineError, RETRY_LONG, RETRY_SOON, bounded};
use super::form::Form;
use crate::ItemOutcome;

/// One operation's part of an answer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ItemAnswer<'a> {
    #[serde(borrow, rename = "_id", default)]
    pub(crate) id: Option<AnswerText<'a>>,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) error: Option<Box<EngineError>>,
    /// What the engine did with the document.
    #[serde(borrow, default)]
    pub(crate) result: Option<AnswerText<'a>>,
    #[serde(borrow, default)]
    pub(crate) failure_store: Option<AnswerText<'a>>,
}

/// A text of an answer, as it stands there where it has no escapes: within an `Option` a `Cow` by itself is always
/// copied.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct AnswerText<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for AnswerText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// What becomes of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Settled(ItemOutcome),
    /// The engine has too much to do.
    Busy(ItemOutcome),
    /// The document's content is refused: the reduced form is not.
    Reduce,
    /// Its index cannot be made: the one of the day of receipt may be there already. This is the outcome
    /// where that is no other one.
    Move(ItemOutcome),
    /// Its index takes no more writes, perhaps for a while only. This is the outcome if no other one does.
    Blocked(ItemOutcome),
    /// Nothing can be indexed until somebody changes something.
    Fatal(String),
}

/// What an engine says where the document is not to be replaced: it was stored before.
const STANDS_ALREADY: &str = "version conflict, document already exists";

/// What an engine says of one of our operations when the name of its index is a data stream's.
const IS_DATA_STREAM: &str = "only write ops with an op_type of create are allowed in data streams";

/// Blocks that are none of a single index's, or that a full disk makes: another index is no way around.
const BLOCKS_OF_ALL: [(&str, &str); 4] = [
    ("FORBIDDEN/6/", "the cluster is read-only (cluster.blocks.read_only)"),
    ("FORBIDDEN/10/", "the cluster makes no new index (cluster.blocks.create_index, a full disk)"),
    ("FORBIDDEN/12/", DISK_IS_FULL),
    ("FORBIDDEN/13/", "the cluster is read-only (cluster.blocks.read_only_allow_delete)"),
];

const DISK_IS_FULL: &str = "the engine's disk is full";

/// Errors that are answered with 500 and are of the way between nodes, not of the document.
const ERRORS_BETWEEN_NODES: [&str; 6] = [
    "connect_transport_exception",
    "node_closed_exception",
    "node_disconnected_exception",
    "node_not_connected_exception",
    "receive_timeout_transport_exception",
    "send_request_transport_exception",
];

/// Decides about an operation that was sent in this form.
pub(crate) fn judge(answer: &ItemAnswer<'_>, form: Form, moved: bool) -> Verdict {
    let error = answer.error.as_deref();
    let known = error.cloned().unwrap_or_default();
    match answer.status {
        200 | 201 if error.is_none() => stored(answer),
        400 => unfit(&known, form, moved),
        401 => Verdict::Fatal(denied(&known)),
        403 => forbidden(&known),
        404 if known.is("index_not_found_exception") => Verdict::Settled(retry(
            RETRY_LONG,
            "the engine does not make the index (action.auto_create_index)",
            &known,
        )),
        409 if known.says(STANDS_ALREADY) => Verdict::Settled(ItemOutcome::Done),
        429 if is_block(&known) => Verdict::Busy(retry(RETRY_LONG, DISK_IS_FULL, &known)),
        // An engine that stumbles over a document does so each time.
        500 if form == Form::AsIs && !ERRORS_BETWEEN_NODES.iter().any(|kind| known.is(kind)) => {
            Verdict::Reduce
        }
        // A status without sense, and an error beside a success, say nothing about the document.
        429 | 500..=599 | 0..=399 => Verdict::Busy(retry(
            RETRY_SOON,
            &format!("the engine answers {}", answer.status),
            &known,
        )),
        // A conflict of versions among them: somebody's pipeline gives them, and ours is not what stands.
        _ => Verdict::Settled(rejected(answer.status, &known)),
    }
}

/// An answer of success: only what was created or updated is stored.
fn stored(answer: &ItemAnswer<'_>) -> Verdict {
    let refused = |kind: &str, message: String| {
        Verdict::Settled(ItemOutcome::Rejected { kind: kind.to_owned(), message })
    };
    match (answer.failure_store.as_deref(), answer.result.as_deref()) {
        (Some("used" | "failed"), _) => refused(
            "failure_store",
            "the engine put the document where nobody searches, into a failure store".to_owned(),
        ),
        (_, None | Some("created" | "updated")) => Verdict::Settled(ItemOutcome::Done),
        (_, Some("noop")) => refused(
            "dropped_by_engine",
            "the engine did not store the document: an ingest pipeline of its own drops it"
                .to_owned(),
        ),
        (_, Some(other)) => refused(
            "dropped_by_engine",
            format!("the engine did not store the document: its result is {}", bounded(other)),
        ),
    }
}

fn unfit(error: &EngineError, form: Form, moved: bool) -> Verdict {
    if error.is("validation_exception") && error.says("shards open") {
        let reason = "the cluster has as many shards as it may have (cluster.max_shards_per_node)";
        let later = retry(RETRY_LONG, reason, error);
        return if moved { Verdict::Settled(later) } else { Verdict::Move(later) };
    }
    // The whole sentence: a part of one may be quoted from a document.
    if error.kind == "illegal_argument_exception" && error.reason == IS_DATA_STREAM {
        return Verdict::Fatal(format!(
            "the engine takes our index names for data streams: {}",
            error.told()
        ));
    }
    let is_about_index =
        error.is("index_closed_exception") || error.is("invalid_index_name_exception");
    if form == Form::AsIs && !is_about_index {
        return Verdict::Reduce;
    }
    Verdict::Settled(rejected(400, error))
}

fn forbidden(error: &EngineError) -> Verdict {
    if !is_block(error) {
        return Verdict::Fatal(denied(error));
    }
    match BLOCKS_OF_ALL.iter().find(|(block, _)| error.says(block)) {
        Some((_, reason)) => Verdict::Busy(retry(RETRY_LONG, reason, error)),
        None => Verdict::Blocked(rejected(403, error)),
    }
}

fn is_block(error: &EngineError) -> bool {
    // OpenSearch has a type of its own for the block of new indices.
    error.is("cluster_block_exception") || error.is("index_create_block_exception")
}

fn denied(error: &EngineError) -> String {
    format!("the search engine does not let us index: {}", error.told())
}

fn retry(after: Duration, reason: &str, error: &EngineError) -> ItemOutcome {
    let told = error.told();
    let reason = if told.is_empty() { reason.to_owned() } else { format!("{reason}: {told}") };
    ItemOutcome::Retry { after, reason }
}

/// The dead letter of what can never be indexed.
pub(crate) fn rejected(status: u16, error: &EngineError) -> ItemOutcome {
    let kind = match error.kind.as_str() {
        "" => format!("engine_{status}"),
        kind => bounded(kind),
    };
    ItemOutcome::Rejected { kind, message: error.told() }
}

#[cfg(test)]
mod tests;
