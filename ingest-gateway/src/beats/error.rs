//! What ends a connection: bytes that are not the protocol, and numbers beyond the limits.

use crate::http::decoding::DecodeError;

/// Why a stream of frames cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtocolError {
    /// The first byte of a frame.
    #[error(
        "a frame begins with byte {0:#04x}, which is no version of Lumberjack (`1`, `2`); a sender \
             with TLS on a door without it looks like this too"
    )]
    Version(u8),
    /// The second byte of a frame.
    #[error("a frame has the type {0:#04x}, and a sender has W, D, J and C only")]
    Type(u8),
    /// Something that has no bytes and needs some.
    #[error("a frame says that its {0} has no bytes")]
    Empty(&'static str),
    /// An event without a window, or more of them than its window has.
    #[error("event {sequence} comes when no window is open")]
    NoWindow {
        /// Its number.
        sequence: u32,
    },
    /// A window that announces too much.
    #[error(
        "a window announces {events} events, more than {max}: lower the sender's bulk size, or raise \
             `window_events_max` of the door"
    )]
    Window {
        /// As announced.
        events: u32,
        /// The limit.
        max: u32,
    },
    /// An event that is longer than what is even skipped.
    #[error("an event says that it has {length_bytes} bytes, more than {max}")]
    EventLength {
        /// As announced.
        length_bytes: u64,
        /// The limit.
        max: u64,
    },
    /// An event of version 1 with too many pairs.
    #[error("an event says that it has {pairs} pairs, more than {max}")]
    Pairs {
        /// As announced.
        pairs: u32,
        /// The limit.
        max: u32,
    },
    /// A compressed frame that is too long.
    #[error(
        "a compressed frame says that it has {length_bytes} bytes, more than {max}: lower the sender's \
             bulk size, or raise `compressed_bytes_max` of the door"
    )]
    CompressedLength {
        /// As announced.
        length_bytes: u32,
        /// The limit.
        max: u64,
    },
    /// A compressed frame within another one.
    #[error("a compressed frame holds another one")]
    Nested,
    /// What a compressed frame holds ends within a frame.
    #[error("a compressed frame ends in the midst of a frame")]
    Cut,
    /// A compressed frame that is no zlib stream, or grows too much.
    #[error("a compressed frame cannot be read: {0}")]
    Compressed(#[from] DecodeError),
}

impl ProtocolError {
    /// Name of the limit that it counts under.
    pub(crate) fn limit(&self) -> &'static str {
        match self {
            Self::Window { .. } => "window_events",
            Self::EventLength { .. } | Self::Pairs { .. } | Self::CompressedLength { .. } => {
                "frame_length"
            }
            Self::Nested => "nested_compression",
            Self::Compressed(DecodeError::TooLarge(_) | DecodeError::Ratio(_)) => {
                "decompress_limit"
            }
            Self::Version(_)
            | Self::Type(_)
            | Self::Empty(_)
            | Self::NoWindow { .. }
            | Self::Cut
            | Self::Compressed(DecodeError::Invalid(_)) => "protocol",
        }
    }
}
