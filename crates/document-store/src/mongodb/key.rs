//! Keys of an index: texts that sort as the values do. One text for all values of an index, so that
//! a query is one range of one field, whatever the kinds of the values. Never read back.

use crate::IndexValue;

const INTEGER: char = 'i';
const TEXT: char = 't';
/// Ends a text; nothing within a text is as low.
const END: char = '\u{1}';
/// Stands before a character that would be too low.
const ESCAPE: char = '\u{2}';

/// The key of these values. Each value ends where its characters say, so the key of fewer values is
/// a prefix of exactly the keys that begin with these values.
///
/// An integer is 16 hexadecimal digits, with the sign flipped. A text is itself, ended by 1, with 0,
/// 1 and 2 written as 2 1, 2 2 and 2 3.
pub(super) fn values_key(values: &[IndexValue]) -> String {
    let mut key = String::with_capacity(32);
    for value in values {
        match value {
            IndexValue::Integer(number) => {
                key.push(INTEGER);
                key.push_str(&format!("{:016x}", number ^ i64::MIN));
            }
            IndexValue::Text(text) => {
                key.push(TEXT);
                for character in text.chars() {
                    match character {
                        '\0' => key.extend([ESCAPE, '\u{1}']),
                        '\u{1}' => key.extend([ESCAPE, '\u{2}']),
                        '\u{2}' => key.extend([ESCAPE, '\u{3}']),
                        other => key.push(other),
                    }
                }
                key.push(END);
            }
        }
    }
    key
}

/// The first text behind those that begin with a key of values; `None` where there is no end.
pub(super) fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    // A digit or an `END`: the character after it is a character.
    let last = end.pop()?;
    end.push(char::from_u32(u32::from(last) + 1)?);
    Some(end)
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
            let key = values_key(values) + id;
            let is_within = key >= prefix && key < end_of_prefix(&prefix).unwrap();
            assert_eq!(key.starts_with(&prefix), is_within);
            is_within
        });
    }

    #[test]
    fn without_values_there_is_no_end() {
        assert_eq!((values_key(&[]).as_str(), end_of_prefix("")), ("", None));
    }
}
