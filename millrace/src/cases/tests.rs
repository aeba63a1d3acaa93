use std::path::Path;

use enricher::language::{Source, Syntax};
use enricher::{Environment, plan};
use serde_json::json;

use super::*;

const PIPELINE: &str = r#"filter {
  if [level] == "debug" { drop { } }
  mutate { convert => { "amount" => "float" } add_field => { "seen" => "yes" } }
  if [twice] { clone { clones => ["copy"] } }
  if [task] {
    aggregate {
      task_id => "%{task}" code => "map['n'] ||= 0; map['n'] += 1; event.cancel"
      push_map_as_event_on_timeout => true
    }
  }
}"#;

/// Runs the only case of a file, given without its name.
fn failed(case: &str) -> Vec<Failed> {
    let text = format!("cases:\n  - name: it\n    {}\n", case.replace('\n', "\n    "));
    let file = CaseFile::parse(Path::new("cases.yaml"), &text).expect("a good file");
    let source = Source::new("test.conf", PIPELINE);
    let environment = Environment::default();
    let plan = plan::parse_and_compile(&source, Syntax::default(), &environment);
    run(&file.cases[0], &plan.expect("a good pipeline"), &Limits::default())
}

#[test]
fn what_is_as_expected_does_not_fail() {
    for case in [
        "input: {amount: '12.50'}\nexpect: {amount: 12.5, seen: yes, tags: null}",
        "input: {amount: 3}\nexpect: [{amount: 3}]",
        "input: ['{\"amount\":1}', {amount: 2}, {level: debug}]\nexpect: [{amount: 1}, {amount: 2}]",
        "input: {country: NO}\nexpect: {country: NO}",
        "input: {twice: true}\nexpect: [{seen: yes}, {seen: yes}]",
        "input: {level: debug}\ndropped: true",
        "input: [{task: 1}, {task: 1}]\nexpect: {n: 2, tags: [_aggregatefinalflush]}",
        "input: ['[1]', 'no']\nrefused: not_an_object",
        "codec: plain\ninput: 'no'\nexpect: {message: 'no'}",
        "exact: true\ninput: {a: [1, {b: 2}]}\nreceived_at: 2026-05-06T07:08:09Z\n\
         expect: {'@timestamp': '2026-05-06T07:08:09.000Z', a: [1, {b: 2}], seen: 'yes'}",
    ] {
        assert_eq!(failed(case), [], "{case}");
    }
}

#[test]
fn what_is_not_as_expected_is_named() {
    let differs = |path: &str, expected: Option<Value>, got: Option<Value>| {
        let differences = vec![Difference { path: path.to_owned(), expected, got }];
        vec![Failed::Differs { event: 1, differences }]
    };
    for (case, expected) in [
        (
            "input: {a: {b: [1, 2]}}\nexpect: {a: {b: [1, 3]}}",
            differs("a.b[1]", Some(json!(3)), Some(json!(2))),
        ),
        ("input: {a: 1}\nexpect: {b: 2}", differs("b", Some(json!(2)), None)),
        ("input: {a: 1}\nexpect: {a: null}", differs("a", Some(Value::Null), Some(json!(1)))),
        ("input: {a: 1}\nexpect: {a: '1'}", differs("a", Some(json!("1")), Some(json!(1)))),
        (
            "exact: true\ninput: {a: 1}\nexpect: {'@timestamp': '2026-01-01T00:00:00.000Z', seen: 'yes'}",
            differs("a", None, Some(json!(1))),
        ),
        (
            "input: ['{}', '{}']\nrefused: too_deep",
            vec![Failed::NotRefused { line: 1 }, Failed::NotRefused { line: 2 }],
        ),
    ] {
        assert_eq!(failed(case), expected, "{case}");
    }
    for case in ["input: {a: 1}\ndropped: true", "input: {twice: 1}\nexpect: {a: 1}"] {
        assert!(matches!(&failed(case)[..], [Failed::Count { .. }]), "{case}");
    }
    for case in ["input: nothing\nexpect: []", "input: nothing\nrefused: invalid_json"] {
        assert!(matches!(&failed(case)[..], [Failed::Refused { line: 1, .. }]), "{case}");
    }
}

#[test]
fn a_file_with_a_mistake_says_where_it_is() {
    for (name, text, said) in [
        ("a.yaml", "cases: []", "no cases"),
        ("a.yaml", "case: []", "case"),
        ("a.json", "{\"cases\":[]", "line 1"),
        ("a.yaml", "cases: [{name: x, input: 1}]", "case `x`: write one of"),
        ("a.yaml", "cases: [{name: x, input: 1, expect: {}, dropped: true}]", "write one of"),
        ("a.yaml", "cases: [{name: x, input: 1, refused: broken}]", "invalid_json"),
        ("a.yaml", "cases: [{name: x, input: 1, dropped: true, received_at: now}]", "`now`"),
    ] {
        let mistake = CaseFile::parse(Path::new(name), text).expect_err(text).to_string();
        assert!(mistake.starts_with(name) && mistake.contains(said), "{mistake}");
    }
    let text = r#"{"pipeline":"x.conf","cases":[{"name":"x","input":{},"expect":{}}]}"#;
    let file = CaseFile::parse(Path::new("folder/a.json"), text).expect("a good file");
    assert_eq!(file.pipeline.as_deref(), Some(Path::new("folder/x.conf")));
}
