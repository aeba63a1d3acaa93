//! The answer to a bulk body, item by item in the order in which they came.
//!
//! An item is written as soon as it and all before it are decided. Holds text, and those that wait. Once there
//! is no room for more of either, items that come are only counted: all of them are to come again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER};
use serde::Serialize;
use serde_json::Value;

use super::Reply;
use super::action::Verb;
use super::error::Error;
use crate::http::answer::{self, retry_after_seconds};
use crate::http::repeated::Repeated;
use crate::intake::{Answer, Receipt};

/// Longest text of items, in bytes: it is held until the last one is decided. Some 35,000 items.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// An item whose answer is not written.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) verb: Verb,
    pub(super) index: Arc<str>,
    /// The id that the sender gave.
    pub(super) id: Option<String>,
}

/// What became of an item, as it is written.
#[derive(Serialize)]
struct Outcome<'a> {
    #[serde(rename = "_index")]
    index: &'a str,
    #[serde(rename = "_id")]
    id: Option<&'a str>,
    #[serde(rename = "_version", skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

impl<'a> Outcome<'a> {
    fn refused(item: &'a Item, error: &Error) -> Self {
        Self {
            index: &item.index,
            id: item.id.as_deref(),
            version: None,
            result: None,
            status: error.status.as_u16(),
            error: Some(error.body()),
        }
    }
}

/// Items behind the others that are to come again, each answered with the same text.
#[derive(Debug)]
struct Left {
    text: Vec<u8>,
    count: usize,
    retry_after: Duration,
}

/// The items of one body.
#[derive(Debug)]
pub(super) struct Items {
    begun: Instant,
    waiting: VecDeque<(Item, Option<Error>)>,
    waiting_bytes: usize,
    text: Vec<u8>,
    count: u64,
    /// Items that the log has, and those that are refused for good.
    done: u64,
    has_errors: bool,
    busy: Option<Duration>,
    /// Those that come once no further one is answered for itself.
    left: Option<Left>,
    is_pipeline_named: bool,
}

impl Items {
    pub(super) fn new(is_pipeline_named: bool) -> Self {
        Self {
            begun: Instant::now(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            text: Vec::new(),
            count: 0,
            done: 0,
            has_errors: false,
            busy: None,
            left: None,
            is_pipeline_named,
        }
    }

    /// Items that have come and are answered for themselves.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Bytes that are held.
    pub(super) fn held_bytes(&self) -> usize {
        self.text.capacity() + self.waiting_bytes
    }

    /// Whether the text is as long as it may be.
    pub(super) fn is_full(&self) -> bool {
        self.text.len() + self.waiting_bytes >= ANSWER_BYTES_MAX
    }

    /// The wait that the log asked for, if it had no room.
    pub(super) fn busy(&self) -> Option<Duration> {
        self.busy
    }

    /// The longest wait until what is to come again may.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.busy.max(self.left.as_ref().map(|left| left.retry_after))
    }

    /// From now on items are only counted, and answered with this error: they are to come again. At least one
    /// must have come before.
    pub(super) fn close(&mut self, item: &Item, error: &Error) {
        let mut text = vec![b','];
        put(&mut text, item.verb, &Outcome::refused(item, error));
        let retry_after = error.retry_after.unwrap_or_default();
        self.left = Some(Left { text, count: 0, retry_after });
    }

    /// Whether items are only counted.
    pub(super) fn is_closed(&self) -> bool {
        self.left.is_some()
    }

    /// An item that comes after the end of those that are answered for themselves.
    pub(super) fn leave(&mut self) {
        if let Some(left) = &mut self.left {
            left.count += 1;
        }
    }

    /// Remembers that an ingest pipeline was named.
    pub(super) fn name_pipeline(&mut self) {
        self.is_pipeline_named = true;
    }

    /// An item that is on its way.
    pub(super) fn expect(&mut self, item: Item) {
        self.push(item, None);
    }

    /// An item that is refused without being sent.
    pub(super) fn refuse(&mut self, item: Item, error: Error) {
        self.push(item, Some(error));
        self.write_decided();
    }

    fn push(&mut self, item: Item, error: Option<Error>) {
        self.count += 1;
        self.waiting_bytes += held_bytes(&item);
        self.waiting.push_back((item, error));
    }

