//! Decides how a document is sent: as it is, in a reduced form, or not at all. The usual document is only
//! looked over for bytes that could mean something to an engine's line format or to our own fields; it is
//! decoded when it holds any in the names of its first level.

use std::sync::LazyLock;

use event::Event;
use memchr::memmem::Finder;
use schema::{INDEX_BYTES_MAX, INDEX_PREFIX, StoreFields, has_index_letters};

use super::hidden::is_reserved;
use crate::bounds::{DOCUMENT_LIMITS, INVALID_NAME, check_name};
use crate::{IndexOperation, IndexPrefixes, ItemOutcome};

/// How a document is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Its own bytes, after our object.
    AsIs,
    /// Only what its fields can hold, with the original as text.
    Reduced,
}

static OWN_NAME: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new(StoreFields::OBJECT.as_bytes()));
/// The begin of a key that an engine has a meaning for.
static ENGINES_NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"_"));
/// An escape that can stand for a letter or a dot.
static LETTER_ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u00"));

/// How an operation's document is sent at first.
///
/// # Errors
/// What can never be indexed, as its outcome.
pub(crate) fn first_form(
    operation: &IndexOperation,
    prefixes: &IndexPrefixes,
    event: &mut Event,
) -> Result<Form, ItemOutcome> {
    check_names(operation, prefixes)?;
    let document = &operation.document[..];
    let begins_and_ends = document.first() == Some(&b'{') && document.last() == Some(&b'}');
    let is_one_line = begins_and_ends
        && memchr::memchr(b'\n', document).is_none()
        && document.len() <= DOCUMENT_LIMITS.payload_bytes_max
        && simdutf8::basic::from_utf8(document).is_ok();
    let suspicious = [&OWN_NAME, &ENGINES_NAME, &LETTER_ESCAPE];
    let is_usual = || suspicious.iter().all(|name| name.find(document).is_none());
    if is_one_line && (is_usual() || has_only_free_names(document)) {
        return Ok(Form::AsIs);
    }
    decode(operation, event)?;
    let root = event.root();
    let reaches_in = event.children(root).any(|(key, _)| is_reserved(&key));
    Ok(if is_one_line && !reaches_in { Form::AsIs } else { Form::Reduced })
}

/// Whether a document is sound and none of the keys of its first level is reserved, as far as that shows without
/// decoding. Only these keys mean something: a tag may begin with `_`.
fn has_only_free_names(document: &[u8]) -> bool {
    let mut members = event::members(document);
    let is_free = |name: &[u8]| {
        !name.contains(&b'\\') && std::str::from_utf8(name).is_ok_and(|name| !is_reserved(name))
    };
    members.all(|(name, _)| is_free(name)) && members.is_at_end()
}

/// Decodes an operation's document.
///
/// # Errors
/// What is not one JSON object, as its outcome.
pub(crate) fn decode(operation: &IndexOperation, event: &mut Event) -> Result<(), ItemOutcome> {
    event.decode_json(&operation.document, operation.received_at_ns, &DOCUMENT_LIMITS).map_err(
        |refusal| ItemOutcome::Rejected {
            kind: refusal.kind.as_str().to_owned(),
            message: refusal.to_string(),
        },
    )
}

fn check_names(operation: &IndexOperation, prefixes: &IndexPrefixes) -> Result<(), ItemOutcome> {
    for (name, text) in [("id", operation.id.as_str()), ("shop", &operation.shop)] {
        check_name(name, text)
            .map_err(|message| ItemOutcome::Rejected { kind: INVALID_NAME.to_owned(), message })?;
    }
    if is_index_name(&operation.index) || prefixes.allow(&operation.index) {
        return Ok(());
    }
    Err(ItemOutcome::Rejected {
        kind: INVALID_NAME.to_owned(),
        message: format!(
            "an index name begins with {INDEX_PREFIX}, or as search.index_prefixes allows, and goes on with a-z, 0-9, \
             `_`, `-`, `.`"
        ),
    })
}

