//! Puts records into a frame: one pass, one buffer, no allocation for each record.
//!
//! It never judges a record; who calls it checks `encoded_bytes_max` first.

use super::{HEADER_BYTES, ORIGIN_FIXED_BYTES, RECORD_FIXED_BYTES, TEXT_BYTES_MAX, VERSION};
use crate::record::{Codec, Record};

/// How many earlier origins of a frame are looked through before one is written again.
const RECENT_ORIGINS: usize = 8;

/// A finished frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Header and body.
    pub bytes: Vec<u8>,
    /// Number of records.
    pub records: u32,
}

/// The most bytes that this record takes in a frame, or `None` if one of its parts is too long for
/// any frame: a text over [`TEXT_BYTES_MAX`] or a payload over 4 GiB.
#[must_use]
pub fn encoded_bytes_max(record: &Record) -> Option<usize> {
    let texts = [
        &record.shop,
        &record.source,
        &record.listener,
        &record.content_type,
        &record.trace_context,
        &record.routing_key,
    ];
    let mut bytes = RECORD_FIXED_BYTES + ORIGIN_FIXED_BYTES + record.payload.len();
    for text in texts {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        bytes += text.len();
    }
    u32::try_from(bytes).is_ok().then_some(bytes)
}

/// Collects records of one partition into a frame.
#[derive(Debug)]
pub struct FrameBuilder<'a> {
    bytes: Vec<u8>,
    records: u32,
    origins: u16,
    recent: [Option<(u16, &'a Record)>; RECENT_ORIGINS],
}

impl<'a> FrameBuilder<'a> {
    /// Begins a frame whose body will take about `body_bytes`.
    #[must_use]
    pub fn new(body_bytes: usize) -> Self {
        Self::within(Vec::with_capacity(HEADER_BYTES + body_bytes))
    }

    /// Begins a frame in a buffer, in place of what it holds.
    #[must_use]
    pub fn within(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        bytes.resize(HEADER_BYTES, 0);
        Self { bytes, records: 0, origins: 0, recent: [None; RECENT_ORIGINS] }
    }

    /// Number of records so far; the index of the next one.
    #[must_use]
    pub fn records(&self) -> u32 {
        self.records
    }

    /// Whether a record of `record_bytes` still fits, so that header and body stay within
    /// `frame_bytes` and `frame_records`. The first record always fits.
    #[must_use]
    pub fn fits(&self, record_bytes: usize, frame_bytes: usize, frame_records: u32) -> bool {
        self.records == 0
            || (self.records < frame_records
                && self.origins < u16::MAX
                && self.bytes.len() + record_bytes <= frame_bytes)
    }

    /// Adds a record for which [`encoded_bytes_max`] gave a size.
    pub fn push(&mut self, record: &'a Record) {
        let known = self.origin(record);
        let number = known.unwrap_or(self.origins);
        let mut fixed = [0; RECORD_FIXED_BYTES];
        fixed[..16].copy_from_slice(&record.id.0);
        fixed[16..24].copy_from_slice(&record.received_at_ns.to_le_bytes());
        fixed[24..26].copy_from_slice(&record.attempt.to_le_bytes());
        fixed[26..28].copy_from_slice(&number.to_le_bytes());
        fixed[28..30].copy_from_slice(&text_length(&record.trace_context));
        fixed[30..32].copy_from_slice(&text_length(&record.routing_key));
        fixed[32..].copy_from_slice(&(record.payload.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(&fixed);
        if known.is_none() {
            self.define_origin(record);
        }
        self.bytes.extend_from_slice(record.trace_context.as_bytes());
        self.bytes.extend_from_slice(record.routing_key.as_bytes());
        self.bytes.extend_from_slice(&record.payload);
        self.records += 1;
    }

    fn origin(&self, record: &Record) -> Option<u16> {
        let known = self.recent.iter().flatten().find(|(_, other)| same_origin(other, record));
        known.map(|(number, _)| *number)
    }

    fn define_origin(&mut self, record: &'a Record) {
        let codec = match record.codec {
            Codec::Json => 0,
            Codec::Plain => 1,
        };
        let texts = [&record.shop, &record.source, &record.listener, &record.content_type];
        self.bytes.push(codec);
        for text in texts {
            self.bytes.extend_from_slice(&text_length(text));
        }
        for text in texts {
            self.bytes.extend_from_slice(text.as_bytes());
        }
        self.recent[usize::from(self.origins) % RECENT_ORIGINS] = Some((self.origins, record));
        self.origins += 1;
    }

    /// Writes the header and gives the frame.
    #[must_use]
    pub fn finish(mut self) -> Frame {
        let body_bytes = (self.bytes.len() - HEADER_BYTES) as u32;
        let body_checksum = crc32fast::hash(&self.bytes[HEADER_BYTES..]);
        self.bytes[0] = VERSION;
        self.bytes[4..8].copy_from_slice(&body_bytes.to_le_bytes());
        self.bytes[8..12].copy_from_slice(&self.records.to_le_bytes());
        self.bytes[12..16].copy_from_slice(&body_checksum.to_le_bytes());
        let header_checksum = crc32fast::hash(&self.bytes[..16]);
        self.bytes[16..20].copy_from_slice(&header_checksum.to_le_bytes());
        Frame { bytes: self.bytes, records: self.records }
    }
}

fn text_length(text: &str) -> [u8; 2] {
    (text.len() as u16).to_le_bytes()
}

fn same_origin(one: &Record, other: &Record) -> bool {
    same_text(&one.source, &other.source)
        && same_text(&one.shop, &other.shop)
        && same_text(&one.listener, &other.listener)
        && one.codec == other.codec
        && same_text(&one.content_type, &other.content_type)
}

/// Records of one sender have the very same text, which need not be read then.
fn same_text(one: &str, other: &str) -> bool {
    one.len() == other.len() && (one.as_ptr() == other.as_ptr() || one == other)
}
