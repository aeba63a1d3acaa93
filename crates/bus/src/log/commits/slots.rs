//! The file of a group: a pair of slots for each partition that it has committed.
//!
//! A slot, little-endian: crc32 of the rest (u32), version (u8), bytes of the topic's name (u8), bytes of
//! the metadata (u16), partition (u32), sequence (u64), offset (u64), topic, metadata. The slot with
//! the higher sequence counts. A write never touches the slot that is known to be durable.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{Committed, METADATA_BYTES_MAX};
use crate::log::failure::failure;
use crate::log::files::{Files, StoredFile};
use crate::log::topic::NAME_BYTES_MAX;
use crate::port::{BusError, ErrorKind, PartitionId};

const VERSION: u8 = 1;
const FIXED_BYTES: usize = 28;
/// Nine sectors: room for the longest name and the most metadata.
const SLOT_BYTES: usize = 4_608;
const _: () = assert!(FIXED_BYTES + NAME_BYTES_MAX + METADATA_BYTES_MAX <= SLOT_BYTES);

/// Where the slots of a partition are, and which of them must not be touched.
#[derive(Clone, Copy, Debug)]
struct Pair {
    number: u64,
    sequence: u64,
    durable_slot: u64,
    written: bool,
}

impl Pair {
    fn position(self, slot: u64) -> u64 {
        (self.number * 2 + slot) * SLOT_BYTES as u64
    }
}

/// An open file of slots.
#[derive(Debug)]
pub(super) struct GroupFile {
    path: PathBuf,
    file: Arc<dyn StoredFile>,
    pairs: HashMap<PartitionId, Pair>,
    /// Number of pairs that the file has room for.
    end: u64,
    written: bool,
    failed: Option<BusError>,
}

impl GroupFile {
    /// Makes an empty file and its name durable.
    pub(super) fn create(files: &dyn Files, path: PathBuf) -> Result<Self, BusError> {
        let failed = |error| failure("create the group's file", &path, &error);
        let file = files.create(&path).map_err(failed)?;
        if let Some(folder) = path.parent() {
            files.sync_folder(folder).map_err(failed)?;
        }
        Ok(Self { path, file, pairs: HashMap::new(), end: 0, written: false, failed: None })
    }

    /// Reads what a group has committed. What a killed process left may not be on the disk yet, so
    /// the file is synced.
    pub(super) fn open(
        files: &dyn Files,
        path: PathBuf,
    ) -> Result<(Self, HashMap<PartitionId, Committed>), BusError> {
        let failed = |error| failure("read the group's file", &path, &error);
        let file = files.open(&path).map_err(failed)?;
        file.sync().map_err(failed)?;
        let pair_bytes = 2 * SLOT_BYTES as u64;
        let end = file.size().map_err(failed)?.div_ceil(pair_bytes);
        let mut pairs: HashMap<PartitionId, Pair> = HashMap::new();
        let mut committed = HashMap::new();
        for number in 0..end {
            let bytes = file.read_at(number * pair_bytes, 2 * SLOT_BYTES).map_err(failed)?;
            let mut latest: Option<(u64, Content)> = None;
            for slot in 0..2 {
                let start = (slot as usize * SLOT_BYTES).min(bytes.len());
                let end = (start + SLOT_BYTES).min(bytes.len());
                let decoded = decode(&bytes.slice(start..end));
                let Some(content) = decoded.map_err(|version| newer(&path, version))? else {
                    continue;
                };
                if latest.as_ref().is_none_or(|(_, other)| other.sequence < content.sequence) {
                    latest = Some((slot, content));
                }
            }
            let Some((durable_slot, content)) = latest else {
                if bytes.iter().any(|byte| *byte != 0) {
                    tracing::error!(
                        path = %path.display(), number,
                        "a commit is damaged: its partition is read again from the oldest record"
                    );
                }
                continue;
            };
            let older = pairs.get(&content.partition);
            if older.is_none_or(|older| older.sequence < content.sequence) {
                let pair =
                    Pair { number, sequence: content.sequence, durable_slot, written: false };
                pairs.insert(content.partition.clone(), pair);
                committed.insert(content.partition, content.committed);
            }
        }
        Ok((Self { path, file, pairs, end, written: false, failed: None }, committed))
    }

