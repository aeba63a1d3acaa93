//! Lines out of a stream of chunks: ended by a delimiter, or counted; see `Framing`.
//!
//! A line that lies within one chunk is a slice of it. A line that is too long is never held: its
//! beginning is kept as evidence, and the rest is counted up to its end. Knows no encoding.

mod delimited;
mod delimiter;
mod framing;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use pipeline::Rejection;
use pipeline::dead_letter::PAYLOAD_BYTES_MAX;

use crate::intake::Line;
pub use delimiter::{Delimiter, NotADelimiter};
use framing::Beginning;
pub use framing::Framing;

/// How much of what breaks the framing is kept as evidence.
const EVIDENCE_BYTES_MAX: usize = 256;
/// Chunks with fewer bytes are joined while they wait: each costs memory beside its bytes.
const SMALL_BYTES: usize = 1 << 10;

/// The framer of one stream. Empty lines have a number and are not given out, unless they are wanted.
#[derive(Debug)]
pub(crate) struct Lines {
    framing: Framing,
    keeps_empty: bool,
    line_bytes_max: usize,
    chunks: VecDeque<Bytes>,
    chunk_bytes: usize,
    frame: Frame,
    /// The beginning of a line whose end has not come, or of a frame before it is known what it is.
    partial: BytesMut,
    oversize: Option<Oversize>,
    /// The last bytes of the line so far, where a delimiter of several may have begun.
    before: Vec<u8>,
    /// Lines that have ended.
    ended: u64,
}

/// What the bytes that come next belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// Its beginning must say.
    Undecided,
    /// A line up to a delimiter.
    Delimited,
    /// A frame with so many bytes to come, at least one.
    Counted(u64),
    /// Nothing: nobody can tell frames apart any more.
    Broken,
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
        Line::refused(number, &self.beginning, payload_bytes, rejection)
    }
}

impl Lines {
    pub(crate) fn new(line_bytes_max: usize) -> Self {
        Self::after(0, line_bytes_max)
    }

    /// For what follows so many lines.
    pub(crate) fn after(ended: u64, line_bytes_max: usize) -> Self {
        Self { ended, ..Self::framed(Framing::Newline, line_bytes_max) }
    }

    pub(crate) fn framed(framing: Framing, line_bytes_max: usize) -> Self {
        Self {
            framing,
            keeps_empty: false,
            line_bytes_max,
            chunks: VecDeque::new(),
            chunk_bytes: 0,
            frame: beginning_of(framing),
            partial: BytesMut::new(),
            oversize: None,
            before: Vec::new(),
            ended: 0,
        }
    }

    /// Empty lines are given out too.
    pub(crate) fn keeping_empty(self) -> Self {
        Self { keeps_empty: true, ..self }
    }

