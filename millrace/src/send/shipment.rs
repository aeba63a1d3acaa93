//! One request: sent until it is answered, with the same idempotency key each time.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use tokio::time::Instant;

use super::answer::{self, Verdict};
use super::{Options, Progress, Report, SendError};

/// Waits between two tries.
const RETRY_WAIT_MIN: Duration = Duration::from_millis(100);
const RETRY_WAIT_MAX: Duration = Duration::from_secs(5);
/// Longest wait that a door may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
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

impl Shipment {
    /// Two requests with keys of their own, unless it is one line.
    fn halves(&self) -> Option<[Self; 2]> {
        let lines = self.lines / 2;
        let last = usize::try_from(lines).ok()?.checked_sub(1)?;
        let ends = self.body.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let (end, _) = ends.into_iter().nth(last)?;
        let half = |key: &str, first_line, lines, body| Self {
            key: format!("{}{key}", self.key),
            first_line,
            lines,
            body,
        };
        Some([
            half("a", self.first_line, lines, self.body.slice(..=end)),
            half("b", self.first_line + lines, self.lines - lines, self.body.slice(end + 1..)),
        ])
    }

    /// The report for lines that no request can carry.
    fn refused(&self, reason: &str) -> Report {
        Report {
            refused: self.lines,
            refused_by_kind: [("too_large".to_owned(), self.lines)].into(),
            refused_lines: vec![(self.first_line, format!("too_large: {reason}"))],
            bytes: self.body.len() as u64,
            ..Report::default()
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Shipper {
    options: Options,
}

impl Shipper {
    pub(super) fn new(options: &Options) -> Self {
        Self { options: options.clone() }
    }

    /// Sends until every line has its answer. What is too much for one request becomes two.
    pub(super) async fn ship(
        &self,
        shipment: Shipment,
        progress: &Progress,
    ) -> Result<Report, SendError> {
        let mut report = Report::default();
        let mut left = vec![shipment];
        while let Some(next) = left.pop() {
            match self.ship_one(&next, progress).await? {
                Ok(answered) => report.add(answered),
                Err(too_large) => match next.halves() {
                    Some([first, second]) => left.extend([second, first]),
                    None => report.add(next.refused(&too_large)),
                },
            }
        }
        Ok(report)
    }

    /// Sends until there is an answer: the report, or why it is too much for one request.
    async fn ship_one(
        &self,
        shipment: &Shipment,
        progress: &Progress,
    ) -> Result<Result<Report, String>, SendError> {
        let mut wait = RETRY_WAIT_MIN;
        let mut away_since: Option<Instant> = None;
        loop {
            let (reason, after) = match self.try_once(shipment).await {
                Verdict::Answered(report) => return Ok(Ok(report)),
                Verdict::TooLarge(reason) => return Ok(Err(reason)),
                Verdict::Refused(reason) => return Err(SendError::Refused(reason)),
                Verdict::Again { reason, after } => (reason, after),
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
            tokio::time::sleep(wait.mul_f64(jitter).max(after.min(RETRY_AFTER_MAX))).await;
            wait = (wait * 2).min(RETRY_WAIT_MAX);
        }
    }

    async fn try_once(&self, shipment: &Shipment) -> Verdict {
        let url = format!("{}/v1/logs", self.options.url.trim_end_matches('/'));
        let mut request = self
            .options
            .client
            .post(url)
            .timeout(REQUEST_TIMEOUT)
            .header("content-type", self.options.content_type)
            .header("idempotency-key", &shipment.key)
            .body(shipment.body.clone());
        if let Some(token) = &self.options.token {
            request = request.bearer_auth(token);
        }
        match request.send().await {
            Ok(response) => answer::read(response, shipment).await,
            Err(error) if error.is_builder() => Verdict::Refused(error.to_string()),
            Err(error) => answer::again(&error),
        }
    }
}
