//! What a filter is: checked once at load, then one instance in each worker.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use bus::Record;
use event::{Event, Limits};

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
    /// Events made from this one (clone, split), in order; they go on after the filter.
    pub spawned: &'a mut Vec<Event>,
}

/// A filter at work. It may keep caches; what it does to an event depends on nothing else.
pub trait Filter: Send {
    /// Does its work on one event.
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied;
}

/// A filter whose options were checked; shared by all workers.
pub trait FilterPlan: Send + Sync {
    /// Makes a worker's own instance.
    fn instance(&self) -> Box<dyn Filter>;
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
    /// A GeoIP database in place of the embedded one.
    pub geoip_database: Option<PathBuf>,
    /// Key of `fingerprint` where the pipeline names none: made for each installation.
    pub secret: String,
    /// What `${NAME}` in a pipeline stands for.
    pub variables: BTreeMap<String, String>,
    /// What an event may hold, and a text that is taken apart.
    pub limits: Limits,
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
