//! Ranges, by the kind of the field: numbers as numbers, instants as instants, addresses as addresses,
//! keywords by their bytes.

use std::ops::Bound as Edge;

use query::Bound;
use schema::FieldKind;

use super::{Plan, Target, resolve};
use crate::StoreError;
use crate::embedded::catalog::{Catalog, CatalogField};
use crate::embedded::term::{self, INDEX};
use crate::ends::{address, dates, double, in_64_bits, whole_numbers};
use crate::refusal::{ids_have_no_order, no_order, only_exists};

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
        FieldKind::Long => Ok(longs(field, whole_numbers(&field.name, field.kind, from, to, 0)?)),
        FieldKind::Decimal { scale } => {
            Ok(longs(field, whole_numbers(&field.name, field.kind, from, to, scale)?))
        }
        FieldKind::Double => doubles(field, from, to),
        FieldKind::Date => Ok(longs(field, dates(&field.name, from, to)?)),
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
fn longs(field: &CatalogField, (from, to): (i128, i128)) -> Plan {
    match in_64_bits(from, to) {
        Some((from, to)) => Plan::Longs { column: field.column.clone(), from, to },
        None => Plan::Nothing,
    }
}

fn doubles(field: &CatalogField, from: &Bound, to: &Bound) -> Result<Plan, StoreError> {
    let edge = |bound: &Bound| -> Result<Edge<f64>, StoreError> {
        let read = |text: &str| double(&field.name, text);
        Ok(match bound {
            Bound::Unbounded => Edge::Unbounded,
            Bound::Inclusive(text) => Edge::Included(read(text)?),
            Bound::Exclusive(text) => Edge::Excluded(read(text)?),
        })
    };
    Ok(Plan::Doubles { column: field.column.clone(), from: edge(from)?, to: edge(to)? })
}

fn addresses(field: &CatalogField, from: &Bound, to: &Bound) -> Result<Plan, StoreError> {
    let prefix = term::code(field.code());
    let read = |text: &str| -> Result<Vec<u8>, StoreError> {
        Ok(term::term(field.code(), &address(&field.name, text)?))
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