    /// The answers to the next items that were on their way, with the reason of those that there was no room for.
    pub(super) fn answer(&mut self, receipt: &Receipt, busy_reason: &str) {
        for (line, answer) in receipt.batch.lines.iter().zip(&receipt.answers) {
            self.write_decided();
            let Some((item, _)) = self.pop() else { return };
            match answer {
                Answer::Accepted => {
                    let id = item.id.clone().unwrap_or_else(|| receipt.batch.id(line).to_string());
                    self.write_done(&item, &id);
                }
                Answer::Refused(rejection) => self.write_error(&item, &Error::refused(rejection)),
                Answer::Busy { retry_after } => self.write_busy(&item, *retry_after, busy_reason),
            }
        }
        self.write_decided();
    }

    /// The items that wait are not sent, since the log has no room.
    pub(super) fn give_up(&mut self, retry_after: Duration, busy_reason: &str) {
        while let Some((item, error)) = self.pop() {
            match error {
                Some(error) => self.write_error(&item, &error),
                None => self.write_busy(&item, retry_after, busy_reason),
            }
        }
    }

    fn pop(&mut self) -> Option<(Item, Option<Error>)> {
        let popped = self.waiting.pop_front()?;
        self.waiting_bytes -= held_bytes(&popped.0);
        Some(popped)
    }

    fn write_decided(&mut self) {
        while self.waiting.front().is_some_and(|(_, error)| error.is_some()) {
            if let Some((item, Some(error))) = self.pop() {
                self.write_error(&item, &error);
            }
        }
    }

    fn write_busy(&mut self, item: &Item, retry_after: Duration, reason: &str) {
        self.busy = self.busy.max(Some(retry_after));
        self.write_error(item, &Error::busy(reason, retry_after));
    }

    fn write_done(&mut self, item: &Item, id: &str) {
        self.done += 1;
        let result = Outcome {
            index: &item.index,
            id: Some(id),
            version: Some(1),
            result: Some("created"),
            status: StatusCode::CREATED.as_u16(),
            error: None,
        };
        self.write(item.verb, &result);
    }

    fn write_error(&mut self, item: &Item, error: &Error) {
        self.has_errors = true;
        if error.retry_after.is_none() {
            self.done += 1;
        }
        self.write(item.verb, &Outcome::refused(item, error));
    }

    fn write(&mut self, verb: Verb, outcome: &Outcome<'_>) {
        if !self.text.is_empty() {
            self.text.push(b',');
        }
        put(&mut self.text, verb, outcome);
    }

    /// The whole answer. Where the log had room for nothing, the whole request is to come again.
    pub(super) fn into_reply(
        mut self,
        busy_reason: &str,
        durability_warning: Option<String>,
    ) -> Reply {
        debug_assert!(self.waiting.is_empty(), "every item has been decided");
        let wait = self.wait();
        if let (Some(wait), 0) = (wait, self.done) {
            return Error::busy(busy_reason, wait).reply();
        }
        let took = self.begun.elapsed().as_millis();
        let has_errors = self.has_errors || self.is_closed();
        let head = format!("{{\"took\":{took},\"errors\":{has_errors},\"items\":[");
        // In place, so that a long answer is not held twice.
        self.text.splice(0..0, head.into_bytes());
        let mut reply = match self.left {
            None => {
                self.text.extend_from_slice(b"]}");
                answer::reply(StatusCode::OK, "application/json", Bytes::from(self.text))
            }
            Some(left) => {
                let (text, end) = (Bytes::from(self.text), Bytes::from_static(b"]}"));
                let body = Repeated::new(text, &left.text, left.count, end);
                answer::reply_with_body(StatusCode::OK, "application/json", body)
            }
        };
        if let Some(wait) = wait {
            let seconds = HeaderValue::from(retry_after_seconds(wait));
            reply.headers_mut().insert(RETRY_AFTER, seconds);
        }
        super::warn(&mut reply, self.is_pipeline_named, durability_warning);
        reply
    }
}

/// Writes an item to the end of a text.
fn put(text: &mut Vec<u8>, verb: Verb, outcome: &Outcome<'_>) {
    text.extend_from_slice(b"{\"");
    text.extend_from_slice(verb.as_str().as_bytes());
    text.extend_from_slice(b"\":");
    serde_json::to_writer(&mut *text, outcome).expect("texts and numbers are always JSON");
    text.push(b'}');
}

fn held_bytes(item: &Item) -> usize {
    size_of::<(Item, Option<Error>)>() + item.id.as_ref().map_or(0, String::len)
}
