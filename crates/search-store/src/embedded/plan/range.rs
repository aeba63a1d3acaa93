//! Ranges, by the kind of the field: numbers as numbers, instants as instants, addresses as addresses,
//! keywords by their bytes.

use std::ops::Bound as Edge;

use query::Bound;
use schema::FieldKind;

use super::{Plan, Target, resolve};
use crate::StoreError;
use crate::embedded::catalog::{Catalog, CatalogField};
use crate::embedded::term::{self, INDEX};
use crate::refusal::{A_DATE, ids_have_no_order, no_order, only_exists, unfit};
use crate::value::{self, Scaled};

/// Plans a range.
///
/// # Errors
/// For a bound that is no value of the field, and for a field whose values have no order.
pub(super) fn between(
    name: &str,
    from: &Bound,
    to: &Bound,
    catalog: &Catalog,
) -> Result<Plan, StoreError> {
    let field = match resolve(name, catalog) {
        Target::Index => return Ok(term_range(&term::code(INDEX), from, to)),
        Target::Path(field, path) => {
            return Ok(term_range(&term::path_prefix(field.code(), &path), from, to));
        }
        Target::Object(_) | Target::Unknown => return Ok(Plan::Nothing),
        Target::Id => {
            return Err(ids_have_no_order());
        }
        Target::Field(field) => field,
    };
    match field.kind {
        FieldKind::Keyword => Ok(term_range(&term::code(field.code()), from, to)),
        FieldKind::Long => whole_numbers(field, from, to, 0),
        FieldKind::Decimal { scale } => whole_numbers(field, from, to, scale),
        FieldKind::Double => doubles(field, from, to),
        FieldKind::Date => dates(field, from, to),
        FieldKind::Ip => addresses(field, from, to),
        FieldKind::GeoPoint => Err(only_exists(&field.name, field.kind)),
        FieldKind::Text | FieldKind::Boolean | FieldKind::Flattened | FieldKind::Nested => {
            Err(no_order(&field.name))
        }
    }
}

/// Terms of one prefix, by their bytes.
fn term_range(prefix: &[u8], from: &Bound, to: &Bound) -> Plan {
    let whole = |text: &str| [prefix, text.as_bytes()].concat();
    let low = match from {
        Bound::Unbounded => Edge::Included(prefix.to_vec()),
        Bound::Inclusive(text) => Edge::Included(whole(text)),
        Bound::Exclusive(text) => Edge::Excluded(whole(text)),
    };
    let high = match to {
        Bound::Unbounded => term::after_prefix(prefix).map_or(Edge::Unbounded, Edge::Excluded),
        Bound::Inclusive(text) => Edge::Included(whole(text)),
        Bound::Exclusive(text) => Edge::Excluded(whole(text)),
    };
    Plan::TermRange(low, high)
}

/// Values from `from` to `to`, both included; beyond 64 bits nothing is indexed.
fn longs(field: &CatalogField, from: i128, to: i128) -> Plan {
    let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
    if from > to || from > most || to < least {
        return Plan::Nothing;
    }
    let clamped = |value: i128| i64::try_from(value.clamp(least, most)).unwrap_or_default();
    Plan::Longs { column: field.column.clone(), from: clamped(from), to: clamped(to) }
}

fn whole_numbers(
    field: &CatalogField,
    from: &Bound,
    to: &Bound,
    scale: u8,
) -> Result<Plan, StoreError> {
    let read = |text: &str| {
        value::parse_scaled(text.as_bytes(), scale)
            .ok_or_else(|| unfit(&field.name, field.kind, text, "a number"))
    };
    let low = match from {
        Bound::Unbounded => i128::from(i64::MIN),
        Bound::Inclusive(text) => {
            let Scaled { floor, exact } = read(text)?;
            floor + i128::from(!exact)
        }
        Bound::Exclusive(text) => read(text)?.floor + 1,
    };
    let high = match to {
        Bound::Unbounded => i128::from(i64::MAX),
        Bound::Inclusive(text) => read(text)?.floor,
        Bound::Exclusive(text) => {
            let Scaled { floor, exact } = read(text)?;
            floor - i128::from(exact)
        }
    };
    Ok(longs(field, low, high))
}

fn doubles(field: &CatalogField, from: &Bound, to: &Bound) -> Result<Plan, StoreError> {
    let edge = |bound: &Bound| -> Result<Edge<f64>, StoreError> {
        let read = |text: &str| {
            value::parse_double(text.as_bytes())
                .ok_or_else(|| unfit(&field.name, field.kind, text, "a number"))
        };
        Ok(match bound {
            Bound::Unbounded => Edge::Unbounded,
            Bound::Inclusive(text) => Edge::Included(read(text)?),
            Bound::Exclusive(text) => Edge::Excluded(read(text)?),
        })
    };
    Ok(Plan::Doubles { column: field.column.clone(), from: edge(from)?, to: edge(to)? })
}

/// A day as a bound stands for all of it: `<=2026-11-24` holds the day's last instant.
fn dates(field: &CatalogField, from: &Bound, to: &Bound) -> Result<Plan, StoreError> {
    let read = |text: &str| -> Result<(i128, i128), StoreError> {
        let (first, last) =
            value::parse_date(text).ok_or_else(|| unfit(&field.name, field.kind, text, A_DATE))?;
        Ok((i128::from(first), i128::from(last)))
    };
    let low = match from {
        Bound::Unbounded => i128::from(i64::MIN),
        Bound::Inclusive(text) => read(text)?.0,
        Bound::Exclusive(text) => read(text)?.1 + 1,
    };
    let high = match to {
        Bound::Unbounded => i128::from(i64::MAX),
        Bound::Inclusive(text) => read(text)?.1,
        Bound::Exclusive(text) => read(text)?.0 - 1,
    };
    Ok(longs(field, low, high))
}

fn addresses(field: &CatalogField, from: &Bound, to: &Bound) -> Result<Plan, StoreError> {
    let prefix = term::code(field.code());
    let read = |text: &str| -> Result<Vec<u8>, StoreError> {
        let octets = value::parse_address(text)
            .ok_or_else(|| unfit(&field.name, field.kind, text, "an address"))?;
        Ok(term::term(field.code(), &octets))
    };
    let low = match from {
        Bound::Unbounded => Edge::Included(prefix.to_vec()),
        Bound::Inclusive(text) => Edge::Included(read(text)?),
        Bound::Exclusive(text) => Edge::Excluded(read(text)?),
    };
    let high = match to {
        Bound::Unbounded => term::after_prefix(&prefix).map_or(Edge::Unbounded, Edge::Excluded),
        Bound::Inclusive(text) => Edge::Included(read(text)?),
        Bound::Exclusive(text) => Edge::Excluded(read(text)?),
    };
    Ok(Plan::TermRange(low, high))
}
