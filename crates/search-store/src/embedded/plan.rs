//! Turns a query into a plan for the fields of one part: each text becomes a value of its field's kind, or
//! the query is refused. It reads no index.
//!
//! Keywords are compared exactly, letters' case included; words of texts in lower case. A word without a
//! field is looked for as a whole keyword, as an address, and as words of texts. A field that nobody knows
//! has no value.

mod range;

use std::ops::Bound as Edge;

use query::{Bound, Pattern, PatternPart, Query};
use schema::FieldKind;
use tantivy::schema::Field as Handle;

use range::between;

use super::catalog::{Catalog, CatalogField, TIMESTAMP};
use super::term::{self, INDEX};
use crate::refusal::{ids_are_whole, no_wildcards, only_exists, unfit};
use crate::words::{lower_case, words};
use crate::{StoreError, value};

/// What to look for in each segment of a part.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    All,
    Nothing,
    And(Vec<Plan>),
    Or(Vec<Plan>),
    Not(Box<Plan>),
    /// Documents with one of these terms.
    Terms(Vec<Vec<u8>>),
    /// Documents with a term between these.
    TermRange(Edge<Vec<u8>>, Edge<Vec<u8>>),
    /// Documents with a term that begins so and goes on so.
    Glob {
        prefix: Vec<u8>,
        pattern: Vec<PatternPart>,
    },
    /// Documents that have one of the fields at these places.
    Shape(Vec<u16>),
    /// Documents with a whole number between these, both included.
    Longs {
        column: String,
        from: i64,
        to: i64,
    },
    /// Documents with a number between these.
    Doubles {
        column: String,
        from: Edge<f64>,
        to: Edge<f64>,
    },
    /// Documents with these words, one after the other.
    Words {
        handle: Handle,
        words: Vec<String>,
    },
    /// Documents with a word like this.
    WordGlob {
        handle: Handle,
        pattern: Vec<PatternPart>,
    },
}

/// What the name of a field stands for.
enum Target<'a> {
    Id,
    Index,
    Field(&'a CatalogField),
    /// A path below a flattened or nested field.
    Path(&'a CatalogField, String),
    /// An object: fields below it.
    Object(Vec<u16>),
    Unknown,
}

/// Plans a query.
///
/// # Errors
/// For a value that its field cannot have, in words for whoever wrote the query.
pub(crate) fn plan(query: &Query, catalog: &Catalog) -> Result<Plan, StoreError> {
    Ok(match query {
        Query::All => Plan::All,
        Query::And(all) => Plan::And(plan_all(all, catalog)?),
        Query::Or(all) => Plan::Or(plan_all(all, catalog)?),
        Query::Not(inner) => Plan::Not(Box::new(plan(inner, catalog)?)),
        Query::Term { field: None, value } | Query::Phrase { field: None, text: value } => {
            anywhere(value, catalog)
        }
        Query::Term { field: Some(name), value }
        | Query::Phrase { field: Some(name), text: value } => equals(name, value, catalog)?,
        Query::Wildcard { field: None, pattern } => like_anywhere(pattern, catalog),
        Query::Wildcard { field: Some(name), pattern } => like(name, pattern, catalog)?,
        Query::Range { field, from, to } => between(field, from, to, catalog)?,
        Query::Exists { field } => exists(field, catalog),
    })
}

/// Plans a query for a part with other fields than those of now: a value that a field could not have
/// then was never there.
pub(crate) fn plan_of_earlier(query: &Query, catalog: &Catalog) -> Plan {
    let each = |all: &[Query]| all.iter().map(|query| plan_of_earlier(query, catalog)).collect();
    match query {
        Query::And(all) => Plan::And(each(all)),
        Query::Or(all) => Plan::Or(each(all)),
        Query::Not(inner) => Plan::Not(Box::new(plan_of_earlier(inner, catalog))),
        leaf => plan(leaf, catalog).unwrap_or(Plan::Nothing),
    }
}

fn plan_all(all: &[Query], catalog: &Catalog) -> Result<Vec<Plan>, StoreError> {
    all.iter().map(|query| plan(query, catalog)).collect()
}

fn resolve<'a>(name: &str, catalog: &'a Catalog) -> Target<'a> {
    match name {
        "_id" => return Target::Id,
        "_index" => return Target::Index,
        _ => {}
    }
    if let Some(field) = catalog.field(name) {
        return Target::Field(field);
    }
    for (dot, _) in name.match_indices('.').collect::<Vec<_>>().into_iter().rev() {
        let (outer, path) = (&name[..dot], &name[dot + 1..]);
        if let Some(field) = catalog.field(outer)
            && matches!(field.kind, FieldKind::Flattened | FieldKind::Nested)
        {
            return Target::Path(field, path.to_owned());
        }
    }
    let below = |field: &&CatalogField| {
        field.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
    };
    let inner: Vec<u16> = catalog.fields.iter().filter(below).map(|field| field.place).collect();
    if inner.is_empty() { Target::Unknown } else { Target::Object(inner) }
}

/// The first bytes of the terms below a path of a flattened field.
pub(crate) fn path_of(name: &str, catalog: &Catalog) -> Option<Vec<u8>> {
    match resolve(name, catalog) {
        Target::Path(field, path) => Some(term::path_prefix(field.code(), &path)),
        _ => None,
    }
}

