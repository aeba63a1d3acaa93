//! Frame v1: records as they lie in the log and travel in one message, with their checksums.
//!
//! All numbers are little-endian. A header of 20 bytes: version (1), flags (0), reserved (0, two
//! bytes), bytes of the body (u32), number of records (u32), crc32 of the body, crc32 of the header
//! before it. The header has its own checksum so that a damaged body can be stepped over; every later
//! version keeps it in this place, so that its frames are told from damage. A frame never panics the
//! reader and never makes it allocate more than its own bytes promise.

mod decode;
mod encode;

pub use decode::{FrameHeader, Records, decode};
pub use encode::{Frame, FrameBuilder, encoded_bytes_max};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 20;

/// Longest text of a record (shop, source, listener, content type, trace context, routing key) in
/// bytes.
pub const TEXT_BYTES_MAX: usize = u16::MAX as usize;

const VERSION: u8 = 1;

/// A record begins with: id (16 bytes), received_at_ns (i64), attempt (u16), number of its origin
/// (u16), lengths of trace context and routing key (u16 each), length of the payload (u32).
///
/// An origin number that was not used yet in this frame is the next one, and its definition
/// follows: codec (u8), lengths of shop, source, listener and content type (u16 each), the texts.
/// Then come trace context, routing key and payload.
const RECORD_FIXED_BYTES: usize = 36;
const ORIGIN_FIXED_BYTES: usize = 9;

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than the header or its length asks for.
    #[error("the frame is cut: {have} bytes of {need}")]
    Cut {
        /// Bytes there are.
        have: usize,
        /// Bytes there should be.
        need: usize,
    },
    /// Made by a later version.
    #[error("a frame has version {0}: it was made by a newer release, use that one")]
    Version(u8),
    /// The header was changed after it was written.
    #[error("the checksum of the frame's header is wrong")]
    HeaderChecksum,
    /// The body was changed after it was written.
    #[error("the checksum of the frame's body is wrong")]
    BodyChecksum,
    /// The checksums hold and the content does not: written by something else.
    #[error("the frame's content is malformed: {0}")]
    Malformed(&'static str),
}

#[cfg(test)]
mod tests;
