//! Our events beside those that another program made of the same lines: what is equal, and what is not, field by
//! field.
//!
//! The reference is what a user's Logstash wrote, one event a line. Memory is bounded whatever the size of the
//! files. Nothing here knows the command line or the platform.

mod field;
mod input;
mod left_over;
mod lines;
mod ours;
mod report;

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::mem;

use bus::Codec;
use enricher::Plan;
use event::Limits;
use serde_json::Value;

pub use field::Ignored;
pub use report::{Example, FieldReport, Report, Sum};

use field::are_equal;
use input::{Input, InputLine};
use left_over::LeftOver;
use lines::Lines;
use ours::Ours;

/// Most bytes of an event of the reference.
const REFERENCE_BYTES_MAX: usize = 64 << 20;
/// Events of a line among which the one that is equal is looked for.
const CHOICE_MAX: usize = 16;

/// What is compared, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The pipeline.
    pub plan: Plan,
    /// What an event may hold.
    pub limits: Limits,
    /// What the lines are.
    pub codec: Codec,
    /// When every line is received, nanoseconds since 1970 UTC.
    pub received_at_ns: i64,
    /// Fields that are not looked at.
    pub ignored: Vec<Ignored>,
}

/// Why nothing can be compared.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    /// The reference cannot be read.
    #[error("cannot read the reference: {0}")]
    ReadReference(io::Error),
    /// The input cannot be read.
    #[error("cannot read the input: {0}")]
    ReadInput(io::Error),
    /// A line of the reference is no event.
    #[error(
        "line {line} of the reference is not one JSON object ({reason}); let Logstash write it with \
         `output {{ file {{ path => \"...\" codec => json_lines }} }}`"
    )]
    NoEvent {
        /// Which one, from 1.
        line: u64,
        /// Why.
        reason: String,
    },
    /// The lines that the reference was made of are not known.
    #[error(
        "the events of the reference do not say which lines they were made of (no [event][original]{}): name \
         the file of these lines with --input",
        if *.is_plain { ", no message" } else { "" }
    )]
    NoLines {
        /// Whether lines are texts.
        is_plain: bool,
    },
    /// There is nothing to compare.
    #[error("there is no event in the reference")]
    Empty,
}

/// Compares what the pipeline makes of lines with the reference. Without an input the lines are those that the
/// events of the reference name.
///
/// # Errors
/// [`ShadowError`].
pub fn run<R: BufRead, I: BufRead>(
    reference: R,
    input: Option<I>,
    options: &Options,
) -> Result<Report, ShadowError> {
    let mut reference = Reference { lines: Lines::new(reference, REFERENCE_BYTES_MAX) };
    let mut comparison = Comparison {
        ours: Ours::new(options),
        options,
        report: Report::default(),
        waiting: VecDeque::new(),
        current: String::new(),
        left_over: LeftOver::default(),
    };
    let Some(first) = reference.next()? else { return Err(ShadowError::Empty) };
    let names_lines = first.line_text(options.codec).is_some();
    match input {
        None if !names_lines => {
            return Err(ShadowError::NoLines { is_plain: options.codec == Codec::Plain });
        }
        None => comparison.by_own_lines(first, &mut reference)?,
        Some(input) => {
            let mut input = Input::new(input, options.limits.payload_bytes_max);
            if names_lines {
                comparison.by_text(first, &mut reference, &mut input)?;
            } else {
                comparison.by_order(first, &mut reference, &mut input)?;
            }
        }
    }
    Ok(comparison.report)
}

/// An event of the reference.
struct Theirs {
    /// Line in the reference, from 1.
    number: u64,
    event: Value,
}

impl Theirs {
    /// The line that it was made of: `[event][original]`, or for texts the `message`.
    fn line_text(&self, codec: Codec) -> Option<&str> {
        let original = self.event.pointer("/event/original").and_then(Value::as_str);
        let message = || self.event.get("message").and_then(Value::as_str);
        original.or_else(|| if codec == Codec::Plain { message() } else { None })
    }
}

struct Reference<R> {
    lines: Lines<R>,
}

impl<R: BufRead> Reference<R> {
    fn next(&mut self) -> Result<Option<Theirs>, ShadowError> {
        while let Some(line) = self.lines.next().map_err(ShadowError::ReadReference)? {
            if line.text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let number = line.number;
            let no_event = |reason: String| ShadowError::NoEvent { line: number, reason };
            let event: Value =
                serde_json::from_slice(&line.text).map_err(|error| no_event(error.to_string()))?;
            if !event.is_object() {
                return Err(no_event("it is another value".to_owned()));
            }
            return Ok(Some(Theirs { number, event }));
        }
        Ok(None)
    }
}

struct Comparison<'o> {
    ours: Ours,
    options: &'o Options,
    report: Report,
    /// Events of ours whose turn has not come.
    waiting: VecDeque<Value>,
    /// The line that they are of, where lines have names.
    current: String,
    /// Those of lines before.
    left_over: LeftOver,
}

