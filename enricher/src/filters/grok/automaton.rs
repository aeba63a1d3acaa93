//! Finding a pattern and its captures in one pass over the text.
//!
//! The states of a program are followed all at once, in order of priority, as one state of a
//! deterministic automaton that is built while it is used: a tagged automaton after Laurikari ("NFAs
//! with tagged transitions", 2000), with the priorities of a back-tracking engine. A step costs one
//! look-up and, where threads of the search begin, end or move, a few copies. The time for a text is
//! linear in its length whatever the pattern, and memory is bounded: full tables are emptied.

mod step;

use std::sync::Arc;

use hashbrown::HashMap;

use super::program::Program;
use step::Stepper;

/// No state: the search is over.
const DEAD: u32 = 0;
/// The transition was not computed yet.
const UNKNOWN: u32 = u32::MAX;
/// No place.
const NOWHERE: u32 = u32::MAX;

/// The search took more steps than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfSteps;

/// One instruction of a transition: rows of registers belong to threads, by priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// The thread with this row has matched: its row is the result so far.
    Accept {
        row: u32,
    },
    /// The result's register is the place of the match.
    AcceptHere {
        register: u32,
    },
    Copy {
        from: u32,
        to: u32,
    },
    /// A register of a row is the place.
    Here {
        register: u32,
    },
}

/// A transition on one class of bytes.
#[derive(Clone, Copy, Debug)]
struct Edge {
    next: u32,
    /// Where its operations are, by place and number; 0 for none.
    operations: u32,
    count: u32,
    /// It leads to its own state, moves no row and accepts: only its last use counts.
    repeats: bool,
}

const UNKNOWN_EDGE: Edge = Edge { next: UNKNOWN, operations: 0, count: 0, repeats: false };

/// The automaton of one program, with one worker's tables.
#[derive(Debug)]
pub(super) struct Automaton {
    program: Arc<Program>,
    memory_max_bytes: usize,
    /// What each state stands for: facts, then threads.
    states: Vec<Arc<[u32]>>,
    by_key: HashMap<Arc<[u32]>, u32>,
    edges: Vec<Edge>,
    operations: Vec<Operation>,
    /// How many operations belong to edges that are kept; the rest is overwritten.
    operations_kept: usize,
    memory_bytes: usize,
    rows: Vec<u32>,
    result: Vec<u32>,
    stepper: Stepper,
}

impl Automaton {
    /// An automaton whose tables take about `memory_max_bytes` at most.
    pub(super) fn new(program: Arc<Program>, memory_max_bytes: usize) -> Self {
        let mut automaton = Self {
            stepper: Stepper::new(program.nfa.states().len()),
            result: vec![NOWHERE; program.registers],
            rows: Vec::new(),
            states: Vec::new(),
            by_key: HashMap::new(),
            edges: Vec::new(),
            operations: Vec::new(),
            operations_kept: 0,
            memory_bytes: 0,
            memory_max_bytes,
            program,
        };
        automaton.empty();
        automaton
    }

    /// Looks for the first match; its captures are read by [`Automaton::capture`]. `steps` is what
    /// the search may still cost.
    pub(super) fn search(&mut self, text: &str, steps: &mut u64) -> Result<bool, OutOfSteps> {
        // A match at the start is the first one: where there is one, no other start need be tried.
        let anchored = self.program.nfa.start_anchored().as_u32();
        if self.run(anchored, text.as_bytes(), steps)? {
            return Ok(true);
        }
        let unanchored = self.program.nfa.start_unanchored().as_u32();
        if anchored == unanchored {
            return Ok(false);
        }
        self.run(unanchored, text.as_bytes(), steps)
    }

    /// The bytes of a capture, where it took part in the match.
    pub(super) fn capture(&self, number: usize) -> Option<std::ops::Range<usize>> {
        let (start, end) = (self.result[number * 2], self.result[number * 2 + 1]);
        (start != NOWHERE && end != NOWHERE && start <= end).then_some(start as usize..end as usize)
    }

