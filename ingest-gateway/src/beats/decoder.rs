//! Frames out of a stream of chunks, compressed ones opened on the way.
//!
//! Pure: no I/O and no clock. The same bytes give the same frames however they are split. A compressed
//! frame is never held whole, neither as it came nor as it grows; within it no other may stand.

use bytes::Bytes;

use super::error::ProtocolError;
use super::frame::{Frame, FrameLimits, Frames};
use crate::http::decoding::{Decoder as Inflater, Encoding};

/// Up to here a compressed frame may have any ratio.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// The decoder of one connection.
pub(crate) struct Decoder {
    limits: FrameLimits,
    outer: Frames,
    open: Option<Compressed>,
}

/// A compressed frame whose end has not come.
struct Compressed {
    missing_bytes: u32,
    inflater: Inflater,
    inner: Frames,
}

impl Decoder {
    pub(crate) fn new(limits: FrameLimits) -> Self {
        Self { limits, outer: Frames::new(), open: None }
    }

    /// Adds what was read. Only after [`Decoder::next`] has said that it needs more.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.outer.push(chunk);
    }

    /// Bytes that are held, and those that opening a compressed frame takes.
    pub(crate) fn held_bytes(&self) -> usize {
        let open = self.open.as_ref();
        let open =
            open.map_or(0, |open| open.inner.held_bytes() + Encoding::Deflate.memory_bytes());
        self.outer.held_bytes() + open
    }

    /// Whether nothing of a frame has come.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.open.is_none() && self.outer.is_between_frames()
    }

    /// The next window or event; `None` when more must be read first.
    ///
    /// # Errors
    /// What breaks the protocol or a limit. Frames before it have been given out; nothing behind it is.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, ProtocolError> {
        loop {
            let Some(open) = &mut self.open else {
                match self.outer.next(&self.limits)? {
                    Some(Frame::Compressed { length_bytes }) => self.begin(length_bytes)?,
                    other => return Ok(other),
                }
                continue;
            };
            match open.inner.next(&self.limits)? {
                Some(Frame::Compressed { .. }) => return Err(ProtocolError::Nested),
                Some(frame) => return Ok(Some(frame)),
                None => {}
            }
            if let Some(block) = open.inflater.next()? {
                open.inner.push(block);
                continue;
            }
            if open.missing_bytes == 0 {
                open.inflater.finish()?;
                if !open.inner.is_between_frames() {
                    return Err(ProtocolError::Cut);
                }
                self.open = None;
                continue;
            }
            let piece = self.outer.take_raw(open.missing_bytes as usize);
            if piece.is_empty() {
                return Ok(None);
            }
            open.missing_bytes -= u32::try_from(piece.len()).unwrap_or(u32::MAX);
            open.inflater.push(piece);
        }
    }

    fn begin(&mut self, length_bytes: u32) -> Result<(), ProtocolError> {
        let ratio_max = u64::from(self.limits.decompressed_ratio_max);
        let grown_bytes_max =
            u64::from(length_bytes).saturating_mul(ratio_max).max(RATIO_FREE_BYTES);
        let bytes_max = grown_bytes_max.min(self.limits.decompressed_bytes_max);
        // By what the frame says of its length, not by what has come of it: pieces must make no difference.
        let inflater = Inflater::new(Encoding::Deflate, bytes_max, u32::MAX)?;
        self.open =
            Some(Compressed { missing_bytes: length_bytes, inflater, inner: Frames::new() });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
