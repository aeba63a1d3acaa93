//! 21: a token of a shop that was stolen: ended while somebody uses it.

use std::io::Write;

use crate::Attack;
use crate::senders::{connect_all, post, rest};
use crate::support::eventually;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "a stolen token that is ended",
    run: stolen,
    counted_by: &[
        "millrace_gateway_refused_senders_total{door=\"tcp\",reason=\"revoked_token\"}",
        "millrace_gateway_refused_senders_total{door=\"http\",reason=\"revoked_token\"}",
    ],
}];

const THIEVES: usize = 50;

fn stolen(target: &Target) {
    let token = target.give("north");
    let shown = format!("authorization: Bearer {token}\r\n");
    let answer = post(target, "/v1/logs", &shown, b"{\"n\":1}");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let before = target.accepted("tcp");
    let mut thieves = connect_all(2, target.tcp(), THIEVES);
    for thief in &mut thieves {
        thief.write_all(format!("{token}\n{{\"n\":1}}\n").as_bytes()).expect("the door reads");
    }
    eventually("all are let in", || match target.accepted("tcp") - before {
        let_in if let_in >= THIEVES as f64 => Ok(()),
        let_in => Err(format!("{let_in} are")),
    });
    target.revoke("north");
    // They say nothing more, and are sent away all the same.
    for thief in &mut thieves {
        assert_eq!(rest(thief), "the ingest token was revoked\n");
    }
    let answer = post(target, "/v1/logs", &shown, b"{\"n\":2}");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let logged = target.platform.logged();
    assert!(logged.contains("an ingest token was revoked"), "it stands in the log");
    assert!(!logged.contains(&token[4..]), "and the token does not");
}