    fn run(&mut self, start: u32, text: &[u8], steps: &mut u64) -> Result<bool, OutOfSteps> {
        let facts = self.program.relevant(self.program.facts(None), std::iter::once(start));
        let mut state = self.intern(&[facts, start]);
        self.rows[..self.program.registers].fill(NOWHERE);
        let mut matched = false;
        // An accepting loop that was gone through, and where last.
        let mut looped: Option<(Edge, u32)> = None;
        *steps = steps.checked_sub(text.len() as u64 + 1).ok_or(OutOfSteps)?;
        for at in 0..=text.len() {
            let byte = text.get(at).copied();
            let class = byte.map_or(self.program.classes, |byte| {
                self.program.class_of[usize::from(byte)].into()
            });
            let mut edge = self.edges[state as usize * self.stride() + class];
            if edge.next == UNKNOWN {
                // The tables may be emptied: what an edge refers to is used before.
                if let Some((edge, place)) = looped.take() {
                    matched |= self.operate(edge, place);
                }
                edge = self.compute(state, text, at, class, steps)?;
            }
            let place = at as u32;
            if edge.repeats {
                looped = Some((edge, place));
                continue;
            }
            if edge.count > 0 {
                if let Some((edge, place)) = looped.take() {
                    matched |= self.operate(edge, place);
                }
                matched |= self.operate(edge, place);
            }
            state = edge.next;
            if state == DEAD {
                break;
            }
        }
        if let Some((edge, place)) = looped {
            matched |= self.operate(edge, place);
        }
        Ok(matched)
    }

    /// Runs a transition's operations; says whether it accepts.
    fn operate(&mut self, edge: Edge, place: u32) -> bool {
        let registers = self.program.registers;
        let mut accepted = false;
        let start = edge.operations as usize;
        for operation in &self.operations[start..start + edge.count as usize] {
            match *operation {
                Operation::Accept { row } => {
                    accepted = true;
                    let from = row as usize;
                    self.result.copy_from_slice(&self.rows[from..from + registers]);
                }
                Operation::AcceptHere { register } => self.result[register as usize] = place,
                Operation::Copy { from, to } => {
                    let from = from as usize;
                    self.rows.copy_within(from..from + registers, to as usize);
                }
                Operation::Here { register } => self.rows[register as usize] = place,
            }
        }
        accepted
    }

    fn stride(&self) -> usize {
        self.program.classes + 1
    }

    /// Finds where a byte leads, and keeps it unless it depends on more than the byte.
    fn compute(
        &mut self,
        state: u32,
        text: &[u8],
        at: usize,
        class: usize,
        steps: &mut u64,
    ) -> Result<Edge, OutOfSteps> {
        let key = self.states[state as usize].clone();
        let cost = self.stepper.step(&self.program, &key, text, at);
        *steps = steps.checked_sub(cost).ok_or(OutOfSteps)?;
        let before = self.states.len();
        let next = if self.stepper.threads.is_empty() {
            DEAD
        } else {
            let facts = self.program.facts(text.get(at).copied());
            let next_key = self.stepper.key(&self.program, facts);
            self.intern(&next_key)
        };
        let kept = self.stepper.cacheable && self.states.len() >= before;
        self.operations.truncate(self.operations_kept);
        self.stepper.write_operations(self.program.registers as u32, &mut self.operations);
        let edge = Edge {
            next,
            operations: self.operations_kept as u32,
            count: (self.operations.len() - self.operations_kept) as u32,
            repeats: kept && next == state && self.stepper.only_accepts(),
        };
        if kept {
            self.memory_bytes += edge.count as usize * size_of::<Operation>();
            self.operations_kept = self.operations.len();
            let place = state as usize * self.stride() + class;
            self.edges[place] = edge;
        }
        Ok(edge)
    }

    /// The state of a key; tables that are full are emptied first.
    fn intern(&mut self, key: &[u32]) -> u32 {
        if let Some(state) = self.by_key.get(key) {
            return *state;
        }
        if self.memory_bytes > self.memory_max_bytes {
            self.empty();
        }
        let state = self.states.len() as u32;
        let key: Arc<[u32]> = key.into();
        let threads = key.len() - 1;
        self.memory_bytes += size_of_val(&*key) * 2 + self.stride() * size_of::<Edge>() + 64;
        self.edges.resize(self.edges.len() + self.stride(), UNKNOWN_EDGE);
        if self.rows.len() < threads * self.program.registers {
            self.rows.resize(threads * self.program.registers, NOWHERE);
        }
        self.states.push(key.clone());
        self.by_key.insert(key, state);
        state
    }

    fn empty(&mut self) {
        self.by_key.clear();
        self.states.clear();
        self.edges.clear();
        self.operations.clear();
        self.operations_kept = 0;
        self.memory_bytes = 0;
        // State 0 is dead: nothing leads on from it.
        self.states.push(Arc::new([0]));
        self.edges.resize(self.stride(), Edge { next: DEAD, ..UNKNOWN_EDGE });
    }
}
