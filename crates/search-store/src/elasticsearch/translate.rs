//! Turns a query into what engines understand: each text becomes a value of its field's kind, or the query is
//! refused, in the same words as by the embedded index. No text of a user is ever parsed by an engine.
//!
//! What engines cannot do, and what is refused for it: on Elasticsearch `*` and `?` within a path of a flattened
//! field, unless it is one `*` at the end; `?` in index names; ranges of index names. Values below a nested
//! field are found by the fields that the schema knows only.

mod range;

use access::{Scope, Shops};
use query::{Bound, Pattern, PatternPart, Query};
use schema::{FieldKind, Product, StoreFields};
use serde_json::{Value, json};

use super::fields::{Fields, Known, Target};
use super::form::is_index_name;
use super::index::in_engine;
use super::reduced::plain;
use crate::refusal::{ids_are_whole, no_wildcards, only_exists, unfit};
use crate::words::{lower_case, words};
use crate::{IndexPrefixes, StoreError, TimeRange, value};

pub(crate) use range::moments;

/// What a translation needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Translator<'a> {
    pub(crate) fields: &'a Fields,
    pub(crate) product: Product,
    /// Stands before index names in the engine.
    pub(crate) namespace: &'a str,
    /// What the names of indices begin with that have nothing before them.
    pub(crate) prefixes: &'a IndexPrefixes,
}

/// Documents that the scope may see, in the time range, that match the query.
///
/// # Errors
/// For a value that its field cannot have, in words for whoever wrote the query.
pub(crate) fn whole(
    translator: &Translator<'_>,
    scope: &Scope,
    query: &Query,
    range: TimeRange,
) -> Result<Value, StoreError> {
    Ok(all_of(vec![visible(scope), within(range), translator.query(query)?]))
}

/// The documents that a scope may see. A document that this store has not written belongs to no shop.
pub(crate) fn visible(scope: &Scope) -> Value {
    match scope.shops() {
        Shops::All => json!({ "exists": { "field": StoreFields::SHOP } }),
        Shops::Only(shops) if shops.is_empty() => nothing(),
        Shops::Only(shops) => json!({ "terms": { StoreFields::SHOP: shops } }),
    }
}

fn within(range: TimeRange) -> Value {
    let from = range.from_ns.map_or(i128::from(i64::MIN), i128::from);
    let to = range.to_ns.map_or(i128::from(i64::MAX), |to| i128::from(to) - 1);
    moments(from, to)
}

