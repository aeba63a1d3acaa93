//! A bulk body on its way in: an action line, and behind it a line with the document.
//!
//! Source: the Bulk API of Elasticsearch 8. Items are answered one by one, in order. What is answered with
//! 201 is durable. An `_id` makes a re-send collapse, as an idempotency key does. Once anything was sent to the
//! log, what goes wrong behind it is an answer of items too: an error for all would make it come twice.

use std::sync::Arc;

use bus::{Codec, RecordId};
use bytes::Bytes;
use bytestring::ByteString;
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use pipeline::Rejection;

use super::Reply;
use super::action::{Action, Verb};
use super::error::Error;
use super::items::{Item, Items};
use crate::budget::{Reservation, Share};
use crate::http::answer::no_room;
use crate::http::body::BodyReader;
use crate::http::publisher::Publisher;
use crate::http::request::{Plan, open, reserve};
use crate::http::route::{Door, Sender};
use crate::http::shape::judge;
use crate::http::unread;
use crate::intake::{Line, Origin};
use crate::lines::Lines;

/// The name of the index where nobody says one; it is only told back.
const INDEX: &str = "logs";
/// What stands for the action of a line that is none, in its answer.
const UNREADABLE: Action = Action { verb: Verb::Index, index: None, id: None, has_pipeline: false };
/// Steps in which memory for the answer is reserved.
const ANSWER_BYTES: usize = 256 << 10;

/// Answers a bulk request.
pub(super) async fn answer(
    door: &Door,
    sender: Sender,
    index: Option<String>,
    request: Request<Incoming>,
) -> Reply {
    let is_pipeline_named = names_pipeline(request.uri().query().unwrap_or_default());
    let (plan, mut body) = match open(door, &sender, request).await {
        Ok(opened) => opened,
        Err(problem) => return Error::from(&problem).reply(),
    };
    let mut bulk = Bulk::new(door, sender.share.clone(), plan, index, is_pipeline_named);
    let result = bulk.receive(&mut body).await;
    // What is on its way is counted whatever happened behind it.
    bulk.collect().await;
    if result.is_err() || bulk.is_broken {
        body.drain().await;
    }
    let is_busy = match &result {
        Ok(()) => bulk.items.wait().is_some(),
        Err(error) => error.retry_after.is_some(),
    };
    if is_busy {
        door.intake.count_busy();
    }
    match result {
        Ok(()) => {
            let reason = no_room(&door.intake);
            let room = bulk.answer_room.take();
            let reply = bulk.items.into_reply(&reason, door.intake.durability_warning());
            unread::hold(reply, room, door.config.idle_timeout.0, &sender.hang_up)
        }
        Err(error) => error.reply(),
    }
}

/// Whether a query names an ingest pipeline.
pub(super) fn names_pipeline(query: &str) -> bool {
    let names = |pair: &str| {
        let named = pair.strip_prefix("pipeline=");
        named.is_some_and(|name| !name.is_empty() && name != "_none")
    };
    query.split('&').any(names)
}

/// A body that is being read.
struct Bulk<'a> {
    door: &'a Door,
    share: Share,
    shop: ByteString,
    lines: Lines,
    publisher: Publisher<'a>,
    items: Items,
    /// The index of the item before, or of the path.
    index: Arc<str>,
    default_index: Arc<str>,
    /// The action whose document comes next, and the number of its line.
    action: Option<(Action, u64)>,
    answer_room: Option<Reservation>,
    /// Whether anything was sent to the log: then the request is answered item by item, or what is durable would
    /// come again.
    is_sent: bool,
    /// Whether a line was found that breaks the body: nothing behind it is read.
    is_broken: bool,
}

