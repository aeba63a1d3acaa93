//! `grok`: takes text apart by named patterns.
//!
//! Patterns are written out, translated from Ruby's regular expressions and run by an automaton whose
//! time is linear in the text, so that no pattern and no text can make it run away. Only those with
//! look-around or references of a user's own that no automaton knows are run by an engine that goes back
//! and tries again. Rules of Logstash
//! that are easily missed: `.` matches a newline and `^` and `$` are edges of lines; text after an
//! alias inside the braces means nothing; a second capture of a name makes an array; a capture into a
//! field that is there is added to it unless `overwrite` names the field.
//!
//! `timeout_millis` (1,000 where it is not given) is counted in steps, 100,000 for a millisecond, not by a
//! clock, so that a replay ends the same. Of the automaton only a pattern of very many states on a long
//! text comes near it.

mod automaton;
mod capture;
mod definitions;
mod engine;
mod expansion;
mod line;
mod look;
mod options;
mod program;
pub(crate) mod ruby_syntax;
mod slowness;
mod warnings;

use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};
use smallvec::SmallVec;

use crate::filter::{Applied, Filter, FilterContext, FilterPlan};
use automaton::{OutOfSteps, Stepper};
use capture::Capture;
use engine::{Engine, Searcher};

pub use line::{LineExpression, NoLineExpression, line_expression};
pub(crate) use options::{DESCRIPTION, build};

/// Tables of all automata of one filter in one worker, in bytes.
const TABLES_MAX_BYTES: usize = 8 << 20;
/// Tables of one automaton, at least.
const TABLES_MIN_BYTES: usize = 64 << 10;

/// Tables of each automaton where a filter has this many patterns.
fn tables_bytes(patterns: usize) -> usize {
    (TABLES_MAX_BYTES / patterns.max(1)).max(TABLES_MIN_BYTES)
}

/// A pattern ready to run.
#[derive(Debug)]
struct Pattern {
    engine: Engine,
    captures: Vec<Capture>,
}

/// The patterns that are tried on one field.
#[derive(Debug)]
struct FieldPatterns {
    source: FieldPath,
    patterns: Vec<Pattern>,
}

/// What the options said.
#[derive(Debug)]
struct Grok {
    fields: Vec<FieldPatterns>,
    break_on_match: bool,
    keep_empty_captures: bool,
    tag_on_failure: Vec<String>,
    tag_on_timeout: String,
    steps_max: u64,
    /// Whether all patterns together have the steps, not each.
    steps_for_event: bool,
}

/// The plan as the registry shares it.
#[derive(Debug)]
struct GrokPlan(Arc<Grok>);

impl FilterPlan for GrokPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let patterns: usize = self.0.fields.iter().map(|field| field.patterns.len()).sum();
        let memory = tables_bytes(patterns);
        let searcher = |pattern: &Pattern| pattern.engine.searcher(memory);
        let searchers =
            self.0.fields.iter().map(|field| field.patterns.iter().map(searcher).collect());
        Box::new(Worker {
            searchers: searchers.collect(),
            plan: Arc::clone(&self.0),
            stepper: Stepper::new(),
            subject: String::new(),
        })
    }
}

/// One worker's instance.
#[derive(Debug)]
struct Worker {
    plan: Arc<Grok>,
    /// By field, then by pattern.
    searchers: Vec<Vec<Searcher>>,
    stepper: Stepper,
    /// The text that is taken apart: the event changes meanwhile.
    subject: String,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let plan = Arc::clone(&self.plan);
        let mut steps = plan.steps_max;
        let mut matched = false;
        for (place, field) in plan.fields.iter().enumerate() {
            match self.match_field(place, field, event, &mut steps) {
                Ok(found) => matched |= found,
                Err(OutOfSteps) => {
                    event.add_tag(&plan.tag_on_timeout);
                    return Applied::NotMatched;
                }
            }
            if matched && plan.break_on_match {
                break;
            }
        }
        if matched {
            return Applied::Matched;
        }
        for tag in &plan.tag_on_failure {
            event.add_tag(tag);
        }
        Applied::NotMatched
    }
}

impl Worker {
    /// Tries a field's patterns on its value, or on each element of an array.
    fn match_field(
        &mut self,
        place: usize,
        field: &FieldPatterns,
        event: &mut Event,
        steps: &mut u64,
    ) -> Result<bool, OutOfSteps> {
        let Some(source) = event.get(&field.source) else {
            return Ok(false);
        };
        if event.kind(source) != Kind::Array {
            return self.match_value(place, field, source, event, steps);
        }
        let elements: SmallVec<[NodeId; 4]> = event.elements(source).collect();
        let mut matched = false;
        for element in elements {
            matched |= self.match_value(place, field, element, event, steps)?;
        }
        Ok(matched)
    }

    fn match_value(
        &mut self,
        place: usize,
        field: &FieldPatterns,
        value: NodeId,
        event: &mut Event,
        steps: &mut u64,
    ) -> Result<bool, OutOfSteps> {
        if !self.take_subject(event, value) {
            return Ok(false);
        }
        let mut matched = false;
        for (pattern, searcher) in field.patterns.iter().zip(&mut self.searchers[place]) {
            if !self.plan.steps_for_event {
                *steps = self.plan.steps_max;
            }
            if !searcher.search(&self.subject, &mut self.stepper, steps)? {
                continue;
            }
            matched = true;
            for (number, capture) in pattern.captures.iter().enumerate() {
                let text = searcher.capture(number).and_then(|range| self.subject.get(range));
                capture.put(text, self.plan.keep_empty_captures, event);
            }
            if self.plan.break_on_match {
                break;
            }
        }
        Ok(matched)
    }

    /// Copies the text of a value; anything but null has one.
    fn take_subject(&mut self, event: &Event, value: NodeId) -> bool {
        self.subject.clear();
        if event.push_scalar_text(value, &mut self.subject) {
            return true;
        }
        if event.kind(value) == Kind::Null {
            return false;
        }
        let mut json = Vec::new();
        event.raw(value, &mut json);
        self.subject.push_str(&String::from_utf8_lossy(&json));
        true
    }
}

#[cfg(test)]
mod tests;