impl Translator<'_> {
    /// # Errors
    /// As [`whole`].
    pub(crate) fn query(&self, query: &Query) -> Result<Value, StoreError> {
        Ok(match query {
            Query::All => everything(),
            Query::And(all) => all_of(self.each(all)?),
            Query::Or(all) => any_of(self.each(all)?),
            Query::Not(inner) => json!({ "bool": { "must_not": [self.query(inner)?] } }),
            Query::Term { field: None, value } | Query::Phrase { field: None, text: value } => {
                self.anywhere(value)
            }
            Query::Term { field: Some(name), value }
            | Query::Phrase { field: Some(name), text: value } => self.equals(name, value)?,
            Query::Wildcard { field: None, pattern } => self.like_anywhere(pattern),
            Query::Wildcard { field: Some(name), pattern } => self.like(name, pattern)?,
            Query::Range { field, from, to } => self.between(field, from, to)?,
            Query::Exists { field } => self.exists(field),
        })
    }

    fn each(&self, all: &[Query]) -> Result<Vec<Value>, StoreError> {
        all.iter().map(|query| self.query(query)).collect()
    }

    /// A word or phrase without a field.
    fn anywhere(&self, text: &str) -> Value {
        let address = value::parse_address(text).map(value::format_address);
        let has_words = !words(text).is_empty();
        let mut found = vec![term(StoreFields::ANY, text)];
        for field in self.fields.iter() {
            match field.kind {
                FieldKind::Flattened => found.push(term(&field.name, text)),
                FieldKind::Ip => {
                    found.extend(
                        address.iter().map(|one| within_nested(field, term(&field.name, one))),
                    );
                }
                FieldKind::Text if has_words => found.push(phrase(field, text)),
                _ => {}
            }
        }
        any_of(found)
    }

    fn equals(&self, name: &str, text: &str) -> Result<Value, StoreError> {
        let field = match self.fields.resolve(name) {
            Target::Id => return Ok(json!({ "ids": { "values": [text] } })),
            Target::Index => return Ok(self.index(text)),
            Target::Path(_) => return Ok(self.path(name, |name| term(name, text))),
            Target::Object(_) | Target::Unknown => return Ok(nothing()),
            Target::Timestamp => {
                let bound = Bound::Inclusive(text.to_owned());
                return self.between(name, &bound, &bound);
            }
            Target::Field(field) => field,
        };
        Ok(match field.kind {
            FieldKind::Keyword => within_nested(field, term(&field.name, text)),
            FieldKind::Text if words(text).is_empty() => nothing(),
            FieldKind::Text => phrase(field, text),
            FieldKind::Boolean if matches!(text, "true" | "false") => {
                within_nested(field, term(&field.name, text))
            }
            FieldKind::Boolean => {
                return Err(unfit(&field.name, field.kind, text, "`true` or `false`"));
            }
            FieldKind::Ip => self.address(field, text)?,
            FieldKind::Long | FieldKind::Decimal { .. } | FieldKind::Double | FieldKind::Date => {
                let bound = Bound::Inclusive(text.to_owned());
                self.between(name, &bound, &bound)?
            }
            FieldKind::GeoPoint => return Err(only_exists(&field.name, field.kind)),
            FieldKind::Flattened => term(&field.name, text),
            FieldKind::Nested => any_of(self.keywords_within(field, |inner| term(inner, text))),
        })
    }

    fn address(&self, field: &Known, text: &str) -> Result<Value, StoreError> {
        if let Some(octets) = value::parse_address(text) {
            return Ok(within_nested(field, term(&field.name, &value::format_address(octets))));
        }
        let Some((first, last)) = value::parse_network(text) else {
            let expected = "an address, or a network as 10.0.0.0/8";
            return Err(unfit(&field.name, field.kind, text, expected));
        };
        let (first, last) = (value::format_address(first), value::format_address(last));
        let range = json!({ "range": { &field.name: { "gte": first, "lte": last } } });
        Ok(within_nested(field, range))
    }

    /// Queries of all keywords within a nested field.
    fn keywords_within(&self, outer: &Known, query: impl Fn(&str) -> Value) -> Vec<Value> {
        let inner = self.fields.iter().filter(|field| field.nested.as_deref() == Some(&outer.name));
        let keywords = inner.filter(|field| field.kind == FieldKind::Keyword);
        keywords.map(|field| within_nested(field, query(&field.name))).collect()
    }

    /// Engines take a name here for a pattern, so only a plain one goes to them.
    fn index(&self, text: &str) -> Value {
        if is_index_name(text) || self.prefixes.allow(text) {
            term("_index", &in_engine(self.namespace, text))
        } else {
            nothing()
        }
    }

    fn like_anywhere(&self, pattern: &Pattern) -> Value {
        let mut found = vec![wildcard(StoreFields::ANY, pattern)];
        for field in self.fields.iter() {
            match field.kind {
                FieldKind::Flattened => found.push(wildcard(&field.name, pattern)),
                FieldKind::Text => {
                    found.push(within_nested(field, wildcard(&field.name, &lower_case(pattern))));
                }
                _ => {}
            }
        }
        any_of(found)
    }

    fn like(&self, name: &str, pattern: &Pattern) -> Result<Value, StoreError> {
        let field = match self.fields.resolve(name) {
            Target::Id => return Err(ids_are_whole()),
            Target::Index => return self.like_index(pattern),
            Target::Path(field) => return self.like_path(field, name, pattern),
            Target::Object(_) | Target::Unknown => return Ok(nothing()),
            Target::Timestamp => return Err(no_wildcards(name, FieldKind::Date)),
            Target::Field(field) => field,
        };
        Ok(match field.kind {
            FieldKind::Keyword => within_nested(field, wildcard(&field.name, pattern)),
            FieldKind::Text => within_nested(field, wildcard(&field.name, &lower_case(pattern))),
            FieldKind::Flattened => wildcard(&field.name, pattern),
            FieldKind::Nested => {
                any_of(self.keywords_within(field, |inner| wildcard(inner, pattern)))
            }
            _ => return Err(no_wildcards(&field.name, field.kind)),
        })
    }

    /// A query of a path as it is stored: OpenSearch takes any key as it is, and both take the one that stands
    /// for it in the reduced form.
    fn path(&self, name: &str, query: impl Fn(&str) -> Value) -> Value {
        let stored = plain(name);
        if stored == name || self.product == Product::Elasticsearch {
            return query(&stored);
        }
        any_of(vec![query(name), query(&stored)])
    }

    fn like_path(&self, field: &Known, name: &str, pattern: &Pattern) -> Result<Value, StoreError> {
        let is_prefix = matches!(pattern.0.as_slice(), [PatternPart::Text(_), PatternPart::Any]);
        if is_prefix || self.product == Product::OpenSearch {
            return Ok(self.path(name, |name| wildcard(name, pattern)));
        }
        Err(StoreError::Invalid(format!(
            "below {} Elasticsearch finds `*` at the end of a value only, and no `?`",
            field.name
        )))
    }

    fn like_index(&self, pattern: &Pattern) -> Result<Value, StoreError> {
        let mut text = String::new();
        for part in &pattern.0 {
            match part {
                PatternPart::Any => text.push('*'),
                PatternPart::Text(plain) if plain.bytes().all(|b| b != b'*' && b != b':') => {
                    text.push_str(plain);
                }
                PatternPart::Text(_) => return Ok(nothing()),
                PatternPart::One => {
                    let message = "index names are found with `*` only, not with `?`";
                    return Err(StoreError::Invalid(message.to_owned()));
                }
            }
        }
        let like = |text: &str| json!({ "wildcard": { "_index": { "value": text } } });
        let own = like(&format!("{}{text}", self.namespace));
        if self.namespace.is_empty() || self.prefixes.0.is_empty() {
            return Ok(own);
        }
        // Those that the installation names have no namespace.
        Ok(any_of(vec![own, like(&text)]))
    }

    fn exists(&self, name: &str) -> Value {
        match self.fields.resolve(name) {
            Target::Id | Target::Index | Target::Timestamp => everything(),
            Target::Field(field) => exists(field),
            Target::Object(inner) => any_of(inner.into_iter().map(exists).collect()),
            // A path is there where it has a value, whatever the value.
            Target::Path(_) => {
                self.path(name, |name| json!({ "prefix": { name: { "value": "" } } }))
            }
            Target::Unknown => nothing(),
        }
    }
}

