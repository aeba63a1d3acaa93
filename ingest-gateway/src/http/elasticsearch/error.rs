//! Errors as Elasticsearch writes them, for a whole request or for one item.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use pipeline::Rejection;
use serde_json::{Value, json};

use super::Reply;
use crate::http::answer::{Problem, retry_after_seconds};

/// An error with its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) reason: String,
    pub(super) retry_after: Option<Duration>,
}

impl Error {
    pub(super) fn new(status: StatusCode, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into(), retry_after: None }
    }

    /// The request cannot be understood.
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "illegal_argument_exception", reason)
    }

    /// A document that is refused for good, and stands in the dead letters.
    pub(super) fn refused(rejection: &Rejection) -> Self {
        let reason = format!("{}: {}", rejection.kind, rejection.message);
        Self::new(StatusCode::BAD_REQUEST, "document_parsing_exception", reason)
    }

    /// The path is not asked in this way.
    pub(super) fn method(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "illegal_argument_exception", reason)
    }

    /// There is no room now.
    pub(super) fn busy(reason: impl Into<String>, retry_after: Duration) -> Self {
        let kind = "es_rejected_execution_exception";
        Self {
            retry_after: Some(retry_after),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, kind, reason)
        }
    }

    /// The `error` of an item or an answer.
    pub(super) fn body(&self) -> Value {
        json!({ "type": self.kind, "reason": self.reason })
    }

    /// The answer to a whole request.
    pub(super) fn reply(&self) -> Reply {
        let mut error = self.body();
        error["root_cause"] = json!([self.body()]);
        let body = json!({ "error": error, "status": self.status.as_u16() });
        let mut reply = super::json(self.status, &body);
        if let Some(wait) = self.retry_after {
            reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(wait)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let schemes = "Basic realm=\"millrace\", Bearer, ApiKey";
            reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(schemes));
        }
        reply
    }
}

impl From<&Problem> for Error {
    fn from(problem: &Problem) -> Self {
        if let Some(wait) = problem.retry_after {
            return Self::busy(problem.detail.clone(), wait);
        }
        let kind = match problem.status {
            StatusCode::UNAUTHORIZED => "security_exception",
            StatusCode::PAYLOAD_TOO_LARGE => "content_too_long_exception",
            _ => "illegal_argument_exception",
        };
        Self::new(problem.status, kind, problem.detail.clone())
    }
}
