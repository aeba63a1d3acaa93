//! What a body is: lines of text, lines of JSON, one array, or one object over several lines.
//!
//! `text/plain` is text; everything else is told by its bytes. Splits and judges; never decodes more
//! than the strict scan needs.

use bytes::{Bytes, BytesMut};
use event::{Limits, Refusal, RefusalKind, validate};
use pipeline::Rejection;

use super::elements::Elements;
use crate::intake::Line;
use crate::lines::Lines;

/// The splitter of one body.
#[derive(Debug)]
pub(crate) struct Splitter {
    limits: Limits,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Text(Lines),
    Json(Lines),
    Array(Elements),
    /// The beginning of a body that is not told yet.
    Untold(Untold),
    /// One object over several lines, until it is given out.
    Object(Option<Bytes>),
}

impl Splitter {
    /// For a body of plain text: every line is good.
    pub(crate) fn text(limits: Limits) -> Self {
        let lines = Lines::new(limits.payload_bytes_max);
        Self { limits, shape: Shape::Text(lines) }
    }

    /// For a body of JSON in one of its shapes. Where the sender says that it is lines, a first line
    /// with something else in brackets, as `[2026-01-31] GET /`, is taken for what it is.
    pub(crate) fn json(limits: Limits, said_lines: bool) -> Self {
        let untold = Untold { said_lines, ..Untold::default() };
        Self { shape: Shape::Untold(untold), ..Self::text(limits) }
    }

    /// Adds what was read.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        match &mut self.shape {
            Shape::Text(lines) | Shape::Json(lines) => lines.push(chunk),
            Shape::Array(elements) => elements.push(chunk),
            Shape::Object(_) => {}
            Shape::Untold(untold) => match untold.push(&chunk, &self.limits) {
                Told::MoreNeeded => {}
                Told::Lines => self.be_lines(),
                Told::Array => {
                    let mut elements = Elements::new(self.limits.payload_bytes_max);
                    elements.push(untold.take());
                    self.shape = Shape::Array(elements);
                }
            },
        }
    }

    fn be_lines(&mut self) {
        let Shape::Untold(untold) = &mut self.shape else { return };
        let mut lines = Lines::new(self.limits.payload_bytes_max);
        lines.push(untold.take());
        self.shape = Shape::Json(lines);
    }

    /// Says that the body has ended; what is left comes out of [`Splitter::next`] and
    /// [`Splitter::finish`].
    pub(crate) fn end(&mut self) {
        let Shape::Untold(untold) = &mut self.shape else { return };
        if judge(&untold.seen, &self.limits).is_none() {
            let object = untold.take();
            self.shape = Shape::Object(Some(object.slice_ref(object.trim_ascii())));
        } else {
            self.be_lines();
        }
    }

    /// What follows an array is lines.
    fn behind_array(&mut self) -> Option<()> {
        let Shape::Array(elements) = &mut self.shape else { return None };
        let mut lines = Lines::after(elements.ended(), self.limits.payload_bytes_max);
        while let Some(rest) = elements.behind() {
            lines.push(rest);
        }
        lines.has_unread().then(|| self.shape = Shape::Json(lines))
    }

    /// The next line, judged.
    pub(crate) fn next(&mut self) -> Option<Line> {
        loop {
            let line = match &mut self.shape {
                Shape::Text(lines) => return lines.next(),
                Shape::Json(lines) => lines.next()?,
                Shape::Array(elements) => match elements.next() {
                    Some(line) => line,
                    None => {
                        self.behind_array()?;
                        continue;
                    }
                },
                Shape::Untold(_) => return None,
                // It was judged when the body ended.
                Shape::Object(object) => return object.take().map(|whole| Line::good(1, whole)),
            };
            if let Some(line) = self.judged(line) {
                return Some(line);
            }
        }
    }

    /// The last line, which the end of the body ends. All others must have been taken.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        let line = match &mut self.shape {
            Shape::Text(lines) => return lines.finish(),
            Shape::Json(lines) => lines.finish()?,
            Shape::Array(elements) => elements.finish()?,
            Shape::Untold(_) | Shape::Object(_) => return None,
        };
        self.judged(line)
    }

    /// A line of blanks is an empty line.
    fn judged(&self, mut line: Line) -> Option<Line> {
        if line.fault.is_some() {
            return Some(line);
        }
        if let Some(rejection) = judge(&line.payload, &self.limits) {
            if line.payload.trim_ascii().is_empty() {
                return None;
            }
            line.refuse(rejection);
        }
        Some(line)
    }
}

