//! Several pipelines in one process: an event goes through that of its door, and nothing of one shows in another.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use bus::{Codec, Positioned, Record};
use enricher::{CurrentPlan, EnricherStage, Environment, Pipelines, Plan, Source, language, plan};
use event::Limits;
use futures::FutureExt;
use pipeline::{Stage, State, Verdict};
use serde_json::{Value, json};

const COUNTED: &str = r#"filter { metrics { meter => "hits" add_tag => "metric" } }"#;

/// A record of a door, so many seconds after the first.
fn at(second: i64, listener: &'static str) -> Positioned {
    let mut record = support::record(r#"{"id":7}"#, Codec::Json);
    record.received_at_ns += second * 1_000_000_000;
    record.id = record.id.derive(&format!("{second}/{listener}"));
    record.listener = listener.into();
    Positioned { offset: 0, index: 0, record }
}

fn tagging(tag: &str) -> Plan {
    support::plan(&format!("filter {{ mutate {{ add_tag => '{tag}' }} }}"))
}

fn stage(pipelines: &Pipelines) -> EnricherStage {
    EnricherStage::following(pipelines.clone(), Limits::default())
}

fn document(record: &Record) -> Value {
    serde_json::from_slice(&record.payload).expect("JSON")
}

/// The records that each of a batch becomes.
fn forwarded(stage: &mut EnricherStage, batch: &[Positioned]) -> Vec<Record> {
    let records = stage.process(batch, &mut State::default()).into_iter().map(|verdict| {
        let Verdict::Forward(mut records) = verdict else { panic!("{verdict:?}") };
        records.remove(0)
    });
    records.collect()
}

fn tags(stage: &mut EnricherStage, listeners: &[&'static str]) -> Vec<Value> {
    let batch: Vec<_> = (0..).zip(listeners).map(|(second, door)| at(second, door)).collect();
    forwarded(stage, &batch).iter().map(|record| document(record)["tags"][0].clone()).collect()
}

#[test]
fn an_event_goes_through_the_pipeline_of_its_door_in_its_order() {
    let pipelines = Pipelines::from(tagging("rest"))
        .with("web", &["tcp", "file"], tagging("web"))
        .with("audit", &["tcp-2"], tagging("audit"));
    let doors = ["tcp", "tcp-2", "udp", "tcp", "file", "file-2", "tcp-2", "tcp-2", "http"];
    let expected = ["web", "audit", "rest", "web", "web", "rest", "audit", "audit", "rest"];
    assert_eq!(tags(&mut stage(&pipelines), &doors), expected);
}

#[test]
fn each_pipeline_has_its_own_ids_of_documents() {
    let named = |document_id: Option<&str>| {
        let document_id = document_id.map(str::to_owned);
        let environment = Environment { document_id, ..Environment::default() };
        let source = Source::new("test.conf", "filter { }");
        plan::parse_and_compile(&source, language::Syntax::default(), &environment)
            .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
    };
    let pipelines = Pipelines::from(named(None)).with("a", &["tcp"], named(Some("%{id}"))).with(
        "b",
        &["udp"],
        named(Some("b-%{id}")),
    );
    let batch = [at(0, "tcp"), at(1, "tcp"), at(2, "udp"), at(3, "http")];
    let ids: Vec<_> =
        forwarded(&mut stage(&pipelines), &batch).iter().map(|record| record.id).collect();
    assert_eq!(ids[0], ids[1], "one document");
    assert_ne!(ids[1], ids[2]);
    assert_eq!(ids[3], batch[3].record.id, "one of its own");
}

#[test]
fn what_one_remembers_is_its_own_and_so_are_the_ids_of_what_it_makes() {
    let pipelines = Pipelines::from(support::plan(COUNTED))
        .with("a", &["tcp"], support::plan(COUNTED))
        .with("b", &["udp"], support::plan(COUNTED));
    let doors = ["http", "tcp", "udp", "tcp", "tcp"];
    let records: Vec<_> =
        (0..60).map(|second| at(second, doors[second as usize % doors.len()])).collect();
    let given_out = |batch: usize| support::given_out(&mut stage(&pipelines), &records, batch);
    let whole = given_out(60);
    let ids: BTreeSet<_> = whole.iter().map(|made| made.id).collect();
    assert_eq!(ids.len(), whole.len(), "each has an id of its own");
    let mut last = BTreeMap::new();
    for made in &whole {
        last.insert(made.listener.to_string(), document(made)["hits"]["count"].clone());
    }
    let counts = [("http", 12), ("tcp", 36), ("udp", 12)];
    let expected = counts.map(|(door, count)| (door.to_owned(), json!(count)));
    assert_eq!(last, BTreeMap::from(expected));
    for batch in [1, 7] {
        assert_eq!(given_out(batch), whole, "batches of {batch}");
    }
}

#[test]
fn one_pipeline_changes_and_the_others_go_on_with_what_they_remember() {
    let changing = CurrentPlan::new(support::plan(COUNTED));
    let pipelines = Pipelines::from(support::plan(COUNTED)).with("a", &["tcp"], changing.clone());
    let mut stage = stage(&pipelines);
    forwarded(&mut stage, &[at(0, "tcp"), at(1, "udp")]);
    changing.replace(tagging("new"));
    assert_eq!(tags(&mut stage, &["tcp"]), ["new"]);
    let listeners = |made: Vec<Record>| -> Vec<String> {
        made.iter().map(|made| made.listener.to_string()).collect()
    };
    // What the old plan remembered came out; the other one's is told at the end.
    assert_eq!(listeners(stage.advance(0)), ["tcp"]);
    assert_eq!(listeners(stage.finish()), ["udp"]);
}

#[test]
fn a_tap_sees_the_events_of_its_pipeline() {
    let pipelines = Pipelines::from(tagging("rest")).with("web", &["tcp"], tagging("web"));
    let mut stage = stage(&pipelines);
    let open = |place: usize| pipelines.all()[place].current().taps().open(0, false);
    let readers = [open(0).expect("a tap"), open(1).expect("a tap")];
    tags(&mut stage, &["tcp", "udp", "tcp"]);
    let seen = readers
        .map(|mut reader| std::iter::from_fn(|| reader.next().now_or_never().flatten()).count());
    assert_eq!(seen, [1, 2]);
}
