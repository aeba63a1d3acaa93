//! What every store says about a request that cannot be run, in the same words. It reads nothing.

use schema::FieldKind;

use crate::{BUCKETS_MAX, SIZE_MAX, StoreError, TERMS_SIZE_MAX, TimeRange};

/// How a date may be written.
pub(crate) const A_DATE: &str =
    "a date as 2026-11-24, 2026-11-24T08:00:00Z or milliseconds since 1970";

/// What the values of a field are, in words.
pub(crate) fn noun(kind: FieldKind) -> String {
    match kind {
        FieldKind::Keyword | FieldKind::Text => "texts".to_owned(),
        FieldKind::Long => "whole numbers".to_owned(),
        FieldKind::Double => "numbers".to_owned(),
        FieldKind::Decimal { scale } => format!("numbers of {scale} decimals"),
        FieldKind::Boolean => "`true` or `false`".to_owned(),
        FieldKind::Date => "dates".to_owned(),
        FieldKind::Ip => "addresses".to_owned(),
        FieldKind::GeoPoint => "places".to_owned(),
        FieldKind::Flattened | FieldKind::Nested => "objects".to_owned(),
    }
}

/// The text of a value in a message of every store: short, and without control characters.
#[must_use]
pub fn shown(text: &str) -> String {
    const SHOWN_CHARACTERS: usize = 60;
    let short: String = text.chars().take(SHOWN_CHARACTERS).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", short.escape_debug())
}

/// A text that is no value of its field.
pub(crate) fn unfit(name: &str, kind: FieldKind, text: &str, expected: &str) -> StoreError {
    StoreError::Invalid(format!(
        "{name} holds {}: expected {expected}, found {}",
        noun(kind),
        shown(text)
    ))
}

/// A field whose values cannot be compared with anything.
pub(crate) fn only_exists(name: &str, kind: FieldKind) -> StoreError {
    StoreError::Invalid(format!(
        "{name} holds {}: it can only be asked whether it exists, `{name}:*`",
        noun(kind),
    ))
}

/// A wildcard on a field without texts.
pub(crate) fn no_wildcards(name: &str, kind: FieldKind) -> StoreError {
    StoreError::Invalid(match kind {
        FieldKind::Ip => {
            format!("{name} holds addresses: write a network as 10.0.0.0/8 instead of `*` and `?`")
        }
        _ => format!("{name} holds {}: `*` and `?` work on texts only", noun(kind)),
    })
}

/// A range of a field whose values have no order.
pub(crate) fn no_order(name: &str) -> StoreError {
    StoreError::Invalid(format!("the values of {name} have no order: ranges do not work"))
}

/// A range of ids.
pub(crate) fn ids_have_no_order() -> StoreError {
    StoreError::Invalid("ids have no order: write _id:value".to_owned())
}

/// A wildcard in an id.
pub(crate) fn ids_are_whole() -> StoreError {
    StoreError::Invalid("ids are found as a whole: write _id without `*` and `?`".to_owned())
}

/// A field whose values cannot be listed.
pub(crate) fn not_listed(name: &str) -> StoreError {
    StoreError::Invalid(format!(
        "the values of {name} cannot be listed: choose a keyword, a number, an address or a boolean"
    ))
}

/// # Errors
/// For a page that is too large.
pub(crate) fn check_size(size: usize) -> Result<(), StoreError> {
    if size <= SIZE_MAX {
        return Ok(());
    }
    Err(StoreError::Invalid(format!("a page has at most {SIZE_MAX} documents, not {size}")))
}

/// # Errors
/// For more values than are listed.
pub(crate) fn check_terms_size(size: usize) -> Result<(), StoreError> {
    if size <= TERMS_SIZE_MAX {
        return Ok(());
    }
    Err(StoreError::Invalid(format!("at most {TERMS_SIZE_MAX} values are listed, not {size}")))
}

/// # Errors
/// For an interval that cannot be, or that makes too many of them.
pub(crate) fn check_interval(range: TimeRange, interval_ns: i64) -> Result<(), StoreError> {
    if interval_ns <= 0 {
        return Err(StoreError::Invalid("the interval of a histogram must be positive".to_owned()));
    }
    if let (Some(from), Some(to)) = (range.from_ns, range.to_ns) {
        let length = i128::from(to) - i128::from(from);
        if length / i128::from(interval_ns) > i128::from(BUCKETS_MAX) {
            return Err(too_many_buckets());
        }
    }
    Ok(())
}

/// A histogram that is too fine.
pub(crate) fn too_many_buckets() -> StoreError {
    StoreError::Invalid(format!(
        "a histogram has at most {BUCKETS_MAX} intervals: take a longer interval or a shorter time range"
    ))
}
