//! Settings of the answer to a request of lines that was taken.

use std::collections::BTreeMap;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::Problem;

/// Headers that are the connection's, or the body's own.
const OWN_HEADERS: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];

/// What a request to `/v1/logs`, or to any path where that is a setting, is answered with when it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseConfig {
    /// 200, 201, 202, or 204, which has no body.
    pub status: u16,
    /// Headers of the answer.
    pub headers: BTreeMap<String, String>,
}

impl Default for ResponseConfig {
    fn default() -> Self {
        Self { status: 200, headers: BTreeMap::new() }
    }
}

impl ResponseConfig {
    /// Codes that such an answer may have.
    pub const STATUSES: [u16; 4] = [200, 201, 202, 204];

    /// The code, if it is another than usual.
    pub(crate) fn other_status(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.status).ok().filter(|status| *status != StatusCode::OK)
    }

    /// The headers, of those that can be written.
    pub(crate) fn written_headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let written = |(name, value): (&String, &String)| {
            Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
        };
        self.headers.iter().filter_map(written)
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if !Self::STATUSES.contains(&self.status) {
            let message = format!("{} is not 200, 201, 202 or 204", self.status);
            problems.push(Problem::new("status", message));
        }
        for (name, value) in &self.headers {
            let parsed = name.parse::<HeaderName>();
            if parsed.is_err() || value.parse::<HeaderValue>().is_err() {
                let message =
                    format!("`{}: {}` is no header", name.escape_debug(), value.escape_debug());
                problems.push(Problem::new("headers", message));
            } else if parsed.is_ok_and(|name| OWN_HEADERS.contains(&name.as_str())) {
                let message = format!("`{name}` is the door's own to say: leave it away");
                problems.push(Problem::new("headers", message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ResponseConfig;

    #[test]
    fn an_answer_is_a_success_with_headers_that_can_be_written() {
        let mut config = ResponseConfig::default();
        config.headers.insert("Content-Type".into(), "text/plain".into());
        let mut problems = Vec::new();
        config.check(&mut problems);
        assert_eq!((problems.len(), config.other_status()), (0, None));
        config.status = 302;
        for (name, value) in [("a b", "c"), ("x", "a\r\nb"), ("Content-Length", "1")] {
            config.headers.insert(name.into(), value.into());
        }
        config.check(&mut problems);
        let settings: Vec<_> = problems.iter().map(|problem| problem.setting.as_str()).collect();
        assert_eq!(settings, ["status", "headers", "headers", "headers"]);
    }
}
