//! A file system in memory that forgets, as a crash makes a disk forget, and that fails on demand.
//!
//! What was written and not synced is lost at a crash, names included. It is for tests only and
//! serves nothing else.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use super::files::{Files, StoredFile};

/// What a crash leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Everything: only the process died.
    OfTheProcess,
    /// What was synced and nothing else.
    OfTheMachine,
    /// What was synced, and a part of the rest that this seed chooses; the last write may be torn.
    Torn(u64),
}

/// An operation that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Writing; half of it is written.
    Write,
    /// Cutting a file.
    Truncate,
    /// Syncing a file.
    Sync,
    /// Making a file.
    Create,
    /// Reading a file.
    Read,
}

/// The file system; clones are the same one.
#[derive(Clone, Default)]
pub struct MemoryFiles {
    disk: Arc<Mutex<Disk>>,
    sync_gate: Arc<SyncGate>,
    locked: Arc<AtomicBool>,
}

impl fmt::Debug for MemoryFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryFiles")
    }
}

#[derive(Debug, Default)]
struct Disk {
    /// By path; folders are entries without content.
    names: BTreeMap<PathBuf, Entry>,
    durable_names: BTreeMap<PathBuf, Entry>,
    operations: u64,
    crash_at: Option<u64>,
    failures: BTreeMap<Operation, i32>,
    free_bytes: Option<u64>,
    read_bytes: u64,
}

#[derive(Clone, Debug)]
enum Entry {
    Folder,
    File(Arc<Mutex<Content>>),
}

#[derive(Debug)]
struct Content {
    current: Vec<u8>,
    durable: Vec<u8>,
    /// What was done to `durable` since the last sync.
    pending: Vec<Change>,
    modified: SystemTime,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(position, bytes) => {
                let end = position + bytes.len();
                content.resize(content.len().max(end), 0);
                content[*position..end].copy_from_slice(bytes);
            }
            Self::Truncate(bytes) => content.resize(*bytes, 0),
        }
    }

    /// As a write that did not get to its end.
    fn torn(&self) -> Self {
        match self {
            Self::Write(position, bytes) => Self::Write(*position, bytes[..bytes.len() / 2].into()),
            Self::Truncate(bytes) => Self::Truncate(*bytes),
        }
    }
}

#[derive(Debug, Default)]
struct SyncGate {
    /// Whether the gate is shut, and how many wait before it.
    state: Mutex<(bool, usize)>,
    changed: Condvar,
}

impl SyncGate {
    fn state(&self) -> MutexGuard<'_, (bool, usize)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self) {
        let mut state = self.state();
        state.1 += 1;
        while state.0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.1 -= 1;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl MemoryFiles {
    /// Lets the machine crash before its operation of this number (of those that change something).
    #[must_use]
    pub fn crashing_at(operation: u64) -> Self {
        let files = Self::default();
        locked(&files.disk).crash_at = Some(operation);
        files
    }

    /// Number of operations so far that changed something.
    #[must_use]
    pub fn operations(&self) -> u64 {
        locked(&self.disk).operations
    }

    /// Bytes that were read so far.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        locked(&self.disk).read_bytes
    }

    /// Lets this operation fail with an error number of the system, or work again.
    pub fn fail(&self, operation: Operation, error: Option<i32>) {
        let failures = &mut locked(&self.disk).failures;
        match error {
            Some(error) => failures.insert(operation, error),
            None => failures.remove(&operation),
        };
    }

    /// Says how much space is free from now on.
    pub fn set_free_bytes(&self, bytes: u64) {
        locked(&self.disk).free_bytes = Some(bytes);
    }

    /// Lets syncs wait, or go on.
    pub fn hold_syncs(&self, hold: bool) {
        self.sync_gate.state().0 = hold;
        self.sync_gate.changed.notify_all();
    }

    /// Number of syncs that wait.
    #[must_use]
    pub fn waiting_syncs(&self) -> usize {
        self.sync_gate.state().1
    }

