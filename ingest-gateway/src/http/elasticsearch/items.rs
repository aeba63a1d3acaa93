//! The answer to a bulk body, item by item in the order in which they came.
//!
//! An item is written as soon as it and all before it are decided. Holds text, and those that wait.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderValue, RETRY_AFTER, WARNING};
use serde::Serialize;
use serde_json::Value;

use super::Reply;
use super::action::Verb;
use super::error::Error;
use crate::http::answer::{self, retry_after_seconds};
use crate::intake::{Answer, Receipt};

/// What is said of an ingest pipeline that somebody named.
const PIPELINE_WARNING: &str = "299 Millrace \"the ingest pipeline is ignored: every event goes through the \
                                platform's own pipeline\"";

/// Longest answer, in bytes: it is held until the last item is decided. Some 35,000 items.
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
            is_pipeline_named,
        }
    }

    /// Items that have come.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Bytes that are held.
    pub(super) fn held_bytes(&self) -> usize {
        self.text.capacity() + self.waiting_bytes
    }

    /// Whether the answer is as long as it may be.
    pub(super) fn is_full(&self) -> bool {
        self.text.len() + self.waiting_bytes >= ANSWER_BYTES_MAX
    }

    /// The wait that the log asked for, if it had no room.
    pub(super) fn busy(&self) -> Option<Duration> {
        self.busy
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

    /// The answers to the next items that were on their way.
    pub(super) fn answer(&mut self, receipt: &Receipt) {
        for (line, answer) in receipt.batch.lines.iter().zip(&receipt.answers) {
            self.write_decided();
            let Some((item, _)) = self.pop() else { return };
            match answer {
                Answer::Accepted => {
                    let id = item.id.clone().unwrap_or_else(|| receipt.batch.id(line).to_string());
                    self.write_done(&item, &id);
                }
                Answer::Refused(rejection) => {
                    let kind = "document_parsing_exception";
                    let reason = format!("{}: {}", rejection.kind, rejection.message);
                    self.write_error(&item, &Error::new(StatusCode::BAD_REQUEST, kind, reason));
                }
                Answer::Busy { retry_after } => self.write_busy(&item, *retry_after),
            }
        }
        self.write_decided();
    }

    /// The items that wait are not sent, since the log has no room.
    pub(super) fn give_up(&mut self, retry_after: Duration) {
        while let Some((item, error)) = self.pop() {
            match error {
                Some(error) => self.write_error(&item, &error),
                None => self.write_busy(&item, retry_after),
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

    fn write_busy(&mut self, item: &Item, retry_after: Duration) {
        self.busy = Some(self.busy.unwrap_or_default().max(retry_after));
        let reason = "the log has no room for now; send this again";
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
        let result = Outcome {
            index: &item.index,
            id: item.id.as_deref(),
            version: None,
            result: None,
            status: error.status.as_u16(),
            error: Some(error.body()),
        };
        self.write(item.verb, &result);
    }

    fn write(&mut self, verb: Verb, outcome: &Outcome<'_>) {
        let opening: &[u8] = if self.text.is_empty() { b"{\"" } else { b",{\"" };
        self.text.extend_from_slice(opening);
        self.text.extend_from_slice(verb.as_str().as_bytes());
        self.text.extend_from_slice(b"\":");
        serde_json::to_writer(&mut self.text, outcome).expect("texts and numbers are always JSON");
        self.text.push(b'}');
    }

    /// The whole answer. Where the log had room for nothing, the whole request is to come again.
    pub(super) fn into_reply(
        mut self,
        busy_reason: &str,
        durability_warning: Option<String>,
    ) -> Reply {
        debug_assert!(self.waiting.is_empty(), "every item has been decided");
        if let (Some(wait), 0) = (self.busy, self.done) {
            return Error::busy(busy_reason, wait).reply();
        }
        let took = self.begun.elapsed().as_millis();
        let head = format!("{{\"took\":{took},\"errors\":{},\"items\":[", self.has_errors);
        // In place, so that a long answer is not held twice.
        self.text.splice(0..0, head.into_bytes());
        self.text.extend_from_slice(b"]}");
        let mut reply = answer::reply(StatusCode::OK, "application/json", Bytes::from(self.text));
        let headers = reply.headers_mut();
        if let Some(wait) = self.busy {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds(wait)));
        }
        if self.is_pipeline_named {
            headers.append(WARNING, HeaderValue::from_static(PIPELINE_WARNING));
        }
        if let Some(warning) = durability_warning {
            let warning = format!("299 Millrace \"{}\"", warning.replace(['"', '\\'], "'"));
            if let Ok(value) = HeaderValue::try_from(warning) {
                headers.append(WARNING, value);
            }
        }
        reply
    }
}

fn held_bytes(item: &Item) -> usize {
    size_of::<(Item, Option<Error>)>() + item.id.as_ref().map_or(0, String::len)
}
