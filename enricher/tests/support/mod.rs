//! For tests: a stage over a pipeline, records as a door makes them, and its verdicts.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use bus::{Codec, Positioned, Record, RecordId};
use bytes::Bytes;
use enricher::{Config, EnricherStage, Environment, Plan, Source, language, plan};
use event::Limits;
use pipeline::{Rejection, Stage, State, Verdict};
use serde_json::Value;

/// 2026-11-24T12:00:00Z: when every record was received.
pub(crate) const RECEIVED_AT_NS: i64 = 1_795_521_600_000_000_000;

/// What the installation's key is.
const SECRET: &str = "a key for tests";

/// Compiles a pipeline's text.
pub(crate) fn plan(text: &str) -> Plan {
    plan::parse_and_compile(
        &Source::new("test.conf", text),
        language::Syntax::default(),
        &Environment::default(),
    )
    .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
}

/// A stage that runs a pipeline's text.
pub(crate) fn stage(text: &str) -> EnricherStage {
    EnricherStage::new(&plan(text), Limits::default())
}

/// A stage that runs the built-in pipeline.
pub(crate) fn default_stage() -> EnricherStage {
    let plan = enricher::compile(&Config::default(), SECRET).expect("test data is good");
    EnricherStage::new(&plan, Limits::default())
}

/// A record of the shop `default`.
pub(crate) fn record(payload: impl Into<Bytes>, codec: Codec) -> Record {
    Record {
        id: RecordId([7; 16]),
        received_at_ns: RECEIVED_AT_NS,
        shop: "default".into(),
        source: "192.0.2.1".into(),
        listener: "tcp".into(),
        codec,
        content_type: "".into(),
        trace_context: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        attempt: 0,
        routing_key: "".into(),
        log_type: None,
        payload: payload.into(),
    }
}

/// The verdict on one record.
pub(crate) fn verdict(stage: &mut EnricherStage, record: Record) -> Verdict {
    let batch = [Positioned { offset: 0, index: 0, record }];
    let mut verdicts = stage.process(&batch, &mut State::default());
    assert_eq!(verdicts.len(), 1);
    verdicts.remove(0)
}

/// What a stage gives out beside its verdicts, for batches of so many records.
pub(crate) fn given_out(
    stage: &mut EnricherStage,
    records: &[Positioned],
    batch: usize,
) -> Vec<Record> {
    let mut given_out = Vec::new();
    for records in records.chunks(batch) {
        stage.process(records, &mut State::default());
        let received = records.iter().map(|positioned| positioned.record.received_at_ns);
        given_out.extend(stage.advance(received.max().unwrap_or_default()));
    }
    given_out.extend(stage.finish());
    given_out
}

/// The only record that a JSON payload becomes.
pub(crate) fn forwarded(stage: &mut EnricherStage, payload: impl Into<Bytes>) -> Record {
    match verdict(stage, record(payload, Codec::Json)) {
        Verdict::Forward(mut records) if records.len() == 1 => records.remove(0),
        other => panic!("{other:?}"),
    }
}

/// The document that a JSON payload becomes; it is one line of JSON.
pub(crate) fn document(stage: &mut EnricherStage, payload: impl Into<Bytes>) -> Value {
    let record = forwarded(stage, payload);
    assert!(!record.payload.contains(&b'\n') && !record.payload.contains(&b'\r'));
    serde_json::from_slice(&record.payload).expect("test data is good")
}

/// Why a JSON payload is refused.
pub(crate) fn rejection(stage: &mut EnricherStage, payload: impl Into<Bytes>) -> Rejection {
    match verdict(stage, record(payload, Codec::Json)) {
        Verdict::Reject(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}
