//! A log record of OpenTelemetry as it was sent, decoded: one at a time, borrowed from the message.
//!
//! Source: `opentelemetry/proto/logs/v1/logs.proto` and `common/v1/common.proto`, version 1. Members that
//! say nothing of an event are passed over.

use std::borrow::Cow;

use pipeline::Rejection;

/// A value of any type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum AnyValue<'a> {
    /// Nothing.
    #[default]
    Empty,
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Cow<'a, [u8]>),
    Array(Vec<AnyValue<'a>>),
    Object(Vec<KeyValue<'a>>),
}

/// A named value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct KeyValue<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) value: AnyValue<'a>,
}

/// A log record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LogRecord<'a> {
    /// Nanoseconds since 1970 UTC; 0 is unknown.
    pub(super) time_ns: u64,
    /// When it was seen, in the same way.
    pub(super) observed_time_ns: u64,
    /// 1 to 24; 0 is unknown.
    pub(super) severity_number: i64,
    pub(super) severity_text: Cow<'a, str>,
    pub(super) body: AnyValue<'a>,
    pub(super) attributes: Vec<KeyValue<'a>>,
    /// Lower-case hexadecimal digits.
    pub(super) trace_id: String,
    pub(super) span_id: String,
    pub(super) event_name: Cow<'a, str>,
}

/// What wrote a record: the name of an instrumentation scope, and its attributes or those of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Described<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) attributes: Vec<KeyValue<'a>>,
}

/// How much one record may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    values_left: u32,
    depth_max: u32,
}

impl Allowance {
    pub(super) fn new(limits: &event::Limits) -> Self {
        Self { values_left: limits.nodes_max, depth_max: limits.depth_max }
    }

    /// Takes one value at this depth.
    pub(super) fn value(&mut self, depth: u32) -> Result<(), Rejection> {
        if depth > self.depth_max {
            let message = format!("values are nested more than {} deep", self.depth_max);
            return Err(rejection("too_deep", message));
        }
        match self.values_left.checked_sub(1) {
            Some(left) => self.values_left = left,
            None => return Err(rejection("too_many_fields", "the record has too many values")),
        }
        Ok(())
    }
}

/// Why a record is refused. Its position within the message would tell nobody anything.
pub(super) fn rejection(kind: &'static str, message: impl Into<String>) -> Rejection {
    Rejection { kind: kind.into(), message: message.into(), position_bytes: None }
}
