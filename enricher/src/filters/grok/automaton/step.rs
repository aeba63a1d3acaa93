//! One step of all threads: which states a byte leads to, from which thread, passing which groups.

use regex_automata::nfa::thompson::State;
use regex_automata::util::look::Look as Anchor;
use regex_automata::util::primitives::StateID;

use super::registers::Operation;
use super::rows::Rows;
use crate::filters::grok::program::{
    AFTER_NEWLINE, AFTER_WORD, AT_START, BEYOND_ASCII, Facts, Program, SlotUse, UNORDERED,
};

/// A thread after the step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thread {
    pub(super) state: u32,
    /// The thread that it continues.
    pub(super) from: u32,
}

/// What is still to be visited of a thread's ways.
#[derive(Clone, Copy, Debug)]
enum Visit {
    State(StateID),
    /// The way back out of a group's edge.
    Leave,
}

/// Works out steps of any program; keeps its buffers.
#[derive(Debug)]
pub(in crate::filters::grok) struct Stepper {
    pub(super) threads: Vec<Thread>,
    /// Whether the step depends on nothing but the key and the class of the byte.
    pub(super) cacheable: bool,
    /// The thread that matched at the place before the byte.
    accepted: Option<u32>,
    accepted_registers: Vec<u16>,
    /// Thread after the step, and a register that it passed.
    passed: Vec<(u32, u16)>,
    path: Vec<u16>,
    stack: Vec<Visit>,
    rows: Rows,
    round: u32,
    visited: Vec<u32>,
    reached: Vec<u32>,
}

impl Stepper {
    pub(in crate::filters::grok) fn new() -> Self {
        Self {
            threads: Vec::new(),
            cacheable: true,
            accepted: None,
            accepted_registers: Vec::new(),
            passed: Vec::new(),
            path: Vec::new(),
            stack: Vec::new(),
            rows: Rows::default(),
            round: 0,
            visited: Vec::new(),
            reached: Vec::new(),
        }
    }

    /// Makes room for a program of this many states.
    pub(super) fn hold(&mut self, states: usize) {
        if self.visited.len() < states {
            self.visited.resize(states, 0);
            self.reached.resize(states, 0);
        }
    }

