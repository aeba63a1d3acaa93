//! One message: read whole within limits, its records written anew as events and published.

use std::sync::Arc;

use bus::Codec;
use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use pipeline::Rejection;
use serde_json::json;

use super::format::{Descriptions, Format};
use super::outline::{Outline, Unreadable};
use super::wire::{put_bytes, put_varint};
use crate::budget::{Reservation, Share};
use crate::http::answer::Problem;
use crate::http::body::BodyReader;
use crate::http::publisher::Publisher;
use crate::http::request::{Plan, body_memory_bytes, reserve};
use crate::http::route::Door;
use crate::intake::{Answer, Line, Origin, Receipt};

/// Steps in which memory for a message is reserved.
const STEP_BYTES: usize = 256 << 10;

/// Records of a message that were refused for good, and what else its sender should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    count: u64,
    /// Why the first one was.
    first: Option<String>,
    /// Why what was taken is not durable, if it is not.
    durability_warning: Option<String>,
}

impl Refused {
    fn note(&mut self, rejection: &Rejection) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some(format!("{}: {}", rejection.kind, rejection.message));
        }
    }

    /// What a person reads; empty where all were taken and are durable.
    fn message(&self) -> String {
        let refused = self.first.as_ref().map(|first| {
            format!("{} refused and kept as dead letters; the first: {first}", self.count)
        });
        let said: Vec<String> =
            refused.into_iter().chain(self.durability_warning.clone()).collect();
        said.join("; ")
    }

    /// Whether there is anything to be told ("Partial Success": with 0 rejected it is a warning).
    fn is_told(&self) -> bool {
        self.count > 0 || self.durability_warning.is_some()
    }

    /// `ExportLogsServiceResponse`.
    pub(super) fn to_protobuf(&self) -> Vec<u8> {
        let mut response = Vec::new();
        if self.is_told() {
            let mut partial = Vec::new();
            put_varint(&mut partial, 1, self.count);
            put_bytes(&mut partial, 2, self.message().as_bytes());
            put_bytes(&mut response, 1, &partial);
        }
        response
    }

    /// The same in JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let response = match self.is_told() {
            false => json!({}),
            true => json!({
                "partialSuccess": {
                    "rejectedLogRecords": self.count.to_string(),
                    "errorMessage": self.message(),
                },
            }),
        };
        response.to_string().into_bytes()
    }
}

/// A message that grows as it is read.
pub(super) struct Growing<'a> {
    door: &'a Door,
    share: &'a Share,
    message: BytesMut,
    room: Option<Reservation>,
}

impl<'a> Growing<'a> {
    pub(super) fn new(door: &'a Door, share: &'a Share) -> Self {
        Self { door, share, message: BytesMut::new(), room: None }
    }

    /// The memory that it takes from.
    pub(super) fn share(&self) -> &'a Share {
        self.share
    }

    /// Adds a block, if the message may be so long and there is memory for it.
    pub(super) async fn extend(&mut self, block: &[u8]) -> Result<(), Problem> {
        let bytes_max = self.door.config.message_bytes_max;
        let bytes = self.message.len() + block.len();
        if bytes > bytes_max.as_usize() {
            self.door.limit_hit("message_bytes");
            let detail = format!(
                "the message is larger than {bytes_max}: export smaller batches, or raise \
                 ingest_gateway.{}.message_bytes_max",
                self.door.table()
            );
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        let held = self.room.as_ref().map_or(0, Reservation::bytes);
        if bytes > held {
            // As the buffer grows: by doubling.
            let more = reserve(self.door, self.share, (bytes - held).max(held).max(STEP_BYTES));
            let more = more.await?;
            match &mut self.room {
                Some(room) => room.add(more),
                None => self.room = Some(more),
            }
        }
        self.message.extend_from_slice(block);
        Ok(())
    }

    /// The whole, with its memory.
    pub(super) fn finish(self) -> (Bytes, Option<Reservation>) {
        (self.message.freeze(), self.room)
    }
}

/// What an export needs.
#[derive(Clone, Copy)]
pub(super) struct Export<'a> {
    pub(super) door: &'a Door,
    pub(super) share: &'a Share,
    pub(super) format: Format,
}

