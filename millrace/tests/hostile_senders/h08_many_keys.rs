//! 8: objects of countless keys.

use crate::Attack;
use crate::senders::post;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "objects of countless keys",
    run: many_keys,
    counted_by: &["millrace_door_refused_records_total{door=\"http\",kind=\"too_many_fields\"}"],
}];

fn many_keys(target: &Target) {
    // A million of them are longer than a line may be.
    for count in [1_000_000, 60_000] {
        let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\":1")).collect();
        let object = format!("{{{}}}", members.join(","));
        let answer = post(target, "/v1/logs", "", object.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{count}: {answer}");
    }
}
