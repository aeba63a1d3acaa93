//! Lines out of a stream of chunks: ended by a line feed, with an optional carriage return before it.
//!
//! A line that lies within one chunk is a slice of it. A line that is too long is never held: its
//! beginning is kept as evidence, and the rest is counted up to its end. Knows no encoding.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use pipeline::Rejection;
use pipeline::dead_letter::PAYLOAD_BYTES_MAX;

use crate::intake::{Fault, Line};

/// The framer of one stream. Empty lines have a number and are not given out.
#[derive(Debug)]
pub(crate) struct Lines {
    line_bytes_max: usize,
    chunks: VecDeque<Bytes>,
    chunk_bytes: usize,
    /// The beginning of a line whose end has not come.
    partial: BytesMut,
    oversize: Option<Oversize>,
    /// Lines that have ended.
    ended: u64,
}

/// A line that is too long, while it lasts.
#[derive(Debug)]
pub(crate) struct Oversize {
    beginning: Bytes,
    bytes: u64,
    ends_in_return: bool,
}

impl Oversize {
    /// Begins with what is there; at most `line_bytes_max + 1` bytes of it are kept, so that the
    /// evidence is the same however the line was split.
    pub(crate) fn new(line: &[u8], line_bytes_max: usize) -> Self {
        let kept = line.len().min(line_bytes_max + 1).min(PAYLOAD_BYTES_MAX);
        Self {
            // A copy, so that the line's own large buffer is let go.
            beginning: Bytes::copy_from_slice(&line[..kept]),
            bytes: line.len() as u64,
            ends_in_return: line.last() == Some(&b'\r'),
        }
    }

    pub(crate) fn skip(&mut self, more: &[u8]) {
        if let Some(last) = more.last() {
            self.bytes += more.len() as u64;
            self.ends_in_return = *last == b'\r';
        }
    }

    pub(crate) fn into_line(self, number: u64, line_bytes_max: usize) -> Line {
        let payload_bytes = self.bytes - u64::from(self.ends_in_return);
        let rejection = Rejection {
            kind: "too_large".into(),
            message: format!("the line has {payload_bytes} bytes, more than {line_bytes_max}"),
            position_bytes: Some(line_bytes_max as u64),
        };
        Line {
            fault: Some(Box::new(Fault { rejection, payload_bytes })),
            ..Line::good(number, self.beginning)
        }
    }
}

impl Lines {
    pub(crate) fn new(line_bytes_max: usize) -> Self {
        Self::after(0, line_bytes_max)
    }

    /// For what follows so many lines.
    pub(crate) fn after(ended: u64, line_bytes_max: usize) -> Self {
        Self {
            line_bytes_max,
            chunks: VecDeque::new(),
            chunk_bytes: 0,
            partial: BytesMut::new(),
            oversize: None,
            ended,
        }
    }

    /// Adds what was read.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunk_bytes += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    /// Bytes that are held.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.chunk_bytes + self.partial.len()
    }

    /// Whether there may be another line without reading on.
    pub(crate) fn has_unread(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// Number of the line whose beginning has come and whose end has not.
    pub(crate) fn unfinished(&self) -> Option<u64> {
        let begun = self.oversize.is_some() || !self.partial.is_empty();
        begun.then_some(self.ended + 1)
    }

    /// The next line that has ended.
    pub(crate) fn next(&mut self) -> Option<Line> {
        while let Some(chunk) = self.chunks.front_mut() {
            let Some(end) = memchr::memchr(b'\n', chunk) else {
                let rest = std::mem::take(chunk);
                self.chunks.pop_front();
                self.chunk_bytes -= rest.len();
                self.extend(&rest);
                continue;
            };
            let mut piece = chunk.split_to(end + 1);
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
            self.chunk_bytes -= piece.len();
            piece.truncate(end);
            if let Some(line) = self.end_line(piece) {
                return Some(line);
            }
        }
        None
    }

    /// The last line, which the end of the stream ends. All others must have been taken.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        debug_assert!(self.chunks.is_empty(), "lines that have ended come first");
        self.end_line(Bytes::new())
    }

    fn end_line(&mut self, last_piece: Bytes) -> Option<Line> {
        self.ended += 1;
        let number = self.ended;
        if self.oversize.is_none() && self.partial.is_empty() {
            return whole(last_piece, number, self.line_bytes_max);
        }
        self.extend(&last_piece);
        if let Some(oversize) = self.oversize.take() {
            return Some(oversize.into_line(number, self.line_bytes_max));
        }
        let line = std::mem::take(&mut self.partial).freeze();
        whole(line, number, self.line_bytes_max)
    }

    fn extend(&mut self, more: &[u8]) {
        if let Some(oversize) = &mut self.oversize {
            oversize.skip(more);
            return;
        }
        // One more than allowed may still be the carriage return.
        if self.partial.len() + more.len() <= self.line_bytes_max + 1 {
            self.partial.extend_from_slice(more);
            return;
        }
        let room = (self.line_bytes_max + 1).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&more[..room]);
        let mut oversize = Oversize::new(&std::mem::take(&mut self.partial), self.line_bytes_max);
        oversize.skip(&more[room..]);
        self.oversize = Some(oversize);
    }
}

/// A line whose bytes are all there, without its carriage return; none if it is empty.
pub(crate) fn whole(mut line: Bytes, number: u64, line_bytes_max: usize) -> Option<Line> {
    if line.last() == Some(&b'\r') {
        line.truncate(line.len() - 1);
    }
    if line.len() > line_bytes_max {
        let oversize = Oversize { ends_in_return: false, ..Oversize::new(&line, line_bytes_max) };
        return Some(oversize.into_line(number, line_bytes_max));
    }
    (!line.is_empty()).then(|| Line::good(number, line))
}

#[cfg(test)]
mod tests;
