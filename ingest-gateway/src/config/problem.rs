//! What is wrong with settings: each problem with the name of its setting, table by table.

use std::fmt;

use service::{ByteSize, Span};

/// A setting that cannot be used as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Name of the setting within `[ingest_gateway]`, as `tcp.listen`.
    pub setting: String,
    /// What is wrong, and the way out.
    pub message: String,
}

impl Problem {
    /// Of a setting by its name within the table that is checked.
    pub(crate) fn new(setting: &str, message: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), message: message.into() }
    }

    /// As it is called from outside of a table.
    pub(crate) fn within(self, table: &str) -> Self {
        Self { setting: format!("{table}.{}", self.setting), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ingest_gateway.{}: {}", self.setting, self.message)
    }
}

/// Runs the check of a table, which names settings as they are called within it.
pub(super) fn within(
    table: &str,
    problems: &mut Vec<Problem>,
    check: impl FnOnce(&mut Vec<Problem>),
) {
    let mut found = Vec::new();
    check(&mut found);
    problems.extend(found.into_iter().map(|problem| problem.within(table)));
}

/// Refuses counts of none and spans of no time.
pub(super) fn refuse_zero(
    problems: &mut Vec<Problem>,
    counts: &[(&str, u32)],
    spans: &[(&str, Span)],
) {
    let counts = counts.iter().filter(|(_, count)| *count == 0);
    problems.extend(counts.map(|(setting, _)| Problem::new(setting, "0 would let nothing in")));
    let spans = spans.iter().filter(|(_, span)| span.0.is_zero());
    problems
        .extend(spans.map(|(setting, _)| Problem::new(setting, "it must be more than nothing")));
}

/// Refuses sizes that are not within their bounds.
pub(super) fn check_ranges(ranges: &[(&str, ByteSize, u64, u64)], problems: &mut Vec<Problem>) {
    for (setting, size, min, max) in ranges {
        if !(*min..=*max).contains(&size.0) {
            let (min, max) = (ByteSize(*min), ByteSize(*max));
            let message = format!("{size} is not between {min} and {max}");
            problems.push(Problem::new(setting, message));
        }
    }
}
