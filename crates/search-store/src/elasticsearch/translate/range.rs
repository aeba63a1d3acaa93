//! Ranges, by the kind of the field: numbers as numbers, instants as instants, addresses as addresses, keywords
//! by their bytes.

use query::Bound;
use schema::{FieldKind, StoreFields};
use serde_json::{Map, Value, json};

use super::{Translator, any_of, everything, nothing, within_nested};
use crate::StoreError;
use crate::elasticsearch::fields::{Known, Target};
use crate::elasticsearch::hidden::MILLISECOND_NS;
use crate::ends::{LEAST, MOST, address, dates, double, in_64_bits, whole_numbers};
use crate::refusal::{ids_have_no_order, no_order, only_exists};
use crate::value;

/// How instants are written.
const INSTANT_FORMAT: &str = "strict_date_time";

/// Documents that happened between these, both included, in nanoseconds since 1970.
pub(crate) fn moments(from_ns: i128, to_ns: i128) -> Value {
    if from_ns > to_ns {
        return nothing();
    }
    let mut all = Vec::new();
    if from_ns > LEAST {
        let (at, rest) = parts(from_ns);
        all.push(if rest == 0 {
            milliseconds(StoreFields::TIMESTAMP, "gte", at)
        } else {
            let same = json!({ "bool": { "filter": [
                milliseconds(StoreFields::TIMESTAMP, "gte", at),
                json!({ "range": { StoreFields::NANOSECONDS: { "gte": rest } } }),
            ] } });
            any_of(vec![milliseconds(StoreFields::TIMESTAMP, "gt", at), same])
        });
    }
    if to_ns < MOST {
        let (at, rest) = parts(to_ns);
        all.push(if rest + 1 == MILLISECOND_NS {
            milliseconds(StoreFields::TIMESTAMP, "lte", at)
        } else {
            // Documents on the millisecond have no nanoseconds.
            let same = json!({ "bool": {
                "filter": [milliseconds(StoreFields::TIMESTAMP, "lte", at)],
                "must_not": [{ "range": { StoreFields::NANOSECONDS: { "gt": rest } } }],
            } });
            any_of(vec![milliseconds(StoreFields::TIMESTAMP, "lt", at), same])
        });
    }
    if all.is_empty() { everything() } else { json!({ "bool": { "filter": all } }) }
}

fn parts(ns: i128) -> (i64, i64) {
    let ns = i64::try_from(ns.clamp(LEAST, MOST)).unwrap_or_default();
    (ns.div_euclid(MILLISECOND_NS), ns.rem_euclid(MILLISECOND_NS))
}

fn milliseconds(name: &str, side: &str, at: i64) -> Value {
    json!({ "range": { name: { side: instant(at), "format": INSTANT_FORMAT } } })
}

/// An instant as text: OpenSearch takes a negative number of milliseconds for another one.
fn instant(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map(|instant| format!("{instant:.3}"))
        .unwrap_or_default()
}

impl Translator<'_> {
    /// # Errors
    /// For a bound that is no value of the field, and for a field whose values have no order.
    pub(super) fn between(
        &self,
        name: &str,
        from: &Bound,
        to: &Bound,
    ) -> Result<Value, StoreError> {
        let field = match self.fields.resolve(name) {
            Target::Id => return Err(ids_have_no_order()),
            Target::Index => return Err(no_order(name)),
            Target::Path(_) => return Ok(self.path(name, |name| texts(name, from, to))),
            Target::Object(_) | Target::Unknown => return Ok(nothing()),
            Target::Timestamp => {
                let (from, to) = dates(name, from, to)?;
                return Ok(moments(from, to));
            }
            Target::Field(field) => field,
        };
        let query = match field.kind {
            FieldKind::Keyword => texts(&field.name, from, to),
            FieldKind::Long => {
                let (from, to) = whole_numbers(&field.name, field.kind, from, to, 0)?;
                longs(&field.name, from, to)
            }
            FieldKind::Decimal { scale } => {
                let (from, to) = whole_numbers(&field.name, field.kind, from, to, scale)?;
                decimals(&field.name, from, to, scale)
            }
            FieldKind::Double => doubles(field, from, to)?,
            FieldKind::Date => {
                let (from, to) = dates(&field.name, from, to)?;
                whole_milliseconds(&field.name, from, to)
            }
            FieldKind::Ip => addresses(field, from, to)?,
            FieldKind::GeoPoint => return Err(only_exists(&field.name, field.kind)),
            FieldKind::Text | FieldKind::Boolean | FieldKind::Flattened | FieldKind::Nested => {
                return Err(no_order(&field.name));
            }
        };
        Ok(within_nested(field, query))
    }
}

