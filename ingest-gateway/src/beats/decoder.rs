//! Frames out of a stream of chunks, compressed ones opened on the way.
//!
//! Pure: no I/O and no clock. The same bytes of a stream that is whole give the same frames however they are
//! split; how many come before a broken zlib stream breaks may depend on the pieces. A compressed frame is
//! never held whole, neither as it came nor as it grows; within it no other may stand. One call does a
//! bounded amount of work: whoever sends what no event comes of has no thread for itself.

use bytes::Bytes;

use super::error::ProtocolError;
use super::frame::{Frame, FrameLimits, Frames};
use crate::http::decoding::{Decoder as Inflater, Encoding};

/// Up to here a compressed frame may have any ratio.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// How far the decoder has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A window or an event has come whole.
    Frame(Frame),
    /// It has worked on a compressed frame, no event came of it, and there is more to do.
    Working,
    /// More must be read first.
    MoreNeeded,
}

/// The decoder of one connection.
pub(crate) struct Decoder {
    limits: FrameLimits,
    outer: Frames,
    /// What was read last.
    read: Block,
    open: Option<Compressed>,
    /// Bytes of blocks that are used up and that events are slices of.
    spent_bytes: usize,
}

/// A compressed frame whose end has not come.
struct Compressed {
    missing_bytes: u32,
    inflater: Inflater,
    inner: Frames,
    /// What was decompressed last.
    inflated: Block,
}

/// A block that frames are taken from. An event holds all of the block that it is a slice of.
#[derive(Debug, Default)]
struct Block {
    length_bytes: usize,
    has_events: bool,
}

impl Block {
    fn new(bytes: &Bytes) -> Self {
        Self { length_bytes: bytes.len(), has_events: false }
    }

    /// What events hold of it, once it is used up.
    fn spend(&mut self) -> usize {
        let block = std::mem::take(self);
        if block.has_events { block.length_bytes } else { 0 }
    }
}

impl Decoder {
    pub(crate) fn new(limits: FrameLimits) -> Self {
        let (outer, read) = (Frames::new(), Block::default());
        Self { limits, outer, read, open: None, spent_bytes: 0 }
    }

    /// Adds what was read. Only after [`Decoder::next`] has said that it needs more.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.read = Block::new(&chunk);
        self.outer.push(chunk);
    }

    /// Bytes that are held, and those that opening a compressed frame takes.
    pub(crate) fn held_bytes(&self) -> usize {
        let open = self.open.as_ref();
        let open =
            open.map_or(0, |open| open.inner.held_bytes() + Encoding::Deflate.memory_bytes());
        self.outer.held_bytes() + open
    }

    /// Bytes of the blocks that were used up since this was asked last, of those that hold an event which was
    /// given out: as long as the event is held the block is.
    pub(crate) fn take_spent_bytes(&mut self) -> usize {
        std::mem::take(&mut self.spent_bytes)
    }

    /// Whether nothing of a frame has come.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.open.is_none() && self.outer.is_between_frames()
    }

    /// The next window or event, after a bounded amount of work.
    ///
    /// # Errors
    /// What breaks the protocol or a limit. Frames before it have been given out; nothing behind it is.
    pub(crate) fn next(&mut self) -> Result<Progress, ProtocolError> {
        if self.open.is_none() {
            match self.outer.next(&self.limits)? {
                Some(Frame::Compressed { length_bytes }) => self.begin(length_bytes)?,
                Some(frame) => {
                    self.read.has_events |= matches!(frame, Frame::Event(_));
                    return Ok(Progress::Frame(frame));
                }
                None => {
                    self.spent_bytes += self.read.spend();
                    return Ok(Progress::MoreNeeded);
                }
            }
        }
        self.next_compressed()
    }

    /// The next window or event of the compressed frame that is open.
    fn next_compressed(&mut self) -> Result<Progress, ProtocolError> {
        while let Some(open) = &mut self.open {
            match open.inner.next(&self.limits)? {
                Some(Frame::Compressed { .. }) => return Err(ProtocolError::Nested),
                Some(frame) => {
                    open.inflated.has_events |= matches!(frame, Frame::Event(_));
                    return Ok(Progress::Frame(frame));
                }
                None => self.spent_bytes += open.inflated.spend(),
            }
            if let Some(block) = open.inflater.next()? {
                open.inflated = Block::new(&block);
                open.inner.push(block);
                return Ok(Progress::Working);
            }
            if open.missing_bytes == 0 {
                open.inflater.finish()?;
                if !open.inner.is_between_frames() {
                    return Err(ProtocolError::Cut);
                }
                self.open = None;
                return Ok(Progress::Working);
            }
            let piece = self.outer.take_raw(open.missing_bytes as usize);
            if piece.is_empty() {
                self.spent_bytes += self.read.spend();
                return Ok(Progress::MoreNeeded);
            }
            open.missing_bytes -= u32::try_from(piece.len()).unwrap_or(u32::MAX);
            open.inflater.push(piece);
        }
        Ok(Progress::Working)
    }

    fn begin(&mut self, length_bytes: u32) -> Result<(), ProtocolError> {
        let ratio_max = u64::from(self.limits.decompressed_ratio_max);
        let grown_bytes_max =
            u64::from(length_bytes).saturating_mul(ratio_max).max(RATIO_FREE_BYTES);
        let bytes_max = grown_bytes_max.min(self.limits.decompressed_bytes_max);
        // By what the frame says of its length, not by what has come of it: pieces must make no difference.
        let inflater = Inflater::new(Encoding::Deflate, bytes_max, u32::MAX)?;
        let (inner, inflated) = (Frames::new(), Block::default());
        self.open = Some(Compressed { missing_bytes: length_bytes, inflater, inner, inflated });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
