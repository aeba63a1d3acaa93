//! The data folder: made at the first start, held by one process, private to its user.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::command::Failure;

/// Where the secret of the installation stands.
const SECRET: &str = "secret";

/// A folder that this process holds until it is dropped.
#[derive(Debug)]
pub(super) struct DataFolder {
    path: PathBuf,
    /// Whether it was made just now.
    pub(super) is_new: bool,
    _lock: File,
}

impl DataFolder {
    /// Makes or opens the folder and takes it for this process.
    ///
    /// # Errors
    /// It cannot be made or written, the disk is full, or another process holds it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let cannot = |what: &str, error: &io::Error| {
            let way_out = match error.kind() {
                io::ErrorKind::StorageFull => "make room on the disk",
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    "give this user the right to write there"
                }
                _ => "name another folder with --data",
            };
            Failure::new(format!(
                "cannot {what} the data folder {}: {error}; {way_out}",
                path.display()
            ))
        };
        let is_new = !path.join("lock").try_exists().map_err(|error| cannot("read", &error))?;
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).map_err(|error| cannot("make", &error))?;
        let path = path.canonicalize().map_err(|error| cannot("read", &error))?;
        builder.create(path.join("run")).map_err(|error| cannot("write", &error))?;
        let lock = take(&path, &cannot)?;
        Ok(Self { path, is_new, _lock: lock })
    }

    /// Its absolute path.
    #[must_use]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes a folder away again that was made for a start which came to nothing.
    pub(super) fn give_up(self) {
        if self.is_new {
            // What is left over holds nothing: the next start makes it again.
            drop(fs::remove_file(self.path.join("lock")));
            drop(fs::remove_dir(self.path.join("run")));
            drop(fs::remove_dir(&self.path));
        }
    }

    /// Keeps the secret of this installation where it is the first.
    ///
    /// # Errors
    /// It cannot be read or written, or another one is kept already.
    pub(super) fn keep_secret(&self, secret: &str) -> Result<(), Failure> {
        let path = self.path.join(SECRET);
        let cannot = |error: io::Error| {
            Failure::new(format!("cannot keep the secret {}: {error}", path.display()))
        };
        match fs::read_to_string(&path) {
            Ok(text) if text.trim() == secret => return Ok(()),
            Ok(text) if text.trim().is_empty() => {}
            Ok(_) => {
                return Err(Failure::new(format!(
                    "the secret {} was written by another start at the same time: start again",
                    path.display()
                )));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(error)),
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(cannot)?;
        file.write_all(secret.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)
    }
}

/// The secret that a data folder keeps, the same text at each start; `None` where there is none yet.
/// What cannot be read is said when the folder is opened.
pub(super) fn kept_secret(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join(SECRET)).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A secret for a new installation.
pub(super) fn new_secret() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

/// Takes the lock file and writes this process's number into it, for the one that comes second.
fn take(path: &Path, cannot: &dyn Fn(&str, &io::Error) -> Failure) -> Result<File, Failure> {
    let lock = path.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock)
        .map_err(|error| cannot("write", &error))?;
    if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        let holder = fs::read_to_string(&lock).unwrap_or_default();
        return Err(Failure::new(format!(
            "the data folder {} is in use by process {}: stop it, or name another folder with --data",
            path.display(),
            holder.trim()
        )));
    }
    let number = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.write_all(number.as_bytes()))
        .and_then(|()| file.sync_all())
        .map_err(|error| cannot("write", &error))?;
    Ok(file)
}
