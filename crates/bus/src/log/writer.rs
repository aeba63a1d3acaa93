//! The one thread that appends to a partition: publishers that wait together share a write and a
//! sync.
//!
//! It never acknowledges what it may have to take back, and after a failed disk it writes nothing
//! more until a restart.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::buffers::Buffers;
use super::config::{Fsync, LogConfig};
use super::counters::count;
use super::failure::{failure, reserve_reached, transient};
use super::index::{self, Entry};
use super::locked;
use super::partition::Partition;
use super::recovery::{self, Active};
use crate::frame::Frame;
use crate::port::{BusError, ErrorKind};

/// Frames of one publish for this partition; they are stored together or not at all.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) frames: Vec<Frame>,
    /// Room in the queue; given back once they are written.
    pub(super) room: Arc<OwnedSemaphorePermit>,
    /// Gets the offset of the first frame.
    pub(super) reply: oneshot::Sender<Result<u64, BusError>>,
    /// Where the frames' buffers come from.
    pub(super) buffers: Arc<Buffers>,
}

impl Append {
    fn bytes(&self) -> u64 {
        self.frames.iter().map(|frame| frame.bytes.len() as u64).sum()
    }

    fn records(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.records)).sum()
    }
}

#[derive(Debug)]
pub(super) enum Request {
    Append(Append),
    /// Close the segment if it is old enough.
    RollAged,
    /// Write what waits, sync, and end.
    Close,
}

