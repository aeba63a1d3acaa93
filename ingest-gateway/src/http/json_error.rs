//! What is wrong with JSON, in words that are never long.
//!
//! The parser quotes a text that stands where something else should, whole and with escapes: a megabyte of it would be
//! six in the words, and these would stand in the answer, and with each record that they are said of.

/// Longest words of the parser that are told, in bytes.
const TOLD_BYTES_MAX: usize = 512;

/// What the parser says; only where it is if that is long. A part of it would not do: what must not be told is found
/// in whole words only.
pub(super) fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.len() <= TOLD_BYTES_MAX {
        return text;
    }
    format!("a value is not what it should be at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::{TOLD_BYTES_MAX, told};

    #[test]
    fn a_long_text_in_the_wrong_place_is_not_told() {
        let error = |json: &str| serde_json::from_str::<u32>(json).unwrap_err();
        let short = told(&error("\"seven\""));
        assert!(short.contains("string \"seven\", expected u32"), "{short}");
        let long = told(&error(&format!("\"{}\"", "\u{7f}".repeat(1 << 20))));
        assert!(long.len() <= TOLD_BYTES_MAX && long.contains("line 1 column"), "{long}");
    }
}
