//! An expression compiled to states, with what the automaton must know about bytes and conditions.

use std::sync::Arc;

use regex_automata::nfa::thompson::{Compiler, Config, NFA, State, WhichCaptures};
use regex_automata::util::look::Look as Anchor;
use regex_automata::util::primitives::{PatternID, StateID};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use super::look::Look;
use super::ruby_syntax::Translation;

/// Memory of one compiled pattern.
const PROGRAM_MAX_BYTES: usize = 8 << 20;
/// Groups within each other.
const NESTING_MAX: u32 = 200;
/// Different conditions on the character before a place.
const LOOKS_BEHIND_MAX: usize = 24;

/// Why an expression cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProgramError {
    #[error("{0}")]
    Syntax(String),
    #[error("the pattern needs more than {PROGRAM_MAX_BYTES} bytes when compiled")]
    TooLarge,
    #[error("the pattern has more than {LOOKS_BEHIND_MAX} different look-behinds")]
    TooManyLooks,
}

/// What is known about the byte before a place: one bit for each condition that can be asked.
pub(super) type Facts = u32;
/// There is none.
pub(super) const AT_START: Facts = 1;
/// It is a newline.
pub(super) const AFTER_NEWLINE: Facts = 1 << 1;
/// It is an ASCII letter, digit or underscore.
pub(super) const AFTER_WORD: Facts = 1 << 2;
/// It ends a character beyond ASCII.
pub(super) const BEYOND_ASCII: Facts = 1 << 3;
const BEHIND_FIRST_BIT: u32 = 4;
/// No fact, but the mark of states in which the order of threads does not matter.
pub(super) const UNORDERED: Facts = 1 << 31;

/// What the automaton does at a group's edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotUse {
    Nothing,
    /// Keeps the place.
    Register(u16),
    /// Goes on only if a condition on the byte before holds.
    Behind(Facts),
    /// Goes on only if a condition on the byte after holds.
    Ahead(u16),
}

/// A compiled expression, shared by all workers.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) nfa: NFA,
    /// The class of each byte; bytes of one class act alike.
    pub(super) class_of: [u8; 256],
    pub(super) classes: usize,
    facts_after: [Facts; 256],
    facts_at_start: Facts,
    pub(super) slots: Vec<SlotUse>,
    pub(super) ahead: Vec<Look>,
    /// Facts that matter from a state on, before the next byte.
    needs: Vec<Facts>,
    /// Places kept: two for each capture.
    pub(super) registers: usize,
    /// By state: no register from this on can have been passed on the way to it.
    passed_before: Vec<u32>,
}

impl Program {
    pub(super) fn compile(translation: &Translation) -> Result<Arc<Self>, ProgramError> {
        let hir = parse(&translation.expression)?;
        let config = Config::new()
            .nfa_size_limit(Some(PROGRAM_MAX_BYTES))
            .which_captures(WhichCaptures::All);
        let nfa = Compiler::new().configure(config).build_from_hir(&hir).map_err(|error| {
            if error.size_limit().is_some() { ProgramError::TooLarge } else { syntax_error(&error) }
        })?;
        let behind = unique_behind(&translation.looks)?;
        let mut program = Self {
            class_of: [0; 256],
            classes: 0,
            facts_after: std::array::from_fn(|byte| facts_after(byte as u8, &behind)),
            facts_at_start: AT_START | behind_facts(None, &behind),
            slots: Vec::new(),
            ahead: translation.looks.iter().filter(|look| look.ahead).cloned().collect(),
            needs: vec![0; nfa.states().len()],
            registers: translation.names.len() * 2,
            passed_before: vec![0; nfa.states().len()],
            nfa,
        };
        program.assign_slots(translation, &behind);
        program.divide_bytes();
        program.find_needs();
        program.find_passed();
        Ok(Arc::new(program))
    }

    /// Facts after a byte, or at the start of the text.
    pub(super) fn facts(&self, byte: Option<u8>) -> Facts {
        byte.map_or(self.facts_at_start, |byte| self.facts_after[usize::from(byte)])
    }

    /// Those facts that can make a difference for these states.
    pub(super) fn relevant(&self, facts: Facts, states: impl Iterator<Item = u32>) -> Facts {
        states.fold(0, |needs, state| needs | self.needs[state as usize]) & facts
    }

    /// How many registers can have been passed on the way to a state: all are below this number.
    pub(super) fn passed_before(&self, state: u32) -> u32 {
        self.passed_before[state as usize]
    }

    fn assign_slots(&mut self, translation: &Translation, behind: &[&Look]) {
        let groups = self.nfa.group_info();
        self.slots = vec![SlotUse::Nothing; groups.slot_len()];
        let mut ahead = 0;
        let mut look = translation.looks.iter();
        for (index, name) in groups.pattern_names(PatternID::ZERO).enumerate() {
            let Some((start, end)) = groups.slots(PatternID::ZERO, index) else {
                continue;
            };
            let number = name.and_then(|name| name.get(1..)).and_then(|digits| digits.parse().ok());
            match (name.and_then(|name| name.chars().next()), number) {
                (Some('c'), Some(number)) => {
                    let number: u16 = number;
                    self.slots[start] = SlotUse::Register(number * 2);
                    self.slots[end] = SlotUse::Register(number * 2 + 1);
                }
                // Groups are numbered as they open, and so are looks.
                (Some('l'), _) => match look.next() {
                    Some(look) if look.ahead => {
                        self.slots[start] = SlotUse::Ahead(ahead);
                        ahead += 1;
                    }
                    Some(look) => {
                        let place = behind.iter().position(|other| *other == look).unwrap_or(0);
                        self.slots[start] = SlotUse::Behind(1 << (BEHIND_FIRST_BIT + place as u32));
                    }
                    None => {}
                },
                _ => {}
            }
        }
    }

