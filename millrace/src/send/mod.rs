//! Ships lines to a running server's HTTP door and counts the answers.
//!
//! A request that was not answered is sent again with the same idempotency key, so that what had
//! arrived after all is not counted twice. Never gives up on a server that is away; the caller may.

pub mod progress;
mod report;
mod shipment;

use std::io::{self, BufRead};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use progress::Progress;
pub use report::Report;
use shipment::{Shipment, Shipper};

/// Where to and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Base address of the HTTP door, as `http://127.0.0.1:8080`.
    pub url: String,
    /// Ingest token, if the door asks for one.
    pub token: Option<String>,
    /// Begins every idempotency key; the same prefix and input collapse with an earlier run.
    pub key_prefix: String,
    /// Content type of the lines: `application/x-ndjson` or `text/plain`.
    pub content_type: &'static str,
    /// Most lines in a request.
    pub request_lines_max: usize,
    /// Most bytes in a request; one longer line travels alone.
    pub request_bytes_max: usize,
    /// Requests on their way at once.
    pub requests_in_flight_max: usize,
    /// How long to go on against a server that does not answer; `None` for ever.
    pub give_up_after: Option<Duration>,
}

/// Why sending stopped.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The input could not be read.
    #[error("cannot read the input: {0}")]
    Input(#[from] io::Error),
    /// The server will not take this, however often it is asked.
    #[error("the server refuses: {0}")]
    Refused(String),
    /// The server was away for longer than allowed.
    #[error("the server at {url} has not answered for {seconds} s: {reason}")]
    Away {
        /// Where.
        url: String,
        /// How long.
        seconds: u64,
        /// Its last error.
        reason: String,
    },
}

/// Sends every line of `input` and returns what became of them.
///
/// # Errors
/// As [`SendError`] says; what was accepted until then stays accepted.
pub async fn send(
    input: impl BufRead + Send + 'static,
    options: Options,
    progress: Progress,
) -> Result<Report, SendError> {
    let (queue, mut shipments) = mpsc::channel(options.requests_in_flight_max);
    let limits = options.clone();
    let reader = tokio::task::spawn_blocking(move || read_shipments(input, &limits, &queue));
    let shipper = Shipper::new(&options);
    let mut report = Report::default();
    let mut flying = JoinSet::new();
    loop {
        tokio::select! {
            Some(done) = flying.join_next() => absorb(done, &mut report, &progress)?,
            next = shipments.recv(), if flying.len() < options.requests_in_flight_max => {
                let Some(shipment) = next else { break };
                let (shipper, progress) = (shipper.clone(), progress.clone());
                flying.spawn(async move { shipper.ship(shipment, &progress).await });
            }
        }
    }
    while let Some(done) = flying.join_next().await {
        absorb(done, &mut report, &progress)?;
    }
    match reader.await {
        Ok(read) => read?,
        Err(panic) => return Err(SendError::Input(io::Error::other(panic))),
    }
    progress.finish(&report);
    Ok(report)
}

fn absorb(
    done: Result<Result<Report, SendError>, tokio::task::JoinError>,
    report: &mut Report,
    progress: &Progress,
) -> Result<(), SendError> {
    let part = done.map_err(|panic| SendError::Input(io::Error::other(panic)))??;
    report.add(part);
    progress.show(report);
    Ok(())
}

/// Cuts the input into requests. Ends early when the receiver is gone.
fn read_shipments(
    mut input: impl BufRead,
    limits: &Options,
    queue: &mpsc::Sender<Shipment>,
) -> io::Result<()> {
    let mut number = 0;
    let mut first_line = 1;
    let mut body = Vec::new();
    let mut lines = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let ended = input.read_until(b'\n', &mut line)? == 0;
        let full = lines >= limits.request_lines_max
            || (lines > 0 && body.len() + line.len() > limits.request_bytes_max);
        if lines > 0 && (ended || full) {
            let shipment = Shipment {
                key: format!("{}-{number}", limits.key_prefix),
                first_line,
                lines: lines as u64,
                body: std::mem::take(&mut body).into(),
            };
            number += 1;
            first_line += lines as u64;
            lines = 0;
            if queue.blocking_send(shipment).is_err() {
                return Ok(());
            }
        }
        if ended {
            return Ok(());
        }
        body.extend_from_slice(&line);
        lines += 1;
    }
}