    /// Writes a commit; it counts once [`Self::sync`] has succeeded.
    pub(super) fn write(
        &mut self,
        partition: &PartitionId,
        committed: &Committed,
    ) -> Result<(), BusError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let mut pair = self.pairs.get(partition).copied().unwrap_or(Pair {
            number: self.end,
            sequence: 0,
            durable_slot: 1,
            written: false,
        });
        pair.sequence += 1;
        pair.written = true;
        let bytes = encode(partition, pair.sequence, committed);
        let position = pair.position(1 - pair.durable_slot);
        let written = self.file.write_at(position, &[&bytes]);
        written.map_err(|error| self.failure("write", &error))?;
        self.end = self.end.max(pair.number + 1);
        self.written = true;
        self.pairs.insert(partition.clone(), pair);
        Ok(())
    }

    /// Whether something was written since the last sync.
    pub(super) fn is_written(&self) -> bool {
        self.written
    }

    /// Makes what was written durable.
    pub(super) fn sync(&mut self) -> Result<(), BusError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if !self.written {
            return Ok(());
        }
        let synced = self.file.sync();
        synced.map_err(|error| self.failure("sync", &error))?;
        self.written = false;
        for pair in self.pairs.values_mut().filter(|pair| pair.written) {
            pair.durable_slot = 1 - pair.durable_slot;
            pair.written = false;
        }
        Ok(())
    }

    fn failure(&mut self, operation: &str, error: &std::io::Error) -> BusError {
        let error = failure(operation, &self.path, error);
        if error.kind == ErrorKind::Fatal {
            self.failed = Some(error.clone());
        }
        error
    }
}

struct Content {
    partition: PartitionId,
    sequence: u64,
    committed: Committed,
}

fn encode(partition: &PartitionId, sequence: u64, committed: &Committed) -> Vec<u8> {
    let (topic, metadata) = (partition.topic.as_bytes(), &committed.metadata);
    let mut bytes = Vec::with_capacity(FIXED_BYTES + topic.len() + metadata.len());
    bytes.extend_from_slice(&[0; 4]);
    bytes.push(VERSION);
    bytes.push(topic.len() as u8);
    bytes.extend_from_slice(&(metadata.len() as u16).to_le_bytes());
    bytes.extend_from_slice(&partition.partition.to_le_bytes());
    bytes.extend_from_slice(&sequence.to_le_bytes());
    bytes.extend_from_slice(&committed.offset.to_le_bytes());
    bytes.extend_from_slice(topic);
    bytes.extend_from_slice(metadata);
    let checksum = crc32fast::hash(&bytes[4..]);
    bytes[..4].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn newer(path: &Path, version: u8) -> BusError {
    BusError::new(
        ErrorKind::Fatal,
        format!(
            "{}: a commit has version {version}, which a newer release wrote: run that release",
            path.display()
        ),
    )
}

/// What a slot says; `None` if it is empty or damaged, and the version of a sound one that is not known
/// here as an error.
fn decode(slot: &Bytes) -> Result<Option<Content>, u8> {
    let Some(content) = checked(slot) else { return Ok(None) };
    match slot.get(4) {
        Some(&VERSION) => Ok(Some(content)),
        Some(version) => Err(*version),
        None => Ok(None),
    }
}

/// The content under a right checksum, read as this version writes it.
fn checked(slot: &Bytes) -> Option<Content> {
    let fixed = slot.first_chunk::<FIXED_BYTES>()?;
    let topic_end = FIXED_BYTES + usize::from(fixed[5]);
    let metadata_end = topic_end + usize::from(u16::from_le_bytes([fixed[6], fixed[7]]));
    let content = slot.get(4..metadata_end)?;
    if crc32fast::hash(content).to_le_bytes() != fixed[..4] {
        return None;
    }
    let topic = std::str::from_utf8(&slot[FIXED_BYTES..topic_end]).ok()?;
    let number = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&fixed[at..at + 8]);
        u64::from_le_bytes(number)
    };
    let partition = u32::from_le_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]);
    // Copied: a slice would keep the whole pair in memory.
    let metadata = Bytes::copy_from_slice(&slot[topic_end..metadata_end]);
    Some(Content {
        partition: PartitionId { topic: Arc::from(topic), partition },
        sequence: number(12),
        committed: Committed { offset: number(20), metadata },
    })
}