/// The beginning of a body, until it says what the body is. Looks at each byte once, however it comes.
///
/// A first line that is a whole object, or that cannot become one, says lines. One that is only cut
/// off may begin an object that is written over several lines: the whole body tells, if it is not
/// larger than one event may be.
#[derive(Debug, Default)]
struct Untold {
    seen: BytesMut,
    /// Where the first byte stands that is not blank, once it has come.
    start: Option<usize>,
    /// Before this there is neither that byte nor the first line's end.
    searched: usize,
    first_line_is_cut: bool,
    said_lines: bool,
}

/// What the beginning of a body says.
enum Told {
    Lines,
    Array,
    MoreNeeded,
}

impl Untold {
    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.seen).freeze()
    }

    fn push(&mut self, chunk: &[u8], limits: &Limits) -> Told {
        let event_bytes_max = limits.payload_bytes_max;
        self.seen.extend_from_slice(chunk);
        let Some(start) = self.start.or_else(|| self.find_start()) else {
            let too_many_blanks = self.searched > event_bytes_max;
            return if too_many_blanks { Told::Lines } else { Told::MoreNeeded };
        };
        if start > event_bytes_max {
            return Told::Lines;
        }
        if self.seen[start] == b'[' {
            match self.is_array(start) {
                // Wherever the pieces end, blanks are looked through up to here.
                Some(true) if self.searched <= event_bytes_max => return Told::Array,
                Some(_) => return Told::Lines,
                None => {}
            }
        }
        if self.seen.len() > event_bytes_max {
            return Told::Lines;
        }
        if self.first_line_is_cut || self.seen[start] == b'[' {
            return Told::MoreNeeded;
        }
        let Some(end) = memchr::memchr(b'\n', &self.seen[self.searched..]) else {
            self.searched = self.seen.len();
            return Told::MoreNeeded;
        };
        let line = &self.seen[start..self.searched + end];
        self.first_line_is_cut = refusal(line, limits).is_some_and(|refusal| {
            refusal.kind == RefusalKind::InvalidJson && refusal.position_bytes == line.len()
        });
        if self.first_line_is_cut { Told::MoreNeeded } else { Told::Lines }
    }

    /// Whether the bracket at `start` begins an array, if that can be said yet.
    fn is_array(&mut self, start: usize) -> Option<bool> {
        if !self.said_lines {
            return Some(true);
        }
        self.searched = self.searched.max(start + 1);
        let rest = &self.seen[self.searched..];
        let element = rest.trim_ascii_start();
        self.searched += rest.len() - element.len();
        element.first().map(|byte| matches!(byte, b'{' | b']'))
    }

    fn find_start(&mut self) -> Option<usize> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        if self.searched == 0 {
            if self.seen.len() < MARK.len() && MARK.starts_with(&self.seen) {
                return None;
            }
            self.searched = if self.seen.starts_with(MARK) { MARK.len() } else { 0 };
        }
        let rest = &self.seen[self.searched..];
        let blanks = rest.len() - rest.trim_ascii_start().len();
        self.searched += blanks;
        self.start = (blanks < rest.len()).then_some(self.searched);
        self.start
    }
}

fn refusal(payload: &[u8], limits: &Limits) -> Option<Refusal> {
    validate(payload, limits).err()
}

/// Why this is not one event in JSON, if it is not.
pub(crate) fn judge(payload: &[u8], limits: &Limits) -> Option<Rejection> {
    refusal(payload, limits).map(Rejection::from)
}

#[cfg(test)]
mod tests;
