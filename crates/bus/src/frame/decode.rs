//! Takes records out of a frame: every text and payload is a slice of the frame's own bytes.
//!
//! It never copies a payload, so a record that is kept keeps its frame alive; who stores a part for
//! long copies that part.

use bytes::Bytes;
use bytestring::ByteString;

use super::{FrameError, HEADER_BYTES, ORIGIN_FIXED_BYTES, RECORD_FIXED_BYTES, VERSION};
use crate::record::{Codec, Record, RecordId};

/// What a frame's header promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Bytes of the body.
    pub body_bytes: u32,
    /// Number of records.
    pub records: u32,
    body_checksum: u32,
}

impl FrameHeader {
    /// Reads the header at the beginning of `bytes`, which may end anywhere after it.
    ///
    /// # Errors
    /// Where the bytes are too few or no header, or its checksum is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, FrameError> {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(FrameError::Cut { have: bytes.len(), need: HEADER_BYTES });
        };
        if u32_at(header, 16) != crc32fast::hash(&header[..16]) {
            return Err(FrameError::HeaderChecksum);
        }
        if header[0] != VERSION {
            return Err(FrameError::Version(header[0]));
        }
        if header[1..4] != [0; 3] {
            return Err(FrameError::Malformed("flags that this version does not know"));
        }
        Ok(Self {
            body_bytes: u32_at(header, 4),
            records: u32_at(header, 8),
            body_checksum: u32_at(header, 12),
        })
    }

    /// Bytes of the whole frame.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }

    /// Whether `body` is the body that this header was made for.
    ///
    /// # Errors
    /// Where its length or checksum is another.
    pub fn check(&self, body: &[u8]) -> Result<(), FrameError> {
        if body.len() as u64 != u64::from(self.body_bytes) {
            let need = self.body_bytes as usize + HEADER_BYTES;
            return Err(FrameError::Cut { have: body.len() + HEADER_BYTES, need });
        }
        if crc32fast::hash(body) != self.body_checksum {
            return Err(FrameError::BodyChecksum);
        }
        Ok(())
    }
}

/// Reads a whole frame.
///
/// # Errors
/// Where `frame` is not exactly one sound frame.
pub fn decode(frame: &Bytes) -> Result<Vec<Record>, FrameError> {
    let records = Records::new(frame.clone())?;
    let mut decoded = Vec::with_capacity(records.left as usize);
    for record in records {
        decoded.push(record?);
    }
    Ok(decoded)
}

/// The records of a frame, one after the other. An error ends it.
#[derive(Debug)]
pub struct Records {
    frame: Bytes,
    at: usize,
    left: u32,
    origins: Vec<Origin>,
}

#[derive(Debug)]
struct Origin {
    codec: Codec,
    shop: ByteString,
    source: ByteString,
    listener: ByteString,
    content_type: ByteString,
}

impl Records {
    /// Begins to read a frame after checking its checksums.
    ///
    /// # Errors
    /// Where `frame` is not exactly one frame with right checksums.
    pub fn new(frame: Bytes) -> Result<Self, FrameError> {
        let header = FrameHeader::read(&frame)?;
        header.check(&frame[HEADER_BYTES..])?;
        let most = header.body_bytes as usize / RECORD_FIXED_BYTES;
        if header.records as usize > most {
            return Err(FrameError::Malformed("more records than bytes for them"));
        }
        Ok(Self { frame, at: HEADER_BYTES, left: header.records, origins: Vec::new() })
    }

    fn record(&mut self) -> Result<Record, FrameError> {
        let rest = &self.frame[self.at..];
        let Some(fixed) = rest.first_chunk::<RECORD_FIXED_BYTES>() else {
            return Err(FrameError::Malformed("it ends within a record"));
        };
        let mut id = [0; 16];
        id.copy_from_slice(&fixed[..16]);
        let mut received_at_ns = [0; 8];
        received_at_ns.copy_from_slice(&fixed[16..24]);
        let attempt = u16_at(fixed, 24);
        let number = usize::from(u16_at(fixed, 26));
        let (trace_bytes, routing_bytes) = (u16_at(fixed, 28), u16_at(fixed, 30));
        let payload_bytes = u32_at(fixed, 32);
        self.at += RECORD_FIXED_BYTES;
        if number == self.origins.len() {
            let origin = self.origin()?;
            self.origins.push(origin);
        }
        let trace_context = self.text(trace_bytes)?;
        let routing_key = self.text(routing_bytes)?;
        let payload = self.take(payload_bytes as usize)?;
        let Some(origin) = self.origins.get(number) else {
            return Err(FrameError::Malformed("a record names an origin that is not there"));
        };
        Ok(Record {
            id: RecordId(id),
            received_at_ns: i64::from_le_bytes(received_at_ns),
            shop: origin.shop.clone(),
            source: origin.source.clone(),
            listener: origin.listener.clone(),
            codec: origin.codec,
            content_type: origin.content_type.clone(),
            trace_context,
            attempt,
            routing_key,
            log_type: None,
            payload,
        })
    }

    fn origin(&mut self) -> Result<Origin, FrameError> {
        let rest = &self.frame[self.at..];
        let Some(&fixed) = rest.first_chunk::<ORIGIN_FIXED_BYTES>() else {
            return Err(FrameError::Malformed("it ends within an origin"));
        };
        self.at += ORIGIN_FIXED_BYTES;
        let codec = match fixed[0] {
            0 => Codec::Json,
            1 => Codec::Plain,
            _ => return Err(FrameError::Malformed("a codec that this version does not know")),
        };
        Ok(Origin {
            codec,
            shop: self.text(u16_at(&fixed, 1))?,
            source: self.text(u16_at(&fixed, 3))?,
            listener: self.text(u16_at(&fixed, 5))?,
            content_type: self.text(u16_at(&fixed, 7))?,
        })
    }

    fn text(&mut self, bytes: u16) -> Result<ByteString, FrameError> {
        if bytes == 0 {
            return Ok(ByteString::new());
        }
        ByteString::try_from(self.take(usize::from(bytes))?)
            .map_err(|_| FrameError::Malformed("a text is not UTF-8"))
    }

    fn take(&mut self, bytes: usize) -> Result<Bytes, FrameError> {
        if bytes > self.frame.len() - self.at {
            return Err(FrameError::Malformed("a length points past its end"));
        }
        let taken = self.frame.slice(self.at..self.at + bytes);
        self.at += bytes;
        Ok(taken)
    }
}

impl Iterator for Records {
    type Item = Result<Record, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            if self.at == self.frame.len() {
                return None;
            }
            self.at = self.frame.len();
            return Some(Err(FrameError::Malformed("bytes after the last record")));
        }
        let record = self.record();
        self.left -= 1;
        if record.is_err() {
            self.left = 0;
            self.at = self.frame.len();
        }
        Some(record)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
