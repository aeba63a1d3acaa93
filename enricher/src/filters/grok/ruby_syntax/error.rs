//! Why an expression cannot be written for an engine.

/// How much of an expression a message shows.
const SHOWN_CHARACTERS: usize = 60;

/// Why an expression cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SyntaxError {
    #[error("`{text}` refers to an earlier group")]
    BackReference { text: String },
    #[error("the look-around `{}` spans more than one character", shown(.text))]
    WideLook { text: String },
    #[error("the look-around `{}` needs more than one pass over a text", shown(.text))]
    Look { text: String },
    #[error("`{text}` counts groups, which are not counted beside those with a name")]
    NumberBesideNames { text: String },
    #[error("`{text}` refers to no group before it")]
    UnknownGroup { text: String },
    #[error("`{text}` is not supported")]
    Unsupported { text: String },
    #[error("`{text}` is not closed")]
    Unclosed { text: String },
}

impl SyntaxError {
    /// Whether the engine that goes back and tries again may run it all the same.
    pub(crate) fn asks_for_backtracking(&self) -> bool {
        matches!(self, Self::BackReference { .. } | Self::WideLook { .. } | Self::Look { .. })
    }

    /// What is said of a pattern that is run all the same, and what to write instead.
    pub(crate) fn slowness(&self, pattern: &str) -> (String, &'static str) {
        let message = format!(
            "`{}` can be slow: {self}, so it is searched by going back and trying again, until a limit ends it",
            shown(pattern)
        );
        (message, self.way_out())
    }

    /// The part of the expression that is meant, or how it begins.
    pub(crate) fn part(&self) -> &str {
        match self {
            Self::BackReference { text }
            | Self::WideLook { text }
            | Self::Look { text }
            | Self::NumberBesideNames { text }
            | Self::UnknownGroup { text }
            | Self::Unsupported { text }
            | Self::Unclosed { text } => text,
        }
    }

    /// What to write instead.
    pub(crate) fn way_out(&self) -> &'static str {
        match self {
            Self::BackReference { .. } => {
                "capture both places under two names and compare them in a condition"
            }
            Self::WideLook { .. } => {
                "look-around over one character, as in `(?<![0-9])` or `(?=\\s|$)`, costs nothing: match more than that itself, outside of the capture"
            }
            Self::Look { .. } => {
                "match what stands around too, or use grok, where look-around over one character costs nothing"
            }
            Self::NumberBesideNames { .. } => {
                "give the group a name, and refer to it by that: `(?<quote>[\"'])...\\k<quote>`"
            }
            Self::UnknownGroup { .. } => "correct the name, or put the group before it",
            Self::Unsupported { .. } => "write the pattern without it",
            Self::Unclosed { .. } => "close it",
        }
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
