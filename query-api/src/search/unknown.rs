//! Names in a query that no event can have a value under: a mistyped field, or an object's name, finds
//! nothing, and this says why.
//!
//! A name below a field whose leaves anybody may name (`labels`, `shop.extra`, `shop.unparsed`) is
//! always a name. Nothing here reads an index.

use query::Query;
use schema::{FieldKind, Schema};
use serde::Serialize;
use service::suggest::edits_if_near;
use utoipa::ToSchema;

/// Most fields of an object that are named.
const FIELDS_LISTED_MAX: usize = 20;

/// A field that the query names and no event has.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct UnknownField {
    /// Its name as the query has it.
    name: String,
    /// The field that was probably meant.
    suggestion: Option<String>,
    /// The first fields of the object that has this name, which has no value itself; empty where no
    /// object has it.
    fields: Vec<String>,
}

/// The unknown fields of a query, each once, in its order.
pub(crate) fn unknown_fields(query: &Query, schema: &Schema) -> Vec<UnknownField> {
    let mut unknown: Vec<UnknownField> = Vec::new();
    query.walk(&mut |query| {
        if let Some(name) = query.field()
            && !is_known(name, schema)
            && unknown.iter().all(|other| other.name != name)
        {
            let fields = fields_of(name, schema);
            // Any of them, as `client.geo:*`.
            if !fields.is_empty() && matches!(query, Query::Exists { .. }) {
                return;
            }
            let suggestion = if fields.is_empty() { suggestion(name, schema) } else { None };
            let suggestion = suggestion.map(str::to_owned);
            unknown.push(UnknownField { name: name.to_owned(), suggestion, fields });
        }
    });
    unknown
}

fn is_above(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

/// The first fields of the object of this name.
fn fields_of(name: &str, schema: &Schema) -> Vec<String> {
    let fields = schema.fields().iter().map(|field| &field.name);
    fields.filter(|field| is_above(name, field)).take(FIELDS_LISTED_MAX).cloned().collect()
}

fn is_known(name: &str, schema: &Schema) -> bool {
    matches!(name, "_id" | "_index" | "@timestamp")
        || schema.fields().iter().any(|field| {
            let is_open = matches!(field.kind, FieldKind::Flattened | FieldKind::Nested);
            field.name == name || is_open && is_above(&field.name, name)
        })
}

/// The field whose name ends as this one (`order_id` for `shop.order.id`), else the nearest one within
/// a third of the name's length.
fn suggestion<'a>(name: &str, schema: &'a Schema) -> Option<&'a str> {
    let name: String = name.to_lowercase().replace('_', ".");
    let names = || schema.fields().iter().map(|field| field.name.as_str());
    let ends = |known: &&str| {
        let known = known.replace('_', ".");
        known == name || known.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'))
    };
    // Of several the event's own comes before those of its parts: the shortest.
    let ending = names().filter(ends).min_by_key(|known| known.len());
    ending.or_else(|| {
        let edits = |known: &str| edits_if_near(&name, &known.replace('_', "."));
        names().filter_map(|known| Some((edits(known)?, known))).min().map(|(_, known)| known)
    })
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
    fn an_object_is_named_with_its_fields() {
        let of = |text: &str| unknown_fields(&query::parse(text).unwrap(), Schema::embedded());
        for text in ["service:checkout", "service:\"a b\"", "service:ab*", "NOT service:>1"] {
            let found = of(text);
            assert_eq!((found.len(), &found[0].suggestion), (1, &None), "{text}");
            assert!(found[0].fields.contains(&"service.name".to_owned()), "{found:?}");
        }
        assert_eq!(of("shop:x")[0].fields.len(), FIELDS_LISTED_MAX);
        assert_eq!(of("service:* AND service:x").len(), 1);
        assert_eq!(of("service:*"), []);
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
