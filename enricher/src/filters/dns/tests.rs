use std::sync::Arc;
use std::time::Instant;

use bus::{Record, RecordId};
use bytes::Bytes;
use event::{Event, Limits};
use serde_json::{Value, json};

use crate::filter::Environment;
use crate::filters::trial::{NOW_NS, Trial};
use crate::language::{Source, Syntax};
use crate::lookup::{Answer, Question};
use crate::plan::{Plan, Program, parse_and_compile};

fn plan(filters: &str) -> Plan {
    let source = Source::new("test.conf", format!("filter {{ {filters} }}"));
    let environment = Environment { dns: true, ..Environment::default() };
    parse_and_compile(&source, Syntax::default(), &environment)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
}

fn run(program: &mut Program, event: &Value) -> Value {
    let payload = Bytes::from(event.to_string());
    let mut decoded = Event::new();
    decoded.decode_json(&payload, NOW_NS, &Limits::default()).unwrap();
    let record =
        Record { id: RecordId([7; 16]), received_at_ns: NOW_NS, payload, ..Record::default() };
    let mut out = Vec::new();
    program.run(&mut decoded, &record, |event, _| event.write_json(&mut out));
    serde_json::from_slice(&out).unwrap()
}

/// Rehearses and answers from a table until nothing more is asked, then runs: what came out, and what was asked.
fn answered(plan: &Plan, event: Value, answers: &[(&str, Answer)]) -> (Value, Vec<String>) {
    let mut asked = Vec::new();
    let mut rehearsal = plan.rehearsal();
    loop {
        run(&mut rehearsal, &event);
        let wanted = rehearsal.wanted().unwrap().take();
        if wanted.is_empty() {
            break;
        }
        let each = wanted.into_iter().flat_map(|(lookups, questions)| {
            questions.into_iter().map(move |question| (Arc::clone(&lookups), question))
        });
        for (lookups, question) in each {
            let text = match &question {
                Question::Address(name) => name.to_string(),
                Question::Name(address) => address.to_string(),
            };
            let answer = answers.iter().find(|(name, _)| *name == text);
            let answer = answer.map_or(Answer::Missing, |(_, answer)| answer.clone());
            lookups.put(question, answer, Instant::now());
            asked.push(text);
        }
    }
    (run(&mut plan.instance(), &event), asked)
}

fn found(text: &str) -> Answer {
    Answer::Found(text.into())
}

#[test]
fn a_name_becomes_its_address_or_has_it_beside_it() {
    let answers = [("shop.example", found("192.0.2.7"))];
    for (action, value, expected) in [
        ("replace", json!("Shop.Example"), json!("192.0.2.7")),
        ("append", json!("shop.example"), json!(["shop.example", "192.0.2.7"])),
        ("replace", json!(["shop.example"]), json!(["192.0.2.7"])),
        ("append", json!(["shop.example"]), json!(["shop.example", "192.0.2.7"])),
    ] {
        let plan =
            plan(&format!(r#"dns {{ resolve => "h" action => "{action}" add_tag => "ok" }}"#));
        let (out, asked) = answered(&plan, json!({ "h": value }), &answers);
        assert_eq!((&out["h"], &out["tags"]), (&expected, &json!(["ok"])));
        assert_eq!(asked, ["shop.example"]);
    }
}

#[test]
fn what_was_found_may_be_asked_about() {
    let plan = plan(
        r#"dns { resolve => "a" action => "replace" } dns { reverse => "a" action => "replace" add_tag => "ok" }"#,
    );
    let answers =
        [("shop.example", found("192.0.2.7")), ("192.0.2.7", found("web-1.shop.example"))];
    let (out, asked) = answered(&plan, json!({"a": "shop.example"}), &answers);
    assert_eq!((&out["a"], &out["tags"]), (&json!("web-1.shop.example"), &json!(["ok"])));
    assert_eq!(asked, ["shop.example", "192.0.2.7"]);
}

#[test]
fn what_is_not_found_stays_and_what_is_not_answered_is_tagged() {
    let plan = plan(r#"dns { resolve => ["a", "b"] action => "replace" add_tag => "ok" }"#);
    let (out, asked) = answered(&plan, json!({"a": "none.example", "b": "x.example"}), &[]);
    assert_eq!((&out["a"], out.get("tags")), (&json!("none.example"), None));
    assert_eq!(asked.len(), 2, "both are asked together");
    let (out, _) =
        answered(&plan, json!({"a": "slow.example"}), &[("slow.example", Answer::TimedOut)]);
    assert_eq!((&out["a"], &out["tags"]), (&json!("slow.example"), &json!(["_dnstimeout"])));
    let out = run(&mut plan.instance(), &json!({"a": "never-asked.example"}));
    assert_eq!(out["tags"], json!(["_dnstimeout"]));
}

#[test]
fn only_texts_that_can_be_names_or_addresses_are_asked() {
    let plan = plan(r#"dns { resolve => "a" } dns { reverse => "b" }"#);
    for event in [
        json!({}),
        json!({"a": 5, "b": 5}),
        json!({"a": ["x", "y"], "b": []}),
        json!({"a": "", "b": "300.1.1.1"}),
        json!({"a": "x".repeat(254), "b": "shop.example"}),
    ] {
        let (out, asked) = answered(&plan, event.clone(), &[]);
        assert_eq!((out.get("tags"), asked), (None, vec![]), "{event}");
    }
}

#[test]
fn hosts_files_are_known_without_asking() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hosts");
    std::fs::write(
        &path,
        "# ours\n192.0.2.9 Cash.Example cash # till\n2001:db8::1\tsix\nnot an address\n",
    )
    .unwrap();
    let plan = plan(&format!(
        r#"dns {{ resolve => "a" reverse => "b" action => "replace" hostsfile => ["{}"] }}"#,
        path.display()
    ));
    let (out, asked) = answered(&plan, json!({"a": "cash", "b": "2001:db8:0::1"}), &[]);
    assert_eq!((&out["a"], &out["b"]), (&json!("192.0.2.9"), &json!("six")));
    assert!(asked.is_empty());
}

#[test]
fn it_is_off_unless_it_is_allowed_and_mistakes_are_refused() {
    let refusal = Trial::refusal(r#"dns { resolve => "a" }"#);
    assert!(refusal.contains("is off") && refusal.contains("enricher.dns = true"), "{refusal}");
    let environment = Environment { dns: true, ..Environment::default() };
    for (options, said) in [
        ("", "needs the option `resolve`"),
        (r#"resolve => "a" nameserver => "not.an.address""#, "no address of a server"),
        (r#"resolve => "a" nameserver => { "adress" => "192.0.2.1" }"#, "has no `adress`"),
        (r#"resolve => "a" nameserver => { "search" => "shop.example" }"#, "names no `address`"),
        (
            r#"resolve => "a" nameserver => { "address" => "192.0.2.1" "ndots" => "many" }"#,
            "`ndots` of `nameserver` must be a whole number",
        ),
        (
            r#"resolve => "a" nameserver => { "address" => "192.0.2.1" "search" => { "a" => "b" } }"#,
            "`search` of `nameserver` must be a list of domains",
        ),
        (r#"resolve => "a" timeout => 0"#, "`timeout` cannot be 0"),
        (r#"resolve => "a" max_retries => -1"#, "`max_retries` cannot be -1"),
        (r#"resolve => "a" hostsfile => "/none""#, "cannot read /none"),
        (r#"resolve => "a" action => "add""#, "cannot be `add`"),
    ] {
        let built = Trial::build(&format!("dns {{ {options} }}"), &environment);
        let refusal = built.err().unwrap_or_default();
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}
