//! Events that no record brings: what time makes of the records before, such as a count that is told at intervals.
//!
//! Time is the records' time of receipt. No clock is read, so that a replay makes the same events, with the same ids.

use bus::{Codec, Record};
use event::Event;

use crate::filters::aggregate::TaskMaps;

/// How far time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The latest time of receipt, nanoseconds since 1970 UTC.
    pub now_ns: i64,
    /// No record comes after this.
    pub is_end: bool,
}

/// An event that time made.
#[derive(Debug)]
pub struct TimedEvent {
    /// The event.
    pub event: Event,
    /// Stands in the place of the record that it came from: an id of its own, whose it is, and when it was made.
    pub origin: Record,
    /// Whether the filter's common options are run on it.
    pub is_matched: bool,
    /// The group of filters `aggregate` of which a map became this event.
    pub pushed_by: Option<usize>,
}

/// Most events that a filter makes before they are run through the filters behind it.
const EVENTS_MAX: usize = 256;

/// Where a filter puts the events that time makes.
#[derive(Debug)]
pub struct Outbox<'a> {
    /// How many filters of this name stand before this one in the pipeline.
    pub place: usize,
    /// Events, in order; they go on after the filter.
    pub events: &'a mut Vec<TimedEvent>,
    /// What filters `aggregate` of the pipeline remember together.
    pub(crate) tasks: &'a mut TaskMaps,
}

impl Outbox<'_> {
    /// Whether these go on first: the filter is asked again afterwards, until it makes none.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.events.len() >= EVENTS_MAX
    }
}

/// What is kept of a record to make events of later. What it holds and who sent it is left out: it does not send those.
#[must_use]
pub fn kept(record: &Record) -> Record {
    Record {
        id: record.id,
        received_at_ns: record.received_at_ns,
        shop: record.shop.clone(),
        listener: record.listener.clone(),
        codec: Codec::Json,
        ..Record::default()
    }
}

/// What an event has in the place of a record: it belongs to the shop of the record that it was made of, at a time, with
/// an id that `role` derives from that record's.
#[must_use]
pub fn origin(record: &Record, role: &str, made_at_ns: i64) -> Record {
    Record { id: record.id.derive(role), received_at_ns: made_at_ns, ..kept(record) }
}
