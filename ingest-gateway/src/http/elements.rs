//! The elements of a JSON array (RFC 8259) out of a stream of chunks, each as its bytes.
//!
//! Looks at brackets, strings and commas only: whether an element is an object, and valid, is judged
//! afterwards. An element that is too long is not held; the array goes on behind it. Objects without a
//! comma between them are elements each: one stray bracket must not swallow the lines behind it.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use pipeline::Rejection;

use crate::intake::Line;
use crate::lines::Oversize;

/// Where in the array the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before its opening bracket.
    Before,
    /// In an element, or between two.
    Within,
    /// Behind its closing bracket.
    Behind,
}

/// The splitter of one array.
#[derive(Debug)]
pub(crate) struct Elements {
    element_bytes_max: usize,
    chunks: VecDeque<Bytes>,
    place: Place,
    /// Brackets and braces that are open within the element.
    depth: u64,
    in_string: bool,
    /// Whether an object of the element has been closed: another one cannot be part of it.
    has_object: bool,
    /// Whether the last byte was a backslash within a string.
    escaped: bool,
    /// The beginning of an element whose end has not come.
    partial: BytesMut,
    oversize: Option<Oversize>,
    /// Elements that have ended.
    ended: u64,
}

/// What ended an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Comma,
    Bracket,
    /// The next object begins without a comma: lines with a stray bracket before them.
    Object,
}

impl Elements {
    /// For a stream whose first byte that is not blank is `[`.
    pub(crate) fn new(element_bytes_max: usize) -> Self {
        Self {
            element_bytes_max,
            chunks: VecDeque::new(),
            place: Place::Before,
            depth: 0,
            in_string: false,
            has_object: false,
            escaped: false,
            partial: BytesMut::new(),
            oversize: None,
            ended: 0,
        }
    }

    /// Adds what was read.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// The next element that has ended.
    pub(crate) fn next(&mut self) -> Option<Line> {
        while let Some(mut chunk) = self.chunks.pop_front() {
            let found = match self.place {
                Place::Before => {
                    self.enter(&mut chunk);
                    None
                }
                Place::Within => self.within(&mut chunk),
                Place::Behind => {
                    self.chunks.push_front(chunk);
                    return None;
                }
            };
            if !chunk.is_empty() {
                self.chunks.push_front(chunk);
            }
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// What has come behind the array, if it has ended and anything has.
    pub(crate) fn behind(&mut self) -> Option<Bytes> {
        if self.place == Place::Behind { self.chunks.pop_front() } else { None }
    }

    /// Elements that have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.ended
    }

    /// What is left when the stream has ended: nothing, unless the array has not.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        if self.place != Place::Within {
            return None;
        }
        self.place = Place::Behind;
        self.ended += 1;
        let mut line = match self.oversize.take() {
            Some(oversize) => oversize.into_line(self.ended, self.element_bytes_max),
            None => Line::good(self.ended, std::mem::take(&mut self.partial).freeze()),
        };
        if line.fault.is_none() {
            let position = line.payload.len();
            line.refuse(invalid("the array ends in the midst of an element", position));
        }
        Some(line)
    }

    fn enter(&mut self, chunk: &mut Bytes) {
        match memchr::memchr(b'[', chunk) {
            Some(at) => {
                drop(chunk.split_to(at + 1));
                self.place = Place::Within;
            }
            None => chunk.clear(),
        }
    }

    /// Takes bytes up to the end of an element.
    fn within(&mut self, chunk: &mut Bytes) -> Option<Line> {
        let Some((at, end)) = self.find_end(chunk) else {
            let rest = std::mem::take(chunk);
            self.extend(&rest);
            return None;
        };
        let piece = chunk.split_to(at);
        if end != End::Object {
            drop(chunk.split_to(1));
        }
        self.has_object = false;
        let only_blanks = self.oversize.is_none()
            && self.partial.iter().chain(piece.iter()).all(u8::is_ascii_whitespace);
        if end == End::Bracket {
            self.place = Place::Behind;
            if only_blanks && self.ended == 0 {
                self.partial.clear();
                return None;
            }
        }
        self.ended += 1;
        Some(self.end_element(piece, only_blanks))
    }

    fn end_element(&mut self, piece: Bytes, only_blanks: bool) -> Line {
        let number = self.ended;
        let whole = if self.oversize.is_none() && self.partial.is_empty() {
            piece
        } else {
            self.extend(&piece);
            if let Some(oversize) = self.oversize.take() {
                return oversize.into_line(number, self.element_bytes_max);
            }
            std::mem::take(&mut self.partial).freeze()
        };
        let element = whole.slice_ref(whole.trim_ascii_start());
        if element.len() > self.element_bytes_max {
            return Oversize::new(&element, self.element_bytes_max)
                .into_line(number, self.element_bytes_max);
        }
        let mut line = Line::good(number, element.slice_ref(element.trim_ascii_end()));
        if only_blanks {
            line.refuse(invalid("an element of the array is missing", 0));
        }
        line
    }

    /// Where the element ends within this chunk; moves the state behind that, or behind the chunk.
    fn find_end(&mut self, chunk: &[u8]) -> Option<(usize, End)> {
        let mut at = 0;
        while at < chunk.len() {
            if self.in_string {
                at = self.through_string(chunk, at);
                continue;
            }
            match chunk[at] {
                b'"' => self.in_string = true,
                b'{' if self.depth == 0 && self.has_object => return Some((at, End::Object)),
                b'{' | b'[' => self.depth += 1,
                b',' if self.depth == 0 => return Some((at, End::Comma)),
                b']' if self.depth == 0 => return Some((at, End::Bracket)),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.has_object |= self.depth == 0 && chunk[at] == b'}';
                }
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// The position behind the string, or behind the chunk.
    fn through_string(&mut self, chunk: &[u8], mut at: usize) -> usize {
        if std::mem::take(&mut self.escaped) {
            at += 1;
        }
        while let Some(found) = chunk.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
        {
            at += found;
            if chunk[at] == b'"' {
                self.in_string = false;
                return at + 1;
            }
            self.escaped = at + 1 == chunk.len();
            at += 2;
        }
        chunk.len()
    }

    fn extend(&mut self, more: &[u8]) {
        if let Some(oversize) = &mut self.oversize {
            oversize.skip(more);
            return;
        }
        // Blanks before an element are no part of it.
        let skipped = if self.partial.is_empty() {
            more.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
        } else {
            0
        };
        self.partial.extend_from_slice(&more[skipped..]);
        if self.partial.len() > self.element_bytes_max {
            let partial = std::mem::take(&mut self.partial);
            self.oversize = Some(Oversize::new(&partial, self.element_bytes_max));
        }
    }
}

fn invalid(message: &str, position: usize) -> Rejection {
    Rejection {
        kind: "invalid_json".into(),
        message: message.to_owned(),
        position_bytes: Some(position as u64),
    }
}

#[cfg(test)]
mod tests;