/// A word or phrase without a field.
fn anywhere(text: &str, catalog: &Catalog) -> Plan {
    let address = value::parse_address(text);
    let found = words(text);
    let mut terms = Vec::new();
    let mut plans = Vec::new();
    for field in &catalog.fields {
        match (field.kind, field.handle) {
            (FieldKind::Keyword, _) => terms.push(term::term(field.code(), text.as_bytes())),
            (FieldKind::Flattened | FieldKind::Nested, _) => {
                let mut any = term::any_path_prefix(field.code());
                any.extend_from_slice(text.as_bytes());
                terms.push(any);
            }
            (FieldKind::Ip, _) => {
                terms.extend(address.map(|octets| term::term(field.code(), &octets)));
            }
            (FieldKind::Text, Some(handle)) if !found.is_empty() => {
                plans.push(Plan::Words { handle, words: found.clone() });
            }
            _ => {}
        }
    }
    plans.push(Plan::Terms(terms));
    Plan::Or(plans)
}

fn equals(name: &str, text: &str, catalog: &Catalog) -> Result<Plan, StoreError> {
    let field = match resolve(name, catalog) {
        Target::Id => return Ok(Plan::Terms(vec![term::identity(text)])),
        Target::Index => return Ok(Plan::Terms(vec![term::term(INDEX, text.as_bytes())])),
        Target::Path(field, path) => {
            let mut found = term::path_prefix(field.code(), &path);
            found.extend_from_slice(text.as_bytes());
            return Ok(Plan::Terms(vec![found]));
        }
        Target::Object(_) | Target::Unknown => return Ok(Plan::Nothing),
        Target::Field(field) => field,
    };
    Ok(match field.kind {
        FieldKind::Keyword => Plan::Terms(vec![term::term(field.code(), text.as_bytes())]),
        FieldKind::Text => match (field.handle, words(text)) {
            (Some(handle), words) if !words.is_empty() => Plan::Words { handle, words },
            _ => Plan::Nothing,
        },
        FieldKind::Boolean => match text {
            "true" | "false" => Plan::Terms(vec![term::term(field.code(), text.as_bytes())]),
            _ => return Err(unfit(&field.name, field.kind, text, "`true` or `false`")),
        },
        FieldKind::Ip => match (value::parse_address(text), value::parse_network(text)) {
            (Some(octets), _) => Plan::Terms(vec![term::term(field.code(), &octets)]),
            (None, Some((first, last))) => Plan::TermRange(
                Edge::Included(term::term(field.code(), &first)),
                Edge::Included(term::term(field.code(), &last)),
            ),
            (None, None) => {
                return Err(unfit(
                    &field.name,
                    field.kind,
                    text,
                    "an address, or a network as 10.0.0.0/8",
                ));
            }
        },
        FieldKind::Long | FieldKind::Decimal { .. } | FieldKind::Double | FieldKind::Date => {
            let bound = Bound::Inclusive(text.to_owned());
            between(name, &bound, &bound, catalog)?
        }
        FieldKind::GeoPoint => return Err(only_exists(&field.name, field.kind)),
        FieldKind::Flattened | FieldKind::Nested => {
            let mut any = term::any_path_prefix(field.code());
            any.extend_from_slice(text.as_bytes());
            Plan::Terms(vec![any])
        }
    })
}

fn like_anywhere(pattern: &Pattern, catalog: &Catalog) -> Plan {
    let mut plans = Vec::new();
    for field in &catalog.fields {
        match (field.kind, field.handle) {
            (FieldKind::Keyword, _) => plans.push(glob(&term::code(field.code()), pattern)),
            (FieldKind::Flattened | FieldKind::Nested, _) => {
                plans.push(glob(&term::any_path_prefix(field.code()), pattern));
            }
            (FieldKind::Text, Some(handle)) => plans.push(word_glob(handle, pattern)),
            _ => {}
        }
    }
    Plan::Or(plans)
}

fn like(name: &str, pattern: &Pattern, catalog: &Catalog) -> Result<Plan, StoreError> {
    Ok(match resolve(name, catalog) {
        Target::Id => {
            return Err(ids_are_whole());
        }
        Target::Index => glob(&term::code(INDEX), pattern),
        Target::Path(field, path) => glob(&term::path_prefix(field.code(), &path), pattern),
        Target::Object(_) | Target::Unknown => Plan::Nothing,
        Target::Field(field) => match (field.kind, field.handle) {
            (FieldKind::Keyword, _) => glob(&term::code(field.code()), pattern),
            (FieldKind::Text, Some(handle)) => word_glob(handle, pattern),
            (FieldKind::Flattened | FieldKind::Nested, _) => {
                glob(&term::any_path_prefix(field.code()), pattern)
            }
            _ => return Err(no_wildcards(&field.name, field.kind)),
        },
    })
}

fn glob(terms: &[u8], pattern: &Pattern) -> Plan {
    let prefix = [terms, pattern.prefix().as_bytes()].concat();
    let rest = match pattern.0.first() {
        Some(PatternPart::Text(_)) => &pattern.0[1..],
        _ => &pattern.0[..],
    };
    Plan::Glob { prefix, pattern: rest.to_vec() }
}

fn word_glob(handle: Handle, pattern: &Pattern) -> Plan {
    Plan::WordGlob { handle, pattern: lower_case(pattern).0 }
}

fn exists(name: &str, catalog: &Catalog) -> Plan {
    match resolve(name, catalog) {
        Target::Id | Target::Index => Plan::All,
        Target::Field(field) if field.name == TIMESTAMP => Plan::All,
        Target::Field(field) => Plan::Shape(vec![field.place]),
        Target::Object(places) => Plan::Shape(places),
        Target::Path(field, path) => Plan::Glob {
            prefix: term::path_prefix(field.code(), &path),
            pattern: vec![PatternPart::Any],
        },
        Target::Unknown => Plan::Nothing,
    }
}
