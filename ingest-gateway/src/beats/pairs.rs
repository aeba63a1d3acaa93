//! Events of version 1 (`D` frames): pairs of strings, written as one JSON object while they come.
//!
//! Bytes that are not UTF-8 stay as they are: who decodes the event says where they stand, and keeps
//! them. Never holds more than an event may have.

use bytes::{Buf, Bytes, BytesMut};

use super::error::ProtocolError;
use super::frame::{Event, FrameLimits, Head};

/// Text is escaped in pieces of so many bytes.
const PIECE_BYTES: usize = 4 << 10;

/// An event of pairs, until it is whole.
#[derive(Debug)]
pub(super) struct Pairs {
    sequence: u32,
    left: u32,
    part: Part,
    json: Json,
    /// Bytes of all keys and values, as they were announced.
    announced_bytes: u64,
}

/// What of a pair comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    KeyLength,
    Key { missing: u32 },
    ValueLength,
    Value { missing: u32 },
}

impl Pairs {
    pub(super) fn new(
        sequence: u32,
        pairs: u32,
        limits: &FrameLimits,
    ) -> Result<Self, ProtocolError> {
        if pairs > limits.pairs_max {
            return Err(ProtocolError::Pairs { pairs, max: limits.pairs_max });
        }
        let mut json = Json::new(limits.event_bytes_max);
        json.put(b"{");
        let part = Part::KeyLength;
        Ok(Self { sequence, left: pairs, part, json, announced_bytes: 0 })
    }

    pub(super) fn held_bytes(&self) -> usize {
        self.json.kept.capacity()
    }

    /// The event, once all of its pairs have come.
    pub(super) fn next(
        &mut self,
        input: &mut Bytes,
        head: &mut Head,
        limits: &FrameLimits,
    ) -> Result<Option<Event>, ProtocolError> {
        while self.left > 0 {
            let is_done = match self.part {
                Part::KeyLength | Part::ValueLength => self.length(input, head, limits)?,
                Part::Key { missing } | Part::Value { missing } => self.text(input, missing),
            };
            if !is_done {
                return Ok(None);
            }
        }
        self.json.put(b"}");
        let payload = std::mem::take(&mut self.json.kept).freeze();
        Ok(Some(Event { sequence: self.sequence, payload, length_bytes: self.json.length_bytes }))
    }

    /// Takes a length; whether it has come.
    fn length(
        &mut self,
        input: &mut Bytes,
        head: &mut Head,
        limits: &FrameLimits,
    ) -> Result<bool, ProtocolError> {
        if !head.fill(input, 4) {
            return Ok(false);
        }
        let missing = head.number(0);
        head.clear();
        self.announced_bytes += u64::from(missing);
        if self.announced_bytes > limits.skipped_bytes_max {
            let length_bytes = self.announced_bytes;
            return Err(ProtocolError::EventLength { length_bytes, max: limits.skipped_bytes_max });
        }
        self.json.put(b"\"");
        self.part = match self.part {
            Part::KeyLength => Part::Key { missing },
            _ => Part::Value { missing },
        };
        Ok(true)
    }

    /// Takes what has come of a key or a value; whether that is its end.
    fn text(&mut self, input: &mut Bytes, missing: u32) -> bool {
        let taken = input.len().min(missing as usize);
        self.json.put_text(&input[..taken]);
        input.advance(taken);
        let missing = missing - u32::try_from(taken).unwrap_or(u32::MAX);
        self.part = match (self.part, missing) {
            (Part::Key { .. }, 0) => {
                self.json.put(b"\":");
                Part::ValueLength
            }
            (Part::Key { .. }, missing) => Part::Key { missing },
            (_, 0) => {
                self.left -= 1;
                self.json.put(if self.left == 0 { b"\"" } else { b"\"," });
                Part::KeyLength
            }
            (_, missing) => Part::Value { missing },
        };
        missing == 0
    }
}

/// JSON that is written: its beginning is kept, the rest counted.
#[derive(Debug)]
struct Json {
    kept: BytesMut,
    length_bytes: u64,
    event_bytes_max: usize,
}

impl Json {
    fn new(event_bytes_max: usize) -> Self {
        Self { kept: BytesMut::new(), length_bytes: 0, event_bytes_max }
    }

    fn put(&mut self, bytes: &[u8]) {
        let room = (self.event_bytes_max + 1).saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.length_bytes += bytes.len() as u64;
    }

    /// The inside of a string (RFC 8259, 7), written piece by piece: escaped it may be six times as long.
    fn put_text(&mut self, text: &[u8]) {
        let mut escaped = Vec::with_capacity(text.len().min(PIECE_BYTES));
        for piece in text.chunks(PIECE_BYTES) {
            escaped.clear();
            event::escape_bytes(piece, &mut escaped);
            self.put(&escaped);
        }
    }
}
