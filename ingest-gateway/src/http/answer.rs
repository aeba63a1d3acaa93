//! What the HTTP door says: counts and refused lines as JSON, and problems after RFC 9457.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use pipeline::Rejection;
use serde::Serialize;
pub(crate) use service::retry_after_seconds;

use crate::intake::{Answer, Intake, Receipt};

/// Most refused lines that an answer names.
const LISTED_MAX: usize = 100;
/// The way out for senders of plain text.
const PLAIN_HINT: &str =
    "lines of plain text come with `content-type: text/plain` (`millrace send --plain`)";

/// What a sender is told of a gateway that only a person can mend.
pub(crate) const FAILED: &str =
    "nothing is accepted until whoever runs this gateway acts on what its log says";

/// An answer: its bytes, and trailers where a protocol ends with some.
pub(crate) type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// What became of a body's lines until now.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    accepted: u64,
    refused: Vec<RefusedLine>,
    refused_count: u64,
    refused_by_kind: BTreeMap<String, u64>,
    busy: Option<Duration>,
    stopped_at_line: Option<u64>,
}

#[derive(Debug, Serialize)]
struct RefusedLine {
    line: u64,
    kind: String,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
}

impl Tally {
    /// Adds the answers of a batch.
    pub(crate) fn add(&mut self, receipt: &Receipt) {
        for (line, answer) in receipt.batch.lines.iter().zip(&receipt.answers) {
            match answer {
                Answer::Accepted => self.accepted += 1,
                Answer::Busy { retry_after } => {
                    let longest = self.busy.unwrap_or_default().max(*retry_after);
                    self.busy = Some(longest);
                }
                Answer::Refused(rejection) => {
                    self.refused_count += 1;
                    let kind = rejection.kind.clone().into_owned();
                    *self.refused_by_kind.entry(kind.clone()).or_default() += 1;
                    if self.refused.len() < LISTED_MAX {
                        self.refused.push(RefusedLine {
                            line: line.number,
                            kind,
                            reason: hinted(rejection),
                            position: rejection.position_bytes,
                        });
                    }
                }
            }
        }
    }

    /// The wait that the log asked for, if it had no room for some lines.
    pub(crate) fn busy(&self) -> Option<Duration> {
        self.busy
    }

    /// Nothing is read from this line on.
    pub(crate) fn stop_at(&mut self, line: u64) {
        self.stopped_at_line = Some(line);
    }

    /// Lines that are durable.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Whether there were lines, and none was good.
    pub(crate) fn is_all_refused(&self) -> bool {
        self.accepted == 0 && self.refused_count > 0
    }

    fn counts(&self, durability_warning: Option<String>) -> Counts<'_> {
        Counts {
            accepted: self.accepted,
            refused: &self.refused,
            refused_count: self.refused_count,
            refused_not_listed: self.refused_count - self.refused.len() as u64,
            refused_by_kind: &self.refused_by_kind,
            stopped_at_line: self.stopped_at_line,
            durable: durability_warning.is_none(),
            durability_warning,
        }
    }
}

/// The reason of a refusal, with the way out for lines that are no JSON and may be plain text.
fn hinted(rejection: &Rejection) -> String {
    match &*rejection.kind {
        "not_an_object" => format!("{}; {PLAIN_HINT}", rejection.message),
        _ => rejection.message.clone(),
    }
}

/// The members that every answer about lines has.
#[derive(Debug, Serialize)]
struct Counts<'a> {
    /// Lines that are durable.
    accepted: u64,
    /// The first refused ones.
    refused: &'a [RefusedLine],
    refused_count: u64,
    refused_not_listed: u64,
    refused_by_kind: &'a BTreeMap<String, u64>,
    /// From this line on nothing was read; all before it are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at_line: Option<u64>,
    durable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    durability_warning: Option<String>,
}

#[derive(Debug, Serialize)]
struct ProblemBody<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    counts: Option<Counts<'a>>,
}

/// Why a request is not answered with success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) detail: String,
    pub(crate) retry_after: Option<Duration>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    /// There is no room now.
    pub(crate) fn busy(detail: impl Into<String>, retry_after: Duration) -> Self {
        let retry_after = Some(retry_after);
        Self { retry_after, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// The shop has sent more than its quota. What is sent again after this time may be taken.
    pub(crate) fn over_quota(retry_after: Duration) -> Self {
        let detail = "the shop has sent more than its quota; send this again later";
        Self { retry_after: Some(retry_after), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// The log has no room. The wait is its own.
    pub(crate) fn no_room(intake: &Intake, retry_after: Duration) -> Self {
        Self::busy(no_room(intake), retry_after)
    }

    /// The answer before any line was read.
    pub(crate) fn reply(&self) -> Reply {
        self.reply_with(None)
    }

    /// The answer in the midst of a body: it says what became of the lines until then.
    pub(crate) fn reply_after(&self, tally: &Tally, durability_warning: Option<String>) -> Reply {
        self.reply_with(Some(tally.counts(durability_warning)))
    }

    fn reply_with(&self, counts: Option<Counts<'_>>) -> Reply {
        let body = ProblemBody {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            counts,
        };
        let mut reply = json(self.status, "application/problem+json", &body);
        if let Some(wait) = self.retry_after {
            reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(wait)));
        }
        let (name, value) = match self.status {
            // `Basic` takes a token too, as the password of any user.
            StatusCode::UNAUTHORIZED => (WWW_AUTHENTICATE, "Basic realm=\"Millrace\", Bearer"),
            StatusCode::METHOD_NOT_ALLOWED => (ALLOW, "POST"),
            _ => return reply,
        };
        reply.headers_mut().insert(name, HeaderValue::from_static(value));
        reply
    }
}

/// What is said where the log has no room.
pub(crate) fn no_room(intake: &Intake) -> String {
    match intake.is_failed() {
        true => format!("{FAILED}; then send this again"),
        false => "the log has no room at the moment; send this again".to_owned(),
    }
}

/// The answer for a body that was read to its end.
pub(crate) fn lines(tally: &Tally, durability_warning: Option<String>) -> Reply {
    if tally.is_all_refused() {
        let detail = "no line could be accepted; each is refused for its own reason";
        let problem = Problem::new(StatusCode::BAD_REQUEST, detail);
        return problem.reply_after(tally, durability_warning);
    }
    json(StatusCode::OK, "application/json", &tally.counts(durability_warning))
}

/// An answer for a person.
pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Reply {
    reply(status, "text/plain; charset=utf-8", text.into())
}

/// An answer in JSON of this type.
pub(crate) fn json(status: StatusCode, content_type: &'static str, body: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(body).expect("numbers and strings are always JSON");
    reply(status, content_type, body.into())
}

/// An answer of this type.
pub(crate) fn reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Reply {
    reply_with_body(status, content_type, Full::new(body))
}

/// An answer of this type, whose body is written as it goes.
pub(crate) fn reply_with_body(
    status: StatusCode,
    content_type: &'static str,
    body: impl Body<Data = Bytes, Error = Infallible> + Send + 'static,
) -> Reply {
    let mut reply = Response::new(body.boxed_unsync());
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}
