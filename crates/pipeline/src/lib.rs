//! The pipeline: stages, sinks, and the only consume loop of the project.
//!
//! Retries, dead letters and the conservation ledger live here and nowhere else. This crate never
//! commits an offset before every record of the batch is delivered or stands in the dead letters.

pub mod sink;
pub mod stage;

pub use sink::{Fatal, Outcome, Sink, TopicSink};
pub use stage::{Rejection, Resolver, Stage, State, StateKey, StateStore, Verdict};