impl Comparison<'_> {
    /// Each event names its line. Several events of one line are those that a filter made of it: the line is run
    /// once for as many events as we make of it.
    fn by_own_lines<R: BufRead>(
        &mut self,
        first: Theirs,
        reference: &mut Reference<R>,
    ) -> Result<(), ShadowError> {
        let mut next = Some(first);
        while let Some(theirs) = next {
            match theirs.line_text(self.options.codec) {
                Some(text) => {
                    if !self.turn_to(text) {
                        self.run_line(text.as_bytes());
                    }
                    self.compare_of_line(&theirs);
                }
                None => self.report.without_line(theirs.number),
            }
            next = reference.next()?;
        }
        self.end_lines();
        Ok(())
    }

    /// Lines are looked up by their text: Logstash's workers change the order.
    fn by_text<R: BufRead, I: BufRead>(
        &mut self,
        first: Theirs,
        reference: &mut Reference<R>,
        input: &mut Input<I>,
    ) -> Result<(), ShadowError> {
        let mut next = Some(first);
        while let Some(theirs) = next {
            let is_known = match theirs.line_text(self.options.codec) {
                Some(text) => self.find(text, input)?,
                None => false,
            };
            if is_known {
                self.compare_of_line(&theirs);
            } else {
                self.report.without_line(theirs.number);
            }
            while let Some(passed) = input.take_passed() {
                self.only_in_input(&passed);
            }
            next = reference.next()?;
        }
        self.end_lines();
        while let Some(line) = input.next().map_err(ShadowError::ReadInput)? {
            self.only_in_input(&line);
        }
        Ok(())
    }

    /// Our events and theirs in their order, one by one.
    fn by_order<R: BufRead, I: BufRead>(
        &mut self,
        first: Theirs,
        reference: &mut Reference<R>,
        input: &mut Input<I>,
    ) -> Result<(), ShadowError> {
        self.report.is_by_order = true;
        let mut next = Some(first);
        while let Some(theirs) = next {
            while self.waiting.is_empty()
                && let Some(line) = input.next().map_err(ShadowError::ReadInput)?
            {
                self.run_line(&line.text);
            }
            self.compare_next(&theirs);
            next = reference.next()?;
        }
        self.end_line();
        while let Some(line) = input.next().map_err(ShadowError::ReadInput)? {
            self.run_line(&line.text);
            self.end_line();
        }
        Ok(())
    }

    /// Goes on with a line or runs another one of the input with its text; false if there is none.
    fn find<I: BufRead>(&mut self, text: &str, input: &mut Input<I>) -> Result<bool, ShadowError> {
        if self.turn_to(text) {
            return Ok(true);
        }
        let line = input.take(text.as_bytes()).map_err(ShadowError::ReadInput)?;
        if let Some(line) = &line {
            self.run_line(&line.text);
        }
        Ok(line.is_some())
    }

    /// Goes on with a line; false if none of its events waits.
    fn turn_to(&mut self, text: &str) -> bool {
        if self.current != text {
            let before = mem::replace(&mut self.current, text.to_owned());
            let left = mem::replace(&mut self.waiting, self.left_over.take(text));
            if !left.is_empty() {
                self.left_over.put(before, left);
            }
            while let Some(passed) = self.left_over.take_passed() {
                self.only_ours(passed);
            }
        }
        !self.waiting.is_empty()
    }

    fn run_line(&mut self, line: &[u8]) {
        let events = self.events_of(line);
        self.waiting.extend(events);
    }

    fn events_of(&mut self, line: &[u8]) -> Vec<Value> {
        self.ours.run(line).unwrap_or_else(|refusal| {
            self.report.refused(refusal.kind.as_str());
            Vec::new()
        })
    }

    /// An event of a line goes beside that of ours which is equal, else beside the first that waits: workers change the
    /// order of the events of a line too.
    fn compare_of_line(&mut self, theirs: &Theirs) {
        if self.waiting.len() > 1 {
            let ignored = &self.options.ignored;
            let mut near = self.waiting.iter().take(CHOICE_MAX);
            let equal = near.position(|ours| are_equal(&theirs.event, ours, ignored));
            if let Some(ours) = equal.and_then(|place| self.waiting.remove(place)) {
                self.waiting.push_front(ours);
            }
        }
        self.compare_next(theirs);
    }

    fn compare_next(&mut self, theirs: &Theirs) {
        match self.waiting.pop_front() {
            Some(ours) => {
                let ignored = &self.options.ignored;
                self.report.compare(theirs.number, &theirs.event, &ours, ignored);
            }
            None => self.report.only_theirs(theirs.number),
        }
    }

    /// Events of ours that the reference has none beside.
    fn only_ours(&mut self, events: impl IntoIterator<Item = Value>) {
        events.into_iter().for_each(|ours| self.report.only_ours(&ours));
    }

    fn end_line(&mut self) {
        let left = mem::take(&mut self.waiting);
        self.only_ours(left);
    }

    /// No event of the reference comes any more.
    fn end_lines(&mut self) {
        while let Some(left) = self.left_over.take_oldest() {
            self.only_ours(left);
        }
        self.end_line();
    }

    /// A line of which the reference has no event.
    fn only_in_input(&mut self, line: &InputLine) {
        let events = self.events_of(&line.text);
        if events.is_empty() {
            self.report.no_events_of_both += 1;
        }
        self.only_ours(events);
    }
}

#[cfg(test)]
mod tests;
