//! How frames are told apart in a stream of bytes.

use serde::{Deserialize, Serialize};

use super::delimiter::Delimiter;

/// How frames are told apart in a stream of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// A line feed ends each, with an optional carriage return before it.
    #[default]
    Newline,
    /// A NUL ends each.
    Nul,
    /// A line feed or a NUL ends each: RFC 6587 3.4.2, and what its senders do.
    NonTransparent,
    /// Its length in bytes stands before each, with a blank between: RFC 6587 3.4.1, RFC 5425.
    OctetCounting,
    /// Each as its beginning says: a length and a blank before an angle bracket count octets, anything else
    /// is ended by a line feed or a NUL. For syslog, whose messages begin with that bracket.
    Auto,
    /// What the setting `delimiter` says ends each.
    #[serde(skip)]
    Delimiter(Delimiter),
}

impl Framing {
    /// This one, unless a delimiter is named.
    #[must_use]
    pub fn or_ended_by(self, delimiter: Option<Delimiter>) -> Self {
        delimiter.map_or(self, Self::Delimiter)
    }

    /// Most bytes of what ends a line, which a line may hold before it is known that they end it.
    pub(super) fn delimiter_bytes(self) -> usize {
        match self {
            Self::Delimiter(delimiter) => delimiter.as_bytes().len(),
            _ => 1,
        }
    }

    /// Whether a carriage return before the end belongs to the end.
    pub(super) fn trims_return(self) -> bool {
        matches!(self, Self::Newline | Self::NonTransparent | Self::Auto)
    }

    /// Where the first delimiter is, as far as it lies in these bytes.
    pub(super) fn find(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Newline => memchr::memchr(b'\n', bytes),
            Self::Nul => memchr::memchr(0, bytes),
            Self::Delimiter(delimiter) => memchr::memmem::find(bytes, delimiter.as_bytes()),
            Self::NonTransparent | Self::OctetCounting | Self::Auto => {
                memchr::memchr2(b'\n', 0, bytes)
            }
        }
    }
}

/// Most digits of a frame's length. What says more is no length that anybody has.
const DIGITS_MAX: usize = 9;
/// Most digits that are looked at before they are the beginning of a line.
const DIGITS_SEEN_MAX: usize = 20;

/// What the beginning of a frame says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beginning {
    /// The next byte belongs to the beginning too.
    GoesOn,
    /// The next byte separates two frames.
    Separator,
    /// It was the length of the frame that follows.
    Counted(u64),
    /// It begins a line that a delimiter ends.
    Delimited,
    /// It breaks the framing.
    Broken(&'static str),
}

impl Framing {
    /// Looks at the next byte of a frame whose `seen` beginning is a length so far, perhaps with its blank.
    /// Only for framings with lengths.
    pub(super) fn judge(self, seen: &[u8], next: u8) -> Beginning {
        let is_auto = self == Self::Auto;
        let digits = seen.strip_suffix(b" ").unwrap_or(seen);
        match next {
            // Some senders end a counted frame with a line feed too.
            b'\n' | b'\r' | 0 if seen.is_empty() && !is_auto => Beginning::Separator,
            b'1'..=b'9' if seen.is_empty() => Beginning::GoesOn,
            b'0'..=b'9' if !seen.is_empty() && digits.len() == seen.len() => {
                if !is_auto && digits.len() >= DIGITS_MAX {
                    Beginning::Broken("the length of a frame has too many digits")
                } else if digits.len() >= DIGITS_SEEN_MAX {
                    Beginning::Delimited
                } else {
                    Beginning::GoesOn
                }
            }
            b' ' if !seen.is_empty() && digits.len() == seen.len() => {
                if is_auto {
                    Beginning::GoesOn
                } else {
                    counted(digits)
                }
            }
            b'<' if is_auto && digits.len() < seen.len() => counted(digits),
            _ if is_auto => Beginning::Delimited,
            _ => Beginning::Broken("a frame does not begin with its length and a blank"),
        }
    }

    /// Whether the byte that ended a length belongs to the length, and not to the frame.
    pub(super) fn ends_with_blank(self) -> bool {
        self == Self::OctetCounting
    }
}

fn counted(digits: &[u8]) -> Beginning {
    let text = std::str::from_utf8(digits).unwrap_or_default();
    match text.parse() {
        Ok(length) if digits.len() <= DIGITS_MAX => Beginning::Counted(length),
        _ => Beginning::Broken("the length of a frame has too many digits"),
    }
}
