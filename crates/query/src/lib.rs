//! The query language of the search box, the tool and the API: a small Lucene-like grammar and its
//! syntax tree. It knows no search engine, no field's type and no time zone, and it never panics
//! on a text: every mistake is a [`ParseError`] that names the character.
//!
//! ```
//! let query = query::parse("type:transaction AND shop.order.amount:>100")?;
//! assert_eq!(query.to_string(), "event.dataset:transaction AND shop.order.amount:>100");
//! # Ok::<(), query::ParseError>(())
//! ```

mod display;
mod lexer;
mod parser;
mod tree;

pub use parser::{parse, parse_with_positions};
pub use tree::{Bound, Pattern, PatternPart, Query};

/// The longest query text, in characters.
pub const LENGTH_CHARACTERS_MAX: usize = 4_096;
/// How deep parentheses and negations may nest.
pub const DEPTH_MAX: usize = 20;
/// How many terms, phrases, ranges, wildcards and exists a query may hold together.
pub const CLAUSES_MAX: usize = 100;
/// How many `*` and `?` one value may hold.
pub const WILDCARDS_PER_VALUE_MAX: usize = 5;
/// How many values with wildcards one query may hold.
pub const WILDCARD_VALUES_MAX: usize = 10;
/// How many plain characters a value needs before its first `*` or `?`.
pub const WILDCARD_PREFIX_CHARACTERS_MIN: usize = 2;

/// The field that `type:` stands for: the log type of an event.
pub const TYPE_FIELD: &str = "event.dataset";
/// The field that `level:` stands for: the level of an event, in lower case.
pub const LEVEL_FIELD: &str = "log.level";

/// Why a text is no query, and at which character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {position}: {message}")]
pub struct ParseError {
    /// The character at fault, counted from 1.
    pub position: usize,
    /// What was expected there, and what was found.
    pub message: String,
}

#[cfg(test)]
mod tests;
