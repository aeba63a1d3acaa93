//! Which events are one document, as the stage writes them.

use bus::{Positioned, Record, RecordId};
use event::Limits;
use pipeline::{Stage, State, Verdict};
use serde_json::{Value, json};

use crate::language::{Source, Syntax};
use crate::plan::parse_and_compile;
use crate::{CurrentPlan, EnricherStage, Environment, Plan};

/// The id of every record that comes.
const OWN: RecordId = RecordId([7; 16]);

fn plan(filters: &str, document_id: Option<&str>) -> Plan {
    let document_id = document_id.map(str::to_owned);
    let environment = Environment { document_id, ..Environment::default() };
    let source = Source::new("test.conf", format!("filter {{ {filters} }}"));
    parse_and_compile(&source, Syntax::default(), &environment).unwrap()
}

fn stage(filters: &str, document_id: &str) -> EnricherStage {
    EnricherStage::new(&plan(filters, Some(document_id)), Limits::default())
}

/// The records that an event of a shop becomes.
fn made(stage: &mut EnricherStage, shop: &'static str, event: &Value) -> Vec<Record> {
    let record = Record {
        id: OWN,
        received_at_ns: 1_795_521_600_000_000_000,
        shop: shop.into(),
        listener: "tcp".into(),
        payload: event.to_string().into(),
        ..Record::default()
    };
    let batch = [Positioned { offset: 0, index: 0, record }];
    match stage.process(&batch, &mut State::default()).remove(0) {
        Verdict::Forward(records) => records.into_vec(),
        other => panic!("{other:?}"),
    }
}

/// The only one.
fn one(stage: &mut EnricherStage, event: &Value) -> Record {
    let mut records = made(stage, "north", event);
    assert_eq!(records.len(), 1);
    records.remove(0)
}

#[test]
fn events_of_a_shop_with_the_same_text_are_one_document() {
    let mut stage = stage("", "order-%{[order][id]}");
    let expected = RecordId::of_document("north", "order-7");
    for event in [
        json!({"order": {"id": "7"}, "status": "placed"}),
        json!({"order": {"id": 7}, "status": "paid"}),
        json!({"order": {"id": [7]}}),
    ] {
        assert_eq!(one(&mut stage, &event).id, expected, "{event}");
    }
    assert_ne!(one(&mut stage, &json!({"order": {"id": 8}})).id, expected);
}

#[test]
fn no_shop_reaches_a_document_of_another() {
    let mut stage = stage("", "%{id}");
    let claims = json!({"id": "7", "organization": {"id": "north"}, "shop": "north"});
    let north = made(&mut stage, "north", &json!({"id": "7"}))[0].id;
    let south = made(&mut stage, "south", &claims)[0].id;
    assert_eq!(north, RecordId::of_document("north", "7"));
    assert_eq!(south, RecordId::of_document("south", "7"));
    assert_ne!(north, south);
    // Nor does the text become an id as it is.
    let guessed = json!({"id": north.to_string()});
    assert_ne!(made(&mut stage, "south", &guessed)[0].id, north);
}

#[test]
fn an_event_without_a_text_keeps_an_id_of_its_own() {
    let mut both = stage("", "%{shelf}-%{[order][id]}");
    for event in [
        json!({}),
        json!({"shelf": "a"}),
        json!({"shelf": "a", "order": {}}),
        json!({"shelf": "a", "order": {"id": null}}),
        json!({"order": {"id": 7}}),
    ] {
        assert_eq!(one(&mut both, &event).id, OWN, "{event}");
    }
    let mut alone = stage("", "%{id}");
    for (text, is_named) in [
        (String::new(), false),
        ("x".repeat(512), true),
        ("x".repeat(513), false),
        ("é".repeat(256), true),
        ("é".repeat(257), false),
    ] {
        let id = one(&mut alone, &json!({"id": text})).id;
        assert_eq!(id != OWN, is_named, "{} bytes", text.len());
    }
}

#[test]
fn the_time_of_the_event_is_always_there() {
    let event = json!({"@timestamp": "2026-11-20T23:59:59.500Z"});
    for (document_id, text) in
        [("%{@timestamp}", "2026-11-20T23:59:59.500Z"), ("day-%{+YYYY.MM.dd}", "day-2026.11.20")]
    {
        let id = one(&mut stage("", document_id), &event).id;
        assert_eq!(id, RecordId::of_document("north", text), "{document_id}");
    }
}

#[test]
fn words_of_the_pipeline_count_and_those_of_a_sender_do_not() {
    let name = "%{[@metadata][id]}";
    let forged = json!({"@metadata": {"id": "forged"}, "name": "a"});
    let mut set = stage("mutate { copy => { name => '[@metadata][id]' } }", name);
    assert_eq!(one(&mut set, &forged).id, RecordId::of_document("north", "a"));
    assert_eq!(one(&mut set, &json!({"@metadata": {"id": "forged"}})).id, OWN);
    // No filter speaks of them here, only the setting.
    assert_eq!(one(&mut stage("", name), &forged).id, OWN);
}

#[test]
fn each_event_of_a_record_has_the_id_that_it_names() {
    let mut parts = stage("split { field => items }", "%{[items][sku]}");
    let event = json!({"items": [{"sku": "a"}, {"sku": "b"}, {"n": 1}, {"n": 2}]});
    let first = made(&mut parts, "north", &event);
    let ids: Vec<_> = first.iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), 4);
    assert_eq!(
        ids[..2],
        [RecordId::of_document("north", "a"), RecordId::of_document("north", "b")]
    );
    assert!(ids[2] != ids[3] && ids[2] != OWN && ids[3] != OWN, "{ids:?}");
    assert_eq!(made(&mut parts, "north", &event), first, "a replay makes the same");

    let mut copies = stage("clone { clones => copy }", "%{id}");
    let ids = made(&mut copies, "north", &json!({"id": "a"}));
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0].id, ids[1].id, "a copy says the same of itself");
}

#[test]
fn the_id_chooses_the_partition_except_of_what_is_scored() {
    let of = |kind: &str, id: Value| json!({"id": id, "user": {"id": "ada"}, "event": {"dataset": kind}});
    let mut named = stage("", "%{id}");
    // Without a key the id chooses it.
    assert_eq!(&*one(&mut named, &of("error", json!("a"))).routing_key, "");
    assert_eq!(&*one(&mut named, &of("unheard of", json!("a"))).routing_key, "");
    assert_eq!(&*one(&mut named, &of("transaction", json!("a"))).routing_key, "ada");
    assert_eq!(&*one(&mut named, &of("error", Value::Null)).routing_key, "ada");
    let mut unnamed = EnricherStage::new(&plan("", None), Limits::default());
    let record = one(&mut unnamed, &of("error", json!("a")));
    assert_eq!((record.id, &*record.routing_key), (OWN, "ada"));
}

#[test]
fn a_pipeline_that_changes_names_documents_as_the_new_plan_does() {
    let current = CurrentPlan::new(plan("", Some("%{a}")));
    let mut stage = EnricherStage::following(current.clone(), Limits::default());
    let event = json!({"a": "1", "b": "2"});
    assert_eq!(one(&mut stage, &event).id, RecordId::of_document("north", "1"));
    current.replace(plan("", Some("%{b}")));
    assert_eq!(one(&mut stage, &event).id, RecordId::of_document("north", "2"));
    current.replace(plan("", None));
    assert_eq!(one(&mut stage, &event).id, OWN);
}
