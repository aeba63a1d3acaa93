//! Sparse index of a segment: where in the file some of its frames begin.
//!
//! It only saves time: a segment without its index, or with a part of it, reads the same.

use std::io;
use std::path::Path;

use super::files::Files;

/// Bytes of a segment between two entries.
pub(super) const STEP_BYTES: u64 = 256 << 10;
const ENTRY_BYTES: usize = 20;
/// No segment has more entries than this, so a larger index file is not read to its end.
const ENTRIES_MAX: usize = 1 << 16;

/// A frame boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Entry {
    /// Offset of the frame that begins here.
    pub(super) offset: u64,
    /// Byte in the segment file.
    pub(super) position: u64,
}

impl Entry {
    /// Offset and position as u64 and their crc32, little-endian.
    pub(super) fn encode(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.position.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..16]);
        bytes[16..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(number)
        };
        let entry = Self { offset: number(0), position: number(8) };
        (entry.encode() == *bytes).then_some(entry)
    }
}

/// Byte of the index file at which entry number `count` begins.
pub(super) fn entry_position(count: usize) -> u64 {
    (count * ENTRY_BYTES) as u64
}

/// Reads the entries that lie within `segment_bytes`; those after the first bad one are left out.
pub(super) fn load(files: &dyn Files, path: &Path, segment_bytes: u64) -> io::Result<Vec<Entry>> {
    let file = match files.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
    let bytes = file.read_at(0, size.min(ENTRIES_MAX * ENTRY_BYTES))?;
    let (chunks, _) = bytes.as_chunks::<ENTRY_BYTES>();
    let mut entries: Vec<Entry> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let Some(entry) = Entry::decode(chunk) else { break };
        let follows = entries
            .last()
            .is_none_or(|last| entry.offset > last.offset && entry.position > last.position);
        if !follows || entry.position > segment_bytes {
            break;
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// The last entry at or before an offset.
pub(super) fn before(entries: &[Entry], offset: u64) -> Option<Entry> {
    let after = entries.partition_point(|entry| entry.offset <= offset);
    after.checked_sub(1).map(|last| entries[last])
}

/// The first entry after a position.
pub(super) fn after(entries: &[Entry], position: u64) -> Option<Entry> {
    let first = entries.partition_point(|entry| entry.position <= position);
    entries.get(first).copied()
}