    /// Moves the threads of a state's key over the byte at a place, or over the end. Gives the number
    /// of program states visited.
    pub(super) fn step(&mut self, program: &Program, key: &[u32], text: &[u8], at: usize) -> u64 {
        self.threads.clear();
        self.passed.clear();
        self.accepted = None;
        self.cacheable = true;
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.visited.fill(0);
            self.reached.fill(0);
            self.round = 1;
        }
        let place = Place { facts: key[0], text, at };
        let mut cost = 1;
        for (thread, state) in key[1..].iter().enumerate() {
            cost += self.follow(program, StateID::must(*state as usize), thread as u32, &place);
            if self.accepted.is_some() {
                // Threads of lower priority are of no use any more.
                break;
            }
        }
        cost
    }

    fn follow(&mut self, program: &Program, start: StateID, from: u32, place: &Place<'_>) -> u64 {
        let byte = place.next();
        let mut cost = 0;
        self.path.clear();
        self.stack.clear();
        self.stack.push(Visit::State(start));
        while let Some(visit) = self.stack.pop() {
            let Visit::State(mut id) = visit else {
                self.path.pop();
                continue;
            };
            while self.visited[id.as_usize()] != self.round {
                self.visited[id.as_usize()] = self.round;
                cost += 1;
                let next = match program.nfa.state(id) {
                    State::ByteRange { trans } => {
                        if byte.is_some_and(|byte| trans.matches_byte(byte)) {
                            self.reach(trans.next, from);
                        }
                        None
                    }
                    State::Sparse(sparse) => {
                        if let Some(next) = byte.and_then(|byte| sparse.matches_byte(byte)) {
                            self.reach(next, from);
                        }
                        None
                    }
                    State::Dense(dense) => {
                        if let Some(next) = byte.and_then(|byte| dense.matches_byte(byte)) {
                            self.reach(next, from);
                        }
                        None
                    }
                    State::Look { look, next } => self.anchored(*look, place).then_some(*next),
                    State::Union { alternates } => {
                        let later = alternates.iter().skip(1).rev();
                        self.stack.extend(later.map(|id| Visit::State(*id)));
                        alternates.first().copied()
                    }
                    State::BinaryUnion { alt1, alt2 } => {
                        self.stack.push(Visit::State(*alt2));
                        Some(*alt1)
                    }
                    State::Capture { next, slot, .. } => {
                        self.pass(program, program.slots[slot.as_usize()], place).then_some(*next)
                    }
                    State::Fail => None,
                    State::Match { .. } => {
                        self.accepted = Some(from);
                        self.accepted_registers.clone_from(&self.path);
                        return cost;
                    }
                };
                match next {
                    Some(next) => id = next,
                    None => break,
                }
            }
        }
        cost
    }

    fn reach(&mut self, state: StateID, from: u32) {
        if self.reached[state.as_usize()] == self.round {
            return;
        }
        self.reached[state.as_usize()] = self.round;
        let thread = self.threads.len() as u32;
        self.threads.push(Thread { state: state.as_u32(), from });
        self.passed.extend(self.path.iter().map(|register| (thread, *register)));
    }

    /// Passes a group's edge; false where a condition there does not hold.
    fn pass(&mut self, program: &Program, slot: SlotUse, place: &Place<'_>) -> bool {
        match slot {
            SlotUse::Nothing => true,
            SlotUse::Register(register) => {
                self.path.push(register);
                self.stack.push(Visit::Leave);
                true
            }
            SlotUse::Behind(fact) => place.facts & fact != 0,
            SlotUse::Ahead(look) => program.ahead[usize::from(look)].holds(place.next()),
        }
    }

    fn anchored(&mut self, anchor: Anchor, place: &Place<'_>) -> bool {
        match anchor {
            Anchor::Start => place.facts & AT_START != 0,
            Anchor::StartLF => place.facts & (AT_START | AFTER_NEWLINE) != 0,
            Anchor::End => place.next().is_none(),
            Anchor::EndLF => place.next().is_none_or(|byte| byte == b'\n'),
            Anchor::WordUnicodeNegate => !self.between_words(place),
            // Patterns are translated to no other anchor than a word's edge.
            _ => self.between_words(place),
        }
    }

    /// Whether a word begins or ends here. Beyond ASCII the characters themselves are looked at.
    fn between_words(&mut self, place: &Place<'_>) -> bool {
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let before = if place.facts & BEYOND_ASCII == 0 {
            place.facts & AFTER_WORD != 0
        } else {
            self.cacheable = false;
            last_character(&place.text[..place.at]).is_some_and(is_word)
        };
        let after = match place.next() {
            Some(byte) if !byte.is_ascii() => {
                self.cacheable = false;
                first_character(&place.text[place.at..]).is_some_and(is_word)
            }
            byte => byte.is_some_and(|byte| is_word(char::from(byte))),
        };
        before != after
    }

    /// The key of the state after a step over this byte; `None` where no thread is left.
    pub(super) fn next_key(
        &self,
        program: &Program,
        order: Order,
        byte: Option<u8>,
    ) -> Option<Vec<u32>> {
        if self.threads.is_empty() {
            return None;
        }
        let states = self.threads.iter().map(|thread| thread.state);
        let facts = program.relevant(program.facts(byte), states.clone());
        let mut key = Vec::with_capacity(self.threads.len() + 1);
        key.push(order.mark(facts));
        key.extend(states);
        if order == Order::Any {
            key[1..].sort_unstable();
        }
        Some(key)
    }

    /// Whether a thread matched at the place before the byte.
    pub(super) fn accepts(&self) -> bool {
        self.accepted.is_some()
    }

    /// Whether every thread keeps its place and passes no group.
    pub(super) fn keeps_places(&self) -> bool {
        self.passed.is_empty()
            && self.threads.iter().enumerate().all(|(place, thread)| thread.from == place as u32)
    }

    /// Rows of registers for the threads after the step, where a new state is made of them.
    pub(super) fn rows(&mut self, before: &[u32]) -> Vec<u32> {
        self.rows.assign(before, &self.threads)
    }

    /// Writes what the step from a key does to rows of registers; `rows` are those before and after. Of a
    /// row only the registers that its thread may have passed are kept.
    pub(super) fn write_operations(
        &mut self,
        program: &Program,
        key: &[u32],
        (before, after): (&[u32], &[u32]),
        out: &mut Vec<Operation>,
    ) {
        let length = program.registers as u32;
        let passed_by = |from: u32| program.passed_before(key[1 + from as usize]);
        if let Some(from) = self.accepted {
            let row = before[from as usize] * length;
            out.push(Operation::Accept { row, count: passed_by(from) });
            let here = self.accepted_registers.iter();
            out.extend(here.map(|register| Operation::AcceptHere { register: (*register).into() }));
        }
        self.rows.write_moves((before, after), &self.threads, passed_by, length, out);
        let mut passed = self.passed.as_slice();
        for (place, (thread, row)) in self.threads.iter().zip(after).enumerate() {
            let own = passed.iter().take_while(|(thread, _)| *thread == place as u32).count();
            let here;
            (here, passed) = passed.split_at(own);
            // What another way to the state may have passed was not passed on this one.
            let mut first = passed_by(thread.from);
            while here.iter().any(|(_, register)| u32::from(*register) == first) {
                first += 1;
            }
            let count = program.passed_before(thread.state).saturating_sub(first);
            if count > 0 {
                out.push(Operation::clear(row * length + first, count));
            }
            let register = |(_, register): &(u32, u16)| row * length + u32::from(*register);
            out.extend(here.iter().map(|passed| Operation::here(register(passed))));
        }
    }
}

/// Whether the order of threads matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// It says which match is taken.
    Priority,
    /// Only whether there is a match is asked: fewer states.
    Any,
}

impl Order {
    /// Facts of a key, so that states of the two kinds are told apart.
    pub(super) fn mark(self, facts: Facts) -> Facts {
        match self {
            Self::Priority => facts,
            Self::Any => facts | UNORDERED,
        }
    }
}

/// A place in a text.
struct Place<'t> {
    facts: Facts,
    text: &'t [u8],
    at: usize,
}

impl Place<'_> {
    fn next(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// The text is UTF-8; pieces of it begin and end between characters where this is asked.
fn first_character(text: &[u8]) -> Option<char> {
    text.utf8_chunks().next()?.valid().chars().next()
}

fn last_character(text: &[u8]) -> Option<char> {
    let tail = &text[text.len().saturating_sub(4)..];
    tail.utf8_chunks().last()?.valid().chars().next_back()
}
