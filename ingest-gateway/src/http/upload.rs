//! One body of lines on its way in: read, split, judged and published piece by piece.
//!
//! What was published before something went wrong stays, and the answer says how much that is.

use super::answer::{Problem, Tally};
use super::body::BodyReader;
use super::publisher::Publisher;
use super::request::Plan;
use super::shape::Splitter;
use crate::intake::{Intake, Line, Receipt};

/// A body that is being read.
pub(crate) struct Upload<'a> {
    intake: &'a Intake,
    splitter: Splitter,
    publisher: Publisher<'a>,
    tally: Tally,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(intake: &'a Intake, plan: Plan) -> Self {
        let limits = intake.limits().clone();
        let splitter = match plan.origin.codec {
            bus::Codec::Plain => Splitter::text(limits),
            bus::Codec::Json => Splitter::json(limits, plan.said_lines),
        };
        let publisher = Publisher::new(intake, plan.origin, plan.idempotency_key, plan.room);
        Self { intake, splitter, publisher, tally: Tally::default() }
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
            self.publisher.begin_block(block.len());
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
        if self.publisher.push(line) { self.dispatch().await } else { Ok(()) }
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