    /// The names of all files.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        let disk = locked(&self.disk);
        let files = disk.names.iter().filter(|(_, entry)| matches!(entry, Entry::File(_)));
        files.map(|(path, _)| path.clone()).collect()
    }

    /// Changes a file's content behind everybody's back, as a failing disk does.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn damage(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let content = locked(&self.disk).file(path).expect("the file that a test damages is there");
        let mut content = locked(&content);
        change(&mut content.current);
        content.durable = content.current.clone();
        content.pending.clear();
    }

    /// What the next start finds after a crash; this one is of no more use.
    #[must_use]
    pub fn after(&self, crash: Crash) -> Self {
        let mut disk = locked(&self.disk);
        disk.crash_at = Some(0);
        let mut seed = match crash {
            Crash::Torn(seed) => seed,
            Crash::OfTheProcess | Crash::OfTheMachine => 0,
        };
        let mut names = match crash {
            Crash::OfTheProcess => disk.names.clone(),
            Crash::OfTheMachine | Crash::Torn(_) => disk.durable_names.clone(),
        };
        if let Crash::Torn(_) = crash {
            // A name that was not synced may have reached the disk all the same.
            for (path, entry) in &disk.names {
                if chance(&mut seed, 2) == 0 {
                    names.insert(path.clone(), entry.clone());
                }
            }
        }
        let with_parent: Vec<_> = names.keys().filter(|path| has_folders(&names, path)).collect();
        let left: BTreeMap<_, _> = with_parent
            .into_iter()
            .map(|path| (path.clone(), names[path].left(crash, &mut seed)))
            .collect();
        let disk = Disk { durable_names: left.clone(), names: left, ..Disk::default() };
        Self { disk: Arc::new(Mutex::new(disk)), ..Self::default() }
    }
}

fn has_folders(names: &BTreeMap<PathBuf, Entry>, path: &Path) -> bool {
    path.ancestors().skip(1).all(|folder| is_root(folder) || names.contains_key(folder))
}

fn is_root(folder: &Path) -> bool {
    folder.parent().is_none()
}

/// A number below `below`, by the generator SplitMix64.
fn chance(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % below as u64) as usize
}

impl Entry {
    fn left(&self, crash: Crash, seed: &mut u64) -> Self {
        let Self::File(content) = self else { return Self::Folder };
        let content = locked(content);
        let mut left = content.durable.clone();
        match crash {
            Crash::OfTheMachine => {}
            Crash::OfTheProcess => left.clone_from(&content.current),
            Crash::Torn(_) => {
                let kept = chance(seed, content.pending.len() + 1);
                for change in &content.pending[..kept] {
                    change.apply(&mut left);
                }
                if let Some(change) = content.pending.get(kept)
                    && chance(seed, 2) == 0
                {
                    change.torn().apply(&mut left);
                }
            }
        }
        let modified = content.modified;
        let content =
            Content { current: left.clone(), durable: left, pending: Vec::new(), modified };
        Self::File(Arc::new(Mutex::new(content)))
    }
}

impl Disk {
    fn file(&self, path: &Path) -> io::Result<Arc<Mutex<Content>>> {
        self.alive()?;
        match self.names.get(path) {
            Some(Entry::File(content)) => Ok(Arc::clone(content)),
            _ => Err(not_found()),
        }
    }

    fn alive(&self) -> io::Result<()> {
        if self.crash_at.is_some_and(|operation| self.operations >= operation) {
            return Err(io::Error::other("the machine has crashed"));
        }
        Ok(())
    }

    /// Counts an operation that changes something, unless the machine crashes before it.
    fn change(&mut self) -> io::Result<()> {
        self.alive()?;
        self.operations += 1;
        Ok(())
    }

    fn failure(&self, operation: Operation) -> io::Result<()> {
        match self.failures.get(&operation) {
            Some(error) => Err(io::Error::from_raw_os_error(*error)),
            None => Ok(()),
        }
    }
}

