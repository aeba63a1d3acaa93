//! What the API says when it refuses: problem details (RFC 9457), made here and nowhere else.
//!
//! A problem never tells a stranger what went wrong inside: that goes to the log.

use access::{KeysError, PasswordError};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use document_store::DocumentError;
use query::{Bound, Query};
use search_store::{StoreError, StoreErrorKind, shown};
use serde::Serialize;
use service::retry_after_seconds;
use utoipa::ToSchema;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `urn:millrace:problem:` and the kind.
    r#type: String,
    /// The kind in words.
    title: &'static str,
    /// HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// What is wrong here, and what to do.
    detail: String,
    /// Character of the query at fault, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<usize>,
    #[serde(skip)]
    retry_after_s: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("urn:millrace:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            position: None,
            retry_after_s: None,
        }
    }

    /// The request is wrong.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-request", "The request is wrong", detail)
    }

    /// Nobody is signed in.
    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "You are not signed in", detail)
    }

    /// Somebody is signed in who may not.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this", detail)
    }

    /// There is nothing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here", detail)
    }

    /// There is something, but not for this method.
    pub(crate) fn method_not_allowed() -> Self {
        let detail = "this address does not take that method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Wrong method", detail)
    }

    /// There was something, and it does not come back.
    pub(crate) fn expired(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "expired", "The view has expired", detail)
    }

    /// There are as many as there may be.
    pub(crate) fn limit_reached(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "limit-reached", "There are too many", detail)
    }

    /// The body is not JSON by name.
    pub(crate) fn unsupported_media_type() -> Self {
        let detail = "send application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Wrong media type", detail)
    }

    /// The body is too large.
    pub(crate) fn too_large() -> Self {
        let detail = "the request's body is too large";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large", detail)
    }

    /// Too often.
    pub(crate) fn too_many(detail: impl Into<String>, retry_after_s: u64) -> Self {
        let title = "Too many requests";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", title, detail);
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// Later.
    pub(crate) fn unavailable(detail: impl Into<String>, retry_after_s: u64) -> Self {
        let title = "Not available now";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", title, detail);
        Self { retry_after_s: Some(retry_after_s), ..problem }
    }

    /// It took too long.
    pub(crate) fn timeout() -> Self {
        let detail = "the answer took too long: ask for a shorter time range or a simpler query";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", "The answer took too long", detail)
    }

    /// Something is broken inside; `cause` goes to the log.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        let detail = "something is broken inside: the server's log says what";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_s = self.retry_after_s;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl Problem {
    /// A store's refusal of a query, at the character of the value that it is about.
    pub(crate) fn of_query(error: StoreError, text: &str) -> Self {
        let position = match error.kind() {
            StoreErrorKind::Invalid => position_of(&error.to_string(), text),
            _ => None,
        };
        Self { position, ..Self::from(error) }
    }
}

/// Where the value stands that a store's message names: of the leaves with that field the one whose
/// value is shown, or the first. Messages about no field have no position.
fn position_of(message: &str, text: &str) -> Option<usize> {
    let (query, positions) = query::parse_with_positions(text).ok()?;
    let mut leaves = Vec::new();
    query.walk(&mut |query| match query {
        Query::And(_) | Query::Or(_) | Query::Not(_) => {}
        leaf => leaves.push(leaf),
    });
    let of_field = |leaf: &&Query| {
        leaf.field().is_some_and(|name| {
            message.starts_with(&format!("{name} "))
                || message.starts_with(&format!("the values of {name} "))
        })
    };
    let is_shown = |value: &str| message.ends_with(&format!("found {}", shown(value)));
    let shows = |leaf: &Query| match leaf {
        Query::Term { value, .. } => is_shown(value),
        Query::Phrase { text, .. } => is_shown(text),
        Query::Range { from, to, .. } => {
            [from, to].into_iter().filter_map(Bound::text).any(is_shown)
        }
        _ => false,
    };
    let mut named = leaves.into_iter().zip(positions).filter(|(leaf, _)| of_field(leaf));
    let first = named.next()?;
    let shown = std::iter::once(first).chain(named).find(|(leaf, _)| shows(leaf));
    Some(shown.unwrap_or(first).1)
}

impl From<query::ParseError> for Problem {
    fn from(error: query::ParseError) -> Self {
        let title = "The query cannot be read";
        let problem = Self::new(StatusCode::BAD_REQUEST, "query-syntax", title, error.to_string());
        Self { position: Some(error.position), ..problem }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match (error.kind(), &error) {
            (StoreErrorKind::Invalid, _) => Self::invalid(error.to_string()),
            (StoreErrorKind::Expired, _) => Self::expired(error.to_string()),
            (_, StoreError::TooManyPointsInTime { after, reason }) => {
                Self::too_many(reason, retry_after_seconds(*after))
            }
            (_, StoreError::NoPointInTime { after, reason }) => {
                Self::unavailable(reason, retry_after_seconds(*after))
            }
            (_, StoreError::Unavailable { after, .. }) => {
                Self::unavailable("the search store is busy", retry_after_seconds(*after))
            }
            _ => Self::internal(error),
        }
    }
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        match error.kind {
            document_store::ErrorKind::Transient => {
                tracing::warn!(%error, "the document store does not answer");
                Self::unavailable("the document store does not answer", 1)
            }
            _ => Self::internal(error),
        }
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooShort | PasswordError::TooLong => Self::invalid(error.to_string()),
            PasswordError::System => Self::internal(error),
        }
    }
}

impl From<KeysError> for Problem {
    fn from(error: KeysError) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nobody_is_told_to_come_back_too_early() {
        for (wait_ms, told_s) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (59_400, 60)] {
            let (after, reason) = (Duration::from_millis(wait_ms), String::new());
            let errors = [
                StoreError::TooManyPointsInTime { after, reason: reason.clone() },
                StoreError::NoPointInTime { after, reason: reason.clone() },
                StoreError::Unavailable { after, reason },
            ];
            for error in errors {
                let problem = Problem::from(error.clone());
                assert_eq!(problem.retry_after_s, Some(told_s), "{wait_ms} ms: {error:?}");
            }
        }
    }
}
