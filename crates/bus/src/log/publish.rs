//! Splits a batch by partition, makes frames of it, and waits until the writers have stored them.
//!
//! Frames are made on the publisher's own thread; a batch whose records are too large is not refused
//! as a whole.

use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use super::buffers::Buffers;
use super::config::LogConfig;
use super::failure::fatal;
use super::topic::Topic;
use super::writer::{Append, Request};
use crate::frame::{Frame, FrameBuilder, HEADER_BYTES, TEXT_BYTES_MAX, encoded_bytes_max};
use crate::partitioner::Partitioner;
use crate::port::{BusError, ErrorKind};
use crate::record::{Position, Record};

/// Bytes of the queue for one permit.
const PERMIT_BYTES: usize = 1_024;

/// Room for frames that wait to be written.
#[derive(Debug)]
pub(super) struct Queue {
    room: Arc<Semaphore>,
    permits: u32,
    buffers: Arc<Buffers>,
}

impl Queue {
    pub(super) fn new(bytes: usize) -> Self {
        let permits = (bytes / PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS.min(1 << 30)) as u32;
        let room = Arc::new(Semaphore::new(permits as usize));
        Self { room, permits, buffers: Arc::default() }
    }
}

/// Where a record stands within what is sent to its partition.
#[derive(Clone, Copy, Debug)]
struct Place {
    partition: u32,
    /// Records in the frames before its own.
    records_before: u64,
    index: u32,
}

struct Plan {
    places: Vec<Result<Place, BusError>>,
    /// For each partition.
    frames: Vec<Vec<Frame>>,
    bytes: usize,
}

pub(super) async fn publish(
    topic: &Topic,
    config: &LogConfig,
    queue: &Queue,
    batch: Vec<Record>,
) -> Vec<Result<Position, BusError>> {
    let plan = plan(&batch, topic.lanes.len(), config, &queue.buffers);
    drop(batch);
    let wanted = plan.bytes.div_ceil(PERMIT_BYTES).min(queue.permits as usize) as u32;
    let Ok(room) = Arc::clone(&queue.room).acquire_many_owned(wanted).await else {
        return plan.places.iter().map(|_| Err(closed())).collect();
    };
    let room = Arc::new(room);
    let mut answers = Vec::with_capacity(topic.lanes.len());
    for (lane, frames) in topic.lanes.iter().zip(plan.frames) {
        if frames.is_empty() {
            answers.push(None);
            continue;
        }
        let (reply, answer) = oneshot::channel();
        let buffers = Arc::clone(&queue.buffers);
        let append = Append { frames, room: Arc::clone(&room), reply, buffers };
        let sent = lane.writer.send(Request::Append(append));
        answers.push(sent.then_some(answer));
    }
    drop(room);
    let mut first_offsets = Vec::with_capacity(answers.len());
    for answer in answers {
        first_offsets.push(match answer {
            Some(answer) => answer.await.unwrap_or_else(|_| Err(closed())),
            None => Err(closed()),
        });
    }
    // The batch's own: what counts the holders of the topic's is written by all cores.
    let name: Arc<str> = Arc::from(&*topic.name);
    let stored = |place: Place| {
        let first = first_offsets[place.partition as usize].as_ref().map_err(Clone::clone)?;
        Ok(Position {
            topic: Arc::clone(&name),
            partition: place.partition,
            offset: first + place.records_before,
            index: place.index,
        })
    };
    plan.places.into_iter().map(|place| place.and_then(stored)).collect()
}

fn closed() -> BusError {
    fatal("the bus is closed: the record was not stored")
}

/// Chooses each record's partition and packs the frames.
fn plan(batch: &[Record], partitions: usize, config: &LogConfig, buffers: &Buffers) -> Plan {
    let mut partitioner = Partitioner::new(partitions as u32);
    let mut bytes_left = vec![0_usize; partitions];
    let mut sizes = Vec::with_capacity(batch.len());
    for record in batch {
        let size = record_bytes(record, config).map(|bytes| {
            let partition = partitioner.partition(record);
            bytes_left[partition as usize] += bytes;
            (partition, bytes)
        });
        sizes.push(size);
    }
    let packer = |bytes_left| Packer::new(bytes_left, buffers);
    let mut packers: Vec<Packer<'_>> = bytes_left.into_iter().map(packer).collect();
    let mut places = Vec::with_capacity(batch.len());
    for (record, size) in batch.iter().zip(sizes) {
        places.push(size.map(|(partition, bytes)| {
            let (records_before, index) = packers[partition as usize].push(record, bytes, config);
            Place { partition, records_before, index }
        }));
    }
    let frames: Vec<_> = packers.into_iter().map(Packer::finish).collect();
    let bytes = frames.iter().flatten().map(|frame| frame.bytes.len()).sum();
    Plan { places, frames, bytes }
}

fn record_bytes(record: &Record, config: &LogConfig) -> Result<usize, BusError> {
    let most = config.frame_bytes_max;
    match encoded_bytes_max(record) {
        Some(bytes) if bytes + HEADER_BYTES <= most => Ok(bytes),
        _ => Err(BusError::new(
            ErrorKind::Rejected,
            format!(
                "the record is too large: payload {} bytes, allowed are {most} with its origin \
                 (frame_bytes_max) and {TEXT_BYTES_MAX} for each text",
                record.payload.len()
            ),
        )),
    }
}

/// Fills frames of one partition.
struct Packer<'a> {
    frames: Vec<Frame>,
    open: Option<FrameBuilder<'a>>,
    records_before: u64,
    bytes_left: usize,
    buffers: &'a Buffers,
}

impl<'a> Packer<'a> {
    fn new(bytes_left: usize, buffers: &'a Buffers) -> Self {
        Self { frames: Vec::new(), open: None, records_before: 0, bytes_left, buffers }
    }

    /// Adds a record; answers the number of records in the frames before its own, and its index.
    fn push(&mut self, record: &'a Record, bytes: usize, config: &LogConfig) -> (u64, u32) {
        if let Some(full) =
            self.open.take_if(|open| !open.fits(bytes, config.frame_bytes, config.frame_records))
        {
            self.close(full);
        }
        let capacity = self.bytes_left.min(config.frame_bytes).max(bytes);
        let buffers = self.buffers;
        let open = self
            .open
            .get_or_insert_with(|| FrameBuilder::within(buffers.take(HEADER_BYTES + capacity)));
        let index = open.records();
        open.push(record);
        self.bytes_left -= bytes;
        (self.records_before, index)
    }

    fn close(&mut self, frame: FrameBuilder<'a>) {
        self.records_before += u64::from(frame.records());
        self.frames.push(frame.finish());
    }

    fn finish(mut self) -> Vec<Frame> {
        if let Some(last) = self.open.take() {
            self.close(last);
        }
        self.frames
    }
}
