//! Tells which files of the running pipeline give old data, since they broke or went away: a metric and a part of the
//! health. Reads no file: whoever looked at one left word.

use std::collections::BTreeMap;

use service::metrics::IntGaugeVec;
use service::{Context, HealthState};

use crate::plan::Plan;

/// What the health calls the files, with the id of the pipeline behind it where it has one; it only speaks up when one
/// cannot be read again.
pub const FILES_PART: &str = "enricher files";
/// The metric of how old what is used of a file is.
pub const STALE_SECONDS: &str = "millrace_enricher_file_stale_seconds";

/// The files of one pipeline.
#[derive(Debug)]
pub(super) struct StaleFiles {
    /// Empty for the pipeline of all doors.
    pipeline: String,
    part: String,
    seconds: IntGaugeVec,
    /// By their paths, as they were told last.
    told: BTreeMap<String, i64>,
}

impl StaleFiles {
    pub(super) fn new(id: Option<&str>, context: &Context) -> Self {
        let help = "Seconds since a file that a filter reads again was last read well, 0 while it can be read";
        let seconds = context.metrics.gauge(STALE_SECONDS, help, &["file", "pipeline"]);
        let part = id.map_or_else(|| FILES_PART.to_owned(), |id| format!("{FILES_PART} {id}"));
        let pipeline = id.unwrap_or_default().to_owned();
        Self { pipeline, part, seconds, told: BTreeMap::new() }
    }

    /// Tells how the files of this plan stand, and forgets all others.
    pub(super) fn tell(&mut self, plan: &Plan, context: &Context) {
        let mut files = BTreeMap::new();
        let mut reasons = BTreeMap::new();
        for file in plan.files() {
            let path = file.path().display().to_string();
            let stale = file.stale();
            let seconds = stale.as_ref().map_or(0, |stale| stale.seconds);
            // Several filters may read the same file: the one whose data are oldest is told.
            let longest = files.entry(path.clone()).or_insert(0);
            *longest = seconds.max(*longest);
            if let Some(stale) = stale
                && seconds == *longest
            {
                let reason = format!(
                    "{path} cannot be read again, what it held {seconds} s ago is used: {}",
                    stale.reason
                );
                reasons.insert(path, reason);
            }
        }
        for path in self.told.keys().filter(|path| !files.contains_key(*path)) {
            self.seconds.remove_label_values(&[path.as_str(), self.pipeline.as_str()]).ok();
        }
        for (path, seconds) in &files {
            self.seconds.with_label_values(&[path.as_str(), self.pipeline.as_str()]).set(*seconds);
        }
        self.told = files;
        if reasons.is_empty() {
            context.health.clear(&self.part);
        } else {
            let reason = reasons.into_values().collect::<Vec<_>>().join("; ");
            context.health.set(&self.part, HealthState::Degraded { reason });
        }
    }
}
