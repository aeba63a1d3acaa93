//! How a file that a filter reads again stands: whether what it gave last is still what is in it. Time is the records'
//! time of receipt, as it is for reading it; no clock is read here.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

const NANOSECONDS: i64 = 1_000_000_000;

/// What is known of a file, shared by those who read it and those who tell.
#[derive(Debug)]
pub struct FileState {
    path: PathBuf,
    looks: Mutex<Looks>,
}

#[derive(Debug, Default)]
struct Looks {
    well_at_ns: Option<i64>,
    stale: Option<Stale>,
}

/// A file that could not be read when it was last looked at: what it gave before is still used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Since when, at least 1.
    pub seconds: i64,
    /// Why it cannot be read, in words.
    pub reason: String,
}

impl FileState {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, looks: Mutex::default() }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it, if anything is.
    #[must_use]
    pub fn stale(&self) -> Option<Stale> {
        self.looks().stale.clone()
    }

    /// It was read, or is as it was.
    pub(crate) fn set_fresh(&self, now_ns: i64) {
        let mut looks = self.looks();
        looks.well_at_ns = looks.well_at_ns.max(Some(now_ns));
        looks.stale = None;
    }

    /// It could not be read. Where nobody has looked before, `known_ns` is when it was well.
    pub(crate) fn set_stale(&self, now_ns: i64, known_ns: i64, reason: String) {
        let mut looks = self.looks();
        let well_at_ns = *looks.well_at_ns.get_or_insert(known_ns);
        // Zero is what a fresh file has.
        let seconds = (now_ns.saturating_sub(well_at_ns) / NANOSECONDS).max(1);
        // Partitions are not all at the same time.
        let before = looks.stale.as_ref().map_or(0, |stale| stale.seconds);
        looks.stale = Some(Stale { seconds: seconds.max(before), reason });
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
