//! What a door makes of a line before it goes to the log: nothing, or a record of a syslog message.

use bytes::Bytes;
use pipeline::Rejection;
use prometheus::IntCounter;

use crate::intake::Line;
use crate::syslog::{Parser, Written};

/// How much larger a syslog message's record is than the message, which stands in it twice beside its fields.
const SYSLOG_MEMORY_FACTOR: usize = 4;
/// What a record takes beside its own bytes.
const SYSLOG_LINE_BYTES: usize = 128;

/// What becomes of a line; cloning shares.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// It stays as it is.
    AsItIs,
    /// It is a message of syslog.
    Syslog {
        parser: Parser,
        /// Counts those that say no time which can be used.
        untimed: IntCounter,
    },
}

impl Form {
    /// How much memory a line needs at most, as a rule, for each of its bytes.
    pub(crate) fn memory_factor(&self) -> usize {
        match self {
            Self::AsItIs => 1,
            Self::Syslog { .. } => SYSLOG_MEMORY_FACTOR,
        }
    }

    /// Memory of a line that has its form, beside what was read.
    pub(crate) fn made_bytes(&self, line: &Line) -> usize {
        match self {
            Self::AsItIs => 0,
            Self::Syslog { .. } => line.payload.len() + SYSLOG_LINE_BYTES,
        }
    }

    /// Gives the line its form. None if it is no event. One that cannot have it within the limit is
    /// refused, with its own bytes.
    pub(crate) fn give(
        &self,
        mut line: Line,
        received_at_ns: i64,
        line_bytes_max: usize,
    ) -> Option<Line> {
        let Self::Syslog { parser, untimed } = self else { return Some(line) };
        if line.fault.is_some() {
            return Some(line);
        }
        let Written { record, has_time } = parser.write(&line.payload, received_at_ns)?;
        if record.len() > line_bytes_max {
            line.refuse(Rejection {
                kind: "too_large".into(),
                message: format!(
                    "as a record the message has {} bytes, more than {line_bytes_max}",
                    record.len()
                ),
                position_bytes: None,
            });
        } else {
            line.payload = Bytes::from(record);
            if !has_time {
                untimed.inc();
            }
        }
        Some(line)
    }
}
