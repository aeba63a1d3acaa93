//! Reads whole frames for a consumer, and one record by its position.
//!
//! It never stops at damage: it steps over it to the next place where a frame is known to begin,
//! says so loudly and counts it.

use std::io;
use std::sync::Arc;

use super::counters::count;
use super::failure::{failure, fatal};
use super::files::StoredFile;
use super::index::{self, Entry};
use super::partition::Partition;
use super::segment::Segment;
use super::walk::{Step, Walk, WalkedFrame};
use crate::frame::{self, FrameError, Records};
use crate::port::{Batch, BusError, ErrorKind, Positioned};
use crate::record::Record;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// How large a batch may be; one frame is always delivered whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchLimits {
    pub(super) records: u32,
    pub(super) bytes: usize,
}

/// Where a consumer stands in a partition.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    /// Offset of the next frame.
    pub(super) offset: u64,
    place: Option<Place>,
}

#[derive(Clone, Debug)]
struct Place {
    segment: Arc<Segment>,
    file: Arc<dyn StoredFile>,
    position: u64,
}

impl Cursor {
    pub(super) fn new(offset: u64) -> Self {
        Self { offset, place: None }
    }
}

/// Reads the next whole frames after `cursor` and moves it behind them; `None` once it is at the
/// end.
pub(super) fn read_batch(
    partition: &Partition,
    cursor: &mut Cursor,
    limits: BatchLimits,
) -> Result<Option<Batch>, BusError> {
    let mut batch = Batch {
        partition: partition.id.clone(),
        next_offset: cursor.offset,
        declared_records: 0,
        records: Vec::new(),
    };
    while batch.declared_records == 0 && cursor.offset < partition.end_offset() {
        let before = (cursor.offset, cursor.place.as_ref().map(|place| place.position));
        let place = match cursor.place.take() {
            Some(place) => place,
            None => find(partition, cursor)?,
        };
        read_segment(partition, cursor, place, limits, &mut batch)?;
        let after = (cursor.offset, cursor.place.as_ref().map(|place| place.position));
        if before == after {
            let message = format!(
                "no progress at offset {} of {}/{}",
                cursor.offset, partition.id.topic, partition.id.partition
            );
            return Err(BusError::new(ErrorKind::Transient, message));
        }
    }
    batch.next_offset = cursor.offset;
    Ok((batch.declared_records > 0).then_some(batch))
}

/// Opens the segment of the cursor's offset and finds the frame in it.
fn find(partition: &Partition, cursor: &mut Cursor) -> Result<Place, BusError> {
    loop {
        let Some(mut segment) = partition.segment_at(cursor.offset) else {
            return Err(BusError::new(ErrorKind::Fatal, "the partition has no segment"));
        };
        if cursor.offset >= segment.readable().offset
            && let Some(next) = partition.segment_after(segment.base_offset)
        {
            segment = next;
        }
        skip_to(partition, cursor, segment.base_offset);
        match locate(partition, &segment, cursor.offset) {
            Ok((start, file)) => {
                cursor.offset = start.offset;
                return Ok(Place { segment, file, position: start.position });
            }
            // Retention was faster: look again at what is left.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound
                    && partition.start_offset() > segment.base_offset => {}
            Err(error) => return Err(failure("read", segment.log_path(), &error)),
        }
    }
}

fn skip_to(partition: &Partition, cursor: &mut Cursor, offset: u64) {
    if offset > cursor.offset {
        count(&partition.counters.skipped_records, offset - cursor.offset);
        tracing::error!(
            topic = %partition.id.topic, partition = partition.id.partition,
            from = cursor.offset, to = offset,
            "these offsets are gone: retention or damage took them before they were read"
        );
        cursor.offset = offset;
    }
}

/// The boundary of the frame that holds `offset`, or of the first damage before it.
fn locate(
    partition: &Partition,
    segment: &Segment,
    offset: u64,
) -> io::Result<(Entry, Arc<dyn StoredFile>)> {
    let readable = segment.readable();
    let file = segment.open(&*partition.files)?;
    let entries = segment.index(&*partition.files)?;
    let start = Entry { offset: segment.base_offset, position: 0 };
    let from = index::before(&entries, offset).unwrap_or(start);
    let mut walk = Walk::new(Arc::clone(&file), from, readable.position, CHUNK_BYTES);
    loop {
        let boundary = walk.boundary();
        match walk.step()? {
            Step::Frame(_) if walk.boundary().offset <= offset => {}
            _ => return Ok((boundary, file)),
        }
    }
}

