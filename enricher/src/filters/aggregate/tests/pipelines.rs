//! Several filters of one pipeline: what the maps of one do to another, at the end too, and in a rehearsal.

use bus::{Codec, Record, RecordId};
use event::{Event, Limits};
use serde_json::{Value, json};

use crate::filter::Environment;
use crate::filters::trial::NOW_NS;
use crate::language::{Source, Syntax};
use crate::plan::{Plan, parse_and_compile};
use crate::stage::Processor;

const SECOND: i64 = 1_000_000_000;
/// More events than any of these pipelines makes.
const EVENTS_MAX: usize = 20;

fn plan(filters: &str) -> Plan {
    let source = Source::new("test.conf", format!("filter {{ {filters} }}"));
    let plan = parse_and_compile(&source, Syntax::default(), &Environment::default());
    plan.unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

fn record(seconds: i64, payload: &'static str) -> Record {
    Record {
        id: RecordId([7; 16]),
        received_at_ns: NOW_NS + seconds * SECOND,
        shop: "default".into(),
        listener: "tcp".into(),
        codec: Codec::Json,
        payload: payload.into(),
        ..Record::default()
    }
}

fn take(made: &mut Vec<Value>, event: &Event) {
    let mut json = Vec::new();
    event.write_json(&mut json);
    made.push(serde_json::from_slice(&json).unwrap());
    assert!(made.len() < EVENTS_MAX, "without end: {made:?}");
}

/// What comes out with these records, and behind them.
fn made(filters: &str, records: &[Record]) -> (Vec<Value>, Vec<Value>) {
    let mut processor = Processor::new(&plan(filters), Limits::default());
    let (mut before, mut at_the_end) = (Vec::new(), Vec::new());
    for record in records {
        processor.advance(record.received_at_ns, |event, _, _| take(&mut before, event));
        processor.run(record, |event, _| take(&mut before, event)).unwrap();
    }
    processor.finish(|event, _, _| take(&mut at_the_end, event));
    (before, at_the_end)
}

/// A filter whose maps become events with the id of their task.
fn pushing(id: &str, code: &str, options: &str) -> String {
    format!(
        "aggregate {{ task_id => '%{{{id}}}' code => \"{code}\" push_map_as_event_on_timeout => true
         timeout_task_id_field => '{id}' {options} }}\n"
    )
}

fn joining(id: &str, code: &str) -> String {
    format!("aggregate {{ task_id => '%{{{id}}}' code => \"{code}\" }}\n")
}

#[test]
fn an_event_out_of_a_map_does_not_open_it_again() {
    for options in ["", "timeout => 0", "timeout => 5"] {
        let filters =
            pushing("id", "map['n'] ||= 1", options) + &joining("id", "map['seen'] = true");
        let first = record(0, r#"{"id":"x"}"#);
        let (_, at_the_end) = made(&filters, std::slice::from_ref(&first));
        assert_eq!(at_the_end.len(), 1, "{options}");
        let (before, at_the_end) = made(&filters, &[first, record(3_600, "{}")]);
        let told = (&before[1]["id"], &before[1]["n"], &before[1]["seen"]);
        assert_eq!(told, (&json!("x"), &json!(1), &json!(true)), "{options}");
        assert_eq!((before.len(), at_the_end.len()), (3, 0), "{options}");
    }
}

#[test]
fn an_event_out_of_a_map_that_the_next_task_ends_does_not_open_it_again() {
    let payloads =
        [r#"{"id":"a"}"#, r#"{"id":"b"}"#, r#"{"id":"c"}"#, r#"{"id":"d"}"#, r#"{"id":"e"}"#];
    let records: Vec<_> =
        (0..).zip(payloads).map(|(seconds, payload)| record(seconds, payload)).collect();
    // What is made of such an event is one too.
    for (between, copies) in [("", 1), ("clone { clones => ['copy'] }\n", 2)] {
        let filters = pushing("id", "map['n'] ||= 1", "push_previous_map_as_event => true")
            + between
            + &joining("id", "map['seen'] = true");
        let (before, at_the_end) = made(&filters, &records);
        let pushed = before.iter().chain(&at_the_end).filter(|event| event.get("n").is_some());
        let mut ids: Vec<_> = pushed.map(|event| event["id"].as_str()).collect();
        ids.dedup();
        assert_eq!(ids, ["a", "b", "c", "d", "e"].map(Some), "{between}");
        assert_eq!((before.len(), at_the_end.len()), (9 * copies, copies), "{between}");
    }
}

#[test]
fn maps_that_open_one_another_backwards_all_come_out_at_the_end() {
    let filters = pushing("a", "map['last'] = 1", "")
        + &pushing("b", "map['a'] = event.get('to_a')", "")
        + &pushing("c", "map['b'] = event.get('to_b'); map['to_a'] = event.get('to_a')", "")
        + &joining("b", "map['a'] = event.get('to_a')")
        + &joining("a", "map['last'] = 1");
    let (_, at_the_end) = made(&filters, &[record(0, r#"{"c":"x","to_b":"y","to_a":"z"}"#)]);
    let told: Vec<_> = at_the_end.iter().map(|made| (made.get("b"), made.get("last"))).collect();
    let (b, one) = (json!("y"), json!(1));
    assert_eq!(told, [(Some(&b), None), (Some(&b), None), (None, Some(&one))]);
}

#[test]
fn maps_that_others_open_at_the_end_come_out_and_it_ends() {
    let first = record(0, r#"{"a":"x","b":"y"}"#);
    let to_the_first =
        pushing("b", "map['a'] = event.get('a')", "") + &joining("a", "map['late'] = 1");
    let filters = pushing("a", "map['n'] = 1", "") + &to_the_first;
    let (_, at_the_end) = made(&filters, std::slice::from_ref(&first));
    let told: Vec<_> =
        at_the_end.iter().map(|made| (made.get("n"), made.get("b"), made.get("late"))).collect();
    let (one, b) = (json!(1), json!("y"));
    assert_eq!(
        told,
        [(Some(&one), None, Some(&one)), (None, Some(&b), None), (None, None, Some(&one))]
    );
    // Each opens the other's.
    let filters = pushing("a", "map['b'] = event.get('b')", "")
        + &pushing("b", "map['a'] = event.get('a')", "")
        + &joining("a", "map['b'] = event.get('b')");
    assert_eq!(made(&filters, &[first]).1.len(), 4);
}

#[test]
fn a_rehearsal_sets_fields_and_drops_nothing_that_hangs_on_what_is_remembered() {
    let filters = "aggregate { task_id => '%{id}' code => \"event.set('host', event.get('h')); event.cancel\" }
        throttle { key => '%{id}' after_count => 0 add_tag => 'throttled' }
        if \"throttled\" in [tags] { drop { } }";
    let first = record(0, r#"{"id":"a","h":"shop.example"}"#);
    let mut rehearsal = Processor::rehearsing(&plan(filters), Limits::default());
    let mut rehearsed = Vec::new();
    rehearsal.run(&first, |event, _| take(&mut rehearsed, event)).unwrap();
    assert_eq!((rehearsed.len(), &rehearsed[0]["host"]), (1, &json!("shop.example")));
    assert!(made(filters, &[first]).0.is_empty());
}
