//! What the enricher tells of a document of `logs.enriched` beside its bytes: the index that it is for, as the
//! record's content type, which frames and messages carry already. No text of an event is ever one: the enricher
//! writes that of every record, and who reads it holds it against an allow-list.

use bytestring::ByteString;

/// The content type of a document whose index the platform names.
pub const DOCUMENT: ByteString = ByteString::from_static("application/json");

const WITH_INDEX: &str = "application/json; index=";

/// The content type of a document for this index.
#[must_use]
pub fn document_for(index: &str) -> ByteString {
    format!("{WITH_INDEX}{index}").into()
}

/// The index that a record's content type tells; `None` of any other.
#[must_use]
pub fn index_of(content_type: &str) -> Option<&str> {
    content_type.strip_prefix(WITH_INDEX)
}

#[cfg(test)]
mod tests {
    use super::{DOCUMENT, document_for, index_of};

    #[test]
    fn a_content_type_tells_the_index_of_its_document() {
        let content_type = document_for("shop-2026.12.01");
        assert_eq!(&*content_type, "application/json; index=shop-2026.12.01");
        assert_eq!(index_of(&content_type), Some("shop-2026.12.01"));
        assert_eq!(DOCUMENT, "application/json");
        for other in ["application/json", "", "text/plain", "application/json;index=a", "index=a"] {
            assert_eq!(index_of(other), None, "{other}");
        }
    }
}
