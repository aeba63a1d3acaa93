//! A mistake in a configuration or a warning of it, printed with the line it stands in.

use std::fmt;

/// Most characters of a source line that are shown.
const SHOWN_CHARACTERS_MAX: usize = 160;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot run.
    Mistake,
    /// It runs, and probably not as it was meant.
    Warning,
}

/// A mistake in a configuration or a warning of it: where, what, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Name of the configuration.
    pub file: Box<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub way_out: String,
    /// Byte of the whole text, by which mistakes in several files are ordered.
    pub offset: usize,
    pub(super) source_line: Box<str>,
    pub(super) width: usize,
}

impl std::error::Error for Diagnostic {}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Mistake => "",
            Severity::Warning => "warning: ",
        };
        writeln!(f, "{}:{}:{}: {kind}{}", self.file, self.line, self.column, self.message)?;
        // Of a very long line only what is around the mistake is shown.
        let first = (self.column - 1).saturating_sub(SHOWN_CHARACTERS_MAX / 2);
        let shown: String =
            self.source_line.chars().skip(first).take(SHOWN_CHARACTERS_MAX).map(visible).collect();
        let before = self.column - 1 - first;
        let pad: String =
            shown.chars().take(before).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let width = self.width.min(SHOWN_CHARACTERS_MAX - before).max(1);
        writeln!(f, "{:>5} | {shown}", self.line)?;
        write!(f, "      | {pad}{}", "^".repeat(width))?;
        if !self.way_out.is_empty() {
            write!(f, "\n  way out: {}", self.way_out)?;
        }
        Ok(())
    }
}

/// A terminal must not obey what stands in a file.
fn visible(character: char) -> char {
    if character.is_control() && character != '\t' {
        char::REPLACEMENT_CHARACTER
    } else {
        character
    }
}
