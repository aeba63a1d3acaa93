//! How far each file has been read, kept on disk: what the log has acknowledged, never more.
//!
//! The file is written anew as a whole and put in place of the old one, so that a crash leaves the old
//! or the new one. It also keeps the name of each file's content, of which ids are made: that is on
//! disk before the first line is sent, so that a line sent twice has one id.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bus::RecordId;
use serde::{Deserialize, Serialize};

use super::identity::{FileId, Fingerprint};

/// The form of the file.
const VERSION: u32 = 1;

/// By how much the time that a file system gives may be behind the clock.
const FILE_TIME_BEHIND: Duration = Duration::from_millis(10);

/// Why the gateway does not start with a file of positions.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot use {path} (ingest_gateway.file.position_file), which says how far files have been read: \
     {problem}; give this user the right to read it, bring back a copy, or move it away: then all \
     files begin anew"
)]
pub struct PositionsError {
    path: String,
    problem: String,
}

/// How far a file has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// Where it was seen last, for people and to find it again after a rename.
    pub(crate) path: String,
    device: u64,
    inode: u64,
    fingerprint: Fingerprint,
    /// Name of its content: another one after each truncation.
    pub(crate) name: String,
    /// All before this byte is durable.
    pub(crate) offset: u64,
    /// Whether it was to be read once, and has been.
    pub(crate) finished: bool,
    /// When it was seen last, in seconds since 1970.
    seen_at: i64,
}

impl Position {
    pub(crate) fn id(&self) -> FileId {
        FileId { device: self.device, inode: self.inode }
    }

    pub(crate) fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Whether a file still is the one that this was kept of. One that was empty when it had been read
    /// is it while it is empty: what it has later was never read.
    pub(crate) fn fits(&self, file: &File) -> io::Result<bool> {
        if self.finished && self.fingerprint.is_empty() {
            return Ok(file.metadata()?.len() == 0);
        }
        self.fingerprint.fits(file)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    /// When it was looked for files last, in nanoseconds since 1970. Older processes did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked_at_ns: Option<i64>,
    files: Vec<Position>,
}

/// The positions of all files.
#[derive(Debug)]
pub(crate) struct Positions {
    file: PathBuf,
    known: BTreeMap<FileId, Position>,
    /// Those whose name is not on disk yet.
    unwritten: BTreeSet<FileId>,
    is_changed: bool,
    looked_at_ns: Option<i64>,
    /// When the process before this one looked for files last.
    looked_before_at: Option<SystemTime>,
    /// Paths that the process before this one knew.
    known_before: HashSet<String>,
}

impl Positions {
    /// Reads what is kept; nothing if there is no such file.
    pub(crate) fn load(file: &Path) -> Result<Self, PositionsError> {
        let failed = |problem: String| PositionsError { path: file.display().to_string(), problem };
        let document = match fs::read(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Document { version: VERSION, looked_at_ns: None, files: Vec::new() }
            }
            Err(error) => return Err(failed(error.to_string())),
            Ok(bytes) => {
                let document: Document = serde_json::from_slice(&bytes)
                    .map_err(|error| failed(format!("it is damaged ({error})")))?;
                if document.version != VERSION {
                    let version = document.version;
                    return Err(failed(format!("it has the form {version}, this is {VERSION}")));
                }
                document
            }
        };
        let looked_at_ns = document.looked_at_ns;
        let looked_before_at = match looked_at_ns.and_then(|ns| u64::try_from(ns).ok()) {
            Some(ns) => SystemTime::UNIX_EPOCH
                .checked_add(Duration::from_nanos(ns).saturating_sub(FILE_TIME_BEHIND)),
            None => fs::metadata(file).and_then(|metadata| metadata.modified()).ok(),
        };
        let files = document.files;
        Ok(Self {
            file: file.to_owned(),
            known_before: files.iter().map(|position| position.path.clone()).collect(),
            known: files.into_iter().map(|position| (position.id(), position)).collect(),
            unwritten: BTreeSet::new(),
            is_changed: false,
            looked_at_ns,
            looked_before_at,
        })
    }

    /// Notes that it is looked for files now: those that are made later may not be found.
    pub(crate) fn set_looked_at(&mut self, now_ns: i64) {
        self.looked_at_ns = Some(now_ns);
    }

