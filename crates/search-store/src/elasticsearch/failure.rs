//! What an engine's refusals mean: whether the request, the moment or the installation is at fault. It reads
//! answers and sends nothing.

use std::time::Duration;

use serde::Deserialize;

use super::client::{Answer, NoAnswer};
use crate::StoreError;

/// The wait after an answer that names none.
pub(crate) const RETRY_SOON: Duration = Duration::from_millis(500);
/// The wait where somebody must make room first.
pub(crate) const RETRY_LONG: Duration = Duration::from_secs(30);

/// The longest reason that is passed on, in bytes: engines quote documents.
const REASON_BYTES_MAX: usize = 600;

/// An error as both engines write it. Everything may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct EngineError {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(deserialize_with = "text_or_nothing")]
    pub(crate) reason: String,
    pub(crate) caused_by: Option<Box<EngineError>>,
    root_cause: Vec<EngineError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Whole {
    error: EngineErrorOrText,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum EngineErrorOrText {
    Error(Box<EngineError>),
    Text(String),
}

impl Default for EngineErrorOrText {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

fn text_or_nothing<'de, D: serde::Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(value).map(Option::unwrap_or_default)
}

impl EngineError {
    /// The error that an answer's body tells.
    pub(crate) fn of(body: &[u8]) -> Self {
        match serde_json::from_slice::<Whole>(body).unwrap_or_default().error {
            EngineErrorOrText::Error(error) => *error,
            EngineErrorOrText::Text(reason) => Self { reason, ..Self::default() },
        }
    }

    /// Whether it, or what caused it, is of this type.
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.kind == kind
            || self.root_cause.iter().any(|cause| cause.kind == kind)
            || self.caused_by.as_ref().is_some_and(|cause| cause.is(kind))
    }

    /// Whether the text stands in its reason or in what caused it.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.reason.contains(text)
            || self.root_cause.iter().any(|cause| cause.reason.contains(text))
            || self.caused_by.as_ref().is_some_and(|cause| cause.says(text))
    }

    /// Type and reason, the innermost cause too, bounded.
    pub(crate) fn told(&self) -> String {
        let mut parts = Vec::new();
        let mut next = Some(self);
        while let Some(error) = next {
            let part = match (error.kind.is_empty(), error.reason.is_empty()) {
                (false, false) => format!("{}: {}", error.kind, error.reason),
                (false, true) => error.kind.clone(),
                _ => error.reason.clone(),
            };
            if !part.is_empty() && parts.len() < 4 {
                parts.push(part);
            }
            next = error.caused_by.as_deref().or_else(|| error.root_cause.first());
        }
        parts.dedup();
        bounded(&parts.join("; "))
    }
}

/// A text that is not too long and has no control characters.
pub(crate) fn bounded(text: &str) -> String {
    let end = text.floor_char_boundary(REASON_BYTES_MAX);
    let more = if end < text.len() { "…" } else { "" };
    let plain: String = text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("{plain}{more}")
}

/// What it means for a read, or for the installation, that there is no answer.
pub(crate) fn unanswered(failure: &NoAnswer, hosts: &str) -> StoreError {
    StoreError::Unavailable { after: RETRY_SOON, reason: failure.told(hosts) }
}

/// What an answer means that is not a success.
pub(crate) fn refused(answer: &Answer, hosts: &str) -> StoreError {
    let error = EngineError::of(&answer.body);
    let told = error.told();
    let status = answer.status.as_u16();
    match status {
        401 | 403 => StoreError::Fatal(format!(
            "the search engine at {hosts} does not let us in ({status}): {told}; check \
             search.elasticsearch.user, api_key or bearer_token and what they may do"
        )),
        300..=399 => StoreError::Fatal(format!(
            "{hosts} answers with a redirect ({status}), which is not followed: give the search \
             engine's own address"
        )),
        _ if took_too_long(&error) => too_long(),
        _ if error.is("too_many_buckets_exception") => too_many_counts(),
        408 | 429 | 500..=599 => StoreError::Unavailable {
            after: answer.retry_after.unwrap_or(RETRY_SOON),
            reason: format!("the search engine answers {status}: {told}"),
        },
        400 | 413 | 422 => {
            StoreError::Invalid(format!("the search engine refuses this ({status}): {told}"))
        }
        _ => StoreError::Fatal(format!(
            "{hosts} answers {status} where Elasticsearch or OpenSearch would not: {told}"
        )),
    }
}

fn took_too_long(error: &EngineError) -> bool {
    error.is("search_timeout_exception")
        || error.is("task_cancelled_exception")
        || error.says("Time exceeded")
}

/// The engine's own limit, which may be lower than ours.
fn too_many_counts() -> StoreError {
    StoreError::Invalid(
        "the search engine does not count so many intervals or values at once (search.max_buckets): \
         take a longer interval or a shorter time range"
            .to_owned(),
    )
}

/// As the embedded store says it.
pub(crate) fn too_long() -> StoreError {
    StoreError::Invalid(
        "this takes too long: narrow the time range, or ask for more exact values".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::StatusCode;

    use super::{EngineError, refused};
    use crate::StoreErrorKind;
    use crate::elasticsearch::client::Answer;

    fn kind(status: u16, body: &str) -> StoreErrorKind {
        let answer = Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            retry_after: None,
            is_elasticsearch: true,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        refused(&answer, "http://a:9200/").kind()
    }

    #[test]
    fn who_is_at_fault_is_told_by_the_status() {
        let cases = [
            (401, StoreErrorKind::Fatal),
            (403, StoreErrorKind::Fatal),
            (302, StoreErrorKind::Fatal),
            (404, StoreErrorKind::Fatal),
            (400, StoreErrorKind::Invalid),
            (429, StoreErrorKind::Unavailable),
            (503, StoreErrorKind::Unavailable),
        ];
        for (status, expected) in cases {
            for body in ["", "{}", "<html>", r#"{"error":"text"}"#, r#"{"error":{"type":1}}"#] {
                assert_eq!(kind(status, body), expected, "{status} {body}");
            }
        }
        let late = r#"{"error":{"type":"search_phase_execution_exception","root_cause":[
            {"type":"search_timeout_exception","reason":"Time exceeded"}]}}"#;
        assert_eq!(kind(504, late), StoreErrorKind::Invalid);
        let many = r#"{"error":{"type":"search_phase_execution_exception","root_cause":[],
            "caused_by":{"type":"too_many_buckets_exception","reason":"Trying to create"}}}"#;
        assert_eq!(kind(503, many), StoreErrorKind::Invalid);
    }

    #[test]
    fn reasons_are_short_and_plain() {
        let long = "x".repeat(10_000);
        let body = format!(
            r#"{{"error":{{"type":"a","reason":"b\n{long}","caused_by":{{"type":"c","reason":null}}}}}}"#
        );
        let told = EngineError::of(body.as_bytes()).told();
        assert!(told.starts_with("a: b x") && told.len() < 700 && !told.contains('\n'), "{told}");
    }
}
