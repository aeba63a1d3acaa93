//! The parser of Lumberjack frames in one stream: heads, lengths, and payloads piece by piece.
//!
//! Source: the protocol text of Logstash's Beats input (`PROTOCOL.md`) for version 1, and the clients
//! of Elastic (libbeat, go-lumber) for version 2. All numbers are 32 bits, big-endian. Pure: no I/O,
//! and no number that a sender claims makes it allocate.

use bytes::{Buf, Bytes, BytesMut};

use super::error::ProtocolError;
use super::pairs::Pairs;

/// What the parser lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameLimits {
    /// Most events that a window may announce.
    pub(crate) window_events_max: u32,
    /// Largest event that is kept whole, in bytes.
    pub(crate) event_bytes_max: usize,
    /// Largest event that is read at all, in bytes: its beginning is kept, the rest counted.
    pub(crate) skipped_bytes_max: u64,
    /// Most pairs of an event of version 1.
    pub(crate) pairs_max: u32,
    /// Largest compressed frame, in bytes as it is sent.
    pub(crate) compressed_bytes_max: u64,
    /// Largest compressed frame when it is decompressed, in bytes.
    pub(crate) decompressed_bytes_max: u64,
    /// Most decompressed bytes for each sent one.
    pub(crate) decompressed_ratio_max: u32,
}

/// The version of the protocol that a frame names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `1`: events are pairs of strings.
    One,
    /// `2`: events are JSON.
    Two,
}

impl Version {
    /// Its byte.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::One => b'1',
            Self::Two => b'2',
        }
    }
}

/// A frame that has come whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// `W`: so many events follow.
    Window {
        /// Version of its answer.
        version: Version,
        /// How many.
        events: u32,
    },
    /// `J`, or `D` as a JSON object of strings.
    Event(Event),
    /// `C`: so many bytes of a zlib stream follow.
    Compressed {
        /// How many.
        length_bytes: u32,
    },
}

/// An event as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its number, as the sender counts.
    pub(crate) sequence: u32,
    /// Its JSON; the beginning of it if it is too long.
    pub(crate) payload: Bytes,
    /// Size of the whole JSON in bytes.
    pub(crate) length_bytes: u64,
}

/// The parser.
#[derive(Debug)]
pub(crate) struct Frames {
    input: Bytes,
    head: Head,
    state: State,
}

#[derive(Debug)]
enum State {
    Head,
    Json(Payload),
    Pairs(Pairs),
}

/// The longest head: version, type and two numbers.
const HEAD_BYTES: usize = 10;

/// The beginning of a frame, until it is whole.
#[derive(Debug, Default)]
pub(super) struct Head {
    bytes: [u8; HEAD_BYTES],
    filled: usize,
}

impl Head {
    /// Takes what is missing for `size` bytes; whether all of them are there.
    pub(super) fn fill(&mut self, input: &mut Bytes, size: usize) -> bool {
        let taken = input.len().min(size.saturating_sub(self.filled));
        input.copy_to_slice(&mut self.bytes[self.filled..self.filled + taken]);
        self.filled += taken;
        self.filled >= size
    }

    /// The number at this byte.
    pub(super) fn number(&self, at: usize) -> u32 {
        let mut number = [0; 4];
        number.copy_from_slice(&self.bytes[at..at + 4]);
        u32::from_be_bytes(number)
    }

    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }
}

/// The JSON of an event, until it is whole.
#[derive(Debug)]
struct Payload {
    sequence: u32,
    length_bytes: u32,
    seen_bytes: u32,
    kept: BytesMut,
}

impl Frames {
    pub(crate) fn new() -> Self {
        Self { input: Bytes::new(), head: Head::default(), state: State::Head }
    }

