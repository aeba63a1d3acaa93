//! What a filter is: checked once at load, then one instance in each worker.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bus::Record;
use event::{Event, Limits};

use crate::field_reference::EscapeStyle;
use crate::lookup::{Lookups, Wanted};

/// What a filter did with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It did its work: common options (`add_field`, `add_tag` ...) are run.
    Matched,
    /// It did not: it may have tagged the event, common options are not run.
    NotMatched,
    /// The event ends here.
    Dropped,
}

/// What a filter sees beside the event.
#[derive(Debug)]
pub struct FilterContext<'a> {
    /// The record that the event came from: its time of receipt is the only "now".
    pub record: &'a Record,
    /// Which of the record's events this is: 0 is the one that was decoded, the others were made.
    pub number: usize,
    /// How many filters of this name stand before this one in the pipeline.
    pub place: usize,
    /// Where it is noted what is to be asked of the network: only while the pipeline is rehearsed.
    pub wanted: Option<&'a mut Wanted>,
    /// Events made from this one (clone, split), in order; they go on after the filter.
    pub spawned: &'a mut Spawned,
}

/// Most events that are made of one record, by all filters together.
pub const MADE_EVENTS_MAX: usize = 10_000;
/// Most bytes in memory of the events that are made of one record.
pub const MADE_BYTES_MAX: usize = 64 << 20;

/// Events that filters made of one record, and how much more they may make.
#[derive(Debug)]
pub struct Spawned {
    pub(crate) events: Vec<Event>,
    events_left: usize,
    bytes_left: usize,
}

impl Default for Spawned {
    fn default() -> Self {
        Self { events: Vec::new(), events_left: MADE_EVENTS_MAX, bytes_left: MADE_BYTES_MAX }
    }
}

impl Spawned {
    /// Whether this many events, of this size together, may be made; if so, they count as made.
    #[must_use]
    pub fn reserve(&mut self, events: usize, bytes: usize) -> bool {
        let may = events <= self.events_left && bytes <= self.bytes_left;
        if may {
            self.events_left -= events;
            self.bytes_left -= bytes;
        }
        may
    }

    /// Adds an event for which there was room.
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Begins with the next record.
    pub(crate) fn start(&mut self) {
        self.events.clear();
        self.events_left = MADE_EVENTS_MAX;
        self.bytes_left = MADE_BYTES_MAX;
    }
}

/// A filter at work. It may keep caches; what it does to an event depends on nothing else. Only `throttle` counts
/// events, and says so.
pub trait Filter: Send {
    /// Does its work on one event.
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied;
}

/// A filter whose options were checked; shared by all workers.
pub trait FilterPlan: Send + Sync {
    /// Makes a worker's own instance.
    fn instance(&self) -> Box<dyn Filter>;

    /// What it asks of the network, if it asks anything.
    fn lookups(&self) -> Option<Arc<Lookups>> {
        None
    }
}

/// Which field names filters use by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EcsCompatibility {
    /// Logstash's old names.
    Disabled,
    /// Elastic Common Schema 1.
    V1,
    /// Elastic Common Schema 8.
    #[default]
    V8,
}

/// What filters may use at load beside their options.
#[derive(Clone, Default)]
pub struct Environment {
    /// Field names by default.
    pub ecs_compatibility: EcsCompatibility,
    /// How brackets in names of fields are written.
    pub escape_style: EscapeStyle,
    /// A GeoIP database in place of the embedded one.
    pub geoip_database: Option<PathBuf>,
    /// Key of `fingerprint` where the pipeline names none: made for each installation.
    pub secret: String,
    /// What `${NAME}` in a pipeline stands for.
    pub variables: BTreeMap<String, String>,
    /// What an event may hold, and a text that is taken apart.
    pub limits: Limits,
    /// Whether names and addresses out of events may be told to servers.
    pub dns: bool,
    /// Whether what is no mistake and probably not meant is looked for too. It takes a while: only a check asks for
    /// it.
    pub wants_warnings: bool,
}

/// Variables and the secret are not shown: both hold passwords.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("ecs_compatibility", &self.ecs_compatibility)
            .field("geoip_database", &self.geoip_database)
            .finish_non_exhaustive()
    }
}