    /// Bytes are of one class when no transition and no condition tells them apart.
    fn divide_bytes(&mut self) {
        let mut seen: Vec<(u8, Facts, Vec<bool>)> = Vec::new();
        let conditional = !self.nfa.look_set_any().is_empty() || self.slots.iter().any(is_look);
        for byte in 0..=255u8 {
            let facts = if conditional { self.facts_after[usize::from(byte)] } else { 0 };
            let ahead = self.ahead.iter().map(|look| look.holds(Some(byte))).collect();
            let kind = (self.nfa.byte_classes().get(byte), facts, ahead);
            let class = seen.iter().position(|other| *other == kind).unwrap_or_else(|| {
                seen.push(kind);
                seen.len() - 1
            });
            self.class_of[usize::from(byte)] = class as u8;
        }
        self.classes = seen.len();
    }

    fn find_needs(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for id in (0..self.needs.len()).rev() {
                let needs = self.needs_of(self.nfa.state(StateID::must(id)));
                if needs | self.needs[id] != self.needs[id] {
                    self.needs[id] |= needs;
                    changed = true;
                }
            }
        }
    }

    fn find_passed(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for (id, state) in self.nfa.states().iter().enumerate() {
                let mut passed = self.passed_before[id];
                if let State::Capture { slot, .. } = state
                    && let SlotUse::Register(register) = self.slots[slot.as_usize()]
                {
                    passed = passed.max(u32::from(register) + 1);
                }
                each_next(state, |next| {
                    let known = &mut self.passed_before[next.as_usize()];
                    changed |= *known < passed;
                    *known = passed.max(*known);
                });
            }
        }
    }

    fn needs_of(&self, state: &State) -> Facts {
        let of = |id: &StateID| self.needs[id.as_usize()];
        match state {
            State::Look { look, next } => of(next) | anchor_facts(*look),
            State::Union { alternates } => alternates.iter().fold(0, |needs, id| needs | of(id)),
            State::BinaryUnion { alt1, alt2 } => of(alt1) | of(alt2),
            State::Capture { next, slot, .. } => {
                let own = match self.slots[slot.as_usize()] {
                    SlotUse::Behind(fact) => fact,
                    _ => 0,
                };
                own | of(next)
            }
            _ => 0,
        }
    }
}

/// Reads a translated expression.
pub(super) fn parse(expression: &str) -> Result<Hir, ProgramError> {
    ParserBuilder::new()
        .dot_matches_new_line(true)
        .nest_limit(NESTING_MAX)
        .build()
        .parse(expression)
        .map_err(|error| syntax_error(&error))
}

fn each_next(state: &State, mut visit: impl FnMut(StateID)) {
    match state {
        State::ByteRange { trans } => visit(trans.next),
        State::Sparse(sparse) => sparse.transitions.iter().for_each(|trans| visit(trans.next)),
        State::Dense(dense) => dense.transitions.iter().for_each(|next| visit(*next)),
        State::Look { next, .. } | State::Capture { next, .. } => visit(*next),
        State::Union { alternates } => alternates.iter().for_each(|next| visit(*next)),
        State::BinaryUnion { alt1, alt2 } => [alt1, alt2].into_iter().for_each(|id| visit(*id)),
        State::Fail | State::Match { .. } => {}
    }
}

fn is_look(slot: &SlotUse) -> bool {
    matches!(slot, SlotUse::Behind(_) | SlotUse::Ahead(_))
}

fn anchor_facts(anchor: Anchor) -> Facts {
    match anchor {
        Anchor::Start => AT_START,
        Anchor::StartLF => AT_START | AFTER_NEWLINE,
        Anchor::End | Anchor::EndLF => 0,
        _ => AT_START | AFTER_WORD | BEYOND_ASCII,
    }
}

fn unique_behind(looks: &[Look]) -> Result<Vec<&Look>, ProgramError> {
    let mut behind: Vec<&Look> = Vec::new();
    for look in looks.iter().filter(|look| !look.ahead) {
        if !behind.contains(&look) {
            behind.push(look);
        }
    }
    if behind.len() > LOOKS_BEHIND_MAX { Err(ProgramError::TooManyLooks) } else { Ok(behind) }
}

fn behind_facts(byte: Option<u8>, behind: &[&Look]) -> Facts {
    let holds = behind.iter().enumerate().filter(|(_, look)| look.holds(byte));
    holds.fold(0, |facts, (place, _)| facts | 1 << (BEHIND_FIRST_BIT + place as u32))
}

fn facts_after(byte: u8, behind: &[&Look]) -> Facts {
    let own = match byte {
        b'\n' => AFTER_NEWLINE,
        b'_' => AFTER_WORD,
        byte if byte.is_ascii_alphanumeric() => AFTER_WORD,
        byte if byte.is_ascii() => 0,
        _ => BEYOND_ASCII,
    };
    own | behind_facts(Some(byte), behind)
}

/// `regex-syntax` draws the pattern and points into it: only the last line says what is wrong.
fn syntax_error(error: &dyn std::fmt::Display) -> ProgramError {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    ProgramError::Syntax(last.trim_start_matches("error: ").to_owned())
}
