//! A file that a filter reads again from time to time, by the records' time of receipt. All workers share what was
//! read; what stands there stays where the file cannot be read.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::file_state::FileState;

/// By what it is seen that a file is another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    pub(crate) bytes: u64,
    inode: u64,
}

impl Stamp {
    /// # Errors
    /// There is no such file, or it may not be looked at.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let of = |metadata: Metadata| Self {
            modified: metadata.modified().ok(),
            bytes: metadata.len(),
            inode: metadata.ino(),
        };
        path.metadata().map(of)
    }
}

/// Reads a file; it is given what was read before.
pub(crate) type Read<T> = Box<dyn Fn(&Path, Option<&T>) -> Result<T, String> + Send + Sync>;

/// See the module.
pub(crate) struct RefreshedFile<T> {
    path: PathBuf,
    bytes_max: u64,
    /// None: it is read once.
    refresh_ns: Option<i64>,
    read: Read<T>,
    state: Mutex<(Arc<T>, Stamp)>,
    /// For those who tell of it.
    told: Arc<FileState>,
}

impl<T> std::fmt::Debug for RefreshedFile<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshedFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<T> RefreshedFile<T> {
    /// Reads the file, which has at most this many bytes, for the first time.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    pub(crate) fn open(
        path: PathBuf,
        bytes_max: u64,
        refresh_ns: Option<i64>,
        read: Read<T>,
    ) -> Result<Self, String> {
        let stamp = stamp(&path, bytes_max)?;
        let value = read(&path, None)?;
        let state = Mutex::new((Arc::new(value), stamp));
        let told = Arc::new(FileState::new(path.clone()));
        Ok(Self { path, bytes_max, refresh_ns, read, state, told })
    }

    /// A worker's view of it, which begins with what stands in it by now.
    pub(crate) fn view(self: &Arc<Self>) -> View<T> {
        let value = Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner).0);
        View { file: Arc::clone(self), value, refresh_at_ns: None }
    }

    /// How it stands, where it is read again.
    pub(crate) fn told(&self) -> Option<Arc<FileState>> {
        self.refresh_ns.map(|_| Arc::clone(&self.told))
    }

    /// Looks at the file; at `known_ns` it was as it is known.
    fn current(&self, now_ns: i64, known_ns: i64) -> Arc<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let again = stamp(&self.path, self.bytes_max).and_then(|stamp| {
            if stamp == state.1 {
                return Ok(None);
            }
            (self.read)(&self.path, Some(&state.0)).map(|value| Some((Arc::new(value), stamp)))
        });
        match again {
            Ok(read) => {
                if let Some(read) = read {
                    *state = read;
                }
                self.told.set_fresh(now_ns);
            }
            Err(reason) => {
                tracing::warn!(reason, "what was read of a file before stays");
                self.told.set_stale(now_ns, known_ns, reason);
            }
        }
        Arc::clone(&state.0)
    }
}

fn stamp(path: &Path, bytes_max: u64) -> Result<Stamp, String> {
    let stamp =
        Stamp::of(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if stamp.bytes > bytes_max {
        return Err(format!("{} is larger than {bytes_max} bytes", path.display()));
    }
    Ok(stamp)
}

/// One worker's view of a file.
#[derive(Debug)]
pub(crate) struct View<T> {
    file: Arc<RefreshedFile<T>>,
    value: Arc<T>,
    /// When it is looked at again; the first record says.
    refresh_at_ns: Option<i64>,
}

impl<T> View<T> {
    /// What stands in the file for a record of this time.
    pub(crate) fn at(&mut self, now_ns: i64) -> &T {
        if let Some(interval_ns) = self.file.refresh_ns {
            let next_ns = now_ns.saturating_add(interval_ns);
            let at_ns = *self.refresh_at_ns.get_or_insert(next_ns);
            if now_ns >= at_ns {
                self.refresh_at_ns = Some(next_ns);
                self.value = self.file.current(now_ns, at_ns.saturating_sub(interval_ns));
            }
        }
        &self.value
    }
}
