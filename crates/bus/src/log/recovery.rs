//! Opens a partition's folder and puts its tail in order: what a crash left unfinished is cut off.
//!
//! It never refuses to start over bad bytes, and it reads no more than follows the last index entry.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::counters::{Counters, count};
use super::failure::{failure, fatal};
use super::files::{Files, StoredFile, create_folders};
use super::index::{self, Entry};
use super::partition::Partition;
use super::segment::{self, Segment};
use super::walk::{Step, Walk};
use crate::frame::FrameError;
use crate::port::{BusError, PartitionId};

/// The segment that is written to, with its open files.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) segment: Arc<Segment>,
    pub(super) file: Arc<dyn StoredFile>,
    pub(super) index_file: Arc<dyn StoredFile>,
    /// Number of entries in the index file.
    pub(super) entries: usize,
    /// Position of the last of them.
    pub(super) indexed_position: u64,
    /// Where the next frame goes.
    pub(super) end: Entry,
    /// When its first frame was written, as far as is known.
    pub(super) began_at: SystemTime,
}

/// Opens a partition, and creates it if its folder is not there. It will begin at `least_end_offset`
/// at least: offsets that a group has committed are never given out again.
pub(super) fn open(
    id: PartitionId,
    folder: &Path,
    files: &Arc<dyn Files>,
    counters: &Arc<Counters>,
    least_end_offset: u64,
) -> Result<(Arc<Partition>, Active), BusError> {
    let failed = |error| failure("open the partition in", folder, &error);
    create_folders(&**files, folder).map_err(failed)?;
    let names = files.list(folder).map_err(failed)?;
    let mut bases: Vec<_> = names.iter().filter_map(|name| segment::base_offset(name)).collect();
    bases.sort_unstable();
    let mut segments = Vec::with_capacity(bases.len() + 1);
    for pair in bases.windows(2) {
        let closed = closed_segment(&**files, folder, pair[0], pair[1]).map_err(failed)?;
        segments.push(Arc::new(closed));
    }
    let mut active = match bases.last() {
        Some(&base) => repair(&**files, folder, base, counters)?,
        None => create(&**files, folder, least_end_offset)?,
    };
    segments.push(Arc::clone(&active.segment));
    if active.end.offset < least_end_offset {
        tracing::warn!(
            folder = %folder.display(), end = active.end.offset, committed = least_end_offset,
            "a group has committed more than is stored: the missing offsets are skipped"
        );
        active.segment.seal();
        active = create(&**files, folder, least_end_offset)?;
        if active.segment.base_offset != segments[segments.len() - 1].base_offset {
            segments.push(Arc::clone(&active.segment));
        }
    }
    let partition = Partition::new(id, folder, Arc::clone(files), Arc::clone(counters), segments);
    Ok((Arc::new(partition), active))
}

fn closed_segment(
    files: &dyn Files,
    folder: &Path,
    base: u64,
    end_offset: u64,
) -> io::Result<Segment> {
    let file = files.open(&segment::log_path(folder, base))?;
    let readable = Entry { offset: end_offset, position: file.size()? };
    Ok(Segment::new(folder, base, readable, file.modified()?))
}

/// Makes an empty segment and its name durable.
pub(super) fn create(
    files: &dyn Files,
    folder: &Path,
    base_offset: u64,
) -> Result<Active, BusError> {
    let end = Entry { offset: base_offset, position: 0 };
    let now = SystemTime::now();
    let segment = Arc::new(Segment::new(folder, base_offset, end, now));
    let path = segment.log_path().to_owned();
    let failed = |error| failure("create the segment", &path, &error);
    let file = files.create(segment.log_path()).map_err(failed)?;
    let index_file = files.create(segment.index_path()).map_err(failed)?;
    for leftover in [&file, &index_file] {
        if leftover.size().map_err(failed)? > 0 {
            leftover.truncate(0).map_err(failed)?;
        }
    }
    files.sync_folder(folder).map_err(failed)?;
    segment.activate(Arc::clone(&file), Vec::new());
    Ok(Active { segment, file, index_file, entries: 0, indexed_position: 0, end, began_at: now })
}

