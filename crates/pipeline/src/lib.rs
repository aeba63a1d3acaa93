//! The pipeline: stages, sinks, and the only consume loop of the project.
//!
//! Retries, dead letters and the conservation ledger live here and nowhere else. This crate never
//! commits an offset before every record of the batch is delivered or stands in the dead letters.

pub mod dead_letter;
pub mod ledger;
pub mod runner;
pub mod sink;
pub mod stage;
pub mod testing;

pub use dead_letter::{DeadLetter, ReplayError};
pub use ledger::{DoorLedger, DoorSnapshot, Ledgers, StageLedger};
pub use runner::{RunnerError, RunnerSpec, Runtime, run};
pub use sink::{Fatal, Outcome, Sink, TopicSink};
pub use stage::{
    Rejection, Resolver, Stage, State, StateChange, StateError, StateErrorKind, StateKey,
    StateStore, StoredState, Verdict,
};
