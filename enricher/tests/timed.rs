//! Events that no record brought, as the stage gives them out: what time makes, and what is remembered at the end.

mod support;

use bus::{Codec, Positioned, Record};
use enricher::{CurrentPlan, EnricherStage};
use event::Limits;
use pipeline::{Stage, State};
use serde_json::{Value, json};
use support::given_out;

const COUNTED: &str = r#"filter {
    metrics { meter => "hits" add_tag => "metric" }
    if "metric" in [tags] { mutate { add_field => { "shop" => "%{[@metadata][shop]}" } } }
    else { mutate { add_field => { "behind" => "yes" } } }
}"#;
const JOINED: &str = r#"filter {
    aggregate {
        task_id => "%{task}"
        code => "map['n'] ||= 0; map['n'] += 1"
        push_map_as_event_on_timeout => true timeout => 60 timeout_task_id_field => "task"
    }
    clone { clones => ["copy"] }
    uuid { target => "own" }
}"#;

/// A record of a task, so many seconds after the first.
fn at(second: i64, task: &str) -> Positioned {
    let mut record = support::record(json!({"task": task}).to_string(), Codec::Json);
    record.received_at_ns += second * 1_000_000_000;
    record.id = record.id.derive(&format!("{second}/{task}"));
    Positioned { offset: 0, index: 0, record }
}

fn documents(records: &[Record]) -> Vec<Value> {
    records.iter().map(|made| serde_json::from_slice(&made.payload).expect("JSON")).collect()
}

#[test]
fn what_time_makes_does_not_depend_on_where_batches_are_cut() {
    let records: Vec<_> =
        (0..200).map(|second| at(second * 3, ["a", "b", "c"][second as usize % 3])).collect();
    for pipeline in [COUNTED, JOINED] {
        let whole = given_out(&mut support::stage(pipeline), &records, 200);
        assert!(whole.len() > 10, "{}", whole.len());
        let ids: std::collections::BTreeSet<_> = whole.iter().map(|record| record.id).collect();
        assert_eq!(ids.len(), whole.len(), "each has an id of its own");
        assert!(records.iter().all(|positioned| !ids.contains(&positioned.record.id)));
        for batch in [1, 7] {
            let cut = given_out(&mut support::stage(pipeline), &records, batch);
            assert_eq!(cut, whole, "batches of {batch}");
        }
    }
}

#[test]
fn it_goes_on_behind_the_filter_that_made_it() {
    let told = given_out(&mut support::stage(COUNTED), &[at(0, "a"), at(1, "a"), at(6, "a")], 1);
    let told = documents(&told);
    assert_eq!(told.len(), 2);
    assert_eq!((&told[0]["hits"]["count"], &told[1]["hits"]["count"]), (&json!(2), &json!(3)));
    assert_eq!((&told[0]["shop"], told[0].get("behind")), (&json!("default"), None));
    assert_eq!(told[0]["organization"]["id"], "default");
    assert_eq!(told[0]["@timestamp"], "2026-11-24T12:00:05.000Z");

    let made = given_out(&mut support::stage(JOINED), &[at(0, "a"), at(61, "b")], 1);
    let made = documents(&made);
    // Copies of each, and the task that was open at the end.
    let tasks: Vec<_> = made.iter().map(|made| (&made["task"], made.get("tags"))).collect();
    let (copy, last) = (json!(["copy"]), json!(["_aggregatefinalflush"]));
    let last_copy = json!(["_aggregatefinalflush", "copy"]);
    assert_eq!(
        tasks,
        [
            (&json!("a"), None),
            (&json!("a"), Some(&copy)),
            (&json!("b"), Some(&last)),
            (&json!("b"), Some(&last_copy))
        ]
    );
    let own: std::collections::BTreeSet<_> =
        made.iter().map(|made| made["own"].to_string()).collect();
    assert_eq!(own.len(), 4);
}

#[test]
fn shops_do_not_see_each_others_tasks() {
    let mut records = vec![at(0, "a"), at(1, "a")];
    records[1].record.shop = "north".into();
    let made = given_out(&mut support::stage(JOINED), &records, 2);
    let shops: Vec<_> = made.iter().map(|made| made.shop.to_string()).collect();
    assert_eq!(shops, ["default", "default", "north", "north"]);
    for (record, document) in made.iter().zip(documents(&made)) {
        assert_eq!(
            (&document["n"], &document["organization"]["id"]),
            (&json!(1), &json!(*record.shop))
        );
    }
}

#[test]
fn what_is_remembered_comes_out_when_the_pipeline_changes() {
    let current = CurrentPlan::from(support::plan(JOINED));
    let mut stage = EnricherStage::following(current.clone(), Limits::default());
    stage.process(&[at(0, "a")], &mut State::default());
    assert!(stage.advance(0).is_empty());
    current.replace(support::plan("filter { }"));
    stage.process(&[at(1, "a")], &mut State::default());
    let made = documents(&stage.advance(0));
    assert_eq!((made.len(), &made[0]["tags"]), (2, &json!(["_aggregatefinalflush"])));
    assert!(stage.finish().is_empty());
}
