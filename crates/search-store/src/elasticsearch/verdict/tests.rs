//! What becomes of one operation, by its answer.

use super::{Form, ItemAnswer, ItemOutcome, Verdict, judge};

fn verdict(item: &str) -> Verdict {
    judge(&serde_json::from_str::<ItemAnswer<'_>>(item).expect("an item"), Form::AsIs, false)
}

fn error(status: u16, kind: &str, reason: &str) -> String {
    format!(r#"{{"_id":"a","status":{status},"error":{{"type":"{kind}","reason":"{reason}"}}}}"#)
}

#[test]
fn each_answer_has_its_meaning() {
    let done = Verdict::Settled(ItemOutcome::Done);
    assert_eq!(verdict(r#"{"_id":"a","status":201}"#), done);
    assert_eq!(verdict(r#"{"status":200,"failure_store":"not_applicable_or_unknown"}"#), done);
    assert_eq!(verdict(r#"{"status":200,"result":"updated"}"#), done);
    let stands = "[a]: version conflict, document already exists (current version [1])";
    assert_eq!(verdict(&error(409, "version_conflict_engine_exception", stands)), done);
    for parsing in ["mapper_parsing_exception", "document_parsing_exception", ""] {
        assert_eq!(verdict(&error(400, parsing, "")), Verdict::Reduce);
    }
    assert_eq!(verdict(&error(500, "null_pointer_exception", "")), Verdict::Reduce);
    assert!(matches!(
        verdict(&error(403, "cluster_block_exception", "FORBIDDEN/8/index")),
        Verdict::Blocked(ItemOutcome::Rejected { .. })
    ));
    let full = error(400, "validation_exception", "maximum normal shards open");
    assert!(matches!(verdict(&full), Verdict::Move(ItemOutcome::Retry { .. })));
    assert!(matches!(verdict(&error(403, "security_exception", "")), Verdict::Fatal(_)));
    let streams = "only write ops with an op_type of create are allowed in data streams";
    let fatal = verdict(&error(400, "illegal_argument_exception", streams));
    assert!(matches!(fatal, Verdict::Fatal(_)));
    let quoted = format!("failed to parse value [{streams}]");
    for (kind, reason) in
        [("document_parsing_exception", streams), ("illegal_argument_exception", quoted.as_str())]
    {
        assert_eq!(verdict(&error(400, kind, reason)), Verdict::Reduce, "{kind}: {reason}");
    }
}

#[test]
fn what_may_work_later_is_tried_again() {
    let cases = [
        (429, "es_rejected_execution_exception", "", 500),
        (429, "circuit_breaking_exception", "", 500),
        (503, "unavailable_shards_exception", "", 500),
        (500, "node_disconnected_exception", "", 500),
        (200, "strange", "", 500),
        (0, "", "", 500),
        (429, "cluster_block_exception", "TOO_MANY_REQUESTS/12/disk", 30_000),
        (403, "cluster_block_exception", "FORBIDDEN/12/index read-only", 30_000),
        (403, "cluster_block_exception", "FORBIDDEN/6/cluster read-only (api)", 30_000),
        (403, "cluster_block_exception", "FORBIDDEN/10/cluster create-index blocked", 30_000),
        (403, "index_create_block_exception", "FORBIDDEN/10/cluster create-index", 30_000),
        (404, "index_not_found_exception", "", 30_000),
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
fn where_no_more_shards_may_be_a_moved_document_waits_and_a_reduced_one_is_not_tried_again() {
    let full = error(400, "validation_exception", "maximum normal shards open");
    let full: ItemAnswer<'_> = serde_json::from_str(&full).expect("an item");
    let moved = judge(&full, Form::AsIs, true);
    assert!(matches!(moved, Verdict::Settled(ItemOutcome::Retry { .. })));
    let stumbles = error(500, "null_pointer_exception", "");
    let stumbles: ItemAnswer<'_> = serde_json::from_str(&stumbles).expect("an item");
    let reduced = judge(&stumbles, Form::Reduced, false);
    assert!(matches!(reduced, Verdict::Busy(ItemOutcome::Retry { .. })));
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
    for result in ["noop", "deleted"] {
        let unstored = verdict(&format!(r#"{{"status":200,"result":"{result}"}}"#));
        assert!(matches!(unstored, Verdict::Settled(ItemOutcome::Rejected { .. })));
    }
    let conflict = "[a]: version conflict, current version [5] is higher";
    let conflict = verdict(&error(409, "version_conflict_engine_exception", conflict));
    assert!(matches!(conflict, Verdict::Settled(ItemOutcome::Rejected { .. })));
    let strange = verdict(&error(418, "", ""));
    assert!(
        matches!(strange, Verdict::Settled(ItemOutcome::Rejected { kind, .. }) if kind == "engine_418")
    );
}
