//! Content encodings: gzip and deflate (RFC 1951, 1950, 1952) and zstd (RFC 8878, 9659), one of them
//! at most.
//!
//! Gives out a block at a time, so that memory does not depend on what a body grows to, and ends as
//! soon as it grows beyond its limits.

use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};
use hyper::header::{CONTENT_ENCODING, HeaderMap};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, Operation};

/// Sizes of the blocks that are given out: small ones for a body that trickles in.
const BLOCK_BYTES_MIN: usize = 4 << 10;
const BLOCK_BYTES_MAX: usize = 256 << 10;
/// Most members of a gzip body: each costs a fresh decoder, however little it holds.
const GZIP_MEMBERS_MAX: u32 = 1_000;
/// Window of zstd that decoders must support by RFC 9659: 8MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// What a body is not that zstd cannot read.
const READABLE_ZSTD: &str = "zstd, or needs a window of more than 8MiB";
/// Longest header of a zstd frame (RFC 8878, 3.1.1.1): magic number, descriptor, window, dictionary and size.
const ZSTD_HEADER_BYTES_MAX: usize = 4 + 1 + 1 + 4 + 8;
/// How much of a header the library gets at once. From 4 bytes on, what it makes of a header depends on where a
/// body is cut: it takes formats from before zstd 1.0, and a frame that has come whole past the window's limit.
const ZSTD_HEADER_PIECE_BYTES: usize = 3;
/// Up to here a body may have any ratio.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// A content encoding that the door takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Deflate,
    Zstd,
}

/// An encoding that the door does not take, as the sender named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownEncoding(pub(crate) String);

impl Encoding {
    /// What the headers say. Encodings within each other are refused.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, UnknownEncoding> {
        let mut named = headers.get_all(CONTENT_ENCODING).iter();
        let Some(value) = named.next() else { return Ok(Self::Identity) };
        let text = String::from_utf8_lossy(value.as_bytes());
        let known = match text.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "zstd" => Some(Self::Zstd),
            _ => None,
        };
        match known {
            Some(encoding) if named.next().is_none() => Ok(encoding),
            _ => Err(UnknownEncoding(text.chars().take(64).collect())),
        }
    }

    /// Memory that decoding takes, in bytes.
    pub(crate) fn memory_bytes(self) -> usize {
        match self {
            Self::Identity => 0,
            Self::Gzip | Self::Deflate => (64 << 10) + BLOCK_BYTES_MAX,
            Self::Zstd => (1 << ZSTD_WINDOW_LOG_MAX) + (256 << 10) + BLOCK_BYTES_MAX,
        }
    }
}

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    /// It grows beyond the size.
    #[error("the body is larger than {0} bytes when decompressed")]
    TooLarge(u64),
    /// It grows too much for what was sent.
    #[error("the body grows more than {0} times when decompressed")]
    Ratio(u32),
    /// It is not what the header says.
    #[error("the body is not valid {0}")]
    Invalid(&'static str),
}

/// The decoder of one body.
pub(crate) struct Decoder {
    inner: Inner,
    bytes_max: u64,
    ratio_max: u32,
    bytes_in: u64,
    bytes_out: u64,
    input: Bytes,
}

enum Inner {
    Identity,
    Zlib(Zlib),
    Zstd(Zstd),
}

struct Zlib {
    name: &'static str,
    state: Box<Decompress>,
    progress: Progress,
    /// How many further members may follow.
    members_left: u32,
}

struct Zstd {
    state: ZstdDecoder<'static>,
    progress: Progress,
    /// How much of the open frame was read.
    frame_bytes: usize,
    /// Whether decoded bytes may wait for room.
    is_full: bool,
}

/// Where in its encoding a body stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nothing has come.
    Begun,
    /// Something is open that must end.
    Open,
    /// All that was open has ended; more of the same may follow.
    Ended,
}