impl Files for MemoryFiles {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        if disk.names.contains_key(folder) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !has_folders(&disk.names, folder) {
            return Err(not_found());
        }
        disk.change()?;
        disk.names.insert(folder.to_owned(), Entry::Folder);
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let disk = locked(&self.disk);
        disk.alive()?;
        let inside = disk.names.keys().filter(|path| path.parent() == Some(folder));
        let names = inside.filter_map(|path| path.file_name()?.to_str().map(str::to_owned));
        Ok(names.collect())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        let content = locked(&self.disk).file(path)?;
        Ok(Arc::new(MemoryFile { files: self.clone(), content }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        {
            let mut disk = locked(&self.disk);
            disk.failure(Operation::Create)?;
            if !disk.names.contains_key(path) {
                disk.change()?;
                let content = Content {
                    current: Vec::new(),
                    durable: Vec::new(),
                    pending: Vec::new(),
                    modified: SystemTime::now(),
                };
                disk.names.insert(path.to_owned(), Entry::File(Arc::new(Mutex::new(content))));
            }
        }
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        disk.change()?;
        let entry = disk.names.remove(from).ok_or_else(not_found)?;
        disk.names.insert(to.to_owned(), entry);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        disk.change()?;
        disk.names.remove(path).map(drop).ok_or_else(not_found)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut disk = locked(&self.disk);
        disk.change()?;
        let inside = |path: &PathBuf| path.parent() == Some(folder);
        disk.durable_names.retain(|path, _| !inside(path));
        let names: Vec<_> = disk
            .names
            .iter()
            .filter(|(path, _)| inside(path))
            .map(|(path, entry)| (path.clone(), entry.clone()))
            .collect();
        disk.durable_names.extend(names);
        Ok(())
    }

    fn free_bytes(&self, _folder: &Path) -> io::Result<u64> {
        Ok(locked(&self.disk).free_bytes.unwrap_or(u64::MAX))
    }

    fn lock(&self, _path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        if self.locked.swap(true, Ordering::AcqRel) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock(Arc::clone(&self.locked))))
    }
}

struct Lock(Arc<AtomicBool>);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[derive(Debug)]
struct MemoryFile {
    files: MemoryFiles,
    content: Arc<Mutex<Content>>,
}

impl MemoryFile {
    /// Does a change that may fail half-way.
    fn change(&self, operation: Operation, change: Change) -> io::Result<()> {
        let mut disk = locked(&self.files.disk);
        disk.change()?;
        let failed = disk.failure(operation);
        let change = if failed.is_err() { change.torn() } else { change };
        if failed.is_ok() || operation == Operation::Write {
            let mut content = locked(&self.content);
            change.apply(&mut content.current);
            content.pending.push(change);
            content.modified = SystemTime::now();
        }
        failed
    }
}

impl StoredFile for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        locked(&self.files.disk).alive()?;
        Ok(locked(&self.content).current.len() as u64)
    }

    fn modified(&self) -> io::Result<SystemTime> {
        Ok(locked(&self.content).modified)
    }

    fn read_at(&self, position: u64, bytes: usize) -> io::Result<Bytes> {
        let mut disk = locked(&self.files.disk);
        disk.alive()?;
        disk.failure(Operation::Read)?;
        let content = locked(&self.content);
        let start = (position as usize).min(content.current.len());
        let end = start.saturating_add(bytes).min(content.current.len());
        disk.read_bytes += (end - start) as u64;
        Ok(Bytes::copy_from_slice(&content.current[start..end]))
    }

    fn write_at(&self, position: u64, parts: &[&[u8]]) -> io::Result<()> {
        self.change(Operation::Write, Change::Write(position as usize, parts.concat()))
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.change(Operation::Truncate, Change::Truncate(bytes as usize))
    }

    fn sync(&self) -> io::Result<()> {
        self.files.sync_gate.pass();
        let mut disk = locked(&self.files.disk);
        disk.change()?;
        disk.failure(Operation::Sync)?;
        let mut content = locked(&self.content);
        content.durable = content.current.clone();
        content.pending.clear();
        Ok(())
    }
}
