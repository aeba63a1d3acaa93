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

/// Gives each record an id of its own.
pub(crate) fn in_order(records: Vec<Record>) -> Vec<Record> {
    let numbered = records.into_iter().enumerate();
    numbered
        .map(|(number, record)| {
            let id = RecordId::from_idempotency_key("default", "properties", number as u64);
            Record { id, ..record }
        })
        .collect()
}

/// Runs a batch: one fate for each record, and one more of what the stage gives out when it ends, if that is anything.
pub(crate) fn fates(stage: &mut EnricherStage, records: &[Record]) -> Vec<Fate> {
    let batch: Vec<_> = records
        .iter()
        .enumerate()
        .map(|(offset, record)| Positioned {
            offset: offset as u64,
            index: 0,
            record: record.clone(),
        })
        .collect();
    let verdicts = stage.process(&batch, &mut State::default());
    assert_eq!(verdicts.len(), records.len(), "every record has one verdict");
    let now_ns = records.iter().map(|record| record.received_at_ns).max().unwrap_or_default();
    let mut made = stage.advance(now_ns);
    made.extend(stage.finish());
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
