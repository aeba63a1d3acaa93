//! The second engine of Ruby's patterns: it goes back and tries again. For what no engine of linear time can do, and for
//! nothing else: look-around over more than one character, and what an earlier group has taken.
//!
//! Never reads a clock: how much it may do is counted, so that a replay ends the same. The engine that it stands on
//! counts how often it goes back. Between two times it may run over all of the text, or look over all of it from each
//! place, so a turn is taken to cost as much as that. How many turns a search really took nobody says: it may take few
//! first, then more and more, and each time all of them are paid for.
//!
//! Most texts do not have what is looked for. They are told by a looser expression in one pass, which also says where a
//! match may begin.

mod reach;

use std::sync::OnceLock;

use fancy_regex::{Captures, CompileError, Error, RuntimeError};
use regex::{Regex, RegexBuilder};

use crate::filters::grok::ruby_syntax::FullTranslation;
use reach::power_of_length;

/// Steps of one search where nothing else is said, about a second's worth: as `grok` has by default.
pub(crate) const STEPS_BY_DEFAULT: u64 = 100_000_000;
/// Steps of one search at most, also where there is no end to them: about half a minute's.
const STEPS_MAX: u64 = 3_000_000_000;
/// How often a search may go back, first and when that was not enough.
const TURNS: [usize; 8] = [1 << 4, 1 << 7, 1 << 10, 1 << 13, 1 << 16, 1 << 19, 1 << 22, 1 << 25];
/// Steps of a turn, at least.
const STEPS_OF_A_TURN: u64 = 32;
/// Parts of a pattern that need no going back run over so many bytes in a step.
const BYTES_OF_A_STEP: u64 = 16;
/// Most bytes of the whole pattern as an automaton, and of any part of it that is one.
const COMPILED_BYTES_MAX: usize = 4 << 20;
/// Tables of each part that is an automaton, in bytes.
const TABLES_BYTES: usize = 256 << 10;
/// Instructions of a compiled pattern.
const INSTRUCTIONS_MAX: usize = 1 << 16;

/// The search took more steps than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfSteps;

/// Why an expression cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BacktrackerError {
    #[error("the pattern cannot be run: {0}")]
    Syntax(String),
    #[error("the pattern needs more than {COMPILED_BYTES_MAX} bytes when compiled")]
    TooLarge,
}

/// A compiled expression, for any number of threads.
#[derive(Debug)]
pub(crate) struct Backtracker {
    expression: String,
    dot_matches_newline: bool,
    /// With which the work between two turns grows.
    power_of_length: u32,
    /// Is found wherever the expression is, and perhaps elsewhere.
    looser: Regex,
    /// The expression with each of [`TURNS`]. The first is there; others when a text needs them.
    engines: [OnceLock<Option<fancy_regex::Regex>>; TURNS.len()],
}

impl Backtracker {
    /// Compiles an expression; whether a dot matches a newline is the caller's to say.
    ///
    /// # Errors
    /// The engine does not know it, or it is too large.
    pub(crate) fn compile(
        translation: &FullTranslation,
        dot_matches_newline: bool,
    ) -> Result<Self, BacktrackerError> {
        let linear = |expression: &str| {
            RegexBuilder::new(expression)
                .dot_matches_new_line(dot_matches_newline)
                .size_limit(COMPILED_BYTES_MAX)
                .build()
                .map_err(|error| linear_error(&error))
        };
        // The other engine would find out late, or not at all, how large it becomes.
        linear(&translation.parts)?;
        let parts = regex_syntax::parse(&translation.parts)
            .map_err(|error| BacktrackerError::Syntax(last_line(&error)))?;
        let backtracker = Self {
            expression: translation.expression.clone(),
            dot_matches_newline,
            power_of_length: power_of_length(&parts),
            looser: linear(&translation.looser)?,
            engines: Default::default(),
        };
        let first = backtracker.build(TURNS[0]).map_err(|error| engine_error(&error))?;
        // Nobody else has it yet.
        backtracker.engines[0].get_or_init(|| Some(first));
        Ok(backtracker)
    }

    /// What is found wherever this is, for `regex`.
    pub(crate) fn looser(&self) -> &str {
        self.looser.as_str()
    }

    /// Whether a text has a match. `steps` is what the search may still cost.
    pub(crate) fn is_match(&self, text: &str, steps: &mut u64) -> Result<bool, OutOfSteps> {
        let found = self.search(text, 0, steps, |engine, start| engine.find_from_pos(text, start));
        Ok(found?.is_some())
    }

