//! One body on its way in: read, decompressed, split, judged and published piece by piece.
//!
//! Holds a batch that fills and one that is on its way, never the whole body. What was published
//! before something went wrong stays, and the answer says how much that is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::{Problem, Tally};
use super::decoding::{DecodeError, Decoder, Encoding};
use super::shape::Splitter;
use crate::budget::Reservation;
use crate::config::HttpConfig;
use crate::intake::{Batch, Ids, Intake, Lane, Line, Origin};

/// How long the rest of a body is still read and thrown away, so that its sender gets the answer
/// rather than a broken connection.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// What a sender is told of a gateway that only a person can mend.
pub(crate) const FAILED: &str =
    "nothing is accepted until whoever runs this gateway acts on what its log says";

/// What is known of a body before it is read.
pub(crate) struct Plan {
    pub(crate) origin: Arc<Origin>,
    pub(crate) encoding: Encoding,
    /// Whether the content type says that JSON comes in lines.
    pub(crate) said_lines: bool,
    pub(crate) idempotency_key: Option<bytestring::ByteString>,
    pub(crate) room: Reservation,
}

/// A body that is being read.
pub(crate) struct Upload<'a> {
    intake: &'a Intake,
    config: &'a HttpConfig,
    origin: Arc<Origin>,
    ids: Option<Ids>,
    decoder: Decoder,
    splitter: Splitter,
    batch: Batch,
    lane: Lane,
    room: Reservation,
    body_bytes: u64,
    tally: Tally,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(
        intake: &'a Intake,
        config: &'a HttpConfig,
        plan: Plan,
    ) -> Result<Self, Problem> {
        let limits = intake.limits().clone();
        let splitter = match plan.origin.codec {
            bus::Codec::Plain => Splitter::text(limits),
            bus::Codec::Json => Splitter::json(limits, plan.said_lines),
        };
        let (bytes_max, ratio_max) =
            (config.decompressed_bytes_max.0, config.decompressed_ratio_max);
        let decoder = Decoder::new(plan.encoding, bytes_max, ratio_max)
            .map_err(|error| decode_problem(&error))?;
        let ids = plan.idempotency_key.map(Ids::Keyed);
        let mut upload = Self {
            intake,
            config,
            origin: plan.origin,
            batch: intake.batch(Ids::counted()),
            ids,
            decoder,
            splitter,
            lane: Lane::new(intake.clone()),
            room: plan.room,
            body_bytes: 0,
            tally: Tally::default(),
        };
        upload.batch = upload.fresh_batch();
        Ok(upload)
    }

    /// Reads the body to its end, or to where it goes wrong; says what became of the lines.
    pub(crate) async fn run(mut self, mut body: Incoming) -> (Tally, Result<(), Problem>) {
        let result = self.receive(&mut body).await;
        // What is on its way is counted whatever happened behind it.
        let last = self.collect().await;
        if result.is_err() {
            drain(&mut body, self.config.body_bytes_max.0).await;
        }
        (self.tally, result.and(last))
    }

    async fn receive(&mut self, body: &mut Incoming) -> Result<(), Problem> {
        let deadline = Instant::now() + self.config.body_timeout.0;
        while let Some(chunk) = self.next_chunk(body, deadline).await? {
            self.decoder.push(chunk);
            while let Some(block) = self.decoder.next().map_err(|e| self.undecodable(&e))? {
                self.splitter.push(block);
                self.split().await?;
                tokio::task::consume_budget().await;
            }
        }
        self.decoder.finish().map_err(|error| self.undecodable(&error))?;
        self.splitter.end();
        self.split().await?;
        if let Some(line) = self.splitter.finish() {
            self.add(line).await?;
        }
        if !self.batch.is_empty() {
            self.dispatch().await?;
        }
        Ok(())
    }

    /// The next piece of the body; `None` at its end.
    async fn next_chunk(
        &mut self,
        body: &mut Incoming,
        deadline: Instant,
    ) -> Result<Option<Bytes>, Problem> {
        let silent = |what: &str| Problem::new(StatusCode::REQUEST_TIMEOUT, what);
        loop {
            let frame = timeout(self.config.body_idle_timeout.0, body.frame());
            let frame = timeout_at(deadline, frame)
                .await
                .map_err(|_| silent("the body takes longer than it may"))?
                .map_err(|_| silent("the body has stopped coming"))?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| {
                Problem::new(StatusCode::BAD_REQUEST, format!("the body cannot be read: {error}"))
            })?;
            // Trailers say nothing that is of use here.
            let Ok(chunk) = frame.into_data() else { continue };
            self.body_bytes += chunk.len() as u64;
            let received = &self.intake.metrics().received_bytes;
            received.with_label_values(&[self.intake.door()]).inc_by(chunk.len() as u64);
            if self.body_bytes > self.config.body_bytes_max.0 {
                self.intake.metrics().limit_hit(self.intake.door(), "body_bytes");
                return Err(too_large(self.config));
            }
            return Ok(Some(chunk));
        }
    }

    fn undecodable(&self, error: &DecodeError) -> Problem {
        if !matches!(error, DecodeError::Invalid(_)) {
            self.intake.metrics().limit_hit(self.intake.door(), "decompress_limit");
        }
        decode_problem(error)
    }

    async fn split(&mut self) -> Result<(), Problem> {
        while let Some(line) = self.splitter.next() {
            self.add(line).await?;
        }
        Ok(())
    }

    async fn add(&mut self, line: Line) -> Result<(), Problem> {
        self.batch.push(line);
        if self.batch.is_full() { self.dispatch().await } else { Ok(()) }
    }

    /// Sends the batch off, after the one before it has arrived.
    async fn dispatch(&mut self) -> Result<(), Problem> {
        self.collect().await?;
        let mut batch = self.fresh_batch();
        std::mem::swap(&mut batch, &mut self.batch);
        let rest = self.room.bytes().saturating_sub(batch.bytes());
        batch.room = self.room.keep(rest);
        self.lane.take(batch);
        Ok(())
    }

    /// Waits for the batch on its way. No room in the log ends the body: the sender comes again.
    async fn collect(&mut self) -> Result<(), Problem> {
        let Some(mut receipt) = self.lane.arrival().await else { return Ok(()) };
        self.tally.add(&receipt);
        if let Some(room) = receipt.batch.room.take() {
            self.room.add(room);
        }
        match self.tally.busy() {
            None => Ok(()),
            Some(retry_after) => {
                let detail = match self.intake.is_failed() {
                    true => format!("{FAILED}; then send this again"),
                    false => "the log has no room for now; send this again".to_owned(),
                };
                Err(Problem::busy(detail, retry_after))
            }
        }
    }

    fn fresh_batch(&self) -> Batch {
        let ids = self.ids.clone().unwrap_or_else(Ids::counted);
        let mut batch = self.intake.batch(ids);
        batch.set_origin(&self.origin);
        batch
    }
}

/// Reads and forgets what is left of a body, within limits.
pub(crate) async fn drain(body: &mut Incoming, bytes_max: u64) {
    let mut bytes = 0;
    let rest = async {
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, |chunk| chunk.len() as u64);
            if bytes > bytes_max {
                return;
            }
        }
    };
    // Whether it came to its end does not matter: the answer is the same.
    drop(timeout(DRAIN_TIMEOUT, rest).await);
}

/// A body that says itself, or turns out, to be larger than allowed.
pub(crate) fn too_large(config: &HttpConfig) -> Problem {
    let detail = format!(
        "the body is larger than {}: send it in parts, or raise ingest_gateway.http.body_bytes_max",
        config.body_bytes_max
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn decode_problem(error: &DecodeError) -> Problem {
    let status = match error {
        DecodeError::Invalid(_) => StatusCode::BAD_REQUEST,
        DecodeError::TooLarge(_) | DecodeError::Ratio(_) => StatusCode::PAYLOAD_TOO_LARGE,
    };
    Problem::new(status, error.to_string())
}
