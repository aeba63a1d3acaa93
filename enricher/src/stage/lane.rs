//! One pipeline at work over the records of a partition: its program, what it remembers, and how its documents are
//! written. It never looks at the records of another pipeline.

use bus::Record;
use event::Limits;
use pipeline::Verdict;
use smallvec::SmallVec;

use super::payloads::Payloads;
use super::{DocumentWriter, Processor};
use crate::index_text::ContentTypes;
use crate::reload::CurrentPlan;

/// Why a record is ended by intention.
const DROPPED: &str = "dropped";

/// See the module.
#[derive(Debug)]
pub(super) struct Lane {
    current: CurrentPlan,
    /// Which of the plans is at work.
    generation: u64,
    /// Which taps it has.
    taps_generation: usize,
    processor: Processor,
    document: DocumentWriter,
}

impl Lane {
    /// Runs the current plan, and after a change the new one from the next [`Lane::follow`] on.
    pub(super) fn new(current: CurrentPlan, limits: &Limits) -> Self {
        let generation = current.generation();
        let plan = current.get();
        let processor = Processor::new(&plan, limits.clone());
        let document = DocumentWriter::new(&plan);
        let mut lane = Self { current, generation, taps_generation: 0, processor, document };
        lane.take_taps();
        lane
    }

    /// Takes the plan and the taps that are there by now. What the plan before remembered comes out.
    pub(super) fn follow(&mut self, limits: &Limits, made: &mut Vec<Record>) {
        let generation = self.current.generation();
        if generation != self.generation {
            self.generation = generation;
            self.end(made);
            let plan = self.current.get();
            self.processor = Processor::new(&plan, limits.clone());
            self.document.document_id = plan.document_id();
            self.document.content_types = ContentTypes::new(plan.index());
            self.take_taps();
        } else if self.current.taps().generation() != self.taps_generation {
            self.take_taps();
        }
    }

    fn take_taps(&mut self) {
        // First, so that one that comes in between is taken with the next batch.
        self.taps_generation = self.current.taps().generation();
        self.processor.set_taps(self.current.taps().points());
    }

    /// Takes what time makes up to this moment.
    pub(super) fn advance_to(&mut self, now_ns: i64, made: &mut Vec<Record>) {
        let Self { document, processor, .. } = self;
        processor.advance(now_ns, |event, origin, number| {
            made.push(document.write(event, origin, number));
        });
    }

    /// Takes what the pipeline remembers.
    pub(super) fn end(&mut self, made: &mut Vec<Record>) {
        let Self { document, processor, .. } = self;
        processor.finish(|event, origin, number| {
            made.push(document.write(event, origin, number));
        });
    }

    /// Runs the pipeline over a record. What its documents hold is among the payloads of the batch, in their order.
    pub(super) fn enrich(&mut self, record: &Record, payloads: &mut Payloads) -> Verdict {
        let mut outputs = SmallVec::new();
        let document = &mut self.document;
        let emitted = self.processor.run(record, |event, number| {
            payloads.append(|json| {
                outputs.push(document.write_into(event, record, number, json));
            });
        });
        match emitted {
            Err(refusal) => Verdict::Reject(refusal.into()),
            Ok(0) => Verdict::Discard(DROPPED),
            Ok(_) => Verdict::Forward(outputs),
        }
    }
}
