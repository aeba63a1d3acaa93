//! What a stream of bytes holds for a door: lines that are told apart, and joined where they belong together.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use pipeline::Rejection;

use crate::intake::Line;
use crate::lines::{Framing, Lines};
use crate::metrics::GatewayMetrics;
use crate::multiline::{Multiline, Rules};

/// What the first line of a stream is.
#[derive(Debug)]
pub(crate) enum First {
    /// It has not come yet.
    Missing,
    /// It stands before the events.
    Before(Line),
    /// It is an event, or a part of one.
    Event,
}

/// The frames of one stream.
#[derive(Debug)]
pub(crate) struct Frames {
    lines: Lines,
    multiline: Option<Multiline>,
    /// Events that have ended and were not taken.
    ready: VecDeque<Line>,
}

impl Frames {
    pub(crate) fn new(
        framing: Framing,
        rules: Option<Rules>,
        line_bytes_max: usize,
        door: &'static str,
        metrics: &GatewayMetrics,
    ) -> Self {
        let lines = Lines::framed(framing, line_bytes_max);
        Self {
            // An empty line may stand within an event.
            lines: if rules.is_some() { lines.keeping_empty() } else { lines },
            multiline: rules.map(|rules| Multiline::new(rules, door, metrics.clone())),
            ready: VecDeque::new(),
        }
    }

    /// Adds what was read.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.lines.push(chunk);
    }

    /// Bytes that are held.
    pub(crate) fn buffered_bytes(&self) -> usize {
        let ready: usize = self.ready.iter().map(|line| line.payload.len()).sum();
        let held = self.multiline.as_ref().map_or(0, Multiline::held_bytes);
        self.lines.buffered_bytes() + held + ready
    }

    /// Whether there may be another event without reading on.
    pub(crate) fn has_unread(&self) -> bool {
        self.lines.has_unread() || !self.ready.is_empty()
    }

    /// Whether nothing that comes can be told apart any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.lines.is_broken()
    }

    /// Number of the line whose beginning has come and whose end has not.
    pub(crate) fn unfinished(&self) -> Option<u64> {
        self.lines.unfinished()
    }

    /// How long it is waited for another line, while an event has begun that it may belong to.
    pub(crate) fn flush_interval(&self) -> Option<Duration> {
        self.multiline.as_ref().and_then(Multiline::flush_interval)
    }

    /// The next event that has ended.
    pub(crate) fn next(&mut self) -> Option<Line> {
        let Some(multiline) = &mut self.multiline else {
            return self.ready.pop_front().or_else(|| self.lines.next());
        };
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            multiline.push(self.lines.next()?, &mut self.ready);
        }
    }

    /// The next line, whatever it belongs to: for what stands before the events.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        self.lines.next()
    }

    /// Takes the first line if it stands before the events. Before any event was taken.
    pub(crate) fn first_line(&mut self, stands_before: impl FnOnce(&Line) -> bool) -> First {
        // The end of the stream may have ended it already.
        let is_event = !self.ready.is_empty();
        let first = self.ready.pop_front().or_else(|| self.lines.next());
        let Some(first) = first else { return First::Missing };
        if stands_before(&first) {
            return First::Before(first);
        }
        match &mut self.multiline {
            Some(multiline) if !is_event => multiline.push(first, &mut self.ready),
            _ => self.ready.push_front(first),
        }
        First::Event
    }

    /// Ends the event that has begun, since no line has come for long enough.
    pub(crate) fn end_event(&mut self) {
        self.ready.extend(self.multiline.as_mut().and_then(Multiline::end));
    }

    /// Ends the last line, with the stream; what is left can then be taken. All that had ended must have
    /// been taken. If the stream did not end as its sender meant, a line without an end is refused.
    pub(crate) fn finish(&mut self, is_meant: bool) {
        let mut last = self.lines.finish();
        if let Some(last) = last.as_mut().filter(|line| !is_meant && line.fault.is_none()) {
            last.refuse(Rejection {
                kind: "incomplete_line".into(),
                message: "the connection ended in the midst of the line".into(),
                position_bytes: Some(last.payload.len() as u64),
            });
        }
        match (&mut self.multiline, last) {
            (Some(multiline), Some(last)) => multiline.push(last, &mut self.ready),
            (None, Some(last)) => self.ready.push_back(last),
            (_, None) => {}
        }
        self.end_event();
    }
}