impl<'a> Bulk<'a> {
    fn new(
        door: &'a Door,
        share: Share,
        plan: Plan,
        index: Option<String>,
        is_pipeline_named: bool,
    ) -> Self {
        // Documents are JSON whatever the content type says.
        let origin = Arc::new(Origin { codec: Codec::Json, ..Origin::clone(&plan.origin) });
        let shop = origin.shop.clone();
        let index: Arc<str> = index.as_deref().unwrap_or(INDEX).into();
        Self {
            door,
            share,
            shop,
            lines: Lines::new(door.intake.line_bytes_max()).keeping_empty(),
            publisher: Publisher::new(&door.intake, origin, plan.idempotency_key, plan.room),
            items: Items::new(is_pipeline_named),
            index: Arc::clone(&index),
            default_index: index,
            action: None,
            answer_room: None,
            is_sent: false,
            is_broken: false,
        }
    }

    /// Reads the body to its end, or to a line that breaks it. A body that cannot be read is an error for all of it:
    /// what else it holds nobody knows, so nobody could be told to send that again.
    async fn receive(&mut self, body: &mut BodyReader<'_>) -> Result<(), Error> {
        while !self.is_broken
            && let Some(block) = body.next().await.map_err(|problem| Error::from(&problem))?
        {
            self.take_in(block).await?;
        }
        self.finish().await
    }

    async fn take_in(&mut self, block: Bytes) -> Result<(), Error> {
        let block = self.publisher.begin_block(block);
        self.lines.push(block);
        while !self.is_broken
            && let Some(line) = self.lines.next()
        {
            self.line(line).await?;
        }
        Ok(())
    }

    /// Takes what the end of the body ends.
    async fn finish(&mut self) -> Result<(), Error> {
        if !self.is_broken
            && let Some(line) = self.lines.finish()
        {
            self.line(line).await?;
        }
        if let Some((action, number)) = self.action.take() {
            let reason = format!("the action of line {number} has no document");
            self.break_off(action, Error::malformed(reason))?;
        }
        if self.items.count() == 0 {
            return Err(Error::malformed("the body holds no action"));
        }
        if !self.publisher.is_empty() {
            self.dispatch().await;
        }
        Ok(())
    }

    async fn line(&mut self, line: Line) -> Result<(), Error> {
        match self.action.take() {
            Some((action, _)) => {
                self.document(action, line).await;
                Ok(())
            }
            None => self.begin(line).await,
        }
    }

    /// An action line.
    async fn begin(&mut self, line: Line) -> Result<(), Error> {
        let number = line.number;
        if line.payload.trim_ascii().is_empty() {
            return Ok(());
        }
        let parsed = match &line.fault {
            Some(fault) => Err(format!("line {number} is no action: {}", fault.rejection.message)),
            None => Action::parse(&line.payload)
                .map_err(|error| format!("line {number} is no action with a document: {error}")),
        };
        let action = match parsed {
            Ok(action) => action,
            Err(reason) => {
                // It may quote what the line holds.
                let reason = self.door.intake.masking().text(reason);
                return self.break_off(UNREADABLE, Error::malformed(reason));
            }
        };
        self.make_room().await?;
        if action.has_pipeline {
            self.items.name_pipeline();
        }
        if action.verb.has_source() {
            self.action = Some((action, number));
        } else {
            let reason = action.verb.refusal().unwrap_or_default();
            self.refuse(action, Error::malformed(reason));
        }
        Ok(())
    }

    /// A line breaks the body, since what follows it cannot be told apart: it has an item of its own, or makes the
    /// error of all where nothing was sent.
    fn break_off(&mut self, action: Action, error: Error) -> Result<(), Error> {
        if !self.is_sent {
            return Err(error);
        }
        self.is_broken = true;
        self.refuse(action, error);
        Ok(())
    }

    /// Refuses an action: its document is not sent.
    fn refuse(&mut self, action: Action, error: Error) {
        if self.items.is_closed() {
            return self.items.leave();
        }
        let item = self.item(action);
        self.items.refuse(item, error);
    }

