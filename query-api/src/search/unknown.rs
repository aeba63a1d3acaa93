//! Names in a query that no event can have: a mistyped field finds nothing, and this says why.
//!
//! A name below a field whose leaves anybody may name (`labels`, `shop.extra`, `shop.unparsed`) is
//! always a name. Nothing here reads an index.

use query::Query;
use schema::{FieldKind, Schema};
use serde::Serialize;
use utoipa::ToSchema;

/// Longest name that a suggestion is looked for, in characters.
const NAME_CHARACTERS_MAX: usize = 64;

/// A field that the query names and no event has.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UnknownField {
    /// Its name as the query has it.
    name: String,
    /// The field that was probably meant.
    suggestion: Option<String>,
}

/// The unknown fields of a query, each once, in its order.
pub(crate) fn unknown_fields(query: &Query, schema: &Schema) -> Vec<UnknownField> {
    let mut unknown: Vec<UnknownField> = Vec::new();
    query.walk(&mut |query| {
        if let Some(name) = query.field()
            && !is_known(name, schema)
            && unknown.iter().all(|other| other.name != name)
        {
            let suggestion = suggestion(name, schema).map(str::to_owned);
            unknown.push(UnknownField { name: name.to_owned(), suggestion });
        }
    });
    unknown
}

fn is_known(name: &str, schema: &Schema) -> bool {
    let is_above = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
    };
    matches!(name, "_id" | "_index" | "@timestamp")
        || schema.fields().iter().any(|field| {
            let is_open = matches!(field.kind, FieldKind::Flattened | FieldKind::Nested);
            field.name == name
                || is_above(name, &field.name)
                || is_open && is_above(&field.name, name)
        })
}

/// The field whose name ends as this one (`order_id` for `shop.order.id`), else the nearest one within
/// a third of the name's length.
fn suggestion<'a>(name: &str, schema: &'a Schema) -> Option<&'a str> {
    let name: String = name.to_lowercase().replace('_', ".");
    let length = name.chars().count();
    if length > NAME_CHARACTERS_MAX {
        return None;
    }
    let names = || schema.fields().iter().map(|field| field.name.as_str());
    let ends = |known: &&str| {
        let known = known.replace('_', ".");
        known == name || known.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'))
    };
    // Of several the event's own comes before those of its parts: the shortest.
    let ending = names().filter(ends).min_by_key(|known| known.len());
    ending.or_else(|| {
        let near = names().map(|known| (edits(&name, &known.replace('_', ".")), known));
        near.filter(|(edits, _)| *edits <= (length / 3).max(1)).min().map(|(_, known)| known)
    })
}

/// Insertions, deletions, replacements and exchanges of neighbours that make one text of the other.
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, a) in from.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, b) in to.iter().enumerate() {
            let replaced = last[column] + usize::from(a != b);
            let mut least = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && *a == to[column - 1] && from[row - 1] == *b {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(text: &str) -> Vec<(String, Option<String>)> {
        let query = query::parse(text).unwrap();
        let fields = unknown_fields(&query, Schema::embedded());
        fields.into_iter().map(|field| (field.name, field.suggestion)).collect()
    }

    #[test]
    fn a_mistyped_field_is_named_with_the_one_that_was_meant() {
        for (name, meant) in [
            ("servce.name", "service.name"),
            ("Service.Name", "service.name"),
            ("order_id", "shop.order.id"),
            ("amount", "shop.order.amount"),
            ("status_code", "http.response.status_code"),
            ("client_ip", "client.ip"),
            ("levle", "log.level"),
        ] {
            let found = unknown(&format!("{name}:x"));
            if name == "levle" {
                assert_eq!(found, [(name.to_owned(), None)], "too short to guess");
            } else {
                assert_eq!(found, [(name.to_owned(), Some(meant.to_owned()))]);
            }
        }
        let long = format!("{}:x", "q".repeat(4000));
        assert_eq!(unknown(&long)[0].1, None);
        assert_eq!(unknown("NOT (zz:1 OR zz:2) AND _exists_:zz").len(), 1, "once");
    }

    #[test]
    fn names_that_an_event_may_have_are_not_unknown() {
        for text in [
            "word \"a phrase\" *",
            "_id:a _index:bb* @timestamp:>2026-01-01 type:error level:error",
            "shop.extra.anything.at.all:1 shop.unparsed.amount:x labels.team:a",
            "client.geo:* shop.order.items.sku:a shop.extra:*",
        ] {
            assert_eq!(unknown(text), [], "{text}");
        }
    }
}