    /// The groups of the first match at or behind a place.
    pub(crate) fn captures<'t>(
        &self,
        text: &'t str,
        from: usize,
        steps: &mut u64,
    ) -> Result<Option<Captures<'t, str>>, OutOfSteps> {
        self.search(text, from, steps, |engine, start| engine.captures_from_pos(text, start))
    }

    /// The groups of every match, one behind the other. `steps` is what all of them may still cost.
    pub(crate) fn matches<'b, 't>(&'b self, text: &'t str, steps: &'b mut u64) -> Matches<'b, 't> {
        Matches { backtracker: self, text, steps, from: 0, ended_at: None }
    }

    fn search<T>(
        &self,
        text: &str,
        from: usize,
        steps: &mut u64,
        run: impl Fn(&fancy_regex::Regex, usize) -> fancy_regex::Result<Option<T>>,
    ) -> Result<Option<T>, OutOfSteps> {
        let allowed = (*steps).min(STEPS_MAX);
        let mut left = allowed;
        let found = self.search_within(text, from, &mut left, run);
        *steps -= allowed - left;
        found
    }

    fn search_within<T>(
        &self,
        text: &str,
        from: usize,
        left: &mut u64,
        run: impl Fn(&fancy_regex::Regex, usize) -> fancy_regex::Result<Option<T>>,
    ) -> Result<Option<T>, OutOfSteps> {
        let maybe = self.looser.find_at(text, from);
        let looked_to = maybe.map_or(text.len(), |found| found.end());
        pay(left, (looked_to - from) as u64 + 1)?;
        let Some(start) = maybe.map(|found| found.start()) else { return Ok(None) };
        let bytes = (text.len() as u64).saturating_pow(self.power_of_length);
        let cost = STEPS_OF_A_TURN.max(bytes / BYTES_OF_A_STEP);
        for (engine, turns) in self.engines.iter().zip(TURNS) {
            pay(left, cost.saturating_mul(turns as u64))?;
            let engine = engine.get_or_init(|| self.build(turns).ok());
            let Some(engine) = engine else { break };
            match run(engine, start) {
                Ok(found) => return Ok(found),
                Err(Error::RuntimeError(RuntimeError::BacktrackLimitExceeded)) => {}
                // It remembers more places than it may: with more turns it would again.
                Err(_) => break,
            }
        }
        Err(OutOfSteps)
    }

    fn build(&self, turns: usize) -> Result<fancy_regex::Regex, Error> {
        fancy_regex::RegexBuilder::new(&self.expression)
            .oniguruma_mode(true)
            .dot_matches_new_line(self.dot_matches_newline)
            .optimize(false)
            .backtrack_limit(turns)
            .delegate_size_limit(COMPILED_BYTES_MAX)
            .delegate_dfa_size_limit(TABLES_BYTES)
            .max_prog_size(INSTRUCTIONS_MAX)
            .build()
    }
}

/// Matches of a text.
#[derive(Debug)]
pub(crate) struct Matches<'b, 't> {
    backtracker: &'b Backtracker,
    text: &'t str,
    steps: &'b mut u64,
    from: usize,
    /// Where the last match ended.
    ended_at: Option<usize>,
}

impl<'t> Iterator for Matches<'_, 't> {
    type Item = Result<Captures<'t, str>, OutOfSteps>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.from <= self.text.len() {
            let groups = match self.backtracker.captures(self.text, self.from, self.steps) {
                Ok(Some(groups)) => groups,
                Ok(None) => break,
                Err(error) => {
                    self.from = usize::MAX;
                    return Some(Err(error));
                }
            };
            let Some(found) = groups.get(0) else { break };
            let (is_empty, end) = (found.start() == found.end(), found.end());
            let next = self.text.get(end..).and_then(|rest| rest.chars().next());
            self.from = if is_empty { end + next.map_or(1, char::len_utf8) } else { end };
            // As `regex` does: nothing right behind a match is none.
            if !is_empty || self.ended_at != Some(end) {
                self.ended_at = Some(end);
                return Some(Ok(groups));
            }
        }
        self.from = usize::MAX;
        None
    }
}

fn pay(left: &mut u64, cost: u64) -> Result<(), OutOfSteps> {
    *left = left.checked_sub(cost).ok_or(OutOfSteps)?;
    Ok(())
}

fn linear_error(error: &regex::Error) -> BacktrackerError {
    match error {
        regex::Error::CompiledTooBig(_) => BacktrackerError::TooLarge,
        other => BacktrackerError::Syntax(last_line(other)),
    }
}

/// Engines of linear time draw the whole pattern first; the last line says what is wrong.
pub(crate) fn last_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn engine_error(error: &Error) -> BacktrackerError {
    let compile_error = match error {
        Error::CompileError(error) => &**error,
        Error::ParseError(_, error) => return BacktrackerError::Syntax(error.to_string()),
        other => return BacktrackerError::Syntax(other.to_string()),
    };
    match compile_error {
        CompileError::PatternTooComplex => BacktrackerError::TooLarge,
        CompileError::InnerError(error) if error.size_limit().is_some() => {
            BacktrackerError::TooLarge
        }
        // It would print the pattern.
        CompileError::DfaBuildError(_, reason) => BacktrackerError::Syntax(reason.clone()),
        other => BacktrackerError::Syntax(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
