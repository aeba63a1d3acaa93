//! Records through a plan, twice: the same must come out.

use bus::{Codec, Record, RecordId};
use bytes::Bytes;
use enricher::{Plan, Processor};
use event::Limits;

/// 2026-11-24T12:00:00Z.
const RECEIVED_AT_NS: i64 = 1_795_521_600_000_000_000;

/// Runs a payload through a new program of the plan, twice, and checks the documents.
pub(crate) fn run(plan: &Plan, payload: &[u8], codec: Codec) {
    let record = Record {
        id: RecordId([7; 16]),
        received_at_ns: RECEIVED_AT_NS,
        shop: "default".into(),
        source: "192.0.2.1".into(),
        listener: "tcp".into(),
        codec,
        payload: Bytes::copy_from_slice(payload),
        ..Record::default()
    };
    let first = documents(plan, &record);
    assert_eq!(documents(plan, &record), first, "a replay makes the same bytes");
    let mut again = event::Event::new();
    for document in first.iter().flatten() {
        let document = Bytes::copy_from_slice(document);
        let read = again.decode_json(&document, RECEIVED_AT_NS, &Limits::documents());
        assert!(read.is_ok(), "the next stage cannot read {document:?}: {read:?}");
    }
}

/// The documents of a record; `None` if it is no event.
fn documents(plan: &Plan, record: &Record) -> Option<Vec<Vec<u8>>> {
    let mut documents = Vec::new();
    let emitted = Processor::new(plan, Limits::default()).run(record, |event, _| {
        let mut document = Vec::new();
        event.write_json(&mut document);
        documents.push(document);
    });
    emitted.ok().map(|_| documents)
}
