use enricher::language::{Source, Syntax};
use enricher::{Environment, plan};
use serde_json::json;

use super::*;

const PIPELINE: &str = r#"filter {
  if [message] =~ "^debug" { drop { } }
  grok { match => { "message" => "(?<word>[a-z]+) %{NUMBER:number:int}" } }
  if [word] == "twice" { clone { clones => ["copy"] } }
}"#;

fn options(codec: Codec, ignored: &[&str]) -> Options {
    let source = Source::new("test.conf", PIPELINE);
    let plan = plan::parse_and_compile(&source, Syntax::default(), &Environment::default());
    Options {
        plan: plan.expect("a good pipeline"),
        limits: Limits::default(),
        codec,
        received_at_ns: 1_767_225_600_000_000_000,
        ignored: ignored.iter().map(|text| Ignored::parse(text)).collect(),
    }
}

const TIME: &str = "2026-01-01T00:00:00Z";

/// What Logstash would have made of a line.
fn theirs(line: &str, word: &str, number: Value) -> String {
    let event = json!({"@timestamp": TIME, "@version": "1", "message": line,
        "event": {"original": line}, "word": word, "number": number});
    event.to_string() + "\n"
}

fn compared(reference: &str, input: Option<&str>) -> Report {
    let options = options(Codec::Plain, &["@version", "[event][original]"]);
    run(reference.as_bytes(), input.map(str::as_bytes), &options).expect("it compares")
}

#[test]
fn events_that_are_equal_are_counted_by_field() {
    let reference = theirs("a 1", "a", json!(1)) + &theirs("b 2", "b", json!(2));
    for input in [None, Some("a 1\nb 2\n"), Some("b 2\n\na 1")] {
        let report = compared(&reference, input);
        assert!(report.is_equal(), "{report:?}");
        assert_eq!((report.compared, report.equal), (2, 2));
        let names: Vec<_> = report.fields.keys().map(String::as_str).collect();
        assert_eq!(names, ["@timestamp", "message", "number", "word"]);
        assert_eq!(report.fields["number"].equal, 2);
    }
}

#[test]
fn differences_are_summed_up_with_the_first_examples() {
    let reference: String =
        (0..5).map(|n| theirs(&format!("a {n}"), "a", json!(n.to_string()))).collect();
    let reference = reference + &theirs("x", "x", Value::Null);
    let report = compared(&reference, None);
    assert!(!report.is_equal());
    assert_eq!((report.compared, report.equal), (6, 0));
    let number = &report.fields["number"];
    assert_eq!((number.equal, number.different.count, number.different.examples.len()), (0, 5, 3));
    let first = Example { line: Some(1), theirs: Some(json!("0")), ours: Some(json!(0)) };
    assert_eq!(number.different.examples[0], first);
    let tags = &report.fields["tags"];
    assert_eq!((tags.extra.count, &tags.extra.examples[0].line), (1, &Some(6)));
    assert_eq!(report.fields["word"].missing.count, 1);
}

#[test]
fn what_only_one_side_has_is_counted() {
    let reference = theirs("debug 1", "debug", json!(1)) + &theirs("a 1", "a", json!(1));
    let report = compared(&reference, None);
    assert_eq!((report.compared, report.only_theirs.count), (1, 1));
    assert_eq!(report.only_theirs.examples[0].line, Some(1));

    let report = compared(&theirs("a 1", "a", json!(1)), Some("debug 2\nb 3\na 1\n"));
    assert_eq!((report.compared, report.equal), (1, 1));
    assert_eq!((report.only_ours.count, report.no_events_of_both), (1, 1));
    let report = compared(&theirs("a 1", "a", json!(1)), Some("a 2\n"));
    assert_eq!((report.compared, report.without_line.count, report.only_ours.count), (0, 1, 1));
}

/// The event of a line of which there are two.
fn first(number: u64) -> String {
    theirs(&format!("twice {number}"), "twice", json!(number))
}

/// And the other one.
fn copy(number: u64) -> String {
    let line = format!("twice {number}");
    let copy = json!({"@timestamp": TIME, "message": line, "event": {"original": line},
        "word": "twice", "number": number, "tags": ["copy"]});
    copy.to_string() + "\n"
}

#[test]
fn events_of_one_line_stand_beside_each_other() {
    let both = |number: u64| first(number) + &copy(number);
    // The same line came twice, then another one of which Logstash kept one event.
    let one = theirs("twice 8", "twice", json!(8));
    let reference = both(7) + &both(7) + &one + &theirs("a 1", "a", json!(1));
    for input in [None, Some("twice 7\ntwice 7\ntwice 8\na 1\n")] {
        let report = compared(&reference, input);
        assert_eq!(
            (report.compared, report.equal, report.only_ours.count),
            (6, 6, 1),
            "{report:?}"
        );
    }
}

#[test]
fn events_of_one_line_need_not_follow_each_other() {
    let a = theirs("a 1", "a", json!(1));
    for reference in [
        first(7) + &first(8) + &a + &copy(7) + &copy(8),
        copy(7) + &copy(8) + &first(7) + &a + &first(8),
    ] {
        for input in [None, Some("twice 7\ntwice 8\na 1\n")] {
            let report = compared(&reference, input);
            assert!(report.is_equal(), "{report:?}");
            assert_eq!((report.compared, report.equal), (5, 5));
        }
    }
    // What differs is shown beside its own line's.
    let other = copy(7).replace(r#""number":7"#, r#""number":9"#);
    let report = compared(&(first(7) + &first(8) + &other), None);
    assert_eq!((report.compared, report.equal, report.only_ours.count), (3, 2, 1));
    let number = &report.fields["number"];
    let example = Example { line: Some(3), theirs: Some(json!(9)), ours: Some(json!(7)) };
    assert_eq!(number.different.examples, [example]);
}

#[test]
fn without_the_lines_the_order_counts() {
    let event = |n: u64| json!({"n": n}).to_string() + "\n";
    let reference: String = (0..3).map(event).collect();
    let options = options(Codec::Json, &["@timestamp", "tags"]);
    let run = |input: Option<&str>| run(reference.as_bytes(), input.map(str::as_bytes), &options);
    let said = run(None).expect_err("no lines").to_string();
    assert!(said.contains("--input"), "{said}");
    let input = event(0) + "{\"message\":\"debug\"}\n" + &event(1) + &event(2) + &event(3);
    let report = run(Some(&input)).expect("it compares");
    assert!(report.is_by_order);
    assert_eq!((report.compared, report.equal, report.only_ours.count), (3, 3, 1), "{report:?}");
}

#[test]
fn a_reference_that_is_none_is_refused_with_its_line() {
    let options = options(Codec::Plain, &[]);
    for (reference, part) in
        [("", "no event"), ("\n{}x\n", "line 2"), ("[1]\n", "line 1"), ("a 1\n", "json_lines")]
    {
        let said = run(reference.as_bytes(), None::<&[u8]>, &options).expect_err(reference);
        assert!(said.to_string().contains(part), "{said}");
    }
}
