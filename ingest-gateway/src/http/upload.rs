//! One body of lines on its way in: read, split, judged and published piece by piece.
//!
//! What was published before something went wrong stays, and the answer says how much that is.

use hyper::StatusCode;

use super::answer::{Problem, Tally};
use super::body::BodyReader;
use super::publisher::Publisher;
use super::request::Plan;
use super::shape::Splitter;
use crate::intake::{Intake, Line, Receipt};

/// Most refused lines of one request. Each is a dead letter, some hundred bytes for a line of one, and a small body
/// that is compressed holds millions. Whoever has so many that are wrong sends something else than JSON, and is told
/// so sooner than later.
const REFUSED_MAX: u64 = 10_000;

/// A body that is being read.
pub(crate) struct Upload<'a> {
    intake: &'a Intake,
    splitter: Splitter,
    publisher: Publisher<'a>,
    tally: Tally,
    /// Lines that were refused when they were read.
    refused: u64,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(intake: &'a Intake, plan: Plan) -> Self {
        let limits = intake.limits().clone();
        let splitter = match plan.origin.codec {
            bus::Codec::Plain => Splitter::text(limits),
            bus::Codec::Json => Splitter::json(limits, plan.said_lines),
        };
        let publisher = Publisher::new(intake, plan.origin, plan.idempotency_key, plan.room);
        Self { intake, splitter, publisher, tally: Tally::default(), refused: 0 }
    }

    /// Reads the body to its end, or to where it goes wrong; says what became of the lines.
    pub(crate) async fn run(mut self, mut body: BodyReader<'_>) -> (Tally, Result<(), Problem>) {
        let result = self.receive(&mut body).await;
        // What is on its way is counted whatever happened behind it.
        let last = self.publisher.arrival().await;
        let last = self.count(last);
        if result.is_err() {
            body.drain().await;
        }
        (self.tally, result.and(last))
    }

    async fn receive(&mut self, body: &mut BodyReader<'_>) -> Result<(), Problem> {
        while let Some(block) = body.next().await? {
            let block = self.publisher.begin_block(block);
            self.splitter.push(block);
            self.split().await?;
        }
        self.splitter.end();
        self.split().await?;
        if let Some(line) = self.splitter.finish() {
            self.add(line).await?;
        }
        if self.publisher.is_empty() { Ok(()) } else { self.dispatch().await }
    }

    async fn split(&mut self) -> Result<(), Problem> {
        while let Some(line) = self.splitter.next() {
            self.add(line).await?;
        }
        Ok(())
    }

    async fn add(&mut self, line: Line) -> Result<(), Problem> {
        if line.fault.is_some() {
            if self.refused == REFUSED_MAX {
                return self.stop_at(line.number).await;
            }
            self.refused += 1;
        }
        if self.publisher.push(line) { self.dispatch().await } else { Ok(()) }
    }

    /// Ends the request at a line: all before it are decided, and nothing from there on is read, so that its sender
    /// knows what to send again.
    async fn stop_at(&mut self, line: u64) -> Result<(), Problem> {
        if !self.publisher.is_empty() {
            self.dispatch().await?;
        }
        let last = self.publisher.arrival().await;
        self.count(last)?;
        self.tally.stop_at(line);
        self.intake.metrics().limit_hit(self.intake.door(), "refused_lines");
        let accepted = self.tally.accepted();
        let detail = format!(
            "reading stopped at line {line}, since {REFUSED_MAX} lines before it were refused: {accepted} before it \
             were accepted, and what follows was not looked at"
        );
        Err(Problem::new(StatusCode::BAD_REQUEST, detail))
    }

    async fn dispatch(&mut self) -> Result<(), Problem> {
        let before = self.publisher.arrival().await;
        self.count(before)?;
        self.publisher.send();
        Ok(())
    }

    /// Counts what became of a batch. No room in the log ends the body: the sender comes again.
    fn count(&mut self, receipt: Option<Receipt>) -> Result<(), Problem> {
        if let Some(receipt) = receipt {
            self.tally.add(&receipt);
        }
        match self.tally.busy() {
            None => Ok(()),
            Some(retry_after) => Err(Problem::no_room(self.intake, retry_after)),
        }
    }
}
