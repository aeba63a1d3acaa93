//! 7: values within each other without end.

use crate::Attack;
use crate::senders::{post, send_lines};
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "values within each other without end",
    run: deep_values,
    counted_by: &[
        "millrace_door_refused_records_total{door=\"http\",kind=\"too_deep\"}",
        "millrace_stage_dead_records_total{stage=\"enricher\",kind=\"too_deep\"}",
    ],
}];

fn deep_values(target: &Target) {
    let deep = format!("{{\"a\":{}1{}}}\n", "[".repeat(100_000), "]".repeat(100_000));
    let as_lines = "content-type: application/x-ndjson\r\n";
    let answer = post(target, "/v1/logs", as_lines, deep.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    // This door only frames lines: the next stage refuses it.
    assert_eq!(send_lines(target.tcp(), deep.as_bytes()), "");
}
