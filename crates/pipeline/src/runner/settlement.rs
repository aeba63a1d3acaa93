//! What becomes of a batch's records: from verdicts to items for the sink, from refused items back to
//! the records they came from, and from there to dead letters and counts.
//!
//! Every record has one fate, however many outputs it had.

use bus::{Batch, PartitionId, Position, Positioned, Record};

use crate::dead_letter::DeadLetter;
use crate::ledger::Counters;
use crate::stage::{Rejection, Verdict};

/// The end of one record at this stage.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Forwarded,
    Discarded(&'static str),
    Dead(Rejection),
}

/// The fates of a batch's records, and what goes to the sink.
#[derive(Debug)]
pub(super) struct Settlement {
    fates: Vec<Fate>,
    items: Vec<Record>,
    /// Which record an item came from; `None` for what the stage gave out by itself.
    origins: Vec<Option<usize>>,
    /// Letters of items without an origin.
    orphans: Vec<DeadLetter>,
    delivered: u64,
}

impl Settlement {
    pub(super) fn new(verdicts: Vec<Verdict>, derived: Vec<Record>) -> Self {
        let mut items = Vec::with_capacity(verdicts.len() + derived.len());
        let mut origins = Vec::with_capacity(verdicts.len() + derived.len());
        let mut fates = Vec::with_capacity(verdicts.len());
        for (origin, verdict) in verdicts.into_iter().enumerate() {
            fates.push(match verdict {
                Verdict::Forward(outputs) => {
                    origins.extend(outputs.iter().map(|_| Some(origin)));
                    items.extend(outputs);
                    Fate::Forwarded
                }
                Verdict::Discard(reason) => Fate::Discarded(reason),
                Verdict::Reject(rejection) => Fate::Dead(rejection),
            });
        }
        origins.extend(derived.iter().map(|_| None));
        items.extend(derived);
        Self { fates, items, origins, orphans: Vec::new(), delivered: 0 }
    }

    /// What goes to the sink, in the order of the records.
    pub(super) fn items(&self) -> &[Record] {
        &self.items
    }

    /// Takes the sink's final answers, one for each item. A record of which an item was refused is
    /// dead for the first refusal's reason.
    pub(super) fn answered(&mut self, stage: &str, answers: Vec<Option<Rejection>>) {
        let items = self.items.drain(..).zip(self.origins.drain(..));
        for ((item, origin), answer) in items.zip(answers) {
            match (answer, origin) {
                (None, _) => self.delivered += 1,
                (Some(rejection), Some(origin)) => {
                    if self.fates[origin] == Fate::Forwarded {
                        self.fates[origin] = Fate::Dead(rejection);
                    }
                }
                (Some(rejection), None) => {
                    self.orphans.push(DeadLetter::new(stage, &item, None, &rejection));
                }
            }
        }
    }

    /// How many items were delivered.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// The dead letters of this batch.
    pub(super) fn dead_letters(
        &self,
        stage: &str,
        partition: &PartitionId,
        records: &[Positioned],
    ) -> Vec<DeadLetter> {
        let dead = self.fates.iter().zip(records).filter_map(|(fate, positioned)| {
            let Fate::Dead(rejection) = fate else {
                return None;
            };
            let position = Position {
                topic: partition.topic.clone(),
                partition: partition.partition,
                offset: positioned.offset,
                index: positioned.index,
            };
            Some(DeadLetter::new(stage, &positioned.record, Some(&position), rejection))
        });
        dead.chain(self.orphans.iter().cloned()).collect()
    }

    /// The batch's numbers. What came in is what the frames declared, not what was seen of it.
    pub(super) fn counters(&self, batch: &Batch, redelivered: u64) -> Counters {
        let mut counters = Counters {
            received: batch.declared_records,
            outputs: self.delivered,
            redelivered,
            ..Counters::default()
        };
        for fate in &self.fates {
            match fate {
                Fate::Forwarded => counters.forwarded += 1,
                Fate::Discarded(reason) => counters.discarded.add(reason, 1),
                Fate::Dead(rejection) => counters.dead.add(&rejection.kind, 1),
            }
        }
        counters
    }
}
