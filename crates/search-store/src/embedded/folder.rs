//! The folder of the index: one process holds it, each part is opened or, where it is damaged, set aside with
//! its files kept. It never deletes a damaged file.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use super::catalog::Catalog;
use super::part::{self, Part, PartError, PartName};
use crate::StoreError;

const LOCK_FILE: &str = "lock";
/// What the names of parts begin with that retention took away.
const DROPPED: &str = "dropped-";

/// Keeps other processes out for as long as it lives.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

/// Makes the folder if need be and locks it.
pub(crate) fn lock(folder: &Path) -> Result<FolderLock, StoreError> {
    let failed = |error: io::Error| {
        StoreError::Fatal(format!(
            "the search index {} cannot be opened: {error}; give a folder that can be written",
            folder.display()
        ))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        part::sync_folder(parent).map_err(failed)?;
    }
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK_FILE))
        .map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(FolderLock { _file: file }),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            Err(StoreError::InUse { path: folder.display().to_string() })
        }
        Err(error) => Err(failed(error.into())),
    }
}

/// Opens all parts, oldest first.
pub(crate) fn open_parts(
    folder: &Path,
    catalog: &Arc<Catalog>,
) -> Result<Vec<Arc<Part>>, StoreError> {
    let unreadable = |error: io::Error| {
        let folder = folder.display();
        StoreError::Fatal(format!("the search index {folder} cannot be read: {error}"))
    };
    remove_dropped(folder).map_err(unreadable)?;
    let mut parts = Vec::new();
    for (name, path) in part::list(folder).map_err(unreadable)? {
        // The engine may panic on files that were cut or overwritten.
        let opened = catch_unwind(AssertUnwindSafe(|| Part::open(folder, name, catalog)));
        let opened = opened.unwrap_or_else(|_| {
            Err(PartError::Damaged("the engine gave up on its files".to_owned()))
        });
        match opened {
            Ok(Some(part)) => parts.push(Arc::new(part)),
            // It was being made when the process stopped, and nothing was acknowledged from it.
            Ok(None) => fs::remove_dir_all(&path).map_err(unreadable)?,
            Err(PartError::Damaged(reason)) => {
                set_aside(folder, name, &reason).map_err(unreadable)?;
            }
            Err(PartError::Io(reason)) => {
                let path = path.display();
                return Err(StoreError::Fatal(format!(
                    "the search index {path} cannot be read: {reason}"
                )));
            }
        }
    }
    Ok(parts)
}

fn set_aside(folder: &Path, name: PartName, reason: &str) -> io::Result<()> {
    let target = (1..)
        .map(|number: u32| folder.join(format!("damaged-{name}-{number}")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| PathBuf::from("damaged"));
    fs::rename(folder.join(name.to_string()), &target)?;
    part::sync_folder(folder)?;
    tracing::error!(
        part = %name,
        kept_as = %target.display(),
        reason,
        "a part of the search index is damaged and was set aside: its documents are not found until \
         the events received in that week are replayed from the log"
    );
    Ok(())
}

/// Takes old parts away, and what is left of earlier ones. Each is renamed first, so that a part that is
/// half gone is never opened.
pub(crate) fn drop_parts(folder: &Path, is_old: impl Fn(PartName) -> bool) -> io::Result<()> {
    remove_dropped(folder)?;
    for (name, path) in part::list(folder)?.into_iter().filter(|(name, _)| is_old(*name)) {
        let target = folder.join(format!("{DROPPED}{name}"));
        fs::rename(path, &target)?;
        part::sync_folder(folder)?;
        fs::remove_dir_all(&target)?;
        tracing::info!(part = %name, "dropped by retention");
    }
    Ok(())
}

fn remove_dropped(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(DROPPED)) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
