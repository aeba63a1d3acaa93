//! Cases of a pipeline: lines that go in, and what must come out of them.
//!
//! A case reads no clock, and depends on no other one: each has a pipeline of its own at work, so that
//! caches and counters of one are not those of another.

mod difference;
mod file;

use bus::{Codec, Record, RecordId};
use enricher::{Plan, Processor};
use event::{Limits, Refusal};
use serde_json::Value;

pub use difference::{Difference, differences};
pub use file::{Case, CaseFile, Expected, Mistake};

/// How a case failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Failed {
    /// An event is not as expected. Events are numbered from 1.
    Differs {
        /// Which one.
        event: usize,
        /// In what.
        differences: Vec<Difference>,
    },
    /// There are more or fewer events.
    Count {
        /// How many there should be.
        expected: usize,
        /// What came.
        got: Vec<Value>,
    },
    /// A line was refused that should not be, or for another reason. Lines are numbered from 1.
    Refused {
        /// Which one.
        line: usize,
        /// Why.
        refusal: Refusal,
    },
    /// A line became events and should have been refused.
    NotRefused {
        /// Which one.
        line: usize,
    },
}

/// Runs a case: everything that is not as expected.
#[must_use]
pub fn run(case: &Case, plan: &Plan, limits: &Limits) -> Vec<Failed> {
    let mut processor = Processor::new(plan, limits.clone());
    let (mut got, mut failed) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(&case.lines) {
        let record = record(case, line, number);
        processor.advance(record.received_at_ns, |event, _, _| got.push(document(event)));
        let emitted = processor.run(&record, |event, _| got.push(document(event)));
        match (emitted, &case.expected) {
            (Ok(_), Expected::Refused(_)) => failed.push(Failed::NotRefused { line: number }),
            (Err(refusal), Expected::Refused(kind)) if refusal.kind.as_str() == kind => {}
            (Err(refusal), _) => failed.push(Failed::Refused { line: number, refusal }),
            (Ok(_), _) => {}
        }
    }
    processor.finish(|event, _, _| got.push(document(event)));
    match &case.expected {
        Expected::Refused(_) => {}
        Expected::Dropped if got.is_empty() => {}
        Expected::Dropped => failed.push(Failed::Count { expected: 0, got }),
        Expected::Events(events) if events.len() != got.len() => {
            failed.push(Failed::Count { expected: events.len(), got });
        }
        Expected::Events(events) => {
            for (number, (expected, got)) in (1..).zip(events.iter().zip(&got)) {
                let differences = differences(expected, got, case.is_exact);
                if !differences.is_empty() {
                    failed.push(Failed::Differs { event: number, differences });
                }
            }
        }
    }
    failed
}

fn document(event: &event::Event) -> Value {
    let mut json = Vec::new();
    event.write_json(&mut json);
    // Events are written as JSON; the text is shown where that should ever fail.
    serde_json::from_slice(&json)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&json).into_owned()))
}

fn record(case: &Case, line: &str, number: usize) -> Record {
    Record {
        id: RecordId::from_idempotency_key("default", "millrace test", number as u64),
        received_at_ns: case.received_at_ns,
        shop: "default".into(),
        source: "127.0.0.1".into(),
        listener: "test".into(),
        codec: case.codec,
        content_type: match case.codec {
            Codec::Json => "application/json".into(),
            Codec::Plain => "text/plain".into(),
        },
        payload: line.to_owned().into(),
        ..Record::default()
    }
}

#[cfg(test)]
mod tests;