    /// Adds what was read.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() || self.is_broken() {
            return;
        }
        self.chunk_bytes += chunk.len();
        match self.chunks.back_mut() {
            Some(last) if last.len() < SMALL_BYTES && chunk.len() < SMALL_BYTES => {
                let begun = std::mem::take(last).try_into_mut();
                let mut joined = begun.unwrap_or_else(|shared| BytesMut::from(&shared[..]));
                joined.extend_from_slice(&chunk);
                *last = joined.freeze();
            }
            _ => self.chunks.push_back(chunk),
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

    /// Whether the framing was broken: then nothing that comes is a line.
    pub(crate) fn is_broken(&self) -> bool {
        self.frame == Frame::Broken
    }

    /// Number of the line whose beginning has come and whose end has not.
    pub(crate) fn unfinished(&self) -> Option<u64> {
        let is_counted = matches!(self.frame, Frame::Counted(_));
        let begun = self.oversize.is_some() || !self.partial.is_empty() || is_counted;
        begun.then_some(self.ended + 1)
    }

    /// The next line that has ended.
    pub(crate) fn next(&mut self) -> Option<Line> {
        loop {
            let line = match self.frame {
                Frame::Undecided => self.decide()?,
                Frame::Delimited => self.delimited()?,
                Frame::Counted(left) => self.counted(left)?,
                Frame::Broken => return None,
            };
            if line.is_some() {
                return line;
            }
        }
    }

    /// The last line, which the end of the stream ends. All others must have been taken.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        debug_assert!(self.chunks.is_empty(), "lines that have ended come first");
        let is_begun = self.unfinished().is_some();
        let is_cut = match self.frame {
            Frame::Broken => return None,
            Frame::Counted(_) => true,
            Frame::Undecided => is_begun && self.framing == Framing::OctetCounting,
            Frame::Delimited => false,
        };
        if !is_begun {
            self.ended += 1;
            return None;
        }
        if is_cut {
            // The end of a stream ends no frame that says where it ends.
            let keeps_empty = std::mem::replace(&mut self.keeps_empty, true);
            let mut line = self.end_line(Bytes::new(), false);
            self.keeps_empty = keeps_empty;
            if let Some(line) = line.as_mut().filter(|line| line.fault.is_none()) {
                line.refuse(Rejection {
                    kind: "incomplete_line".into(),
                    message: "the stream ended before the frame's length was reached".into(),
                    position_bytes: Some(line.payload.len() as u64),
                });
            }
            return line;
        }
        self.end_line(Bytes::new(), self.framing.trims_return())
    }

    /// Takes bytes up to a delimiter. `None` if it must come first, and no line for an empty one.
    fn delimited(&mut self) -> Option<Option<Line>> {
        if let Framing::Delimiter(delimiter) = self.framing {
            return self.delimited_by(delimiter);
        }
        let chunk = self.chunks.front_mut()?;
        let Some(end) = self.framing.find(chunk) else {
            let rest = std::mem::take(chunk);
            self.chunks.pop_front();
            self.chunk_bytes -= rest.len();
            self.extend(&rest);
            return Some(None);
        };
        let mut piece = self.split_to(end + 1)?;
        piece.truncate(end);
        Some(self.end_line(piece, self.framing.trims_return()))
    }

    /// Takes bytes of a frame with so many to come.
    fn counted(&mut self, left: u64) -> Option<Option<Line>> {
        let there = self.chunks.front()?.len();
        let taken = usize::try_from(left).unwrap_or(there).min(there);
        let piece = self.split_to(taken)?;
        let left = left - taken as u64;
        if left == 0 {
            return Some(self.end_line(piece, false));
        }
        self.frame = Frame::Counted(left);
        self.extend(&piece);
        Some(None)
    }

    /// Looks at one byte of a frame's beginning. A line only for what breaks the framing.
    fn decide(&mut self) -> Option<Option<Line>> {
        let next = *self.chunks.front()?.first()?;
        match self.framing.judge(&self.partial, next) {
            Beginning::GoesOn => {
                self.split_to(1)?;
                self.partial.extend_from_slice(&[next]);
            }
            Beginning::Separator => drop(self.split_to(1)?),
            Beginning::Delimited => self.frame = Frame::Delimited,
            Beginning::Counted(bytes) => {
                if self.framing.ends_with_blank() {
                    self.split_to(1)?;
                }
                self.partial.clear();
                self.frame = Frame::Counted(bytes);
            }
            Beginning::Broken(why) => return Some(Some(self.break_off(why))),
        }
        Some(None)
    }

    /// Gives up: what has come is the evidence, and what comes is dropped.
    fn break_off(&mut self, why: &str) -> Line {
        let mut evidence = std::mem::take(&mut self.partial);
        for chunk in &self.chunks {
            let room = EVIDENCE_BYTES_MAX.saturating_sub(evidence.len());
            evidence.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        self.chunks.clear();
        self.chunk_bytes = 0;
        self.frame = Frame::Broken;
        self.ended += 1;
        let mut line = Line::good(self.ended, evidence.freeze());
        line.refuse(Rejection {
            kind: "framing_error".into(),
            message: format!("{why}: the rest of the connection cannot be told apart"),
            position_bytes: Some(0),
        });
        line
    }

    /// Takes bytes off the first chunk, which has them.
    fn split_to(&mut self, bytes: usize) -> Option<Bytes> {
        let chunk = self.chunks.front_mut()?;
        let piece = chunk.split_to(bytes);
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
        self.chunk_bytes -= piece.len();
        Some(piece)
    }

    fn end_line(&mut self, last_piece: Bytes, trims_return: bool) -> Option<Line> {
        self.ended += 1;
        self.frame = beginning_of(self.framing);
        let number = self.ended;
        let line = if self.oversize.is_none() && self.partial.is_empty() {
            last_piece
        } else {
            self.extend(&last_piece);
            if let Some(mut oversize) = self.oversize.take() {
                oversize.ends_in_return &= trims_return;
                return Some(oversize.into_line(number, self.line_bytes_max));
            }
            std::mem::take(&mut self.partial).freeze()
        };
        let line = if trims_return { without_return(line) } else { line };
        let is_wanted = self.keeps_empty || !line.is_empty();
        is_wanted.then(|| within(line, number, self.line_bytes_max))
    }

    fn extend(&mut self, more: &[u8]) {
        if let Some(oversize) = &mut self.oversize {
            oversize.skip(more);
            return;
        }
        // What is more than allowed may still be the carriage return, or a delimiter's beginning.
        let delimiter_bytes = self.framing.delimiter_bytes();
        if self.partial.len() + more.len() <= self.line_bytes_max + delimiter_bytes {
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

fn beginning_of(framing: Framing) -> Frame {
    match framing {
        Framing::Newline | Framing::Nul | Framing::NonTransparent | Framing::Delimiter(_) => {
            Frame::Delimited
        }
        Framing::OctetCounting | Framing::Auto => Frame::Undecided,
    }
}

/// A line whose bytes are all there, without its carriage return; none if it is empty.
pub(crate) fn whole(line: Bytes, number: u64, line_bytes_max: usize) -> Option<Line> {
    let line = without_return(line);
    (!line.is_empty()).then(|| within(line, number, line_bytes_max))
}

/// The same where an empty line is one too.
pub(crate) fn whole_or_empty(line: Bytes, number: u64, line_bytes_max: usize) -> Line {
    within(without_return(line), number, line_bytes_max)
}

/// A line whose bytes are all there; refused if they are too many.
pub(crate) fn within(line: Bytes, number: u64, line_bytes_max: usize) -> Line {
    if line.len() > line_bytes_max {
        let oversize = Oversize { ends_in_return: false, ..Oversize::new(&line, line_bytes_max) };
        return oversize.into_line(number, line_bytes_max);
    }
    Line::good(number, line)
}

fn without_return(mut line: Bytes) -> Bytes {
    if line.last() == Some(&b'\r') {
        line.truncate(line.len() - 1);
    }
    line
}

/// The frames of a stream that comes in these chunks, without those that are refused.
pub fn frames<'c>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
    framing: Framing,
    line_bytes_max: usize,
) -> Vec<Bytes> {
    let mut lines = Lines::framed(framing, line_bytes_max);
    let mut found = Vec::new();
    for chunk in chunks {
        lines.push(Bytes::copy_from_slice(chunk));
        while let Some(line) = lines.next() {
            found.push(line);
        }
    }
    found.extend(lines.finish());
    found.into_iter().filter(|line| line.fault.is_none()).map(|line| line.payload).collect()
}

#[cfg(test)]
mod tests;
