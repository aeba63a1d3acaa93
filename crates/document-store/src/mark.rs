//! Page marks: the query, a 0, the last key of the page; as hexadecimal digits. Nothing is held open
//! between pages.

use crate::{DocumentError, ErrorKind};

/// Names a query, so that the mark of another one is refused.
pub(crate) fn query(collection: &str, index: &str, descending: bool) -> String {
    format!("{collection}/{index}/{}", u8::from(descending))
}

/// The mark behind this key.
pub(crate) fn write(query: &str, last: &[u8]) -> String {
    let bytes = query.bytes().chain([0]).chain(last.iter().copied());
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// The key of a mark.
///
/// # Errors
/// [`ErrorKind::Invalid`] when it is not one of this query, or lies outside of `prefix`.
pub(crate) fn read(mark: &str, query: &str, prefix: &[u8]) -> Result<Vec<u8>, DocumentError> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = mark.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    let last = bytes.as_deref().and_then(|bytes| {
        bytes.strip_prefix(query.as_bytes())?.strip_prefix(&[0]).map(<[u8]>::to_vec)
    });
    last.filter(|last| last.starts_with(prefix)).ok_or_else(wrong)
}

/// The error of a mark that is not one of the query.
pub(crate) fn wrong() -> DocumentError {
    DocumentError::new(ErrorKind::Invalid, "the page mark is not one of this query")
}
