//! The two engines of grok: the automaton, and for look-around and references of a user's own that it does not know the
//! one that goes back and tries again. Which one a pattern needs is known when it is compiled.

use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::automaton::{Automaton, OutOfSteps, Stepper};
use super::program::{Program, ProgramError};
use super::ruby_syntax::{SyntaxError, Translation, translate, translate_fully};
use crate::backtracking::{Backtracker, BacktrackerError};

/// A compiled pattern, shared by all workers.
#[derive(Debug)]
pub(super) enum Engine {
    Automaton(Arc<Program>),
    Backtracker(Arc<Backtracker>),
}

/// A pattern with its engine, and why it is that one.
pub(super) struct Compiled {
    pub(super) engine: Engine,
    /// Texts between `(?<` and `>`, by the number of their capture.
    pub(super) names: Vec<String>,
    /// What the automaton runs, or what it cannot run.
    pub(super) translation: Result<Translation, SyntaxError>,
}

/// Why no engine takes a pattern.
#[derive(Debug, thiserror::Error)]
pub(super) enum EngineError {
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Backtracker(#[from] BacktrackerError),
}

impl EngineError {
    /// What to write instead.
    pub(super) fn way_out(&self) -> &'static str {
        match self {
            Self::Syntax(error) => error.way_out(),
            Self::Program(_) | Self::Backtracker(_) => {
                "correct the pattern, or split it into several"
            }
        }
    }
}

/// Compiles a pattern in which all names are written out.
///
/// # Errors
/// It is no expression, or one that is too large or that neither engine knows.
pub(super) fn compile(expression: &str) -> Result<Compiled, EngineError> {
    match translate(expression) {
        Ok(translation) => Ok(Compiled {
            engine: Engine::Automaton(Program::compile(&translation)?),
            names: translation.names.clone(),
            translation: Ok(translation),
        }),
        Err(reason) if reason.asks_for_backtracking() => {
            let full = translate_fully(expression)?;
            // In Ruby's patterns of Logstash a dot is any character.
            let backtracker = Backtracker::compile(&full, true)?;
            Ok(Compiled {
                engine: Engine::Backtracker(Arc::new(backtracker)),
                names: full.names,
                translation: Err(reason),
            })
        }
        Err(error) => Err(error.into()),
    }
}

impl Engine {
    /// A worker's own; the tables of an automaton take about so many bytes.
    pub(super) fn searcher(&self, memory_max_bytes: usize) -> Searcher {
        match self {
            Self::Automaton(program) => {
                Searcher::Automaton(Automaton::new(Arc::clone(program), memory_max_bytes))
            }
            Self::Backtracker(backtracker) => Searcher::Backtracker {
                backtracker: Arc::clone(backtracker),
                captures: SmallVec::new(),
            },
        }
    }
}

/// A pattern as one worker searches for it.
#[derive(Debug)]
pub(super) enum Searcher {
    Automaton(Automaton),
    Backtracker {
        backtracker: Arc<Backtracker>,
        /// Of the last match.
        captures: SmallVec<[Option<Range<usize>>; 8]>,
    },
}

impl Searcher {
    /// Looks for the first match; its captures are read by [`Searcher::capture`]. `steps` is what the search may still
    /// cost.
    pub(super) fn search(
        &mut self,
        text: &str,
        stepper: &mut Stepper,
        steps: &mut u64,
    ) -> Result<bool, OutOfSteps> {
        let (backtracker, captures) = match self {
            Self::Automaton(automaton) => return automaton.search(text, stepper, steps),
            Self::Backtracker { backtracker, captures } => (backtracker, captures),
        };
        captures.clear();
        let Some(groups) = backtracker.captures(text, 0, steps)? else { return Ok(false) };
        // The first group is the whole match.
        captures.extend(groups.iter().skip(1).map(|group| Some(group?.range())));
        Ok(true)
    }

    /// The bytes of a capture, where it took part in the match.
    pub(super) fn capture(&self, number: usize) -> Option<Range<usize>> {
        match self {
            Self::Automaton(automaton) => automaton.capture(number),
            Self::Backtracker { captures, .. } => captures.get(number)?.clone(),
        }
    }
}
