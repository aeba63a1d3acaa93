//! What the store adds to a document: an object before its first member that holds what an operation says
//! beside the document, and that is taken off again when the document is read. All other bytes stay as they are.
//!
//! A document that an engine cannot take as it is stands as text in that object, beside a reduced form.

use std::borrow::Cow;

use bytes::Bytes;
use schema::StoreFields;
use serde::Deserialize;

use crate::{Hit, IndexOperation};

/// Nanoseconds of a millisecond.
pub(crate) const MILLISECOND_NS: i64 = 1_000_000;

/// What every stored document begins with.
const BEGIN: &[u8] = b"{\"millrace\":";

/// The object as it is read.
#[derive(Debug, Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    shop: Cow<'a, str>,
    timestamp: i64,
    #[serde(default)]
    nanoseconds: i64,
    received: i64,
    sent: i64,
    #[serde(borrow, default)]
    original: Option<Cow<'a, str>>,
}

/// Writes `{"millrace":{…` of an operation, without the end of either object.
pub(crate) fn write_begin(operation: &IndexOperation, sent: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(BEGIN);
    out.extend_from_slice(b"{\"id\":");
    write_text(&operation.id, out);
    out.extend_from_slice(b",\"shop\":");
    write_text(&operation.shop, out);
    write_number("timestamp", operation.timestamp_ns.div_euclid(MILLISECOND_NS), out);
    let nanoseconds = operation.timestamp_ns.rem_euclid(MILLISECOND_NS);
    if nanoseconds != 0 {
        write_number("nanoseconds", nanoseconds, out);
    }
    write_number("received", operation.received_at_ns, out);
    write_number("sent", sent, out);
}

/// Writes a whole document that can stand as it is: one line that begins with `{` and ends with `}`.
pub(crate) fn write_document(operation: &IndexOperation, sent: i64, out: &mut Vec<u8>) {
    write_begin(operation, sent, out);
    out.push(b'}');
    let rest = operation.document.get(1..).unwrap_or_default();
    let is_empty = rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'}');
    if !is_empty {
        out.push(b',');
    }
    out.extend_from_slice(rest);
}

/// Writes a text as a JSON string.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    event::escape(text, out);
    out.push(b'"');
}

fn write_number(name: &str, value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A hit from what an engine gives back; none for a document that this store has not written.
pub(crate) fn read(id: &str, index: &str, source: &[u8]) -> Option<(Hit, i64)> {
    let rest = source.strip_prefix(BEGIN)?;
    let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Stored<'_>>();
    let stored = values.next()?.ok()?;
    let rest = rest.get(values.byte_offset()..)?;
    let document = match stored.original {
        Some(original) => Bytes::from(original.into_owned().into_bytes()),
        None => {
            let rest = rest.strip_prefix(b",").unwrap_or(rest);
            let mut document = Vec::with_capacity(rest.len() + 1);
            document.push(b'{');
            document.extend_from_slice(rest);
            Bytes::from(document)
        }
    };
    let milliseconds = stored.timestamp.checked_mul(MILLISECOND_NS)?;
    let hit = Hit {
        id: id.to_owned(),
        index: index.to_owned(),
        shop: stored.shop.into_owned(),
        timestamp_ns: milliseconds.checked_add(stored.nanoseconds)?,
        received_at_ns: stored.received,
        document,
    };
    Some((hit, stored.sent))
}

/// Whether a key of a document's first level would reach into the object, or means something to an engine by
/// itself: `_doc_count` counts one document as many.
pub(crate) fn is_reserved(key: &str) -> bool {
    let reaches_in = |rest: &str| rest.is_empty() || rest.starts_with('.');
    key.starts_with('_') || key.strip_prefix(StoreFields::OBJECT).is_some_and(reaches_in)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{BEGIN, is_reserved, read, write_document};
    use crate::IndexOperation;

    fn operation(document: &'static str) -> IndexOperation {
        IndexOperation {
            id: "a\"\n".to_owned(),
            index: "ecommerce-logs-error-2026.11.24".into(),
            shop: "Süd \\ \u{1}".into(),
            timestamp_ns: -1,
            received_at_ns: i64::MAX,
            document: Bytes::from_static(document.as_bytes()),
        }
    }

    #[test]
    fn documents_come_back_byte_for_byte() {
        for document in ["{}", "{ }", "{\"a\" : 1.50,\"\":[ ]}", "{ \"a\":{\"millrace\":1} }"] {
            let given = operation(document);
            let mut source = Vec::new();
            write_document(&given, 77, &mut source);
            assert!(serde_json::from_slice::<serde_json::Value>(&source).is_ok(), "{document}");
            let (hit, sent) = read(&given.id, &given.index, &source).expect("its own document");
            assert_eq!(hit.document, given.document);
            assert_eq!((&*hit.shop, hit.timestamp_ns, sent), (&*given.shop, -1, 77));
            assert_eq!(hit.received_at_ns, i64::MAX);
        }
    }

    #[test]
    fn documents_of_others_are_none() {
        for source in ["{}", "", "{\"millrace\":1}", "{\"millrace\":{}}", "{\"message\":\"x\"}"] {
            assert_eq!(read("a", "b", source.as_bytes()), None, "{source}");
        }
        assert!(std::str::from_utf8(BEGIN).expect("text").contains(schema::StoreFields::OBJECT));
    }

    #[test]
    fn keys_that_reach_into_it_are_known() {
        assert!(is_reserved("millrace") && is_reserved("millrace.shop"));
        assert!(is_reserved("_doc_count") && is_reserved("_id"));
        assert!(!is_reserved("millraces") && !is_reserved("mill") && !is_reserved("a.millrace"));
    }
}
