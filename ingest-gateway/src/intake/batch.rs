//! Lines on their way through the door, with where they came from.
//!
//! Holds slices of what was read; makes records and dead letters of them, and copies no payload but to mask what
//! must not be stored.

use std::sync::Arc;

use bus::described_request::content_type_of_body;
use bus::{Codec, Record, RecordId};
use bytes::Bytes;
use bytestring::ByteString;
use pipeline::dead_letter::PAYLOAD_BYTES_MAX;
use pipeline::{DeadLetter, Rejection};

use super::ids::Ids;
use super::{Answer, STAGE};
use crate::budget::Reservation;
use crate::masking::Masking;

/// A batch with this many bytes is full.
const BYTES_MAX: usize = 1 << 20;
/// A batch with this many lines is full, so that tiny lines do not become a mountain of records.
const LINES_MAX: usize = 2_048;

/// How many times as much a large batch has.
const LARGE: usize = 4;

/// What the lines of one sender have in common.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) shop: ByteString,
    /// The peer's address without its port.
    pub(crate) source: ByteString,
    /// The door, or the input of it.
    pub(crate) listener: ByteString,
    pub(crate) codec: Codec,
    pub(crate) content_type: ByteString,
    pub(crate) trace_context: ByteString,
    /// Keeps the order of what it names, in one partition.
    pub(crate) routing_key: ByteString,
}

/// One line, datagram's line or array element.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Its number within what the sender sent, from 1.
    pub(crate) number: u64,
    /// Its bytes without the delimiter; the beginning of them if it was too long.
    pub(crate) payload: Bytes,
    /// Why it is refused, if the protocol's file found out.
    pub(crate) fault: Option<Box<Fault>>,
    /// Which of the batch's origins it has.
    pub(crate) origin: u32,
    /// Its id, where the sender gave it one; else the batch's ids tell.
    pub(crate) id: Option<RecordId>,
    /// Its content type, where the door knows better than its origin.
    pub(crate) content_type: Option<&'static str>,
}

/// Why a line is refused before it reaches the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) rejection: Rejection,
    /// Size of the line as it was sent.
    pub(crate) payload_bytes: u64,
}

impl Line {
    pub(crate) fn good(number: u64, payload: Bytes) -> Self {
        Self { number, payload, fault: None, origin: 0, id: None, content_type: None }
    }

    /// A line that is refused, of so many bytes as it was sent. A copy of the beginning of what was `sent` is kept
    /// as evidence, so that no large buffer is held for it.
    pub(crate) fn refused(
        number: u64,
        sent: &[u8],
        payload_bytes: u64,
        rejection: Rejection,
    ) -> Self {
        let kept = sent.len().min(PAYLOAD_BYTES_MAX);
        let fault = Fault { rejection, payload_bytes };
        let beginning = Bytes::copy_from_slice(&sent[..kept]);
        Self { fault: Some(Box::new(fault)), ..Self::good(number, beginning) }
    }

    /// Whether it may be only the beginning of what was sent.
    pub(crate) fn may_be_cut(&self) -> bool {
        let Some(fault) = &self.fault else { return false };
        let (kind, kept_bytes) = (&*fault.rejection.kind, self.payload.len() as u64);
        fault.payload_bytes > kept_bytes
            || fault.rejection.position_bytes == Some(kept_bytes)
            || matches!(kind, "too_large" | "framing_error")
    }

    /// Gives it other bytes, which are the original from then on.
    pub(crate) fn replace(&mut self, payload: Bytes) {
        if let Some(fault) = &mut self.fault {
            let with_both = fault.payload_bytes + payload.len() as u64;
            fault.payload_bytes = with_both.saturating_sub(self.payload.len() as u64);
        }
        self.payload = payload;
    }

    /// Refuses the line; its bytes are all there.
    pub(crate) fn refuse(&mut self, rejection: Rejection) {
        let payload_bytes = self.payload.len() as u64;
        self.fault = Some(Box::new(Fault { rejection, payload_bytes }));
    }
}

/// Lines that are made durable together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) lines: Vec<Line>,
    origins: Vec<Arc<Origin>>,
    received_at_ns: i64,
    ids: Ids,
    bytes: usize,
    /// Bytes of the blocks that its payloads are slices of, as far as its door tells.
    pinned_bytes: usize,
    /// Memory of its payloads, given back when the batch is gone.
    pub(crate) room: Option<Reservation>,
    /// The door that it comes through.
    door: &'static str,
    masking: Arc<Masking>,
    /// Bytes of payloads that are copies and hold no block.
    masked_bytes: usize,
    /// How many times as much as an ordinary batch it may hold.
    size: usize,
}

impl Batch {
    pub(crate) fn new(
        received_at_ns: i64,
        ids: Ids,
        door: &'static str,
        masking: &Arc<Masking>,
    ) -> Self {
        Self {
            lines: Vec::new(),
            origins: Vec::new(),
            received_at_ns,
            ids,
            bytes: 0,
            pinned_bytes: 0,
            room: None,
            door,
            masking: Arc::clone(masking),
            masked_bytes: 0,
            size: 1,
        }
    }

    /// For a door that nobody waits for, and that must take much at once.
    pub(crate) fn large(self) -> Self {
        Self { size: LARGE, ..self }
    }

