//! A checked pipeline, shared by all workers, and the program that each worker runs.
//!
//! Everything that can be wrong with a pipeline is found when it is compiled; a program has no
//! errors, reads no clock and does no I/O.

mod common;
mod compile;
mod condition;
mod program;
mod slow;
mod unreachable;

use std::fmt;
use std::sync::Arc;

pub(crate) use common::CommonOptions;
use condition::Test;
use event::FieldPath;

pub use compile::{compile, parse_and_compile};
pub use program::Program;

use crate::document_id::DocumentId;
use crate::file_state::FileState;
use crate::filter::{EcsCompatibility, FilterPlan};
use crate::index_text::IndexText;
use crate::input::Inputs;
use crate::language::Diagnostic;
use crate::lookup::{Lookups, Wanted};
use crate::registry::Origin;

/// A pipeline whose every part was checked. Cloning shares.
#[derive(Clone, Debug)]
pub struct Plan {
    inner: Arc<Checked>,
}

#[derive(Debug)]
struct Checked {
    steps: Vec<Step>,
    filters: Vec<PlannedFilter>,
    uses: Vec<FilterUse>,
    /// Filters that time makes emit events, and the steps behind them.
    timed: Vec<(usize, usize)>,
    reads_metadata: bool,
    file_path: FieldPath,
    inputs: Arc<Inputs>,
    document_id: Option<Arc<DocumentId>>,
    index: Option<Arc<IndexText>>,
    hash: String,
    reading: Reading,
    warnings: Vec<Diagnostic>,
    ends_hash: String,
}

/// How a text was read: read otherwise, the same one may mean something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    support_escapes: bool,
    ecs_compatibility: EcsCompatibility,
}

/// One step of a flat program: branches are jumps, so that an event made anywhere can go on from
/// there.
#[derive(Debug)]
enum Step {
    /// Runs a filter.
    Filter(usize),
    /// Goes on elsewhere if the condition does not hold.
    Unless(Test, usize),
    /// Goes on elsewhere.
    Jump(usize),
}

struct PlannedFilter {
    plan: Arc<dyn FilterPlan>,
    common: CommonOptions,
    /// How many filters of its name stand before it.
    place: usize,
}

impl fmt::Debug for PlannedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlannedFilter").field("common", &self.common).finish_non_exhaustive()
    }
}

/// A filter as a pipeline names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterUse {
    /// Its name.
    pub name: &'static str,
    /// Who defined it.
    pub origin: Origin,
    /// The file that it stands in.
    pub file: String,
    /// Line in that file, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Whether it remembers events: those of one key have to come into one partition then.
    pub keeps_state: bool,
    /// Whether an option of it names the variable with the key of hashes
    /// ([`HASH_KEY_VARIABLE`](crate::config::HASH_KEY_VARIABLE)).
    pub has_hash_key: bool,
}

impl Plan {
    /// The filters in the order of the text.
    #[must_use]
    pub fn filters(&self) -> &[FilterUse] {
        &self.inner.uses
    }

    /// What is no mistake and probably not meant, in the order of the text: only where the environment asked for it.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.inner.warnings
    }

    /// Whether the pipeline may look at `[@metadata]`.
    #[must_use]
    pub fn reads_metadata(&self) -> bool {
        self.inner.reads_metadata
    }

    /// Where events are told the file that their line was read from.
    #[must_use]
    pub fn file_path(&self) -> &FieldPath {
        &self.inner.file_path
    }

    /// What is done to the events of each door before the first filter.
    pub(crate) fn inputs(&self) -> &Arc<Inputs> {
        &self.inner.inputs
    }

    /// Which events are one document, where a setting says it.
    pub(crate) fn document_id(&self) -> Option<Arc<DocumentId>> {
        self.inner.document_id.clone()
    }

    /// Which index a document is for, where a setting says it.
    pub(crate) fn index(&self) -> Option<Arc<IndexText>> {
        self.inner.index.clone()
    }

    /// Names the pipeline's text: the first half of its SHA-256, in hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.inner.hash
    }

    /// Whether another was made of the same text, read in the same way.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.inner.hash == other.inner.hash && self.inner.reading == other.inner.reading
    }

    /// Whether a filter remembers events, so that all events of a key have to come to one worker, in their order.
    #[must_use]
    pub fn keeps_state(&self) -> bool {
        self.inner.filters.iter().any(|filter| filter.plan.keeps_state())
    }

    /// Names the text of its inputs and outputs.
    pub(crate) fn ends_hash(&self) -> &str {
        &self.inner.ends_hash
    }

    /// Whether this pipeline has the same inputs and outputs as another.
    #[must_use]
    pub fn has_same_ends(&self, other: &Self) -> bool {
        self.inner.ends_hash == other.inner.ends_hash
    }

    /// Makes a worker's own program.
    #[must_use]
    pub fn instance(&self) -> Program {
        Program::new(Arc::clone(&self.inner), None)
    }

    /// Makes a program that only finds out what filters will ask of the network.
    #[must_use]
    pub fn rehearsal(&self) -> Program {
        Program::new(Arc::clone(&self.inner), Some(Wanted::default()))
    }

    /// What the filters ask of the network, each by itself.
    #[must_use]
    pub fn lookups(&self) -> Vec<Arc<Lookups>> {
        self.inner.filters.iter().filter_map(|filter| filter.plan.lookups()).collect()
    }

    /// The files that filters read again from time to time, each filter's by itself.
    #[must_use]
    pub fn files(&self) -> Vec<Arc<FileState>> {
        self.inner.filters.iter().filter_map(|filter| filter.plan.file()).collect()
    }
}