/// Whether a name can only be one of our indices, whatever an event says.
pub(crate) fn is_index_name(name: &str) -> bool {
    name.len() <= INDEX_BYTES_MAX
        && name.strip_prefix(INDEX_PREFIX).is_some_and(|rest| !rest.is_empty())
        && has_index_letters(name)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use event::Event;

    use super::{Form, first_form, is_index_name};
    use crate::contract::operation;
    use crate::{IndexOperation, IndexPrefixes, ItemOutcome};

    fn form(document: &str) -> Option<Form> {
        first_form(&operation(0, "a", document), &IndexPrefixes::default(), &mut Event::new()).ok()
    }

    #[test]
    fn usual_documents_go_as_they_are() {
        let documents = [
            "{}",
            r#"{"a":"\n \u00e4 \u0000 ä"}"#,
            r#"{"a":{"millrace":1,"_doc_count":2},"b":"_id"}"#,
            r#"{"tags":["_timestampparsefailure","millrace"],"a":"\u00e4"}"#,
        ];
        for document in documents {
            assert_eq!(form(document), Some(Form::AsIs), "{document}");
        }
    }

    #[test]
    fn what_would_break_lines_or_reach_into_our_fields_is_reduced() {
        let documents = [
            "{\n}",
            " {}",
            "{}\n",
            "{} ",
            r#"{"millrace":{"shop":"north"}}"#,
            r#"{"millrace.shop":"north"}"#,
            r#"{"_doc_count":1000000}"#,
            r#"{"\u005fdoc_count":1000000}"#,
            r#"{"a":1,"mill\u0072ace\u002eshop":"north"}"#,
        ];
        for document in documents {
            assert_eq!(form(document), Some(Form::Reduced), "{document}");
        }
    }

    /// What an engine that passes over comments would read as one of our fields, and others as a value.
    const COMMENTED: &str = r#"{"a":1/*,"b":{*/,"millrace.shop":"north"/*},"z":1/*/}"#;

    #[test]
    fn what_is_no_object_is_rejected_if_it_shows() {
        for document in ["[]", "", "7", r#"{"a":"#, "{}\n{}", "{\"millrace\":}", COMMENTED] {
            assert_eq!(form(document), None, "{document}");
        }
        // Bytes that an engine might read as the key of one of our fields.
        let mut smuggled = operation(0, "a", "{}");
        smuggled.document = Bytes::from_static(b"{\"\xc1\xadillrace.shop\":\"north\"}");
        let outcome = first_form(&smuggled, &IndexPrefixes::default(), &mut Event::new());
        let outcome = outcome.expect_err("no UTF-8");
        assert!(matches!(outcome, ItemOutcome::Rejected { kind, .. } if kind == "invalid_utf8"));
    }

    #[test]
    fn names_are_bounded() {
        assert!(is_index_name("ecommerce-logs-transaction-2026.11.24"));
        for name in ["", "ecommerce-logs-", "ecommerce-logs-A", "ecommerce-logs-a,b", "x", "../a"] {
            assert!(!is_index_name(name), "{name}");
        }
        let none = IndexPrefixes::default();
        let is_taken = |operation: &IndexOperation, prefixes: &IndexPrefixes| {
            first_form(operation, prefixes, &mut Event::new()).is_ok()
        };
        let mut long = operation(0, &"x".repeat(513), "{}");
        assert!(!is_taken(&long, &none));
        long.id = "x".repeat(512);
        assert!(is_taken(&long, &none));
        long.index = "ecommerce-logs-*".into();
        assert!(!is_taken(&long, &none));
        let shop = IndexPrefixes(vec!["shop-".to_owned()]);
        long.index = "shop-2026.11.24".into();
        assert!(is_taken(&long, &shop) && !is_taken(&long, &none));
        for index in ["shop", "shop-*", "shop-A", "shop-\n", "shop-../a", "audit-a"] {
            long.index = index.into();
            assert!(!is_taken(&long, &shop), "{index}");
        }
    }
}