fn exists(field: &Known) -> Value {
    let query = match field.kind {
        FieldKind::Nested => {
            return json!({
                "nested": { "path": &field.name, "query": everything(), "ignore_unmapped": true },
            });
        }
        _ => json!({ "exists": { "field": &field.name } }),
    };
    within_nested(field, query)
}

fn phrase(field: &Known, text: &str) -> Value {
    within_nested(field, json!({ "match_phrase": { &field.name: { "query": text } } }))
}

/// A query of a field within the nested object around it, if there is one.
fn within_nested(field: &Known, query: Value) -> Value {
    match &field.nested {
        None => query,
        Some(path) => {
            json!({ "nested": { "path": path, "query": query, "ignore_unmapped": true } })
        }
    }
}

fn term(name: &str, text: &str) -> Value {
    json!({ "term": { name: { "value": text } } })
}

fn wildcard(name: &str, pattern: &Pattern) -> Value {
    if let [PatternPart::Text(prefix), PatternPart::Any] = pattern.0.as_slice() {
        return json!({ "prefix": { name: { "value": prefix } } });
    }
    let mut text = String::new();
    for part in &pattern.0 {
        match part {
            PatternPart::Any => text.push('*'),
            PatternPart::One => text.push('?'),
            PatternPart::Text(plain) => {
                for character in plain.chars() {
                    if matches!(character, '*' | '?' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
            }
        }
    }
    json!({ "wildcard": { name: { "value": text } } })
}

pub(crate) fn everything() -> Value {
    json!({ "match_all": {} })
}

pub(crate) fn nothing() -> Value {
    json!({ "match_none": {} })
}

pub(crate) fn all_of(mut all: Vec<Value>) -> Value {
    all.retain(|query| query.get("match_all").is_none());
    match all.len() {
        0 => everything(),
        _ => json!({ "bool": { "filter": all } }),
    }
}

fn any_of(all: Vec<Value>) -> Value {
    match all.len() {
        0 => nothing(),
        _ => json!({ "bool": { "should": all, "minimum_should_match": 1 } }),
    }
}

#[cfg(test)]
mod tests;