fn range(name: &str, bounds: Map<String, Value>) -> Value {
    json!({ "range": { name: bounds } })
}

/// Texts by their bytes. Both ends are named, since below a flattened field engines want both.
fn texts(name: &str, from: &Bound, to: &Bound) -> Value {
    let mut bounds = Map::new();
    match from {
        Bound::Unbounded => bounds.insert("gte".to_owned(), json!("")),
        Bound::Inclusive(text) => bounds.insert("gte".to_owned(), json!(text)),
        Bound::Exclusive(text) => bounds.insert("gt".to_owned(), json!(text)),
    };
    match to {
        Bound::Unbounded => bounds.insert("lte".to_owned(), json!("\u{10ffff}\u{10ffff}")),
        Bound::Inclusive(text) => bounds.insert("lte".to_owned(), json!(text)),
        Bound::Exclusive(text) => bounds.insert("lt".to_owned(), json!(text)),
    };
    range(name, bounds)
}

fn longs(name: &str, from: i128, to: i128) -> Value {
    match in_64_bits(from, to) {
        Some((from, to)) => json!({ "range": { name: { "gte": from, "lte": to } } }),
        None => nothing(),
    }
}

/// Numbers of fixed decimals: the ends lie half a step outside, so that it does not matter how an engine
/// rounds.
fn decimals(name: &str, from: i128, to: i128, scale: u8) -> Value {
    if in_64_bits(from, to).is_none() {
        return nothing();
    }
    let text = |tenths: i128| match i64::try_from(tenths) {
        Ok(tenths) => value::format_scaled(tenths, scale + 1),
        // So far out that a step is less than what a double tells apart.
        Err(_) => (tenths as f64 / 10f64.powi(i32::from(scale) + 1)).to_string(),
    };
    let (low, high) = (text(from.saturating_mul(10) - 5), text(to.saturating_mul(10) + 5));
    json!({ "range": { name: { "gte": low, "lt": high } } })
}

/// Minus zero is less than zero for an engine, and the same for everyone else.
fn doubles(field: &Known, from: &Bound, to: &Bound) -> Result<Value, StoreError> {
    let read = |text: &str| double(&field.name, text);
    let (least, most) =
        (|value: f64| if value == 0.0 { -0.0 } else { value }, |value: f64| value + 0.0);
    let mut bounds = Map::new();
    match from {
        Bound::Unbounded => None,
        Bound::Inclusive(text) => bounds.insert("gte".to_owned(), json!(least(read(text)?))),
        Bound::Exclusive(text) => bounds.insert("gt".to_owned(), json!(most(read(text)?))),
    };
    match to {
        Bound::Unbounded => None,
        Bound::Inclusive(text) => bounds.insert("lte".to_owned(), json!(most(read(text)?))),
        Bound::Exclusive(text) => bounds.insert("lt".to_owned(), json!(least(read(text)?))),
    };
    if bounds.is_empty() {
        return Ok(json!({ "exists": { "field": &field.name } }));
    }
    Ok(range(&field.name, bounds))
}

/// Engines keep dates to the millisecond.
fn whole_milliseconds(name: &str, from_ns: i128, to_ns: i128) -> Value {
    let step = i128::from(MILLISECOND_NS);
    let (from, to) = (from_ns.max(LEAST), to_ns.min(MOST));
    let (first, last) = (-(-from).div_euclid(step), to.div_euclid(step));
    if first > last {
        return nothing();
    }
    let bound = |value: i128| instant(i64::try_from(value).unwrap_or_default());
    let (first, last) = (bound(first), bound(last));
    json!({ "range": { name: { "gte": first, "lte": last, "format": INSTANT_FORMAT } } })
}

fn addresses(field: &Known, from: &Bound, to: &Bound) -> Result<Value, StoreError> {
    let read = |text: &str| -> Result<Value, StoreError> {
        Ok(json!(value::format_address(address(&field.name, text)?)))
    };
    let mut bounds = Map::new();
    match from {
        Bound::Unbounded => None,
        Bound::Inclusive(text) => bounds.insert("gte".to_owned(), read(text)?),
        Bound::Exclusive(text) => bounds.insert("gt".to_owned(), read(text)?),
    };
    match to {
        Bound::Unbounded => None,
        Bound::Inclusive(text) => bounds.insert("lte".to_owned(), read(text)?),
        Bound::Exclusive(text) => bounds.insert("lt".to_owned(), read(text)?),
    };
    if bounds.is_empty() {
        return Ok(json!({ "exists": { "field": &field.name } }));
    }
    Ok(range(&field.name, bounds))
}