impl Export<'_> {
    /// Reads a body that is one message.
    pub(super) async fn read(
        &self,
        body: &mut BodyReader<'_>,
    ) -> Result<(Bytes, Option<Reservation>), Problem> {
        let mut growing = Growing::new(self.door, self.share);
        while let Some(block) = body.next().await? {
            growing.extend(&block).await?;
        }
        Ok(growing.finish())
    }

    /// Makes a message's records durable. Where the log has no room for some the whole comes again.
    pub(super) async fn take(
        &self,
        mut plan: Plan,
        message: Bytes,
        _room: Option<Reservation>,
    ) -> Result<Refused, Problem> {
        let outline = self.format.outline(&message).map_err(|unreadable| {
            let status = match unreadable {
                Unreadable::Malformed(_) => StatusCode::BAD_REQUEST,
                Unreadable::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
            };
            // It may quote what the message holds.
            let detail = self.door.intake.masking().text(unreadable.to_string());
            Problem::new(status, detail)
        })?;
        let _outline_room = reserve(self.door, self.share, outline.held_bytes()).await?;
        // Events may be larger than what the head promised of the message.
        let line_bytes_max = self.door.intake.line_bytes_max();
        let missing_bytes = body_memory_bytes(line_bytes_max).saturating_sub(plan.room.bytes());
        if missing_bytes > 0 {
            plan.room.add(reserve(self.door, self.share, missing_bytes).await?);
        }
        // What is published is JSON, whatever it was sent as.
        let origin = Arc::new(Origin { codec: Codec::Json, ..Origin::clone(&plan.origin) });
        let mut publisher =
            Publisher::new(&self.door.intake, origin, plan.idempotency_key, plan.room);
        let mut refused = Refused::default();
        let result = self.publish(&outline, &mut publisher, &mut refused).await;
        // What is on its way is counted whatever happened behind it.
        let last = publisher.arrival().await;
        let last = self.count(last, &mut refused);
        refused.durability_warning = self.door.intake.durability_warning();
        result.and(last).map(|()| refused)
    }

    async fn publish(
        &self,
        outline: &Outline<'_>,
        publisher: &mut Publisher<'_>,
        refused: &mut Refused,
    ) -> Result<(), Problem> {
        let mut record_bytes = 0;
        let limits = self.door.intake.limits();
        let mut descriptions = Descriptions::new(self.format, limits);
        for (index, (number, group, bytes)) in outline.records().enumerate() {
            // Whoever sends a message of many has no worker for itself.
            tokio::task::consume_budget().await;
            let (json, members_bytes) = match descriptions.members(number, group) {
                Ok(members) => (self.format.event(members, bytes, limits), members.len()),
                Err(rejection) => (Err(rejection), 0),
            };
            let line = line(index as u64 + 1, json, bytes);
            // What was looked at counts, whether or not it became an event.
            record_bytes += (members_bytes + bytes.len()).max(line.payload.len()) as u64;
            self.check_growth(record_bytes + descriptions.examined_bytes())?;
            if publisher.push(line) {
                self.send(publisher, refused).await?;
            }
        }
        if publisher.is_empty() { Ok(()) } else { self.send(publisher, refused).await }
    }

    /// What describes records is written with each of them: a small message may grow by that.
    fn check_growth(&self, bytes: u64) -> Result<(), Problem> {
        let bytes_max = self.door.config.decompressed_bytes_max;
        if bytes <= bytes_max.0 {
            return Ok(());
        }
        self.door.limit_hit("decompress_limit");
        let detail = format!(
            "the records, each with the attributes of its resource, are larger than {bytes_max} together: export \
             smaller batches"
        );
        Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
    }

    async fn send(
        &self,
        publisher: &mut Publisher<'_>,
        refused: &mut Refused,
    ) -> Result<(), Problem> {
        let before = publisher.arrival().await;
        self.count(before, refused)?;
        publisher.send();
        Ok(())
    }

    fn count(&self, receipt: Option<Receipt>, refused: &mut Refused) -> Result<(), Problem> {
        let mut busy = None;
        for answer in receipt.iter().flat_map(|receipt| &receipt.answers) {
            match answer {
                Answer::Accepted => {}
                Answer::Busy { retry_after } => busy = busy.max(Some(*retry_after)),
                Answer::Refused(rejection) => refused.note(rejection),
            }
        }
        busy.map_or(Ok(()), |wait| Err(Problem::no_room(&self.door.intake, wait)))
    }
}

/// The line of a record: as JSON, or as it was sent where it is refused.
fn line(number: u64, json: Result<Vec<u8>, Rejection>, sent: &[u8]) -> Line {
    match json {
        Ok(json) => Line::good(number, json.into()),
        Err(rejection) => Line::refused(number, sent, sent.len() as u64, rejection),
    }
}
