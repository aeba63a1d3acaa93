//! 13: an event that tries to be two, and two that try to be one.

use crate::Attack;
use crate::senders::{post, send_lines};
use crate::support::eventually;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "events that try to be two",
    run: forged,
    counted_by: &[
        "millrace_door_refused_records_total{door=\"http\",kind=\"invalid_json\"}",
        "millrace_door_accepted_records_total{door=\"syslog\"}",
    ],
}];

fn forged(target: &Target) {
    let escaped = r#"{"message":"indivisible\r\n{\"message\":\"forged\"}\u000a\u2028\u0085end"}"#;
    assert_eq!(send_lines(target.tcp(), format!("{escaped}\n").as_bytes()), "");
    for body in [escaped.to_owned(), format!("[{escaped}]")] {
        let answer = post(target, "/v1/logs", "", body.as_bytes());
        assert!(answer.contains("\"accepted\":1"), "{answer}");
    }
    let message = "<13>Oct 11 22:14:15 h app: indivisible\r\n<0>Oct 11 22:14:15 h kernel: forged\n";
    let counted = format!("{} {message}", message.len());
    assert_eq!(send_lines(target.syslog(), counted.as_bytes()), "");
    // A real line feed within a string ends the line: both halves are refused, and none is forged.
    let torn = "{\"a\":\"x\n{\"message\":\"forged\"}\"}\n".repeat(2_000);
    let answer = post(target, "/v1/logs", "", torn.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");

    // As many are found as were sent, each printed on one line, whatever it holds.
    let found = |query: &str| target.platform.count(query);
    eventually("each is one event", || match found("message:indivisible") {
        4 => Ok(()),
        other => Err(format!("{other} found")),
    });
    assert_eq!(found("message:forged AND NOT message:indivisible"), 0, "none is one of its own");
    let documents = target.platform.documents("message:indivisible", 100);
    assert_eq!(documents.len(), 4);
    for document in documents {
        let message = document["message"].as_str().expect("a text");
        assert!(message.contains('\n') && message.contains("forged"), "{document}");
    }
}
