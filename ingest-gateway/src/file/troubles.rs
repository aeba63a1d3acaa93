//! What cannot be read, said once: in the log when it begins and ends, in health and metrics while it
//! lasts. The doors' work goes on beside it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use prometheus::IntGauge;
use service::{Health, HealthState, Printable};

/// What health calls the files that cannot be read.
pub(crate) const PART: &str = "file door";

/// What is said of a file or folder that the system does not give.
pub(crate) fn unreadable(error: &io::Error) -> String {
    let way_out = match error.kind() {
        io::ErrorKind::PermissionDenied => "; give this user the right to read it",
        _ => "",
    };
    format!("it cannot be read: {error}{way_out}")
}

/// Files and folders with what is wrong with them.
#[derive(Debug)]
pub(crate) struct Troubles {
    known: BTreeMap<PathBuf, String>,
    health: Health,
    count: IntGauge,
}

impl Troubles {
    pub(crate) fn new(health: Health, count: IntGauge) -> Self {
        Self { known: BTreeMap::new(), health, count }
    }

    /// Notes that something does not work with a path.
    pub(crate) fn add(&mut self, path: &Path, what: String) {
        if self.known.get(path) == Some(&what) {
            return;
        }
        tracing::warn!(path = %Printable(path.display()), "{what}; it is tried again");
        self.known.insert(path.to_owned(), what);
        self.show();
    }

    /// Notes that a path works.
    pub(crate) fn clear(&mut self, path: &Path) {
        if self.known.remove(path).is_some() {
            tracing::info!(path = %Printable(path.display()), "it works again");
            self.show();
        }
    }

    /// Forgets what is no longer there to be wrong.
    pub(crate) fn keep(&mut self, is_there: impl Fn(&Path) -> bool) {
        let before = self.known.len();
        self.known.retain(|path, _| is_there(path));
        if self.known.len() != before {
            self.show();
        }
    }

    fn show(&self) {
        self.count.set(i64::try_from(self.known.len()).unwrap_or(i64::MAX));
        let Some((path, what)) = self.known.first_key_value() else {
            return self.health.clear(PART);
        };
        let more = match self.known.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let reason = format!("{}: {what}{more}", Printable(path.display()));
        self.health.set(PART, HealthState::Degraded { reason });
    }
}
