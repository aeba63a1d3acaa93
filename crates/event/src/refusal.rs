//! Why a payload is not an event, and the limits it must keep.

/// What a payload may hold. A limit that is passed is a refusal, never an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Objects and arrays within each other; at most 128.
    pub depth_max: u32,
    /// Values in one event, containers included.
    pub nodes_max: u32,
    /// Size of the payload in bytes.
    pub payload_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth_max: 64, nodes_max: 20_000, payload_bytes_max: 1 << 20 }
    }
}

impl Limits {
    /// For documents that this platform wrote: filters nest what was taken within other limits a
    /// little deeper.
    #[must_use]
    pub fn documents() -> Self {
        Self { depth_max: 128, nodes_max: 1_000_000, payload_bytes_max: usize::MAX }
    }
}

/// Kinds of refusal, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// Larger than the limit.
    TooLarge,
    /// Not UTF-8.
    InvalidUtf8,
    /// Does not begin with `{`.
    NotAnObject,
    /// Something follows the object.
    TrailingData,
    /// Nested deeper than the limit.
    TooDeep,
    /// Not JSON by RFC 8259.
    InvalidJson,
    /// More values than the limit.
    TooManyFields,
}

impl RefusalKind {
    /// The name under which it is counted.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::NotAnObject => "not_an_object",
            Self::TrailingData => "trailing_data",
            Self::TooDeep => "too_deep",
            Self::InvalidJson => "invalid_json",
            Self::TooManyFields => "too_many_fields",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::TooLarge => "the line is larger than the limit",
            Self::InvalidUtf8 => "the bytes are not UTF-8",
            Self::NotAnObject => "the line is not a JSON object",
            Self::TrailingData => "something follows the JSON object",
            Self::TooDeep => "the JSON is nested too deeply",
            Self::InvalidJson => "the JSON is not valid",
            Self::TooManyFields => "the event has too many fields",
        }
    }
}

/// A payload that is not an event, and where it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {position_bytes}", .kind.sentence())]
pub struct Refusal {
    /// What is wrong.
    pub kind: RefusalKind,
    /// Byte of the payload, from 0.
    pub position_bytes: usize,
}
