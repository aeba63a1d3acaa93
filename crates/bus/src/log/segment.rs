//! One segment file: frames one after the other, named by the offset of the first.
//!
//! Its writer appends through its own handle; readers see only what was announced as readable.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use super::files::{Files, StoredFile};
use super::index::{self, Entry};
use super::locked;

/// A segment and what may be read of it.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) base_offset: u64,
    log_path: PathBuf,
    index_path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    readable: Entry,
    written_at: SystemTime,
    /// `None` until somebody needs it.
    index: Option<Arc<Vec<Entry>>>,
    /// The writer's handle, while there is one.
    file: Option<Arc<dyn StoredFile>>,
}

/// What retention must know of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct SegmentFacts {
    pub(super) end_offset: u64,
    pub(super) bytes: u64,
    pub(super) written_at: SystemTime,
}

impl Segment {
    /// A segment whose frames end at `readable`.
    pub(super) fn new(
        folder: &Path,
        base_offset: u64,
        readable: Entry,
        written_at: SystemTime,
    ) -> Self {
        let state = State { readable, written_at, index: None, file: None };
        Self {
            base_offset,
            log_path: log_path(folder, base_offset),
            index_path: index_path(folder, base_offset),
            state: Mutex::new(state),
        }
    }

    pub(super) fn log_path(&self) -> &Path {
        &self.log_path
    }

    pub(super) fn index_path(&self) -> &Path {
        &self.index_path
    }

    /// Offset and position after the last readable frame.
    pub(super) fn readable(&self) -> Entry {
        locked(&self.state).readable
    }

    pub(super) fn facts(&self) -> SegmentFacts {
        let state = locked(&self.state);
        SegmentFacts {
            end_offset: state.readable.offset,
            bytes: state.readable.position,
            written_at: state.written_at,
        }
    }

    /// Gives the segment its writer's handle and index.
    pub(super) fn activate(&self, file: Arc<dyn StoredFile>, entries: Vec<Entry>) {
        let mut state = locked(&self.state);
        state.file = Some(file);
        state.index = Some(Arc::new(entries));
    }

    /// Announces frames up to here, with an index entry if one is due.
    pub(super) fn advance(&self, readable: Entry, entry: Option<Entry>) {
        let mut state = locked(&self.state);
        state.readable = readable;
        state.written_at = SystemTime::now();
        if let (Some(entry), Some(entries)) = (entry, &mut state.index) {
            Arc::make_mut(entries).push(entry);
        }
    }

    /// Lets go of the writer's handle: nothing more will be appended.
    pub(super) fn seal(&self) {
        locked(&self.state).file = None;
    }

    pub(super) fn open(&self, files: &dyn Files) -> io::Result<Arc<dyn StoredFile>> {
        if let Some(file) = &locked(&self.state).file {
            return Ok(Arc::clone(file));
        }
        files.open(&self.log_path)
    }

    pub(super) fn index(&self, files: &dyn Files) -> io::Result<Arc<Vec<Entry>>> {
        let bytes = {
            let state = locked(&self.state);
            if let Some(entries) = &state.index {
                return Ok(Arc::clone(entries));
            }
            state.readable.position
        };
        let loaded = Arc::new(index::load(files, &self.index_path, bytes)?);
        Ok(Arc::clone(locked(&self.state).index.get_or_insert(loaded)))
    }

    pub(super) fn remove(&self, files: &dyn Files) -> io::Result<()> {
        files.remove(&self.log_path)?;
        match files.remove(&self.index_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

pub(super) fn log_path(folder: &Path, base_offset: u64) -> PathBuf {
    folder.join(format!("{base_offset:020}.log"))
}

fn index_path(folder: &Path, base_offset: u64) -> PathBuf {
    folder.join(format!("{base_offset:020}.index"))
}

/// The base offset that a segment file's name says; `None` for any other file.
pub(super) fn base_offset(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}