/// Takes frames of one segment into the batch until it is full or the segment ends.
fn read_segment(
    partition: &Partition,
    cursor: &mut Cursor,
    mut place: Place,
    limits: BatchLimits,
    batch: &mut Batch,
) -> Result<(), BusError> {
    // Asked first: a segment that has a successor is not appended to any more.
    let next = partition.segment_after(place.segment.base_offset);
    let readable = place.segment.readable();
    let from = Entry { offset: cursor.offset, position: place.position };
    let chunk_bytes = CHUNK_BYTES.min(limits.bytes);
    let mut walk = Walk::new(Arc::clone(&place.file), from, readable.position, chunk_bytes);
    let mut bytes = 0;
    loop {
        let boundary = walk.boundary();
        let failed = |error| failure("read", place.segment.log_path(), &error);
        match walk.step().map_err(failed)? {
            Step::Frame(frame) => {
                bytes += frame.bytes.len();
                let records = batch.declared_records + u64::from(frame.header.records);
                let full = bytes > limits.bytes || records > u64::from(limits.records);
                if full && batch.declared_records > 0 {
                    cursor.offset = boundary.offset;
                    place.position = boundary.position;
                    break;
                }
                take(partition, &frame, batch);
                cursor.offset = walk.boundary().offset;
                place.position = walk.boundary().position;
            }
            Step::End => {
                if let Some(next) = next {
                    if batch.declared_records == 0 || next.base_offset == cursor.offset {
                        skip_to(partition, cursor, next.base_offset);
                    }
                    return Ok(());
                }
                break;
            }
            Step::Lost(_) if batch.declared_records > 0 => break,
            Step::Lost(error @ FrameError::Version(_)) => {
                return Err(fatal(format!("{}: {error}", place.segment.log_path().display())));
            }
            Step::Lost(error) => {
                let end = resume(partition, &place.segment, boundary, readable, next.as_deref());
                report(partition, &place.segment, boundary, end, &error.to_string());
                skip_to(partition, cursor, end.offset);
                place.position = end.position;
                if end.position >= readable.position && next.is_some() {
                    return Ok(());
                }
                break;
            }
        }
    }
    cursor.place = Some(place);
    Ok(())
}

/// Adds the records of a sound frame; a damaged one is stepped over.
fn take(partition: &Partition, frame: &WalkedFrame, batch: &mut Batch) {
    let offset = frame.start.offset;
    match frame::decode(&frame.bytes) {
        Ok(records) => {
            batch.declared_records += u64::from(frame.header.records);
            let positioned = records.into_iter().zip(0..).map(|(record, index)| Positioned {
                offset,
                index,
                record,
            });
            batch.records.extend(positioned);
        }
        Err(error) => {
            let records = u64::from(frame.header.records);
            count(&partition.counters.damaged_places, 1);
            count(&partition.counters.damaged_bytes, frame.bytes.len() as u64);
            count(&partition.counters.skipped_records, records);
            tracing::error!(
                topic = %partition.id.topic, partition = partition.id.partition, offset, records,
                %error, "a damaged frame is stepped over: its records are lost"
            );
        }
    }
}

/// Where the next frame is known to begin after damage: the next index entry, else the segment's end.
fn resume(
    partition: &Partition,
    segment: &Segment,
    lost: Entry,
    readable: Entry,
    next: Option<&Segment>,
) -> Entry {
    let entries = segment.index(&*partition.files).unwrap_or_default();
    let known = index::after(&entries, lost.position);
    let end_offset = next.map_or(readable.offset, |next| next.base_offset);
    let end = Entry { offset: end_offset, position: readable.position };
    known.filter(|entry| entry.offset >= lost.offset).unwrap_or(end)
}

fn report(partition: &Partition, segment: &Segment, from: Entry, to: Entry, error: &str) {
    count(&partition.counters.damaged_places, 1);
    count(&partition.counters.damaged_bytes, to.position.saturating_sub(from.position));
    tracing::error!(
        segment = %segment.log_path().display(), from = from.position, to = to.position, error,
        "a damaged part of the log is stepped over: its records are lost"
    );
}

/// Reads the record at `offset` and `index`; `None` if it is not (or no longer) there.
pub(super) fn read_record(
    partition: &Partition,
    offset: u64,
    index: u32,
) -> Result<Option<Record>, BusError> {
    if offset >= partition.end_offset() || offset < partition.start_offset() {
        return Ok(None);
    }
    let Some(segment) = partition.segment_at(offset) else { return Ok(None) };
    let failed = |error| failure("read", segment.log_path(), &error);
    let (start, file) = match locate(partition, &segment, offset) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut walk = Walk::new(file, start, segment.readable().position, frame::HEADER_BYTES);
    let damaged = |error: String| {
        let place = format!("{}/{}/{offset}", partition.id.topic, partition.id.partition);
        BusError::new(ErrorKind::Rejected, format!("the frame at {place} is damaged: {error}"))
    };
    match walk.step().map_err(failed)? {
        Step::Frame(frame) if frame.start.offset == offset => {
            let mut records =
                Records::new(frame.bytes).map_err(|error| damaged(error.to_string()))?;
            records.nth(index as usize).transpose().map_err(|error| damaged(error.to_string()))
        }
        Step::Lost(error) => Err(damaged(error.to_string())),
        Step::Frame(_) | Step::End => Ok(None),
    }
}
