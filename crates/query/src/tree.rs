//! The syntax tree of a query. It holds texts as the user meant them, without escapes; what a text
//! means for a field (a number, a date, an address) is decided by the store that runs the query.

/// A parsed query. `Display` writes it so that it parses to the same tree again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Every event.
    All,
    /// Events that match each of these; at least two.
    And(Vec<Query>),
    /// Events that match one of these; at least two.
    Or(Vec<Query>),
    /// Events that do not match.
    Not(Box<Query>),
    /// One word: in the field, or anywhere in an event's text.
    Term {
        /// The dotted field name; none means anywhere.
        field: Option<String>,
        /// The word; never empty.
        value: String,
    },
    /// A quoted text: words in this order, or the whole value of a keyword field.
    Phrase {
        /// The dotted field name; none means anywhere.
        field: Option<String>,
        /// The text between the quotes.
        text: String,
    },
    /// A value with `*` (any characters) or `?` (one character).
    Wildcard {
        /// The dotted field name; none means anywhere.
        field: Option<String>,
        /// The pattern; it begins with plain characters.
        pattern: Pattern,
    },
    /// Values between two bounds.
    Range {
        /// The dotted field name.
        field: String,
        /// The lower bound.
        from: Bound,
        /// The upper bound.
        to: Bound,
    },
    /// Events that have a value in the field.
    Exists {
        /// The dotted field name.
        field: String,
    },
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// No limit at this end.
    Unbounded,
    /// The value itself belongs to the range.
    Inclusive(String),
    /// The value itself does not belong to the range.
    Exclusive(String),
}

/// A value with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub Vec<PatternPart>);

/// A piece of a [`Pattern`]; two texts never stand beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternPart {
    /// These characters as they are.
    Text(String),
    /// `*`: any characters, also none.
    Any,
    /// `?`: exactly one character.
    One,
}

impl Query {
    /// Calls `visit` for each query of the tree, this one first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Query)) {
        visit(self);
        match self {
            Query::And(all) | Query::Or(all) => all.iter().for_each(|query| query.walk(visit)),
            Query::Not(inner) => inner.walk(visit),
            _ => {}
        }
    }

    /// The field that a leaf of the tree names, if it names one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Query::Term { field, .. }
            | Query::Phrase { field, .. }
            | Query::Wildcard { field, .. } => field.as_deref(),
            Query::Range { field, .. } | Query::Exists { field } => Some(field),
            _ => None,
        }
    }
}

impl Bound {
    /// The bound's text, if it has one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Bound::Unbounded => None,
            Bound::Inclusive(text) | Bound::Exclusive(text) => Some(text),
        }
    }
}

impl Pattern {
    /// The plain characters before the first wildcard.
    pub fn prefix(&self) -> &str {
        match self.0.first() {
            Some(PatternPart::Text(text)) => text,
            _ => "",
        }
    }
}