    pub(crate) fn get(&self, id: FileId) -> Option<&Position> {
        self.known.get(&id)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Position> {
        self.known.values()
    }

    /// Whether a file was made while nothing ran: after the last process had looked for files, or it
    /// would have seen this one. Not known on file systems that do not say when it was `made_at`.
    pub(crate) fn are_older_than(&self, made_at: Option<SystemTime>) -> bool {
        self.looked_before_at.zip(made_at).is_some_and(|(looked_at, made_at)| made_at >= looked_at)
    }

    /// Whether the process before this one saw a file under this path.
    pub(crate) fn knew_path(&self, path: &Path) -> bool {
        self.known_before.contains(&*path.to_string_lossy())
    }

    /// What is kept of an open file. The number of a device may change with a start of the machine or
    /// of a container: then path, inode and first bytes must be the same.
    pub(crate) fn adopt(
        &mut self,
        id: FileId,
        path: &Path,
        file: &File,
    ) -> io::Result<Option<&Position>> {
        if let Some(position) = self.known.get(&id)
            && position.fits(file)?
        {
            return Ok(self.known.get(&id));
        }
        let path = path.to_string_lossy();
        let is_same =
            |position: &&Position| position.path == path && !position.fingerprint.is_empty();
        let of_device = |device| FileId { device, ..id };
        let same_inode = self.known.range(of_device(u64::MIN)..=of_device(u64::MAX));
        let mut others = same_inode.map(|(_, position)| position);
        let Some(other) = others.find(is_same).map(Position::id) else {
            return Ok(None);
        };
        if !self.known[&other].fingerprint.fits(file)? {
            return Ok(None);
        }
        let mut position = self.known.remove(&other).expect("it was found just now");
        position.device = id.device;
        self.known.insert(id, position);
        self.is_changed = true;
        Ok(self.known.get(&id))
    }

    /// Keeps a new content: of a new file, or of one that begins anew.
    pub(crate) fn begin(
        &mut self,
        id: FileId,
        path: &Path,
        fingerprint: Fingerprint,
        offset: u64,
        now_s: i64,
    ) -> &Position {
        let position = Position {
            path: path.to_string_lossy().into_owned(),
            device: id.device,
            inode: id.inode,
            fingerprint,
            name: RecordId::generate().to_string(),
            offset,
            finished: false,
            seen_at: now_s,
        };
        self.unwritten.insert(id);
        self.is_changed = true;
        self.known.insert(id, position);
        &self.known[&id]
    }

    /// The fingerprint of a file that has grown.
    pub(crate) fn set_fingerprint(&mut self, id: FileId, fingerprint: Fingerprint) {
        let Some(position) = self.known.get_mut(&id) else { return };
        if position.fingerprint.is_empty() {
            self.unwritten.insert(id);
        }
        position.fingerprint = fingerprint;
        self.is_changed = true;
    }

    /// Moves on to what the log has acknowledged of the content with this name, or had no need to.
    pub(crate) fn advance(&mut self, id: FileId, name: &str, offset: u64, finished: bool) {
        let known = self.known.get_mut(&id).filter(|position| position.name == name);
        if let Some(position) = known
            && (position.offset, position.finished) != (offset, finished)
        {
            (position.offset, position.finished) = (offset, finished);
            self.is_changed = true;
        }
    }

    /// Notes where a file is seen now. The time is only kept by the hour: it is not worth a write.
    pub(crate) fn see(&mut self, id: FileId, path: &Path, now_s: i64) {
        let Some(position) = self.known.get_mut(&id) else { return };
        let path = path.to_string_lossy();
        if position.path != path {
            position.path = path.into_owned();
            self.is_changed = true;
        }
        if now_s >= position.seen_at + 3_600 {
            position.seen_at = now_s;
            self.is_changed = true;
        }
    }

    /// Forgets a file that is gone for good.
    pub(crate) fn forget(&mut self, id: FileId) {
        self.is_changed |= self.known.remove(&id).is_some();
        self.unwritten.remove(&id);
    }

    /// Forgets files that are not in use and that nobody has seen for longer than is said for their paths; `least` is
    /// the shortest of these times.
    pub(crate) fn forget_unseen(
        &mut self,
        now_s: i64,
        least: Duration,
        kept_for: impl Fn(&Path) -> Duration,
        is_used: impl Fn(FileId) -> bool,
    ) {
        let before = self.known.len();
        self.known.retain(|id, position| {
            let unseen_s = now_s.saturating_sub(position.seen_at);
            let unseen = Duration::from_secs(u64::try_from(unseen_s).unwrap_or_default());
            unseen <= least || is_used(*id) || unseen <= kept_for(Path::new(&position.path))
        });
        self.is_changed |= self.known.len() != before;
    }

    /// Whether the name of a file's content is on disk, so that its lines may be sent.
    pub(crate) fn is_written(&self, id: FileId) -> bool {
        !self.unwritten.contains(&id)
    }

    /// Puts what has changed on disk.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        if !self.is_changed {
            return Ok(());
        }
        let files = self.all().cloned().collect();
        let document = Document { version: VERSION, looked_at_ns: self.looked_at_ns, files };
        let bytes = serde_json::to_vec(&document).map_err(io::Error::other)?;
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut part = self.file.clone().into_os_string();
        part.push(".part");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&part)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&part, &self.file)?;
        File::open(folder)?.sync_all()?;
        self.unwritten.clear();
        self.is_changed = false;
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.file
    }
}
