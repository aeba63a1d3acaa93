//! What tells one file from another: device and inode, and a fingerprint of the first bytes, since an
//! inode is given to another file when its own is gone. A path says nothing: files are renamed.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes that a fingerprint covers, at most.
const FINGERPRINT_BYTES_MAX: usize = 1_024;

/// Where the file system keeps a file. Sorted, those with the same inode stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FileId {
    pub(crate) inode: u64,
    pub(crate) device: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// A hash of a file's first bytes: of as many as it had when it was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fingerprint {
    bytes: usize,
    sha256: String,
}

impl Fingerprint {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let first = first_bytes(file, FINGERPRINT_BYTES_MAX)?;
        Ok(Self::over(&first[..written_bytes(&first)]))
    }

    /// Whether a file begins with the bytes that this was taken of. An empty file's is that of any.
    pub(crate) fn fits(&self, file: &File) -> io::Result<bool> {
        Ok(self.is_empty() || Self::over(&first_bytes(file, self.bytes)?) == *self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// That of a file which has grown since this was taken; none if it begins with other bytes now.
    pub(crate) fn grown(&self, file: &File) -> io::Result<Option<Self>> {
        let first = first_bytes(file, FINGERPRINT_BYTES_MAX)?;
        let is_same = first.get(..self.bytes).is_some_and(|before| Self::over(before) == *self);
        Ok(is_same.then(|| Self::over(&first[..written_bytes(&first).max(self.bytes)])))
    }

    /// Whether it covers all that a fingerprint may.
    pub(crate) fn is_whole(&self) -> bool {
        self.bytes >= FINGERPRINT_BYTES_MAX
    }

    fn over(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        let digest = Sha256::digest(bytes);
        let sha256 = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { bytes: bytes.len(), sha256 }
    }
}

fn first_bytes(file: &File, bytes: usize) -> io::Result<Vec<u8>> {
    let mut first = vec![0; bytes.min(FINGERPRINT_BYTES_MAX)];
    let read = read_full(file, &mut first, 0)?;
    first.truncate(read);
    Ok(first)
}

/// How many bytes there are before zeros in whose place a writer may put more; all, if there are only zeros.
fn written_bytes(first: &[u8]) -> usize {
    first.iter().rposition(|byte| *byte != 0).map_or(first.len(), |last| last + 1)
}

/// What changes when a file is written: its size and its time of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) bytes: u64,
    modified_ns: i128,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let modified_ns =
            i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
        Self { bytes: metadata.len(), modified_ns }
    }
}

/// Reads until the buffer is full or the file ends; says how much it is.
pub(crate) fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(bytes) => filled += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
