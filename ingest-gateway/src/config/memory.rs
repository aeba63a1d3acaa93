//! The memory of the doors within what their process may use: a limit of its container is one of theirs too.

use std::fmt;
use std::iter;

use service::{ByteSize, MemoryLimit};

use super::{Config, HttpConfig, Listen, Problem, Several, TlsConfig, kept, table_of};

/// The least memory that doors can work with.
pub(super) const MEMORY_BYTES_MIN: u64 = 32 << 20;
/// What is lowered is a whole number of these, so that a person can read it.
const STEP_BYTES: u64 = 1 << 20;

/// The part of its process's memory that the doors may have at most. The rest is for the program itself, what
/// waits for the log, and the sockets' buffers, which count too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPart {
    /// Of a process of their own.
    Half,
    /// Of a process that all services share.
    Quarter,
}

impl MemoryPart {
    fn divisor(self) -> u64 {
        match self {
            Self::Half => 2,
            Self::Quarter => 4,
        }
    }
}

impl fmt::Display for MemoryPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Half => "half",
            Self::Quarter => "a quarter",
        })
    }
}

/// A setting that the process's limit does not allow as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// Its name within `[ingest_gateway]`.
    pub setting: &'static str,
    /// What was set.
    pub configured: ByteSize,
    /// What counts.
    pub used: ByteSize,
}

impl Config {
    /// Fits the doors' memory to what this process may use, and says in the log what is lowered.
    ///
    /// # Errors
    /// As [`Config::fit_memory`].
    pub fn fit_to_process(&mut self, part: MemoryPart) -> Result<(), Problem> {
        let Some(limit) = MemoryLimit::of_this_process() else { return Ok(()) };
        for Lowered { setting, configured, used } in self.fit_memory(&limit, part)? {
            tracing::warn!(
                %configured, %used, %limit,
                "ingest_gateway.{setting} is lowered: the doors have {part} of what the process may use"
            );
        }
        Ok(())
    }

    /// Lowers the doors' memory to their part of what the process may use, and with it the largest message,
    /// which is held whole. What is within it stays as it is.
    ///
    /// # Errors
    /// The process may use so little that the doors cannot work.
    pub fn fit_memory(
        &mut self,
        limit: &MemoryLimit,
        part: MemoryPart,
    ) -> Result<Vec<Lowered>, Problem> {
        let part_bytes = limit.bytes.0 / part.divisor();
        if self.memory_bytes_max.0 <= part_bytes {
            return Ok(Vec::new());
        }
        if part_bytes < MEMORY_BYTES_MIN {
            let message = format!(
                "the process may use {limit}; the doors have {part} of that at most, and need {}: let it use {} or \
                 more",
                ByteSize(MEMORY_BYTES_MIN),
                ByteSize(MEMORY_BYTES_MIN * part.divisor())
            );
            return Err(Problem::new("memory_bytes_max", message));
        }
        let used = ByteSize(part_bytes / STEP_BYTES * STEP_BYTES);
        let configured = std::mem::replace(&mut self.memory_bytes_max, used);
        let mut lowered = vec![Lowered { setting: "memory_bytes_max", configured, used }];
        let message = ByteSize(used.0 / 8);
        let first = iter::once((HttpConfig::KIND, &mut self.http.message_bytes_max));
        let further = self.http.inputs.iter_mut();
        let further = further.map(|(door, http)| (door.as_str(), &mut http.message_bytes_max));
        for (door, message_bytes_max) in first.chain(further) {
            if *message_bytes_max > message {
                let configured = std::mem::replace(message_bytes_max, message);
                let setting = kept(&format!("{}.message_bytes_max", table_of(door)));
                lowered.push(Lowered { setting, configured, used: message });
            }
        }
        Ok(lowered)
    }

    /// Whether a door that is open speaks TLS.
    pub(crate) fn speaks_tls(&self) -> bool {
        self.places().into_iter().any(|place| {
            self.listen(place) != Listen::Off && place.tls(self).is_some_and(TlsConfig::is_on)
        })
    }
}

#[cfg(test)]
mod tests {
    use service::{ByteSize, LimitSource, MemoryLimit};

    use super::{Lowered, MemoryPart};
    use crate::config::Config;

    fn limit(bytes: u64) -> MemoryLimit {
        MemoryLimit { bytes: ByteSize(bytes), source: LimitSource::Group("/memory.max".into()) }
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        for (bytes, part) in [(128 << 20, MemoryPart::Half), (256 << 20, MemoryPart::Quarter)] {
            let mut config = Config::default();
            assert_eq!(config.fit_memory(&limit(bytes), part).unwrap(), []);
            assert_eq!(config.memory_bytes_max, Config::default().memory_bytes_max);
        }
    }

    #[test]
    fn a_small_process_has_small_doors_whose_limits_go_together() {
        let mut config = Config::default();
        let lowered = config.fit_memory(&limit((100 << 20) + 1_000), MemoryPart::Half).unwrap();
        let expected = [
            Lowered {
                setting: "memory_bytes_max",
                configured: ByteSize(64 << 20),
                used: ByteSize(50 << 20),
            },
            Lowered {
                setting: "http.message_bytes_max",
                configured: ByteSize(8 << 20),
                used: ByteSize((50 << 20) / 8),
            },
        ];
        assert_eq!(lowered, expected);
        assert_eq!(config.check(), [], "what is lowered goes together");
        assert_eq!(config.fit_memory(&limit(100 << 20), MemoryPart::Half).unwrap(), []);
    }

    #[test]
    fn lines_that_no_longer_fit_are_refused_rather_than_cut() {
        let mut config = Config { line_bytes_max: ByteSize(4 << 20), ..Config::default() };
        assert_eq!(config.check(), []);
        config.fit_memory(&limit(64 << 20), MemoryPart::Half).unwrap();
        assert_eq!(config.memory_bytes_max, ByteSize(32 << 20));
        let problem = config.check().remove(0).to_string();
        assert!(problem.contains("32MiB cannot hold 16 lines of 4MiB"), "{problem}");
    }

    #[test]
    fn a_process_too_small_for_any_doors_is_told_what_it_needs() {
        for (bytes, part, needed) in
            [(63 << 20, MemoryPart::Half, "64MiB"), (127 << 20, MemoryPart::Quarter, "128MiB")]
        {
            let mut config = Config::default();
            let problem = config.fit_memory(&limit(bytes), part).unwrap_err().to_string();
            let told =
                format!("ingest_gateway.memory_bytes_max: the process may use {}MiB", bytes >> 20);
            assert!(problem.starts_with(&told) && problem.contains(needed), "{problem}");
        }
    }
}