impl Decoder {
    pub(crate) fn new(
        encoding: Encoding,
        bytes_max: u64,
        ratio_max: u32,
    ) -> Result<Self, DecodeError> {
        let zlib = |name, members_left, state| {
            let (state, progress) = (Box::new(state), Progress::Begun);
            Inner::Zlib(Zlib { name, state, progress, members_left })
        };
        let inner = match encoding {
            Encoding::Identity => Inner::Identity,
            Encoding::Gzip => zlib("gzip", GZIP_MEMBERS_MAX, Decompress::new_gzip(15)),
            Encoding::Deflate => zlib("deflate", 0, Decompress::new(true)),
            Encoding::Zstd => {
                let invalid = |_| DecodeError::Invalid("zstd");
                let mut state = ZstdDecoder::new().map_err(invalid)?;
                let window = DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX);
                state.set_parameter(window).map_err(invalid)?;
                let progress = Progress::Begun;
                Inner::Zstd(Zstd { state, progress, frame_bytes: 0, is_full: false })
            }
        };
        Ok(Self { inner, bytes_max, ratio_max, bytes_in: 0, bytes_out: 0, input: Bytes::new() })
    }

    /// Adds what was sent; everything that came before must have been taken.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.bytes_in += chunk.len() as u64;
        self.input = chunk;
    }

    /// The next block; `None` when more must be sent first.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let block = match &mut self.inner {
            Inner::Identity => std::mem::take(&mut self.input),
            Inner::Zlib(zlib) => zlib.next(&mut self.input)?,
            Inner::Zstd(zstd) => zstd.next(&mut self.input)?,
        };
        if block.is_empty() && !self.input.is_empty() {
            return Err(DecodeError::Invalid("in its content encoding"));
        }
        self.bytes_out += block.len() as u64;
        if self.bytes_out > self.bytes_max {
            return Err(DecodeError::TooLarge(self.bytes_max));
        }
        let allowed = self.bytes_in.saturating_mul(self.ratio_max.into());
        if self.bytes_out > allowed.max(RATIO_FREE_BYTES) {
            return Err(DecodeError::Ratio(self.ratio_max));
        }
        Ok((!block.is_empty()).then_some(block))
    }

    /// Checks that the encoding has ended with the body.
    pub(crate) fn finish(&self) -> Result<(), DecodeError> {
        match &self.inner {
            Inner::Zlib(zlib) if zlib.progress == Progress::Open => {
                Err(DecodeError::Invalid(zlib.name))
            }
            Inner::Zstd(zstd) if zstd.progress == Progress::Open => {
                Err(DecodeError::Invalid("zstd"))
            }
            _ => Ok(()),
        }
    }
}

fn block_bytes(input: &Bytes) -> usize {
    input.len().saturating_mul(8).clamp(BLOCK_BYTES_MIN, BLOCK_BYTES_MAX)
}

impl Zlib {
    fn next(&mut self, input: &mut Bytes) -> Result<Bytes, DecodeError> {
        let invalid = DecodeError::Invalid(self.name);
        let mut block = Vec::with_capacity(block_bytes(input));
        while block.len() < block.capacity() {
            if self.progress == Progress::Ended {
                if input.is_empty() {
                    break;
                }
                // Members may follow one another (RFC 1952, 2.2).
                self.members_left = self.members_left.checked_sub(1).ok_or(invalid.clone())?;
                *self.state = Decompress::new_gzip(15);
            }
            let (before_in, before_out) = (self.state.total_in(), block.len());
            let flush = FlushDecompress::None;
            let status =
                self.state.decompress_vec(input, &mut block, flush).map_err(|_| invalid.clone())?;
            let consumed = usize::try_from(self.state.total_in() - before_in);
            let consumed = consumed.unwrap_or(usize::MAX).min(input.len());
            input.advance(consumed);
            if status == Status::StreamEnd {
                self.progress = Progress::Ended;
            } else if consumed > 0 {
                self.progress = Progress::Open;
            } else if block.len() == before_out {
                break;
            }
        }
        // A block is held as long as a line that is a slice of it, and counted by its length.
        block.shrink_to_fit();
        Ok(Bytes::from(block))
    }
}

impl Zstd {
    fn next(&mut self, input: &mut Bytes) -> Result<Bytes, DecodeError> {
        let invalid = |_| DecodeError::Invalid(READABLE_ZSTD);
        let mut block = vec![0; block_bytes(input)];
        let mut filled = 0;
        // The library counts calls that can do nothing, and fails at the 16th in a row.
        while filled < block.len() && (self.is_full || !input.is_empty()) {
            let piece = if self.frame_bytes < ZSTD_HEADER_BYTES_MAX {
                &input[..input.len().min(ZSTD_HEADER_PIECE_BYTES)]
            } else {
                &input[..]
            };
            let status = self.state.run_on_buffers(piece, &mut block[filled..]).map_err(invalid)?;
            input.advance(status.bytes_read);
            filled += status.bytes_written;
            self.is_full = filled == block.len();
            if status.bytes_read == 0 && status.bytes_written == 0 {
                break;
            }
            // Frames may follow one another (RFC 8878, 3.1); the decoder begins the next by itself.
            (self.progress, self.frame_bytes) = if status.remaining == 0 {
                (Progress::Ended, 0)
            } else {
                (Progress::Open, self.frame_bytes.saturating_add(status.bytes_read))
            };
        }
        block.truncate(filled);
        block.shrink_to_fit();
        Ok(Bytes::from(block))
    }
}

#[cfg(test)]
mod tests;
