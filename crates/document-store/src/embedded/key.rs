//! Keys of an index: bytes that sort as the values do, with the document's id behind them. The
//! values are never read back.

use std::ops::Bound;

use crate::IndexValue;

const INTEGER: u8 = 1;
const TEXT: u8 = 2;

/// The values' bytes. Each value ends where its bytes say, so the key of fewer values is a prefix of
/// exactly the keys that begin with these values.
///
/// An integer is its 8 bytes, highest first, with the sign flipped. A text is its bytes with 0 written
/// as 0 255, ended by 0 0.
pub(super) fn values_key(values: &[IndexValue]) -> Vec<u8> {
    let mut key = Vec::with_capacity(32);
    for value in values {
        match value {
            IndexValue::Integer(number) => {
                key.push(INTEGER);
                key.extend_from_slice(&(number ^ i64::MIN).to_be_bytes());
            }
            IndexValue::Text(text) => {
                key.push(TEXT);
                for byte in text.bytes() {
                    key.push(byte);
                    if byte == 0 {
                        key.push(u8::MAX);
                    }
                }
                key.extend_from_slice(&[0, 0]);
            }
        }
    }
    key
}

/// What stands behind the first `values` values of a key; `None` where these are cut.
pub(super) fn after_values(mut key: &[u8], values: usize) -> Option<&[u8]> {
    for _ in 0..values {
        let (kind, rest) = key.split_first()?;
        key = match *kind {
            INTEGER => rest.get(size_of::<i64>()..)?,
            _ => {
                let mut at = 0;
                while rest.get(at..at + 2)? != [0, 0] {
                    at += if rest[at] == 0 { 2 } else { 1 };
                }
                &rest[at + 2..]
            }
        };
    }
    Some(key)
}

/// The end of the keys that begin with a prefix.
pub(super) fn end_of_prefix(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_properties;

    #[test]
    fn keys_sort_as_their_values() {
        key_properties::keys_sort_as_their_values(values_key);
    }

    #[test]
    fn a_prefix_holds_exactly_the_keys_that_begin_so() {
        key_properties::a_prefix_holds_exactly_the_keys_that_begin_so(|prefix, values, id| {
            let prefix = values_key(prefix);
            let mut key = values_key(values);
            key.extend_from_slice(id.as_bytes());
            assert_eq!(after_values(&key, 2), Some(id.as_bytes()));
            let before_end = match end_of_prefix(&prefix) {
                Bound::Excluded(end) => key < end,
                _ => true,
            };
            key >= prefix && before_end
        });
    }
}
