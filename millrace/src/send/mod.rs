//! Ships lines to a running server's HTTP door and counts the answers.
//!
//! A request that was not answered is sent again with the same idempotency key, so that what had
//! arrived after all is not counted twice. Never gives up on a server that is away; the caller may.

mod answer;
mod input;
pub mod progress;
mod report;
mod shipment;

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use input::Cutter;
pub use progress::Progress;
pub use report::Report;
use shipment::{Shipment, Shipper};

/// Pieces of input that wait to be cut into requests.
const CHUNKS_MAX: usize = 4;

/// Where to and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// What speaks to the door.
    pub client: reqwest::Client,
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
    /// How long a line of a slow input waits for others. Requests are then cut by time, so the same
    /// input does not collapse with an earlier run; `None` for as long as it takes.
    pub flush_after: Option<Duration>,
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
    let (chunks, mut incoming) = mpsc::channel(CHUNKS_MAX);
    tokio::task::spawn_blocking(move || input::read(input, &chunks));
    let shipper = Shipper::new(&options);
    let mut cutter = Cutter::new(&options);
    let mut ready: VecDeque<Shipment> = VecDeque::new();
    let mut flying = JoinSet::new();
    let mut report = Report::default();
    let mut ended = false;
    loop {
        while flying.len() < options.requests_in_flight_max
            && let Some(shipment) = ready.pop_front()
        {
            let (shipper, progress) = (shipper.clone(), progress.clone());
            flying.spawn(async move { shipper.ship(shipment, &progress).await });
        }
        if ended && ready.is_empty() && flying.is_empty() {
            break;
        }
        let flush_at = cutter.flush_at();
        tokio::select! {
            Some(done) = flying.join_next(), if !flying.is_empty() => {
                report.add(done.map_err(io::Error::other)??);
                progress.show(&report);
            }
            chunk = incoming.recv(), if !ended && ready.is_empty() => match chunk {
                Some(chunk) => cutter.push(&chunk?, &mut ready)?,
                None => {
                    ended = true;
                    ready.extend(cutter.finish());
                }
            },
            () = input::wait_until(flush_at), if ready.is_empty() => ready.extend(cutter.cut()),
        }
    }
    progress.finish(&report);
    Ok(report)
}

#[cfg(test)]
mod tests;
