//! Field names, types, units and aliases, read from `schemas/*.json`: their only source.
//!
//! Names never come from events.

mod field;

pub use field::{Field, FieldKind};
