//! The place of the next byte in a body of chunks (RFC 9112, 7.1): enough of it to tell where the body ends.
//!
//! What breaks the rules is left to the library, which reads it too and ends the connection: for all that it takes, the
//! end is the same here. Trailers are lines as those of a head are.

use super::place::Followed;

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In the digits of a chunk's size, which is this up to here.
    Size(u64),
    /// Behind them, in what the line says besides.
    Extension(u64),
    /// Before the line feed that ends that line.
    SizeEnd(u64),
    /// In a chunk of which so many bytes are left.
    Data(u64),
    /// Before the carriage return behind a chunk.
    DataReturn,
    /// Before the line feed behind a chunk.
    DataEnd,
    /// Where a trailer begins, or the empty line at the end of the body.
    TrailerBegin,
    /// In a trailer.
    Trailer,
    /// Before the line feed that ends a trailer.
    TrailerEnd,
    /// Before the line feed of the empty line, the last byte of the body.
    LastEnd,
}

impl Default for Chunks {
    fn default() -> Self {
        Self::Size(0)
    }
}

impl Chunks {
    /// Goes on over these bytes, up to the body's end or a line feed that ends no trailer.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Followed {
        let mut at = 0;
        while at < bytes.len() {
            let byte = bytes[at];
            match *self {
                Self::Data(left) => {
                    let taken = left.min((bytes.len() - at) as u64);
                    at += taken as usize;
                    *self = if taken < left { Self::Data(left - taken) } else { Self::DataReturn };
                }
                Self::TrailerBegin | Self::Trailer if byte == b'\n' => {
                    return Followed::ToLineFeed(at);
                }
                Self::LastEnd => return Followed::ToEnd(at + 1),
                before => {
                    *self = before.behind(byte);
                    at += 1;
                }
            }
        }
        Followed::All
    }

    /// Where the byte behind this one stands, outside of a chunk.
    fn behind(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Size(size), _) => match char::from(byte).to_digit(16) {
                // One that is too large is refused by the library.
                Some(digit) => Self::Size(size.saturating_mul(16).saturating_add(digit.into())),
                None => Self::Extension(size).behind(byte),
            },
            (Self::Extension(size), b'\r') => Self::SizeEnd(size),
            (Self::SizeEnd(0), _) => Self::TrailerBegin,
            (Self::SizeEnd(size), _) => Self::Data(size),
            (Self::DataReturn, _) => Self::DataEnd,
            (Self::DataEnd, _) => Self::default(),
            (Self::TrailerBegin, b'\r') => Self::LastEnd,
            (Self::Trailer, b'\r') => Self::TrailerEnd,
            (Self::TrailerBegin | Self::Trailer, _) => Self::Trailer,
            (Self::TrailerEnd, _) => Self::TrailerBegin,
            (same @ (Self::Extension(_) | Self::Data(_) | Self::LastEnd), _) => same,
        }
    }
}