/// The writer's end that others hold.
#[derive(Debug)]
pub(super) struct WriterHandle {
    requests: Sender<Request>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl WriterHandle {
    /// Gives a request to the thread; `false` if the log is closed.
    pub(super) fn send(&self, request: Request) -> bool {
        self.requests.send(request).is_ok()
    }

    /// Waits until the thread has ended.
    pub(super) fn join(&self) {
        if let Some(thread) = locked(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("a writer of the log panicked");
        }
    }
}

/// Starts the thread.
pub(super) fn spawn(
    partition: Arc<Partition>,
    active: Active,
    config: Arc<LogConfig>,
    free_bytes_min: u64,
) -> Result<WriterHandle, BusError> {
    let (sender, requests) = mpsc::channel();
    let name = format!("log-{}-{}", partition.id.topic, partition.id.partition);
    let mut writer =
        Writer { partition, active, config, free_bytes_min, unsynced_since: None, failed: None };
    let thread = thread::Builder::new()
        .name(name)
        .spawn(move || writer.run(&requests))
        .map_err(|error| transient(format!("cannot start a thread for the log: {error}")))?;
    Ok(WriterHandle { requests: sender, thread: Mutex::new(Some(thread)) })
}

#[derive(Debug)]
struct Writer {
    partition: Arc<Partition>,
    active: Active,
    config: Arc<LogConfig>,
    free_bytes_min: u64,
    unsynced_since: Option<Instant>,
    failed: Option<BusError>,
}

impl Writer {
    fn run(&mut self, requests: &Receiver<Request>) {
        loop {
            let mut request = match self.receive(requests) {
                Ok(request) => Some(request),
                Err(RecvTimeoutError::Timeout) => {
                    self.sync_later();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut group = Group::default();
            while let Some(next) = request {
                match next {
                    Request::Append(append) => {
                        if !group.appends.is_empty() && !self.has_room(&group, &append) {
                            self.commit(std::mem::take(&mut group));
                        }
                        group.push(append);
                    }
                    Request::RollAged => {
                        self.commit(std::mem::take(&mut group));
                        self.roll_aged();
                    }
                    Request::Close => {
                        self.commit(group);
                        self.finish();
                        return;
                    }
                }
                request = requests.try_recv().ok();
            }
            self.commit(group);
        }
        self.finish();
    }

    fn receive(&self, requests: &Receiver<Request>) -> Result<Request, RecvTimeoutError> {
        match self.unsynced_since {
            Some(since) if self.config.fsync == Fsync::Interval => {
                requests.recv_timeout(self.interval().saturating_sub(since.elapsed()))
            }
            _ => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(self.config.fsync_interval_ms)
    }

    fn has_room(&self, group: &Group, append: &Append) -> bool {
        self.active.end.position + group.bytes + append.bytes() <= self.config.segment_bytes
    }

    fn commit(&mut self, group: Group) {
        if group.appends.is_empty() {
            return;
        }
        let stored = self.store(&group);
        let mut next = stored.as_ref().copied().unwrap_or(0);
        for append in group.appends {
            let records = append.records();
            append.frames.into_iter().for_each(|frame| append.buffers.give(frame.bytes));
            drop(append.room);
            // Nobody waits any more if the publisher's future was dropped.
            drop(append.reply.send(stored.as_ref().map(|_| next).map_err(Clone::clone)));
            next += records;
        }
        if self.unsynced_since.is_some_and(|since| since.elapsed() >= self.interval()) {
            self.sync_later();
        }
    }

    /// Writes a group and gives the offset of its first frame.
    fn store(&mut self, group: &Group) -> Result<u64, BusError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.check_space(group.bytes)?;
        let full = self.active.end.position + group.bytes > self.config.segment_bytes;
        if full && self.active.end.position > 0 {
            self.roll()?;
        }
        let start = self.active.end;
        let frames = group.appends.iter().flat_map(|append| &append.frames);
        let parts: Vec<&[u8]> = frames.map(|frame| &frame.bytes[..]).collect();
        if let Err(error) = self.active.file.write_at(start.position, &parts) {
            return Err(self.take_back("write to", &error));
        }
        if self.config.fsync == Fsync::Batch {
            if let Err(error) = self.sync() {
                return Err(self.take_back("sync", &error));
            }
        } else {
            self.unsynced_since.get_or_insert_with(Instant::now);
        }
        if start.position == 0 {
            self.active.began_at = SystemTime::now();
        }
        self.active.end.position += group.bytes;
        self.active.end.offset += group.records;
        let due = self.active.end.position - self.active.indexed_position >= index::STEP_BYTES;
        let entry = due.then_some(self.active.end);
        if let Some(entry) = entry {
            self.index(entry);
        }
        self.partition.advance(&self.active.segment, self.active.end, entry);
        Ok(start.offset)
    }

    fn check_space(&self, bytes: u64) -> Result<(), BusError> {
        let folder = &self.partition.folder;
        let free = self.partition.files.free_bytes(folder);
        let free = free.map_err(|error| failure("look for free space in", folder, &error))?;
        if free >= self.free_bytes_min.saturating_add(bytes) {
            return Ok(());
        }
        count(&self.partition.counters.refused_for_space, 1);
        let reserve = self.config.disk_reserve_bytes;
        Err(transient(reserve_reached(free, folder, self.free_bytes_min, reserve)))
    }

    fn sync(&self) -> std::io::Result<()> {
        count(&self.partition.counters.syncs, 1);
        self.active.file.sync()
    }

    /// Cuts off what was not acknowledged. A disk that fails ends writing: what the system still
    /// holds in memory after that cannot be trusted.
    fn take_back(&mut self, operation: &str, error: &std::io::Error) -> BusError {
        let path = self.active.segment.log_path();
        let mut answer = failure(operation, path, error);
        if let Err(error) = self.active.file.truncate(self.active.end.position) {
            answer = failure("cut an unfinished frame off", path, &error);
            answer.kind = ErrorKind::Fatal;
        }
        if answer.kind == ErrorKind::Fatal {
            answer.message += "; nothing more is written to it until a restart";
            tracing::error!(error = %answer, "the log stops writing a partition");
            self.failed = Some(answer.clone());
        } else {
            count(&self.partition.counters.refused_for_space, 1);
        }
        answer
    }

    /// For `interval`: syncs what was acknowledged before.
    fn sync_later(&mut self) {
        if self.config.fsync != Fsync::Interval || self.unsynced_since.take().is_none() {
            return;
        }
        if let Err(error) = self.sync() {
            let answer = failure("sync", self.active.segment.log_path(), &error);
            tracing::error!(error = %answer, "acknowledged records may not be on the disk");
            if answer.kind == ErrorKind::Fatal {
                self.failed = Some(answer);
            } else {
                self.unsynced_since = Some(Instant::now());
            }
        }
    }

    fn roll_aged(&mut self) {
        let age = self.active.began_at.elapsed().unwrap_or_default();
        let aged = age >= Duration::from_secs(self.config.segment_age_s);
        if aged
            && self.active.end.position > 0
            && let Err(error) = self.roll()
        {
            tracing::warn!(%error, "cannot begin the next segment yet");
        }
    }

    /// Closes the segment and begins the next.
    fn roll(&mut self) -> Result<(), BusError> {
        self.sync_later();
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let next = recovery::create(
            &*self.partition.files,
            &self.partition.folder,
            self.active.end.offset,
        )?;
        self.index(self.active.end);
        let closed = std::mem::replace(&mut self.active, next);
        self.partition.push_segment(Arc::clone(&self.active.segment));
        closed.segment.seal();
        Ok(())
    }

    /// Adds an entry to the index file. A failure costs time at the next opening and nothing else.
    fn index(&mut self, entry: Entry) {
        if entry.position == self.active.indexed_position {
            return;
        }
        let position = index::entry_position(self.active.entries);
        self.active.indexed_position = entry.position;
        match self.active.index_file.write_at(position, &[&entry.encode()]) {
            Ok(()) => self.active.entries += 1,
            Err(error) => {
                let path = self.active.segment.index_path().display().to_string();
                tracing::warn!(path, %error, "cannot write the index of a segment");
            }
        }
    }

    fn finish(&mut self) {
        if self.failed.is_some() {
            return;
        }
        if let Err(error) = self.sync() {
            let path = self.active.segment.log_path();
            tracing::error!(error = %failure("sync", path, &error), "closing the log");
            return;
        }
        self.index(self.active.end);
    }
}

/// Appends that are written and synced together.
#[derive(Debug, Default)]
struct Group {
    appends: Vec<Append>,
    bytes: u64,
    records: u64,
}

impl Group {
    fn push(&mut self, append: Append) {
        self.bytes += append.bytes();
        self.records += append.records();
        self.appends.push(append);
    }
}
