//! Settings of the spool: where records wait on disk while the bus is away, and how many bytes of them.

use std::path::PathBuf;

use bus::log::Fsync;
use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

use super::Problem;
use super::problem::refuse_zero;

/// Settings of the spool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolConfig {
    /// Where records wait while the bus is away, as an absolute path; a folder of this gateway alone. Absent,
    /// there is no spool.
    pub folder: Option<PathBuf>,
    /// Most bytes of that folder; 1GiB. Beyond it senders are told to come again, as without a spool.
    pub bytes_max: ByteSize,
    /// When a record that the spool took is on disk, as for `bus.log.fsync`; `batch`.
    pub fsync: Fsync,
    /// How long the bus may take to acknowledge records before the spool takes them; 5s, and at a stop no longer
    /// than two seconds. Once the bus is known to be away nothing waits for it.
    pub publish_timeout: Span,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self {
            folder: None,
            bytes_max: ByteSize(1 << 30),
            fsync: Fsync::Batch,
            publish_timeout: Span::from_secs(5),
        }
    }
}

impl SpoolConfig {
    /// Whether there is a spool.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.folder.is_some()
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if self.folder.as_ref().is_some_and(|folder| folder.is_relative()) {
            let message = "it is not absolute, so it would be another folder for another start: write it as \
                           \"/var/lib/millrace/spool\"";
            problems.push(Problem::new("folder", message));
        }
        let (min, max) = (ByteSize(32 << 20), ByteSize(1 << 44));
        if !(min..=max).contains(&self.bytes_max) {
            let message = format!("{} is not between {min} and {max}", self.bytes_max);
            problems.push(Problem::new("bytes_max", message));
        }
        refuse_zero(problems, &[], &[("publish_timeout", self.publish_timeout)]);
    }
}
