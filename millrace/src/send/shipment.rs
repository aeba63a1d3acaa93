//! One request: sent until it is answered, with the same idempotency key each time.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use serde::Deserialize;
use tokio::time::Instant;

use super::{Options, Progress, Report, SendError};

/// Longest wait between two tries.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long one request may take before it is tried again.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Lines that travel together.
#[derive(Clone, Debug)]
pub(super) struct Shipment {
    pub(super) key: String,
    /// Number of its first line in the input, from 1.
    pub(super) first_line: u64,
    pub(super) lines: u64,
    pub(super) body: Bytes,
}

/// What the door answers.
#[derive(Debug, Deserialize)]
struct Answer {
    accepted: u64,
    #[serde(default)]
    refused: Vec<RefusedLine>,
    #[serde(default)]
    refused_count: u64,
    #[serde(default = "yes")]
    durable: bool,
}

#[derive(Debug, Deserialize)]
struct RefusedLine {
    line: u64,
    kind: String,
    reason: String,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug)]
pub(super) struct Shipper {
    client: reqwest::Client,
    options: Options,
}

/// What one try came to.
enum Try {
    Answered(Report),
    Again(String),
    Final(SendError),
}

impl Shipper {
    pub(super) fn new(options: &Options) -> Self {
        Self { client: reqwest::Client::new(), options: options.clone() }
    }

    pub(super) async fn ship(
        &self,
        shipment: Shipment,
        progress: &Progress,
    ) -> Result<Report, SendError> {
        let mut wait = Duration::from_millis(100);
        let mut away_since: Option<Instant> = None;
        loop {
            let reason = match self.try_once(&shipment).await {
                Try::Answered(report) => return Ok(report),
                Try::Final(error) => return Err(error),
                Try::Again(reason) => reason,
            };
            let since = *away_since.get_or_insert_with(Instant::now);
            if self.options.give_up_after.is_some_and(|limit| since.elapsed() >= limit) {
                return Err(SendError::Away {
                    url: self.options.url.clone(),
                    seconds: since.elapsed().as_secs(),
                    reason,
                });
            }
            progress.waiting(&reason);
            // Jitter, so that several senders do not come back in step.
            let jitter = rand::rng().random_range(0.5..1.0);
            tokio::time::sleep(wait.mul_f64(jitter)).await;
            wait = (wait * 2).min(RETRY_WAIT_MAX);
        }
    }

    async fn try_once(&self, shipment: &Shipment) -> Try {
        let url = format!("{}/v1/logs", self.options.url.trim_end_matches('/'));
        let mut request = self
            .client
            .post(url)
            .timeout(REQUEST_TIMEOUT)
            .header("content-type", self.options.content_type)
            .header("idempotency-key", &shipment.key)
            .body(shipment.body.clone());
        if let Some(token) = &self.options.token {
            request = request.bearer_auth(token);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_builder() => {
                return Try::Final(SendError::Refused(error.to_string()));
            }
            Err(error) => return Try::Again(chain(&error)),
        };
        let status = response.status();
        let text = match response.text().await {
            Ok(text) => text,
            Err(error) => return Try::Again(chain(&error)),
        };
        // 400 is the answer for a body whose lines are all refused; it has the same shape.
        match serde_json::from_str::<Answer>(&text) {
            Ok(answer) if status.is_success() || status.as_u16() == 400 => {
                Try::Answered(report(answer, shipment))
            }
            _ if status.is_server_error() || matches!(status.as_u16(), 408 | 429) => {
                Try::Again(format!("{status}"))
            }
            _ => {
                let text: String = text.chars().take(300).collect();
                Try::Final(SendError::Refused(format!("{status}: {}", text.escape_debug())))
            }
        }
    }
}

fn report(answer: Answer, shipment: &Shipment) -> Report {
    let mut report = Report {
        accepted: answer.accepted,
        refused: answer.refused_count.max(answer.refused.len() as u64),
        bytes: shipment.body.len() as u64,
        not_durable: !answer.durable,
        ..Report::default()
    };
    for refused in answer.refused {
        *report.refused_by_kind.entry(refused.kind.clone()).or_default() += 1;
        let number = shipment.first_line + refused.line.clamp(1, shipment.lines) - 1;
        report.refused_lines.push((number, format!("{}: {}", refused.kind, refused.reason)));
    }
    report
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = inner.to_string();
        source = inner.source();
    }
    text
}
