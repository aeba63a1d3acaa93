//! Scores and windows are the same, byte for byte, whether records come once, or come again after a
//! crash, or come twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Positioned, Record, RecordId};
use bytes::Bytes;
use fraud_worker::{FraudStage, ScoringConfig};
use pipeline::{Stage, State, Verdict};
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;

/// What a store would hold, and the scores that were written, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct World {
    state: BTreeMap<String, Bytes>,
    scores: BTreeMap<RecordId, Bytes>,
}

impl World {
    /// Runs a batch up to the point where it is delivered; the state is saved unless the process is
    /// killed before.
    fn run(&mut self, batch: &[Positioned], killed_before_save: bool) -> Vec<Verdict> {
        let mut stage = FraudStage::new(Arc::new(ScoringConfig::default()));
        let keys = stage.keys(batch);
        let values = keys.iter().map(|key| self.state.get(&key.0).cloned()).collect();
        let changed = vec![false; keys.len()];
        let mut state = State { keys, values, changed };
        let verdicts = stage.process(batch, &mut state);
        for verdict in &verdicts {
            if let Verdict::Forward(outputs) = verdict {
                self.scores.extend(outputs.iter().map(|score| (score.id, score.payload.clone())));
            }
        }
        if !killed_before_save {
            for ((key, value), changed) in
                state.keys.into_iter().zip(state.values).zip(state.changed)
            {
                if let Some(value) = value.filter(|_| changed) {
                    self.state.insert(key.0, value);
                }
            }
        }
        verdicts
    }
}

fn transaction(number: u32, customer: u32, minute: i64, amount: &str) -> Record {
    let mut timestamp = Vec::new();
    event::format_timestamp(minute * MINUTE_MS * 1_000_000, &mut timestamp);
    let amount: serde_json::Number = amount.parse().expect("a number");
    let document = json!({
        "@timestamp": String::from_utf8(timestamp).expect("text"),
        "event": { "dataset": "transaction" },
        "user": { "id": format!("u-{customer}") },
        "client": { "ip": format!("192.0.2.{}", customer % 7) },
        "shop": { "order": { "id": format!("ORD-{number}"), "amount": amount, "currency": "EUR" } },
    });
    record(number, &document)
}

fn record(number: u32, document: &Value) -> Record {
    Record {
        id: RecordId(u128::from(number).to_be_bytes()),
        received_at_ns: 1_700_000_000_000_000_000,
        shop: "default".into(),
        source: "127.0.0.1".into(),
        listener: "tcp".into(),
        payload: document.to_string().into(),
        ..Record::default()
    }
}

fn batches(records: &[Record]) -> Vec<Vec<Positioned>> {
    let positioned = |(offset, record): (usize, &Record)| Positioned {
        offset: offset as u64,
        index: 0,
        record: record.clone(),
    };
    let all: Vec<_> = records.iter().enumerate().map(positioned).collect();
    all.chunks(37).map(<[Positioned]>::to_vec).collect()
}

fn stream() -> Vec<Record> {
    (0..1_000)
        .map(|number| {
            let amount = if number % 41 == 0 { "1500.50" } else { "19.99" };
            transaction(number, number * 7 % 23, i64::from(number) / 3, amount)
        })
        .collect()
}

fn clean(records: &[Record]) -> World {
    let mut world = World::default();
    for batch in batches(records) {
        world.run(&batch, false);
    }
    world
}

#[test]
fn duplicates_and_kills_change_no_byte() {
    let records = stream();
    let expected = clean(&records);
    assert_eq!(expected.scores.len(), records.len());

    // Every fifth record comes again, right behind itself or a while later.
    let mut doubled = Vec::new();
    for (number, record) in records.iter().enumerate() {
        doubled.push(record.clone());
        if number % 5 == 0 {
            doubled.push(records[number.saturating_sub(number % 60)].clone());
        }
    }
    let batches = batches(&doubled);
    let mut world = World::default();
    let mut kills = 0;
    for (number, batch) in batches.iter().enumerate() {
        if number % (batches.len() / 4) == 2 && kills < 3 {
            world.run(batch, kills != 1);
            kills += 1;
        }
        world.run(batch, false);
    }
    assert_eq!(kills, 3);
    assert!(world == expected, "scores or windows differ");
}

#[test]
fn a_batch_of_one_customer_that_comes_again_changes_no_byte() {
    let record = |number| transaction(number, 0, i64::from(number) / 20, "19.99");
    let earlier: Vec<_> = (0..256).map(record).collect();
    let positioned =
        |number: u32| Positioned { offset: u64::from(number), index: 0, record: record(number) };
    let batch: Vec<_> = (256..1_280).map(positioned).collect();
    let mut world = clean(&earlier);
    world.run(&batch, false);
    let expected = world.clone();
    // Saved, and killed before the commit.
    world.run(&batch, false);
    assert!(world == expected, "scores or windows differ");
}

