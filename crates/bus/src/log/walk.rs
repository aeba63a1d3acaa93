//! Walks over the frames of a segment file from one boundary to the next, a chunk at a time.
//!
//! It checks headers only and never reads past what it was told is there.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::files::StoredFile;
use super::index::Entry;
use crate::frame::{FrameError, FrameHeader, HEADER_BYTES};

/// What comes next in a segment.
#[derive(Debug)]
pub(super) enum Step {
    Frame(WalkedFrame),
    /// The end of what was said to be there.
    End,
    /// No frame begins here though more bytes follow: where the next one begins is unknown.
    Lost(FrameError),
}

#[derive(Debug)]
pub(super) struct WalkedFrame {
    /// Where it begins.
    pub(super) start: Entry,
    pub(super) header: FrameHeader,
    /// Header and body; the body is not checked.
    pub(super) bytes: Bytes,
}

impl WalkedFrame {
    pub(super) fn is_sound(&self) -> Result<(), FrameError> {
        self.header.check(&self.bytes[HEADER_BYTES..])
    }
}

#[derive(Debug)]
pub(super) struct Walk {
    file: Arc<dyn StoredFile>,
    /// Boundary that comes next.
    next: Entry,
    end_position: u64,
    step_bytes: usize,
    chunk: Bytes,
    chunk_position: u64,
}

impl Walk {
    /// From a frame boundary to `end_position`, reading `step_bytes` at once where frames are
    /// smaller.
    pub(super) fn new(
        file: Arc<dyn StoredFile>,
        from: Entry,
        end_position: u64,
        step_bytes: usize,
    ) -> Self {
        let chunk_position = from.position;
        Self { file, next: from, end_position, step_bytes, chunk: Bytes::new(), chunk_position }
    }

    /// The boundary behind the last frame.
    pub(super) fn boundary(&self) -> Entry {
        self.next
    }

    pub(super) fn step(&mut self) -> io::Result<Step> {
        let left = self.end_position.saturating_sub(self.next.position);
        if left == 0 {
            return Ok(Step::End);
        }
        let header = match FrameHeader::read(&self.filled(HEADER_BYTES)?) {
            Ok(header) => header,
            Err(error) => return Ok(Step::Lost(error)),
        };
        let frame_bytes = header.frame_bytes() as usize;
        if header.frame_bytes() > left {
            return Ok(Step::Lost(FrameError::Cut { have: left as usize, need: frame_bytes }));
        }
        let bytes = self.filled(frame_bytes)?;
        if bytes.len() < frame_bytes {
            return Ok(Step::Lost(FrameError::Cut { have: bytes.len(), need: frame_bytes }));
        }
        let start = self.next;
        self.next.position += header.frame_bytes();
        self.next.offset += u64::from(header.records);
        Ok(Step::Frame(WalkedFrame { start, header, bytes }))
    }

    /// The next `need` bytes, fewer only at the end.
    fn filled(&mut self, need: usize) -> io::Result<Bytes> {
        let left = self.end_position.saturating_sub(self.next.position);
        let need = need.min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut at = (self.next.position - self.chunk_position) as usize;
        if at + need > self.chunk.len() {
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            self.chunk =
                self.file.read_at(self.next.position, self.step_bytes.clamp(need, most))?;
            self.chunk_position = self.next.position;
            at = 0;
        }
        let end = (at + need).min(self.chunk.len());
        Ok(self.chunk.slice(at..end))
    }
}
