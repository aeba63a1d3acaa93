//! What a document and its names may be, in every store. It holds limits and decodes nothing.

use event::Limits;

/// The longest id, index name or shop's name: the engines take no longer id.
pub(crate) const NAME_BYTES_MAX: usize = 512;
/// What a document may be: more than the doors and stages before let through.
pub(crate) const DOCUMENT_LIMITS: Limits =
    Limits { depth_max: 128, nodes_max: 100_000, payload_bytes_max: 16 << 20 };
/// A value below a longer path of a flattened field is not found: each of its values repeats the path.
pub(crate) const PATH_BYTES_MAX: usize = 256;

/// The kind of the rejection of a name.
pub(crate) const INVALID_NAME: &str = "invalid_name";

/// # Errors
/// For a name that is too long, and for an id that is empty, in words.
pub(crate) fn check_name(name: &str, text: &str) -> Result<(), String> {
    if text.len() <= NAME_BYTES_MAX && (!text.is_empty() || name != "id") {
        return Ok(());
    }
    Err(format!("the {name} has {} bytes, not 1 to {NAME_BYTES_MAX}", text.len()))
}

#[cfg(test)]
mod tests {
    use super::{NAME_BYTES_MAX, check_name};

    #[test]
    fn names_are_bounded_and_only_an_id_must_be_there() {
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        assert_eq!(check_name("shop", ""), Ok(()));
        assert_eq!(check_name("id", &long[1..]), Ok(()));
        for (name, text) in [("id", ""), ("id", &*long), ("shop", &*long)] {
            assert!(check_name(name, text).is_err_and(|told| told.contains(name)), "{name}");
        }
    }
}
