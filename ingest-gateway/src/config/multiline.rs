//! Settings of events that have several lines.

use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

use super::Problem;
use super::problem::refuse_zero;

/// Most bytes of a compiled pattern.
const PATTERN_BYTES_MAX: usize = 8 << 20;

/// Which lines are one event. Without a pattern each line is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MultilineConfig {
    /// What is looked for in a line: a regular expression as the crate `regex` reads it.
    pub pattern: Option<String>,
    /// Whether lines without it are meant, in place of lines with it.
    pub negate: bool,
    /// What such a line belongs to.
    pub what: What,
    /// Most lines of an event; further ones are another event.
    pub lines_max: u32,
    /// Most bytes of an event. Absent, that is `line_bytes_max`, which it never exceeds.
    pub bytes_max: Option<ByteSize>,
    /// How long it is waited for another line that may belong to the last one.
    pub flush_interval: Span,
}

/// What a line with the pattern belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// To the line before it.
    #[default]
    Previous,
    /// To the line behind it.
    Next,
}

impl Default for MultilineConfig {
    fn default() -> Self {
        Self {
            pattern: None,
            negate: false,
            what: What::Previous,
            lines_max: 500,
            bytes_max: None,
            flush_interval: Span::from_secs(2),
        }
    }
}

impl MultilineConfig {
    pub(crate) fn pattern(&self) -> Option<Regex> {
        self.compile()?.ok()
    }

    fn compile(&self) -> Option<Result<Regex, regex::Error>> {
        let pattern = self.pattern.as_ref()?;
        Some(RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build())
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if self.pattern.as_ref().is_some_and(|pattern| pattern.contains("%{")) {
            let message = "patterns of grok, as %{TIMESTAMP_ISO8601}, are not known here: write what they stand for, \
                           as \\d{4}-\\d{2}-\\d{2}";
            problems.push(Problem::new("pattern", message));
        } else if let Some(Err(error)) = self.compile() {
            problems.push(Problem::new("pattern", error.to_string()));
        }
        if self.bytes_max.is_some_and(|max| max.0 == 0) {
            problems.push(Problem::new("bytes_max", "it must be more than nothing"));
        }
        let spans = [("flush_interval", self.flush_interval)];
        refuse_zero(problems, &[("lines_max", self.lines_max)], &spans);
    }
}
