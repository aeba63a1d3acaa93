//! One part of the index: the documents that were received in one week, in a folder of its own with the
//! record of its fields. It reads; only the writer changes it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::directory::error::{OpenReadError, OpenWriteError};
use tantivy::directory::{Directory, META_LOCK, MmapDirectory};
use tantivy::fastfield::Column;
use tantivy::index::SegmentId;
use tantivy::store::{Compressor, StoreReader};
use tantivy::tokenizer::{TextAnalyzer, TokenizerManager};
use tantivy::{Index, IndexSettings, InvertedIndexReader, SegmentReader, TantivyError};

use super::bits::Bits;
use super::catalog::{Catalog, IDENTITY_COLUMN, SEQUENCE_COLUMN, TIMESTAMP_COLUMN};
use super::record::{StoredRecord, read_record};
use crate::Hit;
use crate::words::{WORDS, Words};

const FIELDS_FILE: &str = "fields.json";
/// Blocks of stored documents that one read keeps unpacked, 16 KiB each.
const STORE_CACHE_BLOCKS: usize = 16;

/// Why a part cannot be opened or read.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum PartError {
    /// Its files cannot be understood: it must be set aside.
    #[error("{0}")]
    Damaged(String),
    /// The machine failed: it may work later.
    #[error("{0}")]
    Io(String),
}

/// The documents received in one week.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: PartName,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) index: Index,
    view: Mutex<Option<Arc<PartView>>>,
    last_used: AtomicU64,
}

/// Week and generation; written as the folder's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PartName {
    /// Weeks since that of 1970-01-01; they begin on Mondays, UTC.
    pub(crate) week: i64,
    /// Counts up within a week when the fields change.
    pub(crate) generation: u32,
}

/// What of a part can be read at one moment.
pub(crate) struct PartView {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) segments: Vec<Arc<SegmentView>>,
}

/// One segment, open.
pub(crate) struct SegmentView {
    pub(crate) reader: SegmentReader,
    pub(crate) terms: Arc<InvertedIndexReader>,
    pub(crate) timestamp: Column<i64>,
    pub(crate) sequence: Column<u64>,
    pub(crate) identity: Column<u64>,
    /// The documents that were not replaced; none if none was.
    pub(crate) alive: Option<Bits>,
    version: (SegmentId, Option<u64>),
}

impl std::fmt::Debug for PartView {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("PartView").field("segments", &self.segments.len()).finish_non_exhaustive()
    }
}

const DAY_NS: i64 = 86_400_000_000_000;
const WEEK_DAYS: i64 = 7;
/// 1970-01-01 was a Thursday.
const MONDAY_SHIFT_DAYS: i64 = 3;

impl PartName {
    /// The week of a moment.
    pub(crate) fn week_of(received_at_ns: i64) -> i64 {
        (received_at_ns.div_euclid(DAY_NS) + MONDAY_SHIFT_DAYS).div_euclid(WEEK_DAYS)
    }

    /// The moment after the week.
    pub(crate) fn end_ns(self) -> i64 {
        ((self.week + 1) * WEEK_DAYS - MONDAY_SHIFT_DAYS).saturating_mul(DAY_NS)
    }

    /// Reads a folder's name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (day, generation) = name.strip_prefix("week-")?.rsplit_once('-')?;
        let monday: jiff::civil::Date = day.parse().ok()?;
        let days = monday.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days();
        let week = (i64::from(days) + MONDAY_SHIFT_DAYS).div_euclid(WEEK_DAYS);
        let name_read = Self { week, generation: generation.parse().ok()? };
        (name_read.to_string() == name).then_some(name_read)
    }
}

impl std::fmt::Display for PartName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let days = self.week * WEEK_DAYS - MONDAY_SHIFT_DAYS;
        let monday = jiff::Span::new()
            .try_days(days)
            .and_then(|span| jiff::civil::date(1970, 1, 1).checked_add(span))
            .unwrap_or(jiff::civil::Date::MIN);
        write!(out, "week-{monday}-{}", self.generation)
    }
}

impl Part {
    /// Makes an empty part. A folder that an interrupted start left behind is used again.
    pub(crate) fn create(
        folder: &Path,
        name: PartName,
        catalog: Arc<Catalog>,
    ) -> Result<Self, PartError> {
        let path = folder.join(name.to_string());
        fs::create_dir_all(&path)?;
        write_durably(&path.join(FIELDS_FILE), catalog.record().as_bytes())?;
        sync_folder(folder)?;
        let settings = IndexSettings {
            docstore_compression: Compressor::Lz4,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let directory = MmapDirectory::open(&path).map_err(TantivyError::from)?;
        let index = Index::builder()
            .schema(catalog.schema.clone())
            .settings(settings)
            .tokenizers(tokenizers())
            .open_or_create(directory)?;
        Ok(Self::with_index(name, catalog, index))
    }

    /// Opens a part; `None` if it was never finished. It shares the catalog of now if that is its own.
    pub(crate) fn open(
        folder: &Path,
        name: PartName,
        current: &Arc<Catalog>,
    ) -> Result<Option<Self>, PartError> {
        let path = folder.join(name.to_string());
        let record = match fs::read_to_string(path.join(FIELDS_FILE)) {
            Ok(record) => record,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.into()),
        };
        if !path.join("meta.json").try_exists()? {
            return Ok(None);
        }
        let damaged = || PartError::Damaged(format!("{FIELDS_FILE} cannot be understood"));
        let catalog = if record == current.record() {
            Arc::clone(current)
        } else {
            Arc::new(Catalog::read(&record).ok_or_else(damaged)?)
        };
        let directory = MmapDirectory::open(&path).map_err(TantivyError::from)?;
        let mut index = Index::open(directory)?;
        if index.schema() != catalog.schema {
            let message = format!("{FIELDS_FILE} and meta.json name different fields");
            return Err(PartError::Damaged(message));
        }
        index.set_tokenizers(tokenizers());
        let part = Self::with_index(name, catalog, index);
        part.reload()?;
        Ok(Some(part))
    }

