//! How values become terms of the one dictionary that a segment has: a code of two bytes for the field,
//! then the value's bytes, so that a field's values stand together and in order. It knows no query.

/// The code of ids.
pub(crate) const IDENTITY: u16 = 0;
/// The code of index names.
pub(crate) const INDEX: u16 = 1;
/// The code of shops.
pub(crate) const SHOP: u16 = 2;
/// The code of shapes: which fields a document has, a bit each by the field's place.
pub(crate) const SHAPE: u16 = 3;
/// The code of the first field.
pub(crate) const FIELDS: u16 = 16;
/// A longer value is not found as a whole.
pub(crate) const VALUE_BYTES_MAX: usize = 8 << 10;
/// Stands for the length of a path in terms that hold a value below any path.
const ANY_PATH: u16 = u16::MAX;

/// The first bytes of all terms of a field.
pub(crate) fn code(code: u16) -> [u8; 2] {
    code.to_be_bytes()
}

/// The term of a value.
pub(crate) fn term(code: u16, value: &[u8]) -> Vec<u8> {
    let mut term = Vec::with_capacity(2 + value.len());
    term.extend_from_slice(&code.to_be_bytes());
    term.extend_from_slice(value);
    term
}

/// The first bytes of all terms below a path of a flattened field.
pub(crate) fn path_prefix(code: u16, path: &str) -> Vec<u8> {
    let mut prefix = term(code, &path_length(path).to_be_bytes());
    prefix.extend_from_slice(path.as_bytes());
    prefix
}

/// The first bytes of all terms that hold a value below any path of a flattened field.
pub(crate) fn any_path_prefix(code: u16) -> Vec<u8> {
    term(code, &ANY_PATH.to_be_bytes())
}

/// A path that is too long to be named has a length that no query asks for.
fn path_length(path: &str) -> u16 {
    u16::try_from(path.len()).unwrap_or(ANY_PATH).min(ANY_PATH - 1)
}

/// An id as the value of its term: the bytes of 32 lower-case hexadecimal digits, or the text.
pub(crate) fn identity(id: &str) -> Vec<u8> {
    match hexadecimal(id) {
        Some(bytes) => term(IDENTITY, &[b"x", &bytes[..]].concat()),
        None => term(IDENTITY, &[b"t", id.as_bytes()].concat()),
    }
}

/// The 16 bytes that 32 lower-case hexadecimal digits stand for.
fn hexadecimal(id: &str) -> Option<[u8; 16]> {
    let digits: &[u8; 32] = id.as_bytes().try_into().ok()?;
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

/// The first eight bytes of an id as a number: documents of one instant stand in its order.
pub(crate) fn identity_order(id: &str) -> u64 {
    let mut first = [0; 8];
    match hexadecimal(id) {
        Some(bytes) => first.copy_from_slice(&bytes[..8]),
        None => first.iter_mut().zip(id.as_bytes()).for_each(|(to, from)| *to = *from),
    }
    u64::from_be_bytes(first)
}

/// The bytes that come after all that begin with these; none if there are no such.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut after = prefix[..=keep].to_vec();
    after[keep] += 1;
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::{after_prefix, identity, identity_order};

    #[test]
    fn ids_keep_their_order() {
        let check = |smaller: &str, larger: &str| {
            assert!(identity(smaller) < identity(larger), "{smaller} {larger}");
            assert!(identity_order(smaller) <= identity_order(larger), "{smaller} {larger}");
        };
        check("0192f0c1a2b37c4d8e9fa0b1c2d3e4f5", "0192f0c1a2b37c4d8e9fa0b1c2d3e4f6");
        check("00000000000000000000000000000000", "ffffffffffffffffffffffffffffffff");
        check("a", "b");
        check("order-1", "order-2");
    }

    #[test]
    fn ids_that_look_alike_differ() {
        let digits = "0192f0c1a2b37c4d8e9fa0b1c2d3e4f5";
        assert_ne!(identity(digits), identity(&digits.to_uppercase()));
        assert_ne!(identity(digits), identity(&digits[..31]));
    }

    #[test]
    fn the_bytes_after_a_prefix() {
        assert_eq!(after_prefix(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(after_prefix(&[1, 255]), Some(vec![2]));
        assert_eq!(after_prefix(&[255, 255]), None);
    }
}
