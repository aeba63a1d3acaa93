//! Events of several lines, such as an exception with its stack: a pattern says which lines belong together.
//!
//! Works on lines that have been told apart, so that no split of the bytes matters. An event is within its
//! limits: what is beyond them begins another one, and the one that a limit ended says so. A line that is refused
//! stays alone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bus::{JoinLimit, Joined};
use bytes::{BufMut, Bytes, BytesMut};
use regex::bytes::Regex;

use crate::config::{MultilineConfig, What};
use crate::intake::Line;
use crate::metrics::GatewayMetrics;

/// Joins the lines of one stream.
#[derive(Debug)]
pub(crate) struct Multiline {
    rules: Rules,
    metrics: GatewayMetrics,
    door: &'static str,
    /// The lines of the event so far, joined by line feeds.
    held: BytesMut,
    held_lines: u32,
    /// Number of the first of them.
    number: u64,
}

/// What belongs together; cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// A clone of the expression itself would have memory of its own to match with.
    pattern: Arc<Regex>,
    negate: bool,
    what: What,
    lines_max: u32,
    bytes_max: usize,
    /// How long it is waited for another line of an event.
    flush_interval: Duration,
}

impl Rules {
    /// None without a pattern. No event is longer than a line may be.
    pub(crate) fn new(config: &MultilineConfig, line_bytes_max: usize) -> Option<Self> {
        Some(Self {
            pattern: Arc::new(config.pattern()?),
            negate: config.negate,
            what: config.what,
            lines_max: config.lines_max,
            bytes_max: config
                .bytes_max
                .map_or(line_bytes_max, |max| max.as_usize().min(line_bytes_max)),
            flush_interval: config.flush_interval.0,
        })
    }
}

impl Multiline {
    pub(crate) fn new(rules: Rules, door: &'static str, metrics: GatewayMetrics) -> Self {
        Self { rules, metrics, door, held: BytesMut::new(), held_lines: 0, number: 0 }
    }

    /// Bytes that are held.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Whether an event has begun whose end has not come.
    fn is_holding(&self) -> bool {
        self.held_lines > 0
    }

    /// The number of its first line, while an event has begun.
    pub(crate) fn begins_with(&self) -> Option<u64> {
        self.is_holding().then_some(self.number)
    }

    /// How long it is waited for the next line, while an event has begun.
    pub(crate) fn flush_interval(&self) -> Option<Duration> {
        self.is_holding().then_some(self.rules.flush_interval)
    }

    /// Adds a line; what has ended by it goes to `ready`.
    pub(crate) fn push(&mut self, line: Line, ready: &mut VecDeque<Line>) {
        if line.fault.is_some() {
            ready.extend(self.end());
            ready.push_back(line);
            return;
        }
        let belongs = self.rules.pattern.is_match(&line.payload) != self.rules.negate;
        if self.rules.what == What::Previous && !belongs {
            ready.extend(self.end());
        }
        let joined_bytes = self.held.len() + 1 + line.payload.len();
        if self.is_holding() && joined_bytes > self.rules.bytes_max {
            self.metrics.limit_hit(self.door, "multiline_bytes");
            ready.extend(self.end_by(Some(JoinLimit::Bytes)));
        }
        self.hold(&line);
        if self.rules.what == What::Next && !belongs {
            ready.extend(self.end());
        } else if self.held_lines >= self.rules.lines_max {
            self.metrics.limit_hit(self.door, "multiline_lines");
            ready.extend(self.end_by(Some(JoinLimit::Lines)));
        }
    }

    fn hold(&mut self, line: &Line) {
        if self.held_lines == 0 {
            self.number = line.number;
        } else {
            self.held.put_u8(b'\n');
        }
        self.held.put_slice(&line.payload);
        self.held_lines += 1;
    }

    /// The event so far, unless all its lines are empty.
    pub(crate) fn end(&mut self) -> Option<Line> {
        self.end_by(None)
    }

    /// The same, where a limit may have ended it.
    fn end_by(&mut self, limit: Option<JoinLimit>) -> Option<Line> {
        let event: Bytes = std::mem::take(&mut self.held).freeze();
        let joined = Joined { is_several: self.held_lines > 1, limit };
        self.held_lines = 0;
        let is_empty = event.iter().all(|byte| *byte == b'\n');
        let content_type = joined.content_type();
        (!is_empty).then(|| Line { content_type, ..Line::good(self.number, event) })
    }
}

#[cfg(test)]
mod tests;
