//! The decoded form of a log event.
//!
//! A payload is scanned once into nodes that point back into it; a change adds nodes that point into a
//! scratch buffer; output copies slices. This crate reads no clock, does no I/O and never panics on
//! bytes, whoever sent them.

mod change;
mod document;
mod duplicate;
mod fragment;
#[cfg(test)]
mod growth;
mod members;
#[cfg(test)]
mod model;
mod names;
mod node;
mod path;
mod place;
mod refusal;
mod rewrite;
mod scan;
mod shared_text;
mod sweep;
mod tags;
mod text;
mod timestamp;
mod write;

pub use document::{Children, Event};
pub use fragment::Fragment;
pub use members::{Members, members, plain_text};
pub use node::{Kind, Node, NodeId};
pub use path::{FieldPath, FieldPathError, Segment};
pub use refusal::{Limits, Refusal, RefusalKind};
pub use scan::{Scanned, scan, validate};
pub use shared_text::{SharedText, SharedTextBase, TextSpan};
pub use sweep::Swept;
pub use text::{escape, escape_bytes, unescape};
pub use timestamp::{format_timestamp, parse_iso8601};
