//! What became of the lines that were sent.

use std::collections::BTreeMap;
use std::fmt;

/// Most refused lines that a report names.
const REFUSED_SHOWN_MAX: usize = 20;

/// Counts, and the first refused lines by number and reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines that the server made durable.
    pub accepted: u64,
    /// Lines that it refused; they stand in the dead letters, but for those that no request can carry.
    pub refused: u64,
    /// Refused lines by kind.
    pub refused_by_kind: BTreeMap<String, u64>,
    /// Number in the input, kind and reason of the first ones.
    pub refused_lines: Vec<(u64, String)>,
    /// Bytes of the lines.
    pub bytes: u64,
    /// Why acceptance does not mean durable, if it does not.
    pub not_durable: bool,
}

impl Report {
    pub(super) fn add(&mut self, part: Self) {
        self.accepted += part.accepted;
        self.refused += part.refused;
        self.bytes += part.bytes;
        self.not_durable |= part.not_durable;
        for (kind, count) in part.refused_by_kind {
            *self.refused_by_kind.entry(kind).or_default() += count;
        }
        let room = REFUSED_SHOWN_MAX.saturating_sub(self.refused_lines.len());
        self.refused_lines.extend(part.refused_lines.into_iter().take(room));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} accepted, {} refused", self.accepted, self.refused)?;
        if !self.refused_by_kind.is_empty() {
            let kinds: Vec<_> = self
                .refused_by_kind
                .iter()
                .map(|(kind, count)| format!("{kind} {count}"))
                .collect();
            write!(f, " ({})", kinds.join(", "))?;
        }
        if self.not_durable {
            f.write_str("; the server says that accepted does not mean durable")?;
        }
        Ok(())
    }
}