    /// The line behind an action.
    async fn document(&mut self, action: Action, mut line: Line) {
        if let Some(reason) = action.verb.refusal() {
            return self.refuse(action, Error::malformed(reason));
        }
        if self.items.is_closed() {
            return self.items.leave();
        }
        if let Some(wait) = self.items.busy() {
            return self.refuse(action, Error::busy(no_room(&self.door.intake), wait));
        }
        let item = self.item(action);
        if line.fault.is_none()
            && let Some(rejection) = self.judge(&line)
        {
            line.refuse(rejection);
        }
        line.number = self.items.count() + 1;
        line.id = item.id.as_deref().map(|id| record_id(&self.shop, &item.index, id));
        self.items.expect(item);
        if self.publisher.push(line) {
            self.dispatch().await;
        }
    }

    fn judge(&self, line: &Line) -> Option<Rejection> {
        judge(&line.payload, self.door.intake.limits())
    }

    fn item(&mut self, action: Action) -> Item {
        let index = match action.index.as_deref() {
            None => Arc::clone(&self.default_index),
            Some(index) if *index == *self.index => Arc::clone(&self.index),
            Some(index) => index.into(),
        };
        self.index = Arc::clone(&index);
        Item { verb: action.verb, index, id: action.id }
    }

    /// Sends what has come. Once the log has no room nothing more is: order holds, and all that is left is
    /// answered so.
    async fn dispatch(&mut self) {
        self.collect().await;
        match self.items.busy() {
            None => {
                self.publisher.send();
                self.is_sent = true;
            }
            Some(wait) => {
                self.publisher.clear();
                self.items.give_up(wait, &no_room(&self.door.intake));
            }
        }
    }

    async fn collect(&mut self) {
        if let Some(receipt) = self.publisher.arrival().await {
            self.items.answer(&receipt, &no_room(&self.door.intake));
        }
    }

    /// Makes room for the answer to one more item. Where there is none the documents that come are to come again,
    /// and only they; all of them where nothing was sent.
    async fn make_room(&mut self) -> Result<(), Error> {
        if self.items.is_closed() {
            return Ok(());
        }
        let room = if self.items.is_full() { Err(self.too_long()) } else { self.reserve().await };
        let Err(error) = room else { return Ok(()) };
        if !self.is_sent {
            return Err(error);
        }
        if !self.publisher.is_empty() {
            self.dispatch().await;
        }
        let wait = error.retry_after.unwrap_or_else(|| self.door.intake.retry_after());
        let item = Item { verb: UNREADABLE.verb, index: INDEX.into(), id: None };
        self.items.close(&item, &Error::busy(error.reason, wait));
        Ok(())
    }

    fn too_long(&self) -> Error {
        let count = self.items.count();
        let reason = format!("the answer to {count} actions is too long: send them in parts");
        Error::new(StatusCode::PAYLOAD_TOO_LARGE, "content_too_long_exception", reason)
    }

    /// Reserves memory for what the answer has grown to.
    async fn reserve(&mut self) -> Result<(), Error> {
        let held = self.answer_room.as_ref().map_or(0, Reservation::bytes);
        if self.items.held_bytes() < held {
            return Ok(());
        }
        let bytes = self.items.held_bytes() - held + ANSWER_BYTES;
        let more = reserve(self.door, &self.share, bytes).await;
        let more = more.map_err(|problem| Error::from(&problem))?;
        match &mut self.answer_room {
            Some(room) => room.add(more),
            None => self.answer_room = Some(more),
        }
        Ok(())
    }
}

/// The id of a document's record: the same again for the same index and id. No idempotency key has a NUL,
/// and the length says where an index ends that has one.
pub(super) fn record_id(shop: &str, index: &str, id: &str) -> RecordId {
    let key = format!("elasticsearch\0{}\0{index}\0{id}", index.len());
    RecordId::from_idempotency_key(shop, &key, 0)
}

#[cfg(test)]
mod tests;
