//! A bulk body on its way in: an action line, and behind it a line with the document.
//!
//! Source: the Bulk API of Elasticsearch 8. Items are answered one by one, in order. What is answered with
//! 201 is durable. An `_id` makes a re-send collapse, as an idempotency key does.

use std::sync::Arc;

use bus::{Codec, RecordId};
use bytestring::ByteString;
use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use pipeline::Rejection;

use super::Reply;
use super::action::Action;
use super::error::Error;
use super::items::{Item, Items};
use crate::budget::{Reservation, Share};
use crate::http::body::BodyReader;
use crate::http::publisher::Publisher;
use crate::http::request::{Plan, plan, reserve};
use crate::http::route::{Door, Sender, turn_away};
use crate::http::shape::judge;
use crate::http::upload::no_room;
use crate::intake::{Line, Origin};
use crate::lines::Lines;

/// The name of the index where nobody says one; it is only told back.
const INDEX: &str = "logs";
/// Steps in which memory for the answer is reserved.
const ANSWER_BYTES: usize = 256 << 10;

/// Answers a bulk request.
pub(super) async fn answer(
    door: &Door,
    sender: Sender,
    index: Option<String>,
    mut request: Request<Incoming>,
) -> Reply {
    let is_pipeline_named = names_pipeline(request.uri().query().unwrap_or_default());
    let plan = match plan(door, &sender, &request).await {
        Ok(plan) => plan,
        Err(problem) => {
            turn_away(door, &problem, &mut request).await;
            return Error::from(&problem).reply();
        }
    };
    let body = BodyReader::new(&door.intake, &door.config, plan.encoding, request.into_body());
    let mut body = match body {
        Ok(body) => body,
        Err(problem) => return Error::from(&problem).reply(),
    };
    let mut bulk = Bulk::new(door, sender.share, plan, index, is_pipeline_named);
    let result = bulk.receive(&mut body).await;
    // What is on its way is counted whatever happened behind it.
    bulk.collect().await;
    let reply = match result {
        Ok(()) => {
            let reason = no_room(&door.intake);
            bulk.items.into_reply(&reason, door.intake.durability_warning())
        }
        Err(error) => {
            body.drain().await;
            error.reply()
        }
    };
    if reply.status() == StatusCode::TOO_MANY_REQUESTS {
        door.intake.count_busy();
    }
    reply
}

/// Whether a query names an ingest pipeline.
fn names_pipeline(query: &str) -> bool {
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
            lines: Lines::new(door.intake.line_bytes_max()),
            publisher: Publisher::new(&door.intake, origin, plan.idempotency_key, plan.room),
            items: Items::new(is_pipeline_named),
            index: Arc::clone(&index),
            default_index: index,
            action: None,
            answer_room: None,
        }
    }

    async fn receive(&mut self, body: &mut BodyReader<'_>) -> Result<(), Error> {
        while let Some(block) = body.next().await.map_err(|problem| Error::from(&problem))? {
            self.publisher.begin_block(block.len());
            self.lines.push(block);
            while let Some(line) = self.lines.next() {
                self.line(line).await?;
            }
        }
        if let Some(line) = self.lines.finish() {
            self.line(line).await?;
        }
        if let Some((_, number)) = &self.action {
            return Err(Error::malformed(format!("the action of line {number} has no document")));
        }
        if self.items.count() == 0 {
            return Err(Error::malformed("the body holds no action"));
        }
        if self.publisher.is_empty() { Ok(()) } else { self.dispatch().await }
    }

    async fn line(&mut self, line: Line) -> Result<(), Error> {
        let Some((action, number)) = self.action.take() else { return self.begin(line).await };
        if line.number == number + 1 {
            return self.document(action, line).await;
        }
        // The framer gives out no empty lines.
        let empty = Line::good(number + 1, bytes::Bytes::new());
        self.document(action, empty).await?;
        self.begin(line).await
    }

    /// An action line.
    async fn begin(&mut self, line: Line) -> Result<(), Error> {
        let number = line.number;
        if line.payload.trim_ascii().is_empty() {
            return Ok(());
        }
        if let Some(fault) = line.fault {
            let reason = format!("line {number} is no action: {}", fault.rejection.message);
            return Err(Error::malformed(reason));
        }
        let action = Action::parse(&line.payload).map_err(|error| {
            Error::malformed(format!("line {number} is no action with a document: {error}"))
        })?;
        if self.items.is_full() {
            let count = self.items.count();
            let reason = format!("the answer to {count} actions is too long: send them in parts");
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(Error::new(status, "content_too_long_exception", reason));
        }
        self.reserve().await?;
        if action.has_pipeline {
            self.items.name_pipeline();
        }
        if action.verb.has_source() {
            self.action = Some((action, number));
        } else {
            self.refuse(action);
        }
        Ok(())
    }

    /// Refuses an action that a door cannot do.
    fn refuse(&mut self, action: Action) {
        let reason = action.verb.refusal().unwrap_or_default();
        let item = self.item(action);
        self.items.refuse(item, Error::malformed(reason));
    }

    /// The line behind an action.
    async fn document(&mut self, action: Action, mut line: Line) -> Result<(), Error> {
        if action.verb.refusal().is_some() {
            self.refuse(action);
            return Ok(());
        }
        let item = self.item(action);
        if let Some(wait) = self.items.busy() {
            let reason = "the log has no room for now; send this again";
            self.items.refuse(item, Error::busy(reason, wait));
            return Ok(());
        }
        if line.fault.is_none()
            && let Some(rejection) = self.judge(&line)
        {
            line.refuse(rejection);
        }
        line.number = self.items.count() + 1;
        line.id = item.id.as_deref().map(|id| record_id(&self.shop, &item.index, id));
        self.items.expect(item);
        if self.publisher.push(line) { self.dispatch().await } else { Ok(()) }
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
    async fn dispatch(&mut self) -> Result<(), Error> {
        self.collect().await;
        match self.items.busy() {
            None => self.publisher.send(),
            Some(wait) => {
                self.publisher.clear();
                self.items.give_up(wait);
            }
        }
        Ok(())
    }

    async fn collect(&mut self) {
        if let Some(receipt) = self.publisher.arrival().await {
            self.items.answer(&receipt);
        }
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
fn record_id(shop: &str, index: &str, id: &str) -> RecordId {
    let key = format!("elasticsearch\0{}\0{index}\0{id}", index.len());
    RecordId::from_idempotency_key(shop, &key, 0)
}

#[cfg(test)]
mod tests {
    use super::{names_pipeline, record_id};

    #[test]
    fn an_id_is_one_of_its_index_and_shop() {
        let id = record_id("default", "logs", "a");
        assert_eq!(id, record_id("default", "logs", "a"));
        for (shop, index, other) in
            [("other", "logs", "a"), ("default", "log", "a"), ("default", "logs", "b")]
        {
            assert_ne!(id, record_id(shop, index, other));
        }
        assert_ne!(record_id("default", "a", "b\0c"), record_id("default", "a\0b", "c"));
    }

    #[test]
    fn a_pipeline_is_named_in_the_query() {
        assert!(names_pipeline("refresh=true&pipeline=geo"));
        assert!(!names_pipeline("pipeline=_none"));
        assert!(!names_pipeline("require_alias=false&filter_path=items"));
    }
}
