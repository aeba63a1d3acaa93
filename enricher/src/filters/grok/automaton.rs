//! Finding a pattern and its captures in one pass over the text.
//!
//! The states of a program are followed all at once, in order of priority, as one state of a
//! deterministic automaton that is built while it is used: a tagged automaton after Laurikari ("NFAs
//! with tagged transitions", 2000), with the priorities of a back-tracking engine. A byte costs one
//! look-up and, where threads of the search begin, end or move, a few copies. The time for a text is
//! linear in its length whatever the pattern, and memory is bounded: full tables are emptied.

mod registers;
mod rows;
mod step;
mod tables;

use std::sync::Arc;

use super::program::Program;
use registers::{Operation, Registers};
use rows::Rows;
use step::Order;
pub(super) use step::Stepper;
use tables::{DEAD, DETAILED, Detail, Tables, UNKNOWN};

pub(super) use crate::backtracking::OutOfSteps;

/// The automaton of one program, with one worker's tables.
#[derive(Debug)]
pub(super) struct Automaton {
    program: Arc<Program>,
    tables: Tables,
    registers: Registers,
    /// Of the transition that was just worked out.
    operations: Vec<Operation>,
}

impl Automaton {
    /// An automaton whose tables take about `memory_max_bytes` at most.
    pub(super) fn new(program: Arc<Program>, memory_max_bytes: usize) -> Self {
        Self {
            tables: Tables::new(program.classes + 1, memory_max_bytes),
            registers: Registers::new(program.registers),
            operations: Vec::new(),
            program,
        }
    }

    /// Looks for the first match; its captures are read by [`Automaton::capture`]. `steps` is what
    /// the search may still cost.
    pub(super) fn search(
        &mut self,
        text: &str,
        stepper: &mut Stepper,
        steps: &mut u64,
    ) -> Result<bool, OutOfSteps> {
        stepper.hold(self.program.nfa.states().len());
        let text = text.as_bytes();
        // A match at the start is the first one: where there is one, no other start need be tried.
        let anchored = self.program.nfa.start_anchored().as_u32();
        if self.run(anchored, text, stepper, steps)? {
            return Ok(true);
        }
        let unanchored = self.program.nfa.start_unanchored().as_u32();
        // Most texts that do not match at their start do not match at all: that is found out without
        // a look at captures.
        if anchored == unanchored || !self.accepts(unanchored, text, stepper, steps)? {
            return Ok(false);
        }
        self.run(unanchored, text, stepper, steps)
    }

    /// The bytes of a capture, where it took part in the match.
    pub(super) fn capture(&self, number: usize) -> Option<std::ops::Range<usize>> {
        let (start, end) = self.registers.result(number * 2)?;
        (start <= end).then_some(start..end)
    }

    /// Whether there is a match, without its captures.
    fn accepts(
        &mut self,
        start: u32,
        text: &[u8],
        stepper: &mut Stepper,
        steps: &mut u64,
    ) -> Result<bool, OutOfSteps> {
        let mut state = self.start(start, Order::Any, text, steps)?;
        let mut from = 0;
        while from <= text.len() {
            let (reached, at, edge) = self.tables.follow(state, &self.program.class_of, text, from);
            let detail = if edge < DETAILED {
                Detail { next: edge, ..Detail::default() }
            } else if edge == UNKNOWN {
                self.compute(stepper, reached, Order::Any, text, at, steps)?
            } else {
                self.tables.detail(edge)
            };
            if detail.accepts {
                return Ok(true);
            }
            if detail.next == DEAD {
                break;
            }
            (state, from) = (detail.next, at + 1);
        }
        Ok(false)
    }

    fn run(
        &mut self,
        start: u32,
        text: &[u8],
        stepper: &mut Stepper,
        steps: &mut u64,
    ) -> Result<bool, OutOfSteps> {
        let mut state = self.start(start, Order::Priority, text, steps)?;
        let mut matched = false;
        // An accepting loop that was gone through, and where last.
        let mut looped: Option<(Detail, usize)> = None;
        let mut from = 0;
        while from <= text.len() {
            let (reached, at, edge) = self.tables.follow(state, &self.program.class_of, text, from);
            from = at + 1;
            if edge < DETAILED {
                state = edge;
            } else if edge == UNKNOWN {
                // The tables may be emptied: what a detail refers to is used before.
                self.end_loop(&mut looped);
                let detail = self.compute(stepper, reached, Order::Priority, text, at, steps)?;
                matched |= detail.accepts;
                self.registers.operate(&self.operations, at);
                state = detail.next;
            } else {
                let detail = self.tables.detail(edge);
                matched |= detail.accepts;
                if detail.repeats {
                    looped = Some((detail, at));
                    state = reached;
                    continue;
                }
                self.end_loop(&mut looped);
                self.registers.operate(self.tables.operations(detail), at);
                state = detail.next;
            }
            if state == DEAD {
                break;
            }
        }
        self.end_loop(&mut looped);
        Ok(matched)
    }

    fn end_loop(&mut self, looped: &mut Option<(Detail, usize)>) {
        if let Some((detail, at)) = looped.take() {
            self.registers.operate(self.tables.operations(detail), at);
        }
    }

    /// The state before the first byte. A byte costs a step.
    fn start(
        &mut self,
        start: u32,
        order: Order,
        text: &[u8],
        steps: &mut u64,
    ) -> Result<u32, OutOfSteps> {
        *steps = steps.checked_sub(text.len() as u64 + 1).ok_or(OutOfSteps)?;
        let facts = self.program.relevant(self.program.facts(None), std::iter::once(start));
        self.registers.hold(&Rows::FIRST);
        Ok(self.tables.state(&[order.mark(facts), start], &Rows::FIRST))
    }

    fn class(&self, text: &[u8], at: usize) -> usize {
        match text.get(at) {
            Some(byte) => self.program.class_of[usize::from(*byte)].into(),
            None => self.program.classes,
        }
    }

    /// Finds where a byte leads, and keeps it unless it depends on more than the byte.
    fn compute(
        &mut self,
        stepper: &mut Stepper,
        state: u32,
        order: Order,
        text: &[u8],
        at: usize,
        steps: &mut u64,
    ) -> Result<Detail, OutOfSteps> {
        let key = self.tables.key(state);
        let cost = stepper.step(&self.program, &key, text, at);
        *steps = steps.checked_sub(cost).ok_or(OutOfSteps)?;
        let before = self.tables.rows(state);
        let emptied = self.tables.emptied();
        let (next, after) = match stepper.next_key(&self.program, order, text.get(at).copied()) {
            Some(next_key) => {
                let next = self.tables.state(&next_key, &stepper.rows(&before));
                (next, self.tables.rows(next))
            }
            None => (DEAD, self.tables.rows(DEAD)),
        };
        self.operations.clear();
        if order == Order::Priority {
            self.registers.hold(&after);
            let rows = (&*before, &*after);
            stepper.write_operations(&self.program, &key, rows, &mut self.operations);
        }
        let accepts = stepper.accepts();
        let repeats = accepts && next == state && stepper.keeps_places();
        let detail = Detail { next, accepts, repeats, ..Detail::default() };
        if stepper.cacheable && self.tables.emptied() == emptied {
            self.tables.keep(state, self.class(text, at), detail, &self.operations);
            return Ok(detail);
        }
        Ok(Detail { repeats: false, ..detail })
    }
}