    fn with_index(name: PartName, catalog: Arc<Catalog>, index: Index) -> Self {
        Self { name, catalog, index, view: Mutex::new(None), last_used: AtomicU64::new(0) }
    }

    /// What can be read now; opened if it was closed. `turn` tells how recently it was used.
    pub(crate) fn view(&self, turn: u64) -> Result<Arc<PartView>, PartError> {
        self.last_used.store(turn, Ordering::Relaxed);
        let open = self.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match open {
            Some(view) => Ok(view),
            None => self.reload(),
        }
    }

    /// After a commit: makes the new list of segments durable, which the engine only renames into
    /// place, and reads it.
    pub(crate) fn settle(&self, folder: &Path) -> Result<(), PartError> {
        sync_folder(&folder.join(self.name.to_string()))?;
        self.reload().map(|_| ())
    }

    /// Reads again which segments there are; opens only the new ones.
    pub(crate) fn reload(&self) -> Result<Arc<PartView>, PartError> {
        let mut slot = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        // Keeps the files in place until they are open.
        let _lock = self
            .index
            .directory()
            .acquire_lock(&META_LOCK)
            .map_err(|error| PartError::Io(format!("the lock of {}: {error:?}", self.name)))?;
        let mut segments = Vec::new();
        for segment in self.index.searchable_segments()? {
            let version = (segment.id(), segment.meta().delete_opstamp());
            let known = slot.iter().flat_map(|view| &view.segments).find(|s| s.version == version);
            segments.push(match known {
                Some(known) => Arc::clone(known),
                None => Arc::new(SegmentView::open(&self.catalog, &segment, version)?),
            });
        }
        let view = Arc::new(PartView { catalog: Arc::clone(&self.catalog), segments });
        *slot = Some(Arc::clone(&view));
        Ok(view)
    }

    /// Whether merges changed the segments since they were read.
    pub(crate) fn is_stale(&self) -> Result<bool, PartError> {
        let open = self.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(view) = open else { return Ok(false) };
        let ids = self.index.searchable_segment_ids()?;
        let known: Vec<_> = view.segments.iter().map(|segment| segment.version.0).collect();
        Ok(ids != known)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(crate) fn close(&self) {
        *self.view.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }
}

impl SegmentView {
    fn open(
        catalog: &Catalog,
        segment: &tantivy::Segment,
        version: (SegmentId, Option<u64>),
    ) -> Result<Self, PartError> {
        let reader = SegmentReader::open(segment)?;
        let columns = reader.fast_fields();
        Ok(Self {
            terms: reader.inverted_index(catalog.handles.terms)?,
            timestamp: columns.i64(TIMESTAMP_COLUMN)?,
            sequence: columns.u64(SEQUENCE_COLUMN)?,
            identity: columns.u64(IDENTITY_COLUMN)?,
            alive: reader.alive_bitset().map(|alive| {
                let mut bits = Bits::none(reader.max_doc());
                alive.iter_alive().for_each(|document| bits.insert(document));
                bits
            }),
            reader,
            version,
        })
    }

    /// The stored documents, to be read by one request.
    pub(crate) fn store(&self) -> Result<StoreReader, PartError> {
        Ok(self.reader.get_store_reader(STORE_CACHE_BLOCKS)?)
    }
}

/// A stored document.
pub(crate) fn read_hit(store: &StoreReader, document: u32) -> Result<Hit, PartError> {
    let StoredRecord(record) = store.get(document)?;
    read_record(record).ok_or_else(|| PartError::Damaged("a stored document is cut".to_owned()))
}

fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(WORDS, TextAnalyzer::from(Words::default()));
    manager
}

fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Makes names that were added to a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// The parts in a folder, oldest first, with their paths.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<(PartName, PathBuf)>> {
    let mut parts = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str().and_then(PartName::parse) {
            parts.push((name, entry.path()));
        }
    }
    parts.sort();
    Ok(parts)
}

impl PartError {
    fn of_kind(kind: io::ErrorKind, text: &str) -> Self {
        match kind {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                Self::Damaged(text.to_owned())
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Io(format!(
                "the disk is full: free some space, what waits is indexed then ({text})"
            )),
            _ => Self::Io(text.to_owned()),
        }
    }
}

impl From<io::Error> for PartError {
    fn from(error: io::Error) -> Self {
        Self::of_kind(error.kind(), &error.to_string())
    }
}

impl From<TantivyError> for PartError {
    fn from(error: TantivyError) -> Self {
        let text = error.to_string();
        match &error {
            TantivyError::IoError(io_error)
            | TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. })
            | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error, .. }) => {
                Self::of_kind(io_error.kind(), &text)
            }
            TantivyError::OpenReadError(_)
            | TantivyError::DataCorruption(_)
            | TantivyError::IncompatibleIndex(_)
            | TantivyError::SchemaError(_)
            | TantivyError::FieldNotFound(_)
            | TantivyError::DeserializeError(_) => Self::Damaged(text),
            _ => Self::Io(text),
        }
    }
}
