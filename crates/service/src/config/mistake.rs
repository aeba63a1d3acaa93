//! Mistakes in a configuration: where each stands and what is allowed there.
//!
//! Their text never holds a control character, whatever the configuration holds.

use std::fmt;

use crate::printable::Printable;

/// Where a mistake stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file.
    File {
        /// The file as it was named.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Character within the line, from 1.
        column: usize,
    },
    /// In an environment variable.
    Variable(String),
    /// In a flag.
    Flag(String),
    /// Nowhere: the setting has its default.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", Printable(path)),
            Self::Variable(name) | Self::Flag(name) => write!(f, "{}", Printable(name)),
            Self::Default => f.write_str("configuration"),
        }
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands.
    pub place: Place,
    /// The setting, as `table.name`; empty for the whole.
    pub setting: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl Mistake {
    pub(super) fn new(place: Place, path: &[String], message: impl Into<String>) -> Self {
        Self { place, setting: path.join("."), message: message.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", Printable(&self.setting))?;
        }
        write!(f, "{}", Printable(&self.message))
    }
}

/// All mistakes of a configuration: those of the file in its order, then variables, then flags.
/// Written one a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(super) fn new(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        Self(mistakes)
    }

    /// Each mistake.
    #[must_use]
    pub fn as_slice(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}
