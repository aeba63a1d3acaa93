//! The Logstash configuration language: text to a tree in which every node knows its place.
//!
//! Nothing here knows a filter, reads a file or runs anything; what the options of a filter mean is
//! decided by the filter.

mod diagnostic;
mod lexer;
mod merge;
mod parser;
mod source;
mod tree;
mod variables;

pub use diagnostic::{Diagnostic, Severity};
pub(crate) use parser::parse_parts;
pub use parser::{Syntax, parse};
pub use source::{Source, Span};
pub use tree::{
    Attribute, Branch, Comparison, Condition, ConditionKind, Config, Key, Number, Operand, Plugin,
    Section, SectionKind, Statement, Value, ValueKind,
};
pub(crate) use variables::substitute;
