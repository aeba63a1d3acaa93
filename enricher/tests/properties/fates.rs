//! What became of records.

use bus::{Positioned, Record, RecordId};
use enricher::EnricherStage;
use pipeline::{Stage, State, Verdict};

/// A verdict that can be compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// These records go on.
    Forwarded(Vec<Record>),
    /// It ended by intention.
    Discarded,
    /// It goes to the dead letters, for this reason.
    Refused(String, Option<u64>),
}

/// Between records in order: some of what filters remember runs out in between.
const INTERVAL_NS: i64 = 40_000_000_000;

/// Gives each record an id and a time of its own.
pub(crate) fn in_order(records: Vec<Record>) -> Vec<Record> {
    let numbered = records.into_iter().enumerate();
    numbered
        .map(|(number, record)| {
            let id = RecordId::from_idempotency_key("default", "properties", number as u64);
            let received_at_ns = record.received_at_ns + number as i64 * INTERVAL_NS;
            Record { id, received_at_ns, ..record }
        })
        .collect()
}

/// Runs a batch: one fate for each record, and one more of what the stage gives out when it ends, if that is anything.
pub(crate) fn fates(stage: &mut EnricherStage, records: &[Record]) -> Vec<Fate> {
    let batch: Vec<_> = records.iter().enumerate().map(positioned).collect();
    let verdicts = stage.process(&batch, &mut State::default());
    assert_eq!(verdicts.len(), records.len(), "every record has one verdict");
    let now_ns = records.iter().map(|record| record.received_at_ns).max().unwrap_or_default();
    let mut made = stage.advance(now_ns);
    made.extend(stage.finish());
    told(verdicts, made)
}

/// As [`fates`], with each record in a batch of its own.
pub(crate) fn fates_one_by_one(stage: &mut EnricherStage, records: &[Record]) -> Vec<Fate> {
    let (mut verdicts, mut made) = (Vec::new(), Vec::new());
    for numbered in records.iter().enumerate() {
        verdicts.extend(stage.process(&[positioned(numbered)], &mut State::default()));
        made.extend(stage.advance(numbered.1.received_at_ns));
    }
    made.extend(stage.finish());
    told(verdicts, made)
}

fn positioned((offset, record): (usize, &Record)) -> Positioned {
    Positioned { offset: offset as u64, index: 0, record: record.clone() }
}

fn told(verdicts: Vec<Verdict>, made: Vec<Record>) -> Vec<Fate> {
    let last = (!made.is_empty()).then(|| Verdict::Forward(made.into()));
    verdicts
        .into_iter()
        .chain(last)
        .map(|verdict| match verdict {
            Verdict::Forward(made) => Fate::Forwarded(made.into_vec()),
            Verdict::Discard(_) => Fate::Discarded,
            Verdict::Reject(rejection) => {
                Fate::Refused(rejection.kind.to_string(), rejection.position_bytes)
            }
        })
        .collect()
}
