//! What an engine says about one operation, and what becomes of it: each lands in just one place. It believes
//! the operation's own status, never a summary.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::failure::{EngineError, RETRY_LONG, RETRY_SOON, bounded};
use super::form::Form;
use crate::ItemOutcome;

/// One operation's part of an answer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ItemAnswer<'a> {
    #[serde(borrow, rename = "_id", default)]
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) error: Option<Box<EngineError>>,
    #[serde(borrow, default)]
    pub(crate) failure_store: Option<Cow<'a, str>>,
}

/// What becomes of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Settled(ItemOutcome),
    /// The engine has too much to do.
    Busy(ItemOutcome),
    /// The document's content is refused: the reduced form is not.
    Reduce,
    /// Its index takes no more: the one of the day of receipt does.
    Move,
    /// Nothing can be indexed until somebody changes something.
    Fatal(String),
}

/// Decides about an operation that was sent in this form.
pub(crate) fn judge(answer: &ItemAnswer<'_>, form: Form, moved: bool) -> Verdict {
    let error = answer.error.as_deref();
    let known = error.cloned().unwrap_or_default();
    match answer.status {
        200 | 201 if error.is_none() => stored(answer),
        // A later version stands there already.
        409 if known.is("version_conflict_engine_exception") => Verdict::Settled(ItemOutcome::Done),
        400 => unfit(&known, form),
        401 => Verdict::Fatal(denied(&known)),
        403 => forbidden(&known, moved),
        404 if known.is("index_not_found_exception") => Verdict::Settled(retry(
            RETRY_LONG,
            "the engine does not make the index (action.auto_create_index)",
            &known,
        )),
        429 if is_block(&known) => {
            Verdict::Busy(retry(RETRY_LONG, "the engine's disk is full", &known))
        }
        // A status without sense, and an error beside a success, say nothing about the document.
        429 | 500..=599 | 0..=399 => Verdict::Busy(retry(
            RETRY_SOON,
            &format!("the engine answers {}", answer.status),
            &known,
        )),
        _ => Verdict::Settled(rejected(answer.status, &known)),
    }
}

fn stored(answer: &ItemAnswer<'_>) -> Verdict {
    match answer.failure_store.as_deref() {
        Some("used" | "failed") => Verdict::Settled(ItemOutcome::Rejected {
            kind: "failure_store".to_owned(),
            message: "the engine put the document where nobody searches, into a failure store"
                .to_owned(),
        }),
        _ => Verdict::Settled(ItemOutcome::Done),
    }
}

fn unfit(error: &EngineError, form: Form) -> Verdict {
    if error.is("validation_exception") && error.says("shards") {
        let reason = "the cluster has as many shards as it may have (cluster.max_shards_per_node)";
        return Verdict::Settled(retry(RETRY_LONG, reason, error));
    }
    if error.says("data stream") {
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

fn forbidden(error: &EngineError, moved: bool) -> Verdict {
    if !is_block(error) {
        return Verdict::Fatal(denied(error));
    }
    // 12 is the block by which a full disk protects itself.
    if error.says("FORBIDDEN/12") {
        return Verdict::Busy(retry(RETRY_LONG, "the engine's disk is full", error));
    }
    if moved {
        return Verdict::Settled(rejected(403, error));
    }
    Verdict::Move
}

fn is_block(error: &EngineError) -> bool {
    error.is("cluster_block_exception")
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
mod tests {
    use super::{Form, ItemAnswer, ItemOutcome, Verdict, judge};

    fn verdict(item: &str) -> Verdict {
        judge(&serde_json::from_str::<ItemAnswer<'_>>(item).expect("an item"), Form::AsIs, false)
    }

    fn error(status: u16, kind: &str, reason: &str) -> String {
        format!(
            r#"{{"_id":"a","status":{status},"error":{{"type":"{kind}","reason":"{reason}"}}}}"#
        )
    }

    #[test]
    fn each_answer_has_its_meaning() {
        let done = Verdict::Settled(ItemOutcome::Done);
        assert_eq!(verdict(r#"{"_id":"a","status":201}"#), done);
        assert_eq!(verdict(r#"{"status":200,"failure_store":"not_applicable_or_unknown"}"#), done);
        assert_eq!(verdict(&error(409, "version_conflict_engine_exception", "")), done);
        for parsing in ["mapper_parsing_exception", "document_parsing_exception", ""] {
            assert_eq!(verdict(&error(400, parsing, "")), Verdict::Reduce);
        }
        assert_eq!(
            verdict(&error(403, "cluster_block_exception", "FORBIDDEN/8/index")),
            Verdict::Move
        );
        assert!(matches!(verdict(&error(403, "security_exception", "")), Verdict::Fatal(_)));
        let streams = "only write ops with an op_type of create are allowed in data streams";
        let fatal = verdict(&error(400, "illegal_argument_exception", streams));
        assert!(matches!(fatal, Verdict::Fatal(_)));
    }

    #[test]
    fn what_may_work_later_is_tried_again() {
        let cases = [
            (429, "es_rejected_execution_exception", "", 500),
            (429, "circuit_breaking_exception", "", 500),
            (503, "unavailable_shards_exception", "", 500),
            (500, "", "", 500),
            (200, "strange", "", 500),
            (0, "", "", 500),
            (429, "cluster_block_exception", "TOO_MANY_REQUESTS/12/disk", 30_000),
            (403, "cluster_block_exception", "FORBIDDEN/12/index read-only", 30_000),
            (404, "index_not_found_exception", "", 30_000),
            (400, "validation_exception", "maximum normal shards open", 30_000),
        ];
        for (status, kind, reason, wait_ms) in cases {
            let outcome = match verdict(&error(status, kind, reason)) {
                Verdict::Settled(outcome) | Verdict::Busy(outcome) => outcome,
                other => panic!("{status} {kind}: {other:?}"),
            };
            let ItemOutcome::Retry { after, .. } = outcome else { panic!("{status} {kind}") };
            assert_eq!(after.as_millis(), wait_ms, "{status} {kind}");
        }
    }

    #[test]
    fn what_never_works_is_a_dead_letter_with_the_engines_reason() {
        let item = error(400, "document_parsing_exception", "no such");
        let item: ItemAnswer<'_> = serde_json::from_str(&item).expect("an item");
        let Verdict::Settled(ItemOutcome::Rejected { kind, message }) =
            judge(&item, Form::Reduced, false)
        else {
            panic!("a dead letter")
        };
        assert_eq!(kind, "document_parsing_exception");
        assert!(message.contains("no such"), "{message}");
        let used = verdict(r#"{"status":201,"failure_store":"used"}"#);
        assert!(matches!(used, Verdict::Settled(ItemOutcome::Rejected { .. })));
        let closed = verdict(&error(400, "index_closed_exception", ""));
        assert!(matches!(closed, Verdict::Settled(ItemOutcome::Rejected { .. })));
        let blocked = error(403, "cluster_block_exception", "FORBIDDEN/8/index write");
        let blocked: ItemAnswer<'_> = serde_json::from_str(&blocked).expect("an item");
        assert!(matches!(
            judge(&blocked, Form::AsIs, true),
            Verdict::Settled(ItemOutcome::Rejected { .. })
        ));
        let strange = verdict(&error(418, "", ""));
        assert!(
            matches!(strange, Verdict::Settled(ItemOutcome::Rejected { kind, .. }) if kind == "engine_418")
        );
    }
}
