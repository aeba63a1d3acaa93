//! What a caller can do about an error of the file system.
//!
//! It never hides one: the text has the operation, the path and the system's own words.

use std::io;
use std::path::Path;

use rustix::io::Errno;

use crate::port::{BusError, ErrorKind};

/// The bus's error for a failed operation. A lack of space, descriptors or memory passes; anything
/// else (a broken or read-only disk, wrong permissions) does not.
pub(super) fn failure(operation: &str, path: &Path, error: &io::Error) -> BusError {
    let (kind, advice) = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOSPC | Errno::DQUOT) => {
            (ErrorKind::Transient, "the disk is full: free space or lower the bus's retention")
        }
        Some(Errno::MFILE | Errno::NFILE) => {
            (ErrorKind::Transient, "too many open files: raise the limit (ulimit -n)")
        }
        Some(Errno::NOMEM | Errno::INTR | Errno::AGAIN) => {
            (ErrorKind::Transient, "the system lacks memory for a moment")
        }
        Some(Errno::ROFS) => (ErrorKind::Fatal, "the file system is read-only: mount it writable"),
        Some(Errno::ACCESS | Errno::PERM) => {
            (ErrorKind::Fatal, "give this user the right to read and write there")
        }
        Some(Errno::IO) => (ErrorKind::Fatal, "the disk fails: look at the system's log"),
        _ if error.kind() == io::ErrorKind::StorageFull => {
            (ErrorKind::Transient, "the disk is full: free space or lower the bus's retention")
        }
        _ => (ErrorKind::Fatal, "look at the folder and the disk"),
    };
    BusError::new(kind, format!("cannot {operation} {}: {error}; {advice}", path.display()))
}

pub(super) fn fatal(message: impl Into<String>) -> BusError {
    BusError::new(ErrorKind::Fatal, message)
}

pub(super) fn transient(message: impl Into<String>) -> BusError {
    BusError::new(ErrorKind::Transient, message)
}

/// Too little free space: `kept_free` bytes for this topic, of the reserve that the setting names.
pub(super) fn reserve_reached(free: u64, folder: &Path, kept_free: u64, reserve: u64) -> String {
    let rule = match kept_free == reserve {
        true => format!("bus.log.disk_reserve_bytes keeps {reserve} free"),
        false => format!(
            "bus.log.disk_reserve_bytes is {reserve}, of which topics behind the doors may use half, \
             so that {kept_free} are kept free"
        ),
    };
    format!(
        "disk reserve reached: {free} bytes are free at {}, and {rule}; free space, or lower the \
         reserve or the bus's retention",
        folder.display()
    )
}