    /// It is received at this time, and not when it was made: for a door that makes it before anything has come. Ids that
    /// tell a time are drawn anew.
    pub(crate) fn set_received_at_ns(&mut self, received_at_ns: i64) {
        debug_assert!(self.lines.is_empty(), "what has come keeps its time");
        self.received_at_ns = received_at_ns;
        if matches!(self.ids, Ids::Counted(_)) {
            self.ids = Ids::counted();
        }
    }

    /// Later lines come from here.
    pub(crate) fn set_origin(&mut self, origin: &Arc<Origin>) {
        if self.origins.last().is_none_or(|last| !Arc::ptr_eq(last, origin)) {
            self.origins.push(Arc::clone(origin));
        }
    }

    /// Adds a line of the origin that was set last, without what must not be stored: every line of every door
    /// comes through here.
    pub(crate) fn push(&mut self, mut line: Line) {
        self.masked_bytes += self.masking.apply(self.door, &mut line);
        line.origin = u32::try_from(self.origins.len().saturating_sub(1)).unwrap_or(u32::MAX);
        self.bytes += line.payload.len();
        self.lines.push(line);
    }

    /// Its payloads are slices of a block of so many bytes, which is held as long as they are. A batch
    /// without lines holds no block but this one.
    pub(crate) fn pin(&mut self, block_bytes: usize) {
        if self.lines.is_empty() {
            self.pinned_bytes = 0;
        }
        self.pinned_bytes += block_bytes;
    }

    /// When it is received, nanoseconds since 1970 UTC.
    pub(crate) fn received_at_ns(&self) -> i64 {
        self.received_at_ns
    }

    /// Bytes that it holds: of its payloads, or of what they are slices of where that is more, and of those that
    /// are copies.
    pub(crate) fn held_bytes(&self) -> usize {
        if self.lines.is_empty() {
            return 0;
        }
        (self.bytes - self.masked_bytes).max(self.pinned_bytes) + self.masked_bytes
    }

    pub(crate) fn is_full(&self) -> bool {
        self.held_bytes() >= self.size * BYTES_MAX || self.lines.len() >= self.size * LINES_MAX
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The id of one of its lines.
    pub(crate) fn id(&self, line: &Line) -> RecordId {
        line.id
            .unwrap_or_else(|| self.ids.of(&self.origins[line.origin as usize].shop, line.number))
    }

    /// The shop of its lines; that of the first one where there are several.
    pub(super) fn shop(&self) -> ByteString {
        let origin = self.lines.first().and_then(|line| self.origins.get(line.origin as usize));
        origin.map(|origin| origin.shop.clone()).unwrap_or_default()
    }

    /// What was taken in, by shop: lines that do not come again, and their bytes as they are kept.
    pub(super) fn taken_in(&self, answers: &[Answer]) -> Vec<(ByteString, u64, u64)> {
        let mut taken: Vec<(ByteString, u64, u64)> = Vec::new();
        // Lines of one origin follow each other.
        let (mut last_origin, mut place) = (None, 0);
        for (line, answer) in self.lines.iter().zip(answers) {
            if matches!(answer, Answer::Busy { .. }) {
                continue;
            }
            if last_origin != Some(line.origin) {
                last_origin = Some(line.origin);
                let shop = &self.origins[line.origin as usize].shop;
                let known = taken.iter().position(|(known, _, _)| known == shop);
                place = known.unwrap_or_else(|| {
                    taken.push((shop.clone(), 0, 0));
                    taken.len() - 1
                });
            }
            let (_, events, bytes) = &mut taken[place];
            *events += 1;
            *bytes += line.payload.len() as u64;
        }
        taken
    }

    /// Keeps the lines that were answered with *busy*.
    pub(super) fn keep_busy(&mut self, answers: &[Answer]) {
        let mut answers = answers.iter();
        self.lines.retain(|_| matches!(answers.next(), Some(Answer::Busy { .. })));
    }

    pub(super) fn record(&self, line: &Line) -> Record {
        let origin = &self.origins[line.origin as usize];
        Record {
            id: self.id(line),
            received_at_ns: self.received_at_ns,
            shop: origin.shop.clone(),
            source: origin.source.clone(),
            listener: origin.listener.clone(),
            codec: origin.codec,
            content_type: match line.content_type {
                Some(own) => ByteString::from_static(own),
                None => origin.content_type.clone(),
            },
            trace_context: origin.trace_context.clone(),
            attempt: 0,
            routing_key: origin.routing_key.clone(),
            log_type: None,
            payload: line.payload.clone(),
        }
    }

    pub(super) fn dead_letter(&self, line: &Line, rejection: &Rejection) -> Record {
        let mut record = self.record(line);
        // One request may have thousands of letters, and only an event asks how it came.
        let of_body = content_type_of_body(&record.content_type);
        if of_body.len() < record.content_type.len() {
            record.content_type = ByteString::from(of_body);
        }
        let mut letter = DeadLetter::new(STAGE, &record, None, rejection);
        if let Some(fault) = &line.fault {
            letter.payload_bytes = fault.payload_bytes;
        }
        letter.into_record()
    }
}
