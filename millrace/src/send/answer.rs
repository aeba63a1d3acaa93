//! What the door answers to a request, and what that means for the sender.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{StatusCode, header};
use serde::Deserialize;

use super::Report;
use super::shipment::Shipment;

/// What one try came to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Every line has its answer.
    Answered(Report),
    /// There was no answer, or none for every line: the same again, no sooner than this.
    Again { reason: String, after: Duration },
    /// It is too much for one request.
    TooLarge(String),
    /// It will never work.
    Refused(String),
}

/// The counts in an answer, whole or not.
#[derive(Debug, Deserialize)]
struct Counts {
    accepted: u64,
    #[serde(default)]
    refused: Vec<RefusedLine>,
    #[serde(default)]
    refused_count: u64,
    #[serde(default)]
    refused_by_kind: BTreeMap<String, u64>,
    /// From this line on the door has read nothing.
    #[serde(default)]
    stopped_at_line: Option<u64>,
    #[serde(default = "yes")]
    durable: bool,
}

impl Counts {
    /// 400 with counts is the answer for a body whose lines are all refused. With anything accepted, or nothing
    /// refused, the body itself was at fault and was not read to its end; nor was one that the door stopped reading.
    fn are_all_refused(&self) -> bool {
        self.accepted == 0 && self.refused_count > 0 && self.stopped_at_line.is_none()
    }
}

#[derive(Debug, Deserialize)]
struct RefusedLine {
    line: u64,
    kind: String,
    reason: String,
}

/// Why there are no counts (RFC 9457).
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
}

fn yes() -> bool {
    true
}

/// Reads an answer.
pub(super) async fn read(response: reqwest::Response, shipment: &Shipment) -> Verdict {
    let status = response.status();
    let after = retry_after(&response);
    let text = match response.text().await {
        Ok(text) => text,
        Err(error) => return again(&error),
    };
    if status.is_success() || status == StatusCode::BAD_REQUEST {
        match serde_json::from_str::<Counts>(&text) {
            Ok(counts) if status.is_success() || counts.are_all_refused() => {
                return Verdict::Answered(report(counts, shipment));
            }
            _ => {}
        }
    }
    let detail = serde_json::from_str::<Problem>(&text).map_or(text, |problem| problem.detail);
    let detail: String = detail.chars().take(300).collect();
    let reason = format!("{status}: {}", detail.escape_debug());
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Verdict::TooLarge(reason),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Verdict::Again { reason, after }
        }
        _ if status.is_server_error() => Verdict::Again { reason, after },
        _ => Verdict::Refused(reason),
    }
}

/// No answer: the innermost error says most.
pub(super) fn again(error: &dyn std::error::Error) -> Verdict {
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    Verdict::Again { reason: innermost.to_string(), after: Duration::ZERO }
}

/// The wait that the door asks for, in whole seconds; dates are not read.
fn retry_after(response: &reqwest::Response) -> Duration {
    let value = response.headers().get(header::RETRY_AFTER);
    let seconds = value.and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

fn report(counts: Counts, shipment: &Shipment) -> Report {
    let mut report = Report {
        accepted: counts.accepted,
        refused: counts.refused_count.max(counts.refused.len() as u64),
        refused_by_kind: counts.refused_by_kind,
        bytes: shipment.body.len() as u64,
        not_durable: !counts.durable,
        ..Report::default()
    };
    for refused in counts.refused {
        let number = shipment.first_line + refused.line.clamp(1, shipment.lines) - 1;
        report.refused_lines.push((number, format!("{}: {}", refused.kind, refused.reason)));
    }
    report
}
