//! Names of indices that an installation chooses beside the platform's own, as `shop-2026.12.01`: which texts can be
//! one. Which of them documents may go to, a configuration says; nothing here knows it.

use crate::index_name::INDEX_PREFIX;

/// The longest name of an index, in bytes, before what an engine puts around it: engines take 255 altogether.
pub const INDEX_BYTES_MAX: usize = 128;

/// The alias of the indices beside our own, behind the namespace. No index can be called as its alias is.
pub const NAMED_ALIAS: &str = "millrace-documents";

/// Indices whose names begin with one text, as templates know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedIndices {
    /// What their names begin with.
    pub prefix: String,
    /// What stands between year, month and day at the ends of all their names, where each of these indices is one of
    /// a day. Only such ones may grow old: an index that goes on and on would be deleted with the documents of today.
    pub day_separator: Option<char>,
}

/// Whether a text consists of what names of indices may: `a` to `z`, `0` to `9`, `-`, `_` and `.`.
#[must_use]
pub fn has_index_letters(text: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
    };
    text.bytes().all(allowed)
}

/// Whether a text can be the name of an index that is none of the platform's own, or its beginning: every engine takes
/// it, and it is neither a path nor a pattern of several.
#[must_use]
pub fn is_named_index(name: &str) -> bool {
    let begins_well =
        name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
    begins_well
        && name.len() <= INDEX_BYTES_MAX
        && has_index_letters(name)
        && !name.contains("..")
        && !name.contains(INDEX_PREFIX)
        && !name.contains(NAMED_ALIAS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_logstash_can_be_indices() {
        for name in [
            "shop-2026.12.01",
            "logstash-2026.48",
            "filebeat-8.19.3-2026.12.01",
            "shop",
            "7_a.b-c",
            "ecommerce-logs",
        ] {
            assert!(is_named_index(name), "{name}");
        }
        assert!(is_named_index(&"x".repeat(INDEX_BYTES_MAX)));
    }

    #[test]
    fn hostile_input_12_no_text_becomes_a_path_a_pattern_or_one_of_our_own() {
        let long = "x".repeat(300);
        for name in [
            "",
            ".",
            "..",
            "../etc",
            "shop-../x",
            "shop..x",
            "shop-\n2026",
            "shop-*",
            "shop-a,b",
            "Shop-a",
            "shop-Ä",
            "shop a",
            "shop-\0",
            "-shop",
            "_all",
            "+shop",
            ".kibana",
            "shop/x",
            "shop\\x",
            "shop?",
            "<shop-{now/d}>",
            "cluster:shop",
            "shop#1",
            "shop%2F",
            "ecommerce-logs-fraud_score-2026.12.01",
            "north-ecommerce-logs-error-2026.12.01",
            "millrace-documents",
            "north-millrace-documents",
            &long,
        ] {
            assert!(!is_named_index(name), "{name:?}");
        }
    }
}
