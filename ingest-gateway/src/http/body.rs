//! One body as it is read: within its size and its times, decompressed block by block.
//!
//! Knows nothing of what a body means, and never holds more of it than a block.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::Problem;
use super::decoding::{DecodeError, Decoder};
use crate::config::{HttpConfig, table_of};
use crate::intake::Intake;

/// How long the rest of a body is still read and thrown away, so that its sender gets the answer
/// rather than a broken connection.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The reader of one body.
pub(crate) struct BodyReader<'a> {
    intake: &'a Intake,
    config: &'a HttpConfig,
    body: Incoming,
    decoder: Decoder,
    body_bytes: u64,
    deadline: Instant,
    /// The beginning, where somebody has looked at it and it was not taken yet.
    peeked: BytesMut,
    is_ended: bool,
}

impl<'a> BodyReader<'a> {
    pub(crate) fn new(
        intake: &'a Intake,
        config: &'a HttpConfig,
        decoder: Decoder,
        body: Incoming,
    ) -> Self {
        let deadline = Instant::now() + config.body_timeout.0;
        let peeked = BytesMut::new();
        Self { intake, config, body, decoder, body_bytes: 0, deadline, peeked, is_ended: false }
    }

    /// Looks at the beginning, of which nothing was taken yet: at so many bytes at most, until they are
    /// enough or the body ends.
    pub(crate) async fn peek(
        &mut self,
        bytes_max: usize,
        is_enough: impl Fn(&[u8]) -> bool,
    ) -> Result<&[u8], Problem> {
        while self.peeked.len() < bytes_max && !is_enough(&self.peeked) {
            match self.next_block().await? {
                Some(block) => self.peeked.extend_from_slice(&block),
                None => break,
            }
        }
        Ok(&self.peeked)
    }

    /// The next block, decompressed; `None` at the body's end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        if !self.peeked.is_empty() {
            return Ok(Some(self.peeked.split().freeze()));
        }
        self.next_block().await
    }

    async fn next_block(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.is_ended {
            return Ok(None);
        }
        loop {
            if let Some(block) =
                self.decoder.next().map_err(|error| undecodable(self.intake, &error))?
            {
                tokio::task::consume_budget().await;
                return Ok(Some(block));
            }
            match self.next_chunk().await? {
                Some(chunk) => self.decoder.push(chunk),
                None => {
                    self.is_ended = true;
                    self.decoder.finish().map_err(|error| undecodable(self.intake, &error))?;
                    return Ok(None);
                }
            }
        }
    }

    /// Reads and forgets what is left, within limits.
    pub(crate) async fn drain(&mut self) {
        drain(&mut self.body, self.config.body_bytes_max.0).await;
    }

    /// The next piece of the body as it was sent; `None` at its end.
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        let (intake, door) = (self.intake, self.intake.door());
        let silent = |limit: &str, what: &str| {
            intake.metrics().limit_hit(door, limit);
            Problem::new(StatusCode::REQUEST_TIMEOUT, what)
        };
        loop {
            let frame = timeout(self.config.body_idle_timeout.0, self.body.frame());
            let frame = timeout_at(self.deadline, frame)
                .await
                .map_err(|_| silent("body_timeout", "the body takes longer than it may"))?
                .map_err(|_| silent("body_idle_timeout", "the body has stopped coming"))?;
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
                return Err(too_large(self.intake, self.config));
            }
            return Ok(Some(chunk));
        }
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
pub(crate) fn too_large(intake: &Intake, config: &HttpConfig) -> Problem {
    let detail = format!(
        "the body is larger than {}: send it in parts, or raise ingest_gateway.{}.body_bytes_max",
        config.body_bytes_max,
        table_of(intake.door())
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// What is said of a body that cannot be decompressed; counted where it is a limit.
pub(crate) fn undecodable(intake: &Intake, error: &DecodeError) -> Problem {
    let status = match error {
        DecodeError::Invalid(_) => StatusCode::BAD_REQUEST,
        DecodeError::TooLarge(_) | DecodeError::Ratio(_) => {
            intake.metrics().limit_hit(intake.door(), "decompress_limit");
            StatusCode::PAYLOAD_TOO_LARGE
        }
    };
    Problem::new(status, error.to_string())
}
