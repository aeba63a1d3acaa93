//! The open database file. After an error of the disk redb refuses everything until the file is opened
//! again; that is done here, so that a disk with room again is enough to go on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use redb::{Database, DatabaseError};

use crate::{DocumentError, ErrorKind};

/// Opens the file.
pub(super) type Open = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The caller is told.
    Refused(DocumentError),
    /// The disk or the file.
    Storage(redb::Error),
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        Self::Refused(error)
    }
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Storage(error.into())
    }
}

#[derive(Default)]
struct Opened {
    /// Grows with each opening, so that one failure opens the file again only once.
    generation: u64,
    database: Option<Database>,
}

/// The file, opened again when that is what it takes.
pub(super) struct Handle {
    folder: PathBuf,
    open: Open,
    opened: RwLock<Opened>,
}

impl Handle {
    /// Opens the file the first time.
    pub(super) fn open(folder: &Path, open: Open) -> Result<Self, DocumentError> {
        let handle = Self { folder: folder.to_owned(), open, opened: RwLock::default() };
        handle.open_again(0)?;
        Ok(handle)
    }

    /// Works with the database. Not tried again here: the caller knows whether it wants to.
    pub(super) fn with<T>(
        &self,
        work: impl Fn(&Database) -> Result<T, Failure>,
    ) -> Result<T, DocumentError> {
        let (generation, done) = self.attempt(&work);
        let done = match done {
            None => {
                let generation = self.open_again(generation)?;
                (generation, self.attempt(&work).1)
            }
            done => (generation, done),
        };
        match done {
            (_, Some(Ok(value))) => Ok(value),
            (_, Some(Err(Failure::Refused(error)))) => Err(error),
            (generation, Some(Err(Failure::Storage(error)))) => {
                if let Err(error) = self.open_again(generation) {
                    tracing::warn!(%error, "the document store stays closed for now");
                }
                Err(self.explain(error))
            }
            (_, None) => Err(self.explain(redb::Error::DatabaseClosed)),
        }
    }

    fn attempt<T>(
        &self,
        work: &impl Fn(&Database) -> Result<T, Failure>,
    ) -> (u64, Option<Result<T, Failure>>) {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        (opened.generation, opened.database.as_ref().map(work))
    }

    fn open_again(&self, failed_generation: u64) -> Result<u64, DocumentError> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.generation == failed_generation || opened.database.is_none() {
            opened.database = None;
            opened.database = Some((self.open)().map_err(|error| self.explain(error.into()))?);
            opened.generation += 1;
        }
        Ok(opened.generation)
    }

    fn explain(&self, error: redb::Error) -> DocumentError {
        let folder = self.folder.display();
        match error {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                let text = format!(
                    "the document store {folder} is in use by another process: stop that one, or let \
                     both use MongoDB (documents = \"mongodb://host:27017\")"
                );
                DocumentError::new(ErrorKind::Fatal, text)
            }
            redb::Error::Io(error) if error.kind() == io::ErrorKind::StorageFull => {
                let text = format!("the disk of the document store {folder} is full: make room");
                DocumentError::new(ErrorKind::Transient, text)
            }
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                let text = format!("the document store {folder} is being opened again");
                DocumentError::new(ErrorKind::Transient, text)
            }
            error @ redb::Error::Corrupted(_) => {
                let text = format!("the document store {folder} is damaged ({error}): restore it");
                DocumentError::new(ErrorKind::Fatal, text)
            }
            error => {
                let text = format!("the document store {folder} cannot be used: {error}");
                DocumentError::new(ErrorKind::Fatal, text)
            }
        }
    }
}
