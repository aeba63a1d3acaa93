//! All file operations of the log, so that a test can take the disk's place.
//!
//! It never decides anything: it does one operation and says how it went.

use std::any::Any;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use rustix::fs::FlockOperation;

/// Parts of one vectored write; Linux takes no more (`IOV_MAX`).
const WRITE_PARTS_MAX: usize = 1_024;

/// A file system.
pub trait Files: Send + Sync + fmt::Debug {
    /// Makes a folder in one that exists.
    ///
    /// # Errors
    /// Of the file system; [`io::ErrorKind::AlreadyExists`] if it is there.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// The names in a folder, in no order.
    ///
    /// # Errors
    /// Of the file system.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Opens a file to read and write.
    ///
    /// # Errors
    /// Of the file system; [`io::ErrorKind::NotFound`] if it is not there.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>>;

    /// Opens a file to read and write, and makes it if it is not there.
    ///
    /// # Errors
    /// Of the file system.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>>;

    /// Gives a file another name and replaces what has it.
    ///
    /// # Errors
    /// Of the file system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Of the file system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// Of the file system.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Bytes that may still be written below this folder.
    ///
    /// # Errors
    /// Of the file system.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;

    /// Takes the exclusive lock of this file; it ends when the answer is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if somebody else has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>>;
}

/// An open file.
pub trait StoredFile: Send + Sync + fmt::Debug {
    /// Its size in bytes.
    ///
    /// # Errors
    /// Of the file system.
    fn size(&self) -> io::Result<u64>;

    /// When it was written last.
    ///
    /// # Errors
    /// Of the file system.
    fn modified(&self) -> io::Result<SystemTime>;

    /// Reads `bytes` bytes at `position`, fewer only where the file ends.
    ///
    /// # Errors
    /// Of the file system.
    fn read_at(&self, position: u64, bytes: usize) -> io::Result<Bytes>;

    /// Writes these parts one after the other at `position`, all of them or fails.
    ///
    /// # Errors
    /// Of the file system; some of it may have been written then.
    fn write_at(&self, position: u64, parts: &[&[u8]]) -> io::Result<()>;

    /// Cuts the file.
    ///
    /// # Errors
    /// Of the file system.
    fn truncate(&self, bytes: u64) -> io::Result<()>;

    /// Makes its content and size durable.
    ///
    /// # Errors
    /// Of the file system.
    fn sync(&self) -> io::Result<()>;
}

/// Makes a folder and those above it, where they are missing, and its name durable.
///
/// # Errors
/// Of the file system.
pub(super) fn create_folders(files: &dyn Files, folder: &Path) -> io::Result<()> {
    let parent = match folder.parent() {
        None => return Ok(()),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    let mut created = files.create_folder(folder);
    if created.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        create_folders(files, parent)?;
        created = files.create_folder(folder);
    }
    match created {
        Ok(()) => files.sync_folder(parent),
        // Synced though it is old: who made it may have been killed before. A parent that cannot be
        // opened is none of ours.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match files.sync_folder(parent) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
                synced => synced,
            }
        }
        Err(error) => Err(error),
    }
}

/// The machine's own file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFiles;

impl Files for DiskFiles {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(DiskFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn StoredFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Arc::new(DiskFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        let state = rustix::fs::statvfs(folder)?;
        Ok(state.f_bavail.saturating_mul(state.f_frsize))
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(file))
    }
}

#[derive(Debug)]
struct DiskFile(File);

impl StoredFile for DiskFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn modified(&self) -> io::Result<SystemTime> {
        self.0.metadata()?.modified()
    }

    fn read_at(&self, position: u64, bytes: usize) -> io::Result<Bytes> {
        let mut buffer = Vec::with_capacity(bytes);
        while buffer.len() < bytes {
            let at = position + buffer.len() as u64;
            let read = rustix::io::retry_on_intr(|| {
                rustix::io::pread(&self.0, rustix::buffer::spare_capacity(&mut buffer), at)
            })?;
            if read == 0 {
                break;
            }
        }
        buffer.truncate(bytes);
        Ok(buffer.into())
    }

    fn write_at(&self, mut position: u64, parts: &[&[u8]]) -> io::Result<()> {
        let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let some = &rest[..rest.len().min(WRITE_PARTS_MAX)];
            let written =
                rustix::io::retry_on_intr(|| rustix::io::pwritev(&self.0, some, position))?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            position += written as u64;
            IoSlice::advance_slices(&mut rest, written);
        }
        Ok(())
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
