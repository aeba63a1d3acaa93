//! What a filter is: checked once at load, then one instance in each worker.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bus::Record;
use event::{Event, Limits};

use crate::field_reference::EscapeStyle;
use crate::file_state::FileState;
use crate::filters::aggregate::TaskMaps;
use crate::input::InputConfig;
use crate::lookup::{Lookups, Wanted};
use crate::timer::{Moment, Outbox};

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
    /// The group of filters `aggregate` of which a map became this event, or the one that it was made of: those open
    /// no map for it, which would become an event in turn, without end.
    pub(crate) pushed_by: Option<usize>,
    /// Where it is noted what is to be asked of the network: only while the pipeline is rehearsed.
    pub wanted: Option<&'a mut Wanted>,
    /// Events made from this one (clone, split), in order; they go on after the filter.
    pub spawned: &'a mut Spawned,
    /// What filters `aggregate` of the pipeline remember together.
    pub(crate) tasks: &'a mut TaskMaps,
}

impl FilterContext<'_> {
    /// Whether the pipeline is only rehearsed, over records that come once more: nothing is counted then.
    #[must_use]
    pub fn is_rehearsal(&self) -> bool {
        self.wanted.is_some()
    }
}

/// Most events that are made of one record, by all filters together.
pub const MADE_EVENTS_MAX: usize = 10_000;
/// Most bytes in memory of the events that are made of one record.
pub const MADE_BYTES_MAX: usize = 64 << 20;

/// An event that a filter made.
#[derive(Debug)]
pub(crate) struct NewEvent {
    pub(crate) event: Event,
    /// Whether the filter's common options are run on it.
    pub(crate) is_matched: bool,
    /// The group of filters `aggregate` of which a map became this event.
    pub(crate) pushed_by: Option<usize>,
}

/// Events that filters made of one record, and how much more they may make.
#[derive(Debug)]
pub struct Spawned {
    pub(crate) events: Vec<NewEvent>,
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
        self.events.push(NewEvent { event, is_matched: true, pushed_by: None });
    }

    /// Adds an event that a map of a group of filters `aggregate` became. It goes on as it is: the filter's common
    /// options are not for it. At most three for each event and filter: that of a task that has run
    /// out, of the one before, and its own.
    pub(crate) fn push_map(&mut self, event: Event, group: usize) {
        self.events.push(NewEvent { event, is_matched: false, pushed_by: Some(group) });
    }

    /// Begins with the next record.
    pub(crate) fn start(&mut self) {
        self.events.clear();
        self.events_left = MADE_EVENTS_MAX;
        self.bytes_left = MADE_BYTES_MAX;
    }
}

/// A filter at work. It may keep caches; what it does to an event depends on nothing else. Those that remember events
/// say so with [`FilterPlan::keeps_state`].
pub trait Filter: Send {
    /// Does its work on one event.
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied;

    /// Makes the events that time alone makes, of a filter whose plan says [`FilterPlan::is_timed`]. Called before each
    /// event with a time that never goes back, and at the end; again and again with the same one until it makes none.
    fn advance(&mut self, _moment: Moment, _outbox: &mut Outbox<'_>) {}
}

/// A filter whose options were checked; shared by all workers.
pub trait FilterPlan: Send + Sync {
    /// Makes a worker's own instance.
    fn instance(&self) -> Box<dyn Filter>;

    /// Whether it remembers events: then all events of a key have to come to one instance, in their order.
    fn keeps_state(&self) -> bool {
        false
    }

    /// Whether time alone makes it emit events.
    fn is_timed(&self) -> bool {
        false
    }

    /// What it asks of the network, if it asks anything.
    fn lookups(&self) -> Option<Arc<Lookups>> {
        None
    }

    /// How the file stands that it reads again from time to time, if there is one.
    fn file(&self) -> Option<Arc<FileState>> {
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

impl EcsCompatibility {
    /// Its words in settings.
    pub const WORDS: [(&str, Self); 3] =
        [("disabled", Self::Disabled), ("v1", Self::V1), ("v8", Self::V8)];

    /// The one that a word of settings stands for.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, mode)| mode)
    }
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
    /// What `${NAME}` in a pipeline stands for: the process's variables, and the installation's own key under
    /// [`HASH_KEY_VARIABLE`](crate::config::HASH_KEY_VARIABLE).
    pub variables: BTreeMap<String, String>,
    /// What an event may hold, and a text that is taken apart.
    pub limits: Limits,
    /// Whether names and addresses out of events may be told to servers.
    pub dns: bool,
    /// What is done to the events of each door before the first filter.
    pub inputs: BTreeMap<String, InputConfig>,
    /// Which events of a shop are one document, where it is said: those for which this text with references to
    /// fields is the same.
    pub document_id: Option<String>,
    /// Which index a document is for, where it is said: a text with references to fields and dates.
    pub index: Option<String>,
    /// Whether what is no mistake and probably not meant is looked for too. It takes a while: only a check asks for
    /// it.
    pub wants_warnings: bool,
}

/// Variables are not shown: they hold passwords and the installation's key.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("ecs_compatibility", &self.ecs_compatibility)
            .field("geoip_database", &self.geoip_database)
            .finish_non_exhaustive()
    }
}
