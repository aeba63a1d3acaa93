//! Taps: who looks on sees what a filter does, holds nothing up, and stays where the pipeline changes.

mod support;

use bus::Codec;
use enricher::{Applied, CurrentPlan, EnricherStage, TapReader, Tapped};
use event::Limits;
use futures::FutureExt;
use pipeline::Verdict;
use serde_json::{Value, json};
use support::{plan, record, verdict};

const PIPELINE: &str = r#"filter {
  mutate { add_field => { "first" => "%{n}" } }
  if [n] == 2 { drop { } }
  mutate { remove_field => "first" }
}"#;

/// What has come out of a tap.
fn taken(reader: &mut TapReader) -> Vec<Tapped> {
    std::iter::from_fn(|| reader.next().now_or_never().flatten()).collect()
}

fn sides(tapped: &Tapped) -> (Value, Value) {
    let read = |json: &[u8]| {
        let mut event: Value = serde_json::from_slice(json).expect("JSON");
        event.as_object_mut().expect("an object").remove("@timestamp");
        event
    };
    (read(&tapped.before), read(&tapped.after))
}

fn run(stage: &mut EnricherStage, number: u64) -> Verdict {
    verdict(stage, record(json!({ "n": number }).to_string(), Codec::Json))
}

#[test]
fn a_tap_shows_an_event_before_and_behind_its_filter() {
    let current = CurrentPlan::new(plan(PIPELINE));
    let mut stage = EnricherStage::following(current.clone(), Limits::default());
    run(&mut stage, 0);
    let mut first = current.taps().open(0, false).expect("a tap");
    let mut drop = current.taps().open(1, true).expect("a tap");
    for number in [1, 2] {
        run(&mut stage, number);
    }
    let seen = taken(&mut first);
    assert_eq!(seen.len(), 2, "only what came after it was opened");
    assert_eq!((seen[0].name, seen[0].line, seen[0].applied), ("mutate", 2, Applied::Matched));
    assert_eq!(sides(&seen[0]), (json!({"n": 1}), json!({"n": 1, "first": "1"})));
    let seen = taken(&mut drop);
    assert_eq!((seen.len(), seen[0].applied), (1, Applied::Dropped));
    assert_eq!(sides(&seen[0]).0["n"], 2);
}

#[test]
fn a_reader_that_is_too_slow_is_told_how_much_it_missed_and_holds_nothing_up() {
    let current = CurrentPlan::new(plan(PIPELINE));
    let mut stage = EnricherStage::following(current.clone(), Limits::default());
    let mut reader = current.taps().open(0, false).expect("a tap");
    for number in 10..1_010 {
        assert!(matches!(run(&mut stage, number), Verdict::Forward(_)));
    }
    let seen = taken(&mut reader).len() as u64;
    assert!((1..1_000).contains(&seen), "{seen}");
    assert_eq!((reader.take_lost(), reader.take_lost()), (1_000 - seen, 0));
}

#[test]
fn only_changed_leaves_out_what_the_filter_leaves_as_it_is() {
    let pipeline = r#"filter { mutate { rename => { "a" => "b" } } }"#;
    let current = CurrentPlan::new(plan(pipeline));
    let mut stage = EnricherStage::following(current.clone(), Limits::default());
    let mut reader = current.taps().open(0, true).expect("a tap");
    for payload in [r#"{"x":1}"#, r#"{"a":1}"#] {
        verdict(&mut stage, record(payload, Codec::Json));
    }
    let seen = taken(&mut reader);
    assert_eq!(seen.len(), 1);
    assert_eq!(sides(&seen[0]), (json!({"a": 1}), json!({"b": 1})));
    assert_eq!(reader.take_lost(), 0);
}

#[test]
fn what_a_tap_leaves_out_is_not_missed_where_another_one_looks_on() {
    let pipeline = r#"filter { mutate { rename => { "a" => "b" } } }"#;
    let current = CurrentPlan::new(plan(pipeline));
    let mut stage = EnricherStage::following(current.clone(), Limits::default());
    let mut slow = current.taps().open(0, true).expect("a tap");
    let mut quick = current.taps().open(0, false).expect("a tap");
    let mut passed = 0;
    for (count, payload) in [(300, r#"{"a":1}"#), (100, r#"{"x":1}"#)] {
        for _ in 0..count {
            verdict(&mut stage, record(payload, Codec::Json));
            passed += taken(&mut quick).len();
        }
    }
    assert_eq!((passed, quick.take_lost()), (400, 0));
    let seen = taken(&mut slow).len() as u64;
    assert!((1..300).contains(&seen), "{seen}");
    assert_eq!(slow.take_lost(), 300 - seen, "only what is changed can be missed");
}

#[test]
fn a_tap_stays_at_its_place_where_the_pipeline_changes() {
    let current = CurrentPlan::new(plan(PIPELINE));
    let mut stage = EnricherStage::following(current.clone(), Limits::default());
    let mut reader = current.taps().open(0, false).expect("a tap");
    run(&mut stage, 1);
    current.replace(plan("filter {\n\n uuid { target => \"id\" }\n}"));
    run(&mut stage, 3);
    let seen: Vec<_> = taken(&mut reader).iter().map(|tapped| (tapped.name, tapped.line)).collect();
    assert_eq!(seen, [("mutate", 2), ("uuid", 3)]);
    drop(reader);
    let open = |_| current.taps().open(5, false);
    let readers = (0..enricher::tap::TAPS_MAX).map(open).collect::<Result<Vec<_>, _>>();
    assert!(readers.is_ok() && open(0).is_err(), "those that were closed do not count");
}