    /// Adds what was read; everything that came before must have been taken.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        debug_assert!(self.input.is_empty(), "what came before must have been taken");
        self.input = chunk;
    }

    /// Takes bytes that are no frame, up to this many.
    pub(crate) fn take_raw(&mut self, most: usize) -> Bytes {
        let taken = self.input.len().min(most);
        self.input.split_to(taken)
    }

    /// Whether nothing of a frame has come.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.head.filled == 0 && self.input.is_empty() && matches!(self.state, State::Head)
    }

    /// Bytes that are held.
    pub(crate) fn held_bytes(&self) -> usize {
        let open = match &self.state {
            State::Head => 0,
            State::Json(payload) => payload.kept.capacity(),
            State::Pairs(pairs) => pairs.held_bytes(),
        };
        self.input.len() + open
    }

    /// The next frame; `None` when more must be read first.
    ///
    /// # Errors
    /// What breaks the protocol or a limit: nothing behind it can be understood.
    pub(crate) fn next(&mut self, limits: &FrameLimits) -> Result<Option<Frame>, ProtocolError> {
        loop {
            let event = match &mut self.state {
                State::Json(payload) => payload.next(&mut self.input, limits),
                State::Pairs(pairs) => pairs.next(&mut self.input, &mut self.head, limits)?,
                State::Head => match self.next_head(limits)? {
                    Step::Frame(frame) => return Ok(Some(frame)),
                    Step::Begun => continue,
                    Step::MoreNeeded => return Ok(None),
                },
            };
            if event.is_some() {
                self.state = State::Head;
            }
            return Ok(event.map(Frame::Event));
        }
    }

    fn next_head(&mut self, limits: &FrameLimits) -> Result<Step, ProtocolError> {
        if !self.head.fill(&mut self.input, 1) {
            return Ok(Step::MoreNeeded);
        }
        let version = match self.head.bytes[0] {
            b'1' => Version::One,
            b'2' => Version::Two,
            other => return Err(ProtocolError::Version(other)),
        };
        if !self.head.fill(&mut self.input, 2) {
            return Ok(Step::MoreNeeded);
        }
        let kind = self.head.bytes[1];
        let size = match kind {
            b'W' | b'C' => 6,
            b'J' | b'D' => HEAD_BYTES,
            other => return Err(ProtocolError::Type(other)),
        };
        if !self.head.fill(&mut self.input, size) {
            return Ok(Step::MoreNeeded);
        }
        let first = self.head.number(2);
        let step = match kind {
            b'W' => Step::Frame(window(version, first, limits)?),
            b'C' => Step::Frame(compressed(first, limits)?),
            b'J' => {
                self.state = State::Json(Payload::new(first, self.head.number(6), limits)?);
                Step::Begun
            }
            _ => {
                self.state = State::Pairs(Pairs::new(first, self.head.number(6), limits)?);
                Step::Begun
            }
        };
        self.head.clear();
        Ok(step)
    }
}

/// What a head led to.
enum Step {
    Frame(Frame),
    Begun,
    MoreNeeded,
}

fn window(version: Version, events: u32, limits: &FrameLimits) -> Result<Frame, ProtocolError> {
    if events > limits.window_events_max {
        return Err(ProtocolError::Window { events, max: limits.window_events_max });
    }
    Ok(Frame::Window { version, events })
}

fn compressed(length_bytes: u32, limits: &FrameLimits) -> Result<Frame, ProtocolError> {
    if length_bytes == 0 {
        return Err(ProtocolError::Empty("compressed frame"));
    }
    if u64::from(length_bytes) > limits.compressed_bytes_max {
        let max = limits.compressed_bytes_max;
        return Err(ProtocolError::CompressedLength { length_bytes, max });
    }
    Ok(Frame::Compressed { length_bytes })
}

impl Payload {
    fn new(sequence: u32, length_bytes: u32, limits: &FrameLimits) -> Result<Self, ProtocolError> {
        if length_bytes == 0 {
            return Err(ProtocolError::Empty("event"));
        }
        if u64::from(length_bytes) > limits.skipped_bytes_max {
            let length_bytes = u64::from(length_bytes);
            return Err(ProtocolError::EventLength { length_bytes, max: limits.skipped_bytes_max });
        }
        Ok(Self { sequence, length_bytes, seen_bytes: 0, kept: BytesMut::new() })
    }

    fn next(&mut self, input: &mut Bytes, limits: &FrameLimits) -> Option<Event> {
        let missing = (self.length_bytes - self.seen_bytes) as usize;
        let piece = input.split_to(missing.min(input.len()));
        let is_whole = piece.len() == missing;
        let payload = if is_whole && self.seen_bytes == 0 && missing <= limits.event_bytes_max {
            piece
        } else {
            // One more than allowed is evidence that it was too long.
            let room = (limits.event_bytes_max + 1).saturating_sub(self.kept.len());
            self.kept.extend_from_slice(&piece[..piece.len().min(room)]);
            self.seen_bytes += u32::try_from(piece.len()).unwrap_or(u32::MAX);
            if !is_whole {
                return None;
            }
            std::mem::take(&mut self.kept).freeze()
        };
        Some(Event { sequence: self.sequence, payload, length_bytes: u64::from(self.length_bytes) })
    }
}