/// Opens the last segment, cuts what is no whole sound frame off its end, and syncs it, since what
/// survived a killed process may not have reached the disk yet.
fn repair(
    files: &dyn Files,
    folder: &Path,
    base: u64,
    counters: &Counters,
) -> Result<Active, BusError> {
    let path: PathBuf = segment::log_path(folder, base);
    let failed = |error| failure("repair the segment", &path, &error);
    let file = files.open(&path).map_err(failed)?;
    let size = file.size().map_err(failed)?;
    let began_at = file.modified().map_err(failed)?;
    let start = Entry { offset: base, position: 0 };
    let index_path = path.with_extension("index");
    let mut entries = index::load(files, &index_path, size).map_err(failed)?;
    let from = entries.last().copied().unwrap_or(start);
    let scan = scan(&file, from, size).map_err(failed)?;
    if let Some(error @ FrameError::Version(_)) = scan.lost {
        return Err(fatal(format!("{}: {error}", path.display())));
    }
    if scan.end.position < size {
        let cut = size - scan.end.position;
        tracing::warn!(segment = %path.display(), bytes = cut, "cut an unfinished frame off");
        count(&counters.truncated_bytes, cut);
        file.truncate(scan.end.position).map_err(failed)?;
    }
    file.sync().map_err(failed)?;
    let index_file = files.create(&index_path).map_err(failed)?;
    repair_index(&*index_file, entries.len(), &scan.entries).map_err(failed)?;
    entries.extend(scan.entries);
    files.sync_folder(folder).map_err(failed)?;
    let segment = Arc::new(Segment::new(folder, base, scan.end, began_at));
    let (count, indexed_position) =
        (entries.len(), entries.last().map_or(0, |entry| entry.position));
    segment.activate(Arc::clone(&file), entries);
    Ok(Active {
        segment,
        file,
        index_file,
        entries: count,
        indexed_position,
        end: scan.end,
        began_at,
    })
}

/// Cuts the index file behind its first `known` entries and adds those that the scan found. Entries
/// that point into what was cut off must never come back, so this is synced.
fn repair_index(file: &dyn StoredFile, known: usize, found: &[Entry]) -> io::Result<()> {
    let position = index::entry_position(known);
    if found.is_empty() && file.size()? == position {
        return Ok(());
    }
    file.truncate(position)?;
    let encoded: Vec<_> = found.iter().map(|entry| entry.encode()).collect();
    let parts: Vec<_> = encoded.iter().map(|entry| &entry[..]).collect();
    file.write_at(position, &parts)?;
    file.sync()
}

struct Scan {
    /// Boundary behind the last sound frame.
    end: Entry,
    entries: Vec<Entry>,
    /// Why it is the last, if bytes follow that are none.
    lost: Option<FrameError>,
}

/// A damaged frame with sound ones behind it stays, for readers to step over; after the last sound
/// frame nothing counts.
fn scan(file: &Arc<dyn StoredFile>, from: Entry, size: u64) -> io::Result<Scan> {
    let mut walk = Walk::new(Arc::clone(file), from, size, index::STEP_BYTES as usize);
    let mut scan = Scan { end: from, entries: Vec::new(), lost: None };
    let mut indexed = from.position;
    loop {
        let frame = match walk.step()? {
            Step::Frame(frame) => frame,
            Step::End => return Ok(scan),
            Step::Lost(error) => {
                scan.lost = Some(error);
                return Ok(scan);
            }
        };
        if frame.is_sound().is_ok() {
            scan.end = walk.boundary();
            if scan.end.position - indexed >= index::STEP_BYTES {
                scan.entries.push(scan.end);
                indexed = scan.end.position;
            }
        }
    }
}
