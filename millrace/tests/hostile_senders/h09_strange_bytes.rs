//! 9: bytes that are no text: invalid UTF-8, surrogates, NUL, escapes.

use crate::Attack;
use crate::senders::{post, send_lines};
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "bytes that are no text",
    run: strange_bytes,
    counted_by: &[
        "millrace_door_refused_records_total{door=\"http\",kind=\"invalid_utf8\"}",
        "millrace_stage_dead_records_total{stage=\"enricher\",kind=\"invalid_utf8\"}",
    ],
}];

fn strange_bytes(target: &Target) {
    let strange =
        b"{\"a\":\"\xff\xfe \xed\xa0\x80 \xc0\xaf\"}\n{\"a\":\"\x00 \x1b[31m\"}\n".repeat(500);
    let as_lines = "content-type: application/x-ndjson\r\n";
    let answer = post(target, "/v1/logs", as_lines, &strange);
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(!answer.contains('\u{1b}'), "nothing is told back that changes a terminal");
    // This door only frames lines: the next stage refuses them.
    assert_eq!(send_lines(target.tcp(), &strange), "");
}