#[test]
fn only_transactions_are_scored_and_the_event_is_not_overwritten() {
    let page_view =
        record(2, &json!({ "event": { "dataset": "user_behavior", "action": "transaction" } }));
    let paid = transaction(1, 1, 0, "2500");
    let mut world = World::default();
    let verdicts = world.run(&batches(&[paid.clone(), page_view])[0], false);
    assert!(matches!(verdicts[1], Verdict::Discard("not_a_transaction")));
    let Verdict::Forward(scores) = &verdicts[0] else { panic!("no score") };
    assert_ne!(scores[0].id, paid.id);
    let log_type = scores[0].log_type.map(|place| schema::LOG_TYPES[usize::from(place)]);
    assert_eq!(log_type, Some("fraud_score"));
    let score: Value = serde_json::from_slice(&scores[0].payload).expect("JSON");
    assert_eq!(schema::check_document(&score), Vec::<String>::new());
    assert_eq!(
        score,
        json!({
            "@timestamp": "1970-01-01T00:00:00.000Z",
            "ecs": { "version": schema::ECS_VERSION },
            "event": {
                "action": "review",
                "category": ["threat"],
                "dataset": "fraud_score",
                "id": scores[0].id.to_string(),
                "kind": "alert",
                "reason": "the amount is above the cap of its currency",
                "reference": paid.id.to_string(),
                "risk_score": 700,
                "risk_score_norm": 70.0,
                "type": ["indicator"],
            },
            "organization": { "id": "default" },
            "user": { "id": "u-1" },
            "client": { "ip": "192.0.2.1" },
            "shop": {
                "order": { "id": "ORD-1", "currency": "EUR", "amount": 2500 },
                "fraud": {
                    "reasons": [{ "rule": "amount_absolute", "value": 2500.0, "threshold": 1000.0 }],
                },
            },
            "rule": { "id": ["amount_absolute"] },
        })
    );
}

#[test]
fn a_transaction_without_customer_or_address_is_scored_by_its_amount_alone() {
    let lonely = record(
        1,
        &json!({
            "event": { "dataset": "transaction" },
            "shop": { "order": { "amount": 1000.01, "currency": "EUR" } },
        }),
    );
    let mut world = World::default();
    world.run(&batches(&[lonely])[0], false);
    assert!(world.state.is_empty());
    assert_eq!(world.scores.len(), 1);
}

#[test]
fn what_is_no_document_is_refused_with_its_position() {
    let mut broken = record(1, &json!({}));
    broken.payload = Bytes::from_static(b"{\"event\":{\"dataset\":\"transaction\"");
    let verdicts = World::default().run(&batches(&[broken])[0], false);
    let Verdict::Reject(rejection) = &verdicts[0] else { panic!("accepted") };
    assert_eq!(rejection.kind, "invalid_json");
}

#[test]
fn a_late_transaction_that_comes_again_with_a_whole_batch_keeps_its_score() {
    let record = |number| transaction(number, 0, i64::from(number) / 20, "19.99");
    let earlier: Vec<_> = (0..1_280).map(record).collect();
    // The batch behind it pushes it out of the window, with what happened before it.
    for minute in [10, 55] {
        let late = transaction(9_000, 0, minute, "19.99");
        let batch: Vec<_> = std::iter::once(late)
            .chain((1_280..2_303).map(record))
            .zip(0..)
            .map(|(record, offset)| Positioned { offset, index: 0, record })
            .collect();
        let mut world = clean(&earlier);
        world.run(&batch, false);
        let expected = world.clone();
        // Saved, and killed before the commit.
        world.run(&batch, false);
        assert!(world == expected, "scores or windows differ");
    }
}

#[test]
fn one_decimal_more_escapes_no_rule_and_stays_in_the_document() {
    for amount in ["5000.00001", "1299.9499999999998"] {
        let mut world = World::default();
        let verdicts = world.run(&batches(&[transaction(1, 1, 0, amount)])[0], false);
        let Verdict::Forward(scores) = &verdicts[0] else { panic!("no score") };
        let text = std::str::from_utf8(&scores[0].payload).expect("text");
        assert!(text.contains("\"risk_score\":700"), "{text}");
        assert!(text.contains(&format!("\"amount\":{amount}")), "{text}");
    }
}

#[test]
fn an_amount_that_cannot_be_read_is_reviewed_and_says_so() {
    let score = |shop: Value, config: ScoringConfig| -> Value {
        let document = json!({
            "@timestamp": "2026-11-20T08:00:00Z", "event": { "dataset": "transaction" }, "shop": shop,
        });
        let item = Positioned { offset: 0, index: 0, record: record(1, &document) };
        let mut state = State { keys: Vec::new(), values: Vec::new(), changed: Vec::new() };
        let verdicts = FraudStage::new(Arc::new(config)).process(&[item], &mut state);
        let Verdict::Forward(outputs) = &verdicts[0] else { panic!("{verdicts:?}") };
        serde_json::from_slice(&outputs[0].payload).expect("JSON")
    };
    for shop in [
        json!({ "unparsed": { "amount": "1.299,90" } }),
        json!({ "unparsed": { "shop.order.amount": [] } }),
        json!({ "order": { "amount": "12,50" } }),
        // Sent with so much else that the schema kept it as text.
        json!({ "overflow": r#"{"k":1,"amount":"1.299,90","@timestamp":"x"}"# }),
    ] {
        let document = score(shop.clone(), ScoringConfig::default());
        assert_eq!(document["event"]["action"], "review", "{document}");
        assert_eq!(document["event"]["risk_score"], 500, "{document}");
        assert_eq!(document["event"]["reason"], "the amount could not be read");
        let reasons = json!([{ "rule": "amount_unreadable" }]);
        assert_eq!(document["shop"]["fraud"]["reasons"], reasons, "it measures nothing");
        let mut light = ScoringConfig { review_score_min: 800, ..ScoringConfig::default() };
        light.rules.amount_unreadable_weight = 0;
        assert_eq!(score(shop, light)["event"]["action"], "review", "whatever it weighs");
    }
    for shop in [
        json!({}),
        json!({ "order": { "amount": 5 }, "unparsed": { "tax": "x" } }),
        json!({ "overflow": r#"{"k":{"amount":"x"}}"# }),
        json!({ "overflow": "no JSON: \"amount\"" }),
    ] {
        assert_eq!(score(shop, ScoringConfig::default())["event"]["action"], "allow");
    }
}
