//! The data folder: made at the first start, held by one process, private to its user.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::command::Failure;

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

    /// A secret of this installation, made at the first start and kept: the same text each time.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub(super) fn secret(&self, name: &str) -> Result<String, Failure> {
        let path = self.path.join(name);
        let cannot = |error: io::Error| {
            Failure::new(format!("cannot keep the secret {}: {error}", path.display()))
        };
        match fs::read_to_string(&path) {
            Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot(error)),
        }
        let text = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(cannot)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(cannot)?;
        Ok(text)
    }
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
