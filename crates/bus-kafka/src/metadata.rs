//! A commit's metadata as Kafka stores it: a text, one character for each byte.
//!
//! Kafka's limit (`offset.metadata.max.bytes`, 4,096) counts characters, so 4,096 bytes fit; what is
//! ASCII, as the ledger's JSON, is read by every Kafka tool as it is.

use bytes::Bytes;

/// Most bytes of metadata, as the port promises.
pub(crate) const METADATA_BYTES_MAX: usize = 4_096;

/// Bytes as a text.
pub(crate) fn to_text(metadata: &[u8]) -> String {
    metadata.iter().map(|byte| char::from(*byte)).collect()
}

/// A text as bytes; `None` for one that was not made by [`to_text`].
pub(crate) fn from_text(text: &str) -> Option<Bytes> {
    let bytes: Option<Vec<u8>> =
        text.chars().map(|character| u8::try_from(character).ok()).collect();
    bytes.map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_one_character_and_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let text = to_text(&all);
        assert_eq!(text.chars().count(), 256);
        assert_eq!(from_text(&text), Some(Bytes::from(all)));
        assert_eq!(to_text(br#"{"received":1}"#), r#"{"received":1}"#);
        assert_eq!(from_text("owner: \u{1f980}"), None);
    }
}
