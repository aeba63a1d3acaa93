//! The embedded bus: a segment log of checksummed frames in one folder, for one process.
//!
//! ```text
//! FOLDER/lock                               taken while a process has the bus open
//! FOLDER/topics/TOPIC/partitions            number of partitions, settled when created
//! FOLDER/topics/TOPIC/N/OFFSET.log|.index   frames of partition N from this offset on
//! FOLDER/groups/GROUP.commits               what a group has committed
//! ```
//!
//! An offset counts records, and a frame stands at the offset of its first record. It is never
//! shared between processes, and never acknowledges what its settings do not call stored.

pub mod config;
pub mod counters;
pub mod files;
pub mod testing;

mod buffers;
mod commits;
mod consumer;
mod failure;
mod index;
mod partition;
mod publish;
mod reader;
mod recovery;
mod retention;
mod segment;
mod topic;
mod walk;
mod writer;

use std::any::Any;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use async_trait::async_trait;

use self::commits::Commits;
pub use self::config::{Fsync, LogConfig};
use self::consumer::LogConsumer;
use self::counters::Counters;
pub use self::counters::LogCounts;
use self::failure::{failure, fatal, transient};
use self::files::{DiskFiles, Files, create_folders};
use self::partition::Partition;
use self::publish::Queue;
use self::reader::BatchLimits;
use self::retention::{Janitor, Rounds};
use self::topic::{Surroundings, Topic};
use self::writer::Request;
use crate::port::{Bus, BusError, Consumer, PartitionLag, TopicSpec};
use crate::record::{Position, Record};

/// Locks, also after a panic of another holder: what these locks guard is whole at every step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The open topics.
#[derive(Debug, Default)]
struct Topics {
    open: RwLock<HashMap<Arc<str>, Arc<Topic>>>,
    /// Held while topics are opened, so that none is opened twice.
    opening: Mutex<()>,
}

impl Topics {
    fn get(&self, name: &str) -> Option<Arc<Topic>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn find(&self, name: &str) -> Result<Arc<Topic>, BusError> {
        self.get(name).ok_or_else(|| {
            fatal(format!("the topic `{}` is unknown to the bus", name.escape_debug()))
        })
    }

    fn all(&self) -> Vec<Arc<Topic>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.values().cloned().collect()
    }

    fn insert(&self, topic: Topic) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.insert(Arc::clone(&topic.name), Arc::new(topic));
    }
}

/// The embedded bus. Dropping it closes it, which waits for what is being written.
#[derive(Debug)]
pub struct EmbeddedBus {
    log: Arc<Log>,
}

#[derive(Debug)]
struct Log {
    folder: PathBuf,
    config: Arc<LogConfig>,
    files: Arc<dyn Files>,
    counters: Arc<Counters>,
    topics: Arc<Topics>,
    commits: Arc<Commits>,
    queue: Queue,
    janitor: Janitor,
    closed: Arc<AtomicBool>,
    lock: Mutex<Option<Box<dyn Any + Send + Sync>>>,
}

impl EmbeddedBus {
    /// Opens the bus in this folder, and creates it if it is not there.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`](crate::ErrorKind::Fatal) if another process has it open, or for settings that cannot work; or of the file system.
    pub fn open(folder: impl AsRef<Path>, config: LogConfig) -> Result<Self, BusError> {
        Self::open_on(Arc::new(DiskFiles), folder, config)
    }

    /// Opens the bus on a file system of the caller's.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(
        files: Arc<dyn Files>,
        folder: impl AsRef<Path>,
        config: LogConfig,
    ) -> Result<Self, BusError> {
        let way_out = "an embedded bus serves one process; end the other one, or use Kafka for \
                       several (bus = \"kafka://host:9092\")";
        Self::open_named("the bus", way_out, files, folder, config)
    }

    /// Opens a log that is no platform's bus. Errors call it `name`; where another process has it open they
    /// say `way_out`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_named(
        name: &str,
        way_out: &str,
        files: Arc<dyn Files>,
        folder: impl AsRef<Path>,
        config: LogConfig,
    ) -> Result<Self, BusError> {
        config.check()?;
        let folder = folder.as_ref().to_owned();
        let failed = |error| failure(&format!("open {name} in"), &folder, &error);
        create_folders(&*files, &folder.join("topics")).map_err(failed)?;
        let lock = files.lock(&folder.join("lock")).map_err(|error| {
            if error.kind() != io::ErrorKind::WouldBlock {
                return failed(error);
            }
            let folder = folder.display();
            fatal(format!("{name} in {folder} is open in another process: {way_out}"))
        })?;
        let counters = Arc::default();
        let commits = Commits::open(folder.join("groups"), Arc::clone(&files), &config, &counters)?;
        let (topics, commits) = (Arc::new(Topics::default()), Arc::new(commits));
        let rounds = Rounds {
            folder: folder.clone(),
            files: Arc::clone(&files),
            topics: Arc::clone(&topics),
            commits: Arc::clone(&commits),
            disk_reserve_bytes: config.disk_reserve_bytes,
        };
        let log = Log {
            folder,
            janitor: Janitor::spawn(rounds, &config)?,
            queue: Queue::new(config.queue_bytes),
            config: Arc::new(config),
            files,
            counters,
            topics,
            commits,
            closed: Arc::default(),
            lock: Mutex::new(Some(lock)),
        };
        Ok(Self { log: Arc::new(log) })
    }

    /// What went wrong or was repaired since it was opened.
    #[must_use]
    pub fn counts(&self) -> LogCounts {
        self.log.counters.counts()
    }

    /// Bytes of all segments, with what every group has read and retention has not removed yet.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        let topics = self.log.topics.all();
        let lanes = topics.iter().flat_map(|topic| &topic.lanes);
        lanes.map(|lane| lane.partition.bytes()).sum()
    }

    /// As [`Bus::lag`], which has nothing to wait for here.
    ///
    /// # Errors
    /// As there.
    pub fn lag_now(&self, group: &str, topics: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        let group = self.log.commits.known(group);
        let lag = |partition: &Arc<Partition>| {
            let committed = group.as_ref().and_then(|group| group.committed(&partition.id));
            let oldest = partition.start_offset();
            let (offset, metadata) =
                committed.map(|committed| (committed.offset, committed.metadata)).unzip();
            let committed_offset = offset.map_or(oldest, |offset| offset.max(oldest));
            let end_offset = partition.end_offset();
            PartitionLag {
                topic: partition.id.topic.to_string(),
                partition: partition.id.partition,
                committed_offset,
                end_offset,
                lag_records: end_offset.saturating_sub(committed_offset),
                metadata: metadata.unwrap_or_default(),
            }
        };
        Ok(self.log.partitions(topics)?.iter().map(lag).collect())
    }

    /// Stores and syncs what is being published, whatever `fsync` says, and lets go of the folder.
    /// Afterwards everything answers that the bus is closed.
    ///
    /// # Errors
    /// [`ErrorKind::Transient`](crate::ErrorKind::Transient) if the runtime is shutting down; dropping the bus closes it then.
    pub async fn close(&self) -> Result<(), BusError> {
        let log = Arc::clone(&self.log);
        tokio::task::spawn_blocking(move || log.close())
            .await
            .map_err(|error| transient(format!("closing the bus was interrupted: {error}")))
    }
}

impl Drop for EmbeddedBus {
    fn drop(&mut self) {
        self.log.close();
    }
}

impl Log {
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let _opening = locked(&self.topics.opening);
        self.janitor.close();
        let topics = self.topics.all();
        let lanes = || topics.iter().flat_map(|topic| &topic.lanes);
        for lane in lanes() {
            lane.writer.send(Request::Close);
        }
        for lane in lanes() {
            lane.writer.join();
            lane.partition.wake();
        }
        self.commits.close();
        locked(&self.lock).take();
    }

    fn ensure_topics(&self, specs: &[TopicSpec]) -> Result<(), BusError> {
        let _opening = locked(&self.topics.opening);
        for spec in specs {
            if self.closed.load(Ordering::Acquire) {
                return Err(fatal("the bus is closed"));
            }
            if let Some(open) = self.topics.get(&spec.name) {
                open.update(spec)?;
                continue;
            }
            let around = Surroundings {
                folder: &self.folder.join("topics"),
                files: &self.files,
                config: &self.config,
                counters: &self.counters,
                commits: &self.commits,
            };
            self.topics.insert(Topic::open(spec, &around)?);
        }
        Ok(())
    }

    fn partitions(&self, topics: &[&str]) -> Result<Vec<Arc<Partition>>, BusError> {
        let mut partitions = Vec::new();
        for (place, name) in topics.iter().enumerate() {
            let topic = self.topics.find(name)?;
            if topics[..place].contains(name) {
                continue;
            }
            partitions.extend(topic.lanes.iter().map(|lane| Arc::clone(&lane.partition)));
        }
        Ok(partitions)
    }
}

#[async_trait]
impl Bus for EmbeddedBus {
    async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        let (log, topics) = (Arc::clone(&self.log), topics.to_vec());
        tokio::task::spawn_blocking(move || log.ensure_topics(&topics))
            .await
            .map_err(|error| transient(format!("opening topics was interrupted: {error}")))?
    }

    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        match self.log.topics.find(topic) {
            Ok(topic) => publish::publish(&topic, &self.log.config, &self.log.queue, batch).await,
            Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn subscribe(&self, group: &str, topics: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        let partitions = self.log.partitions(topics)?;
        let config = &self.log.config;
        let consumer = LogConsumer::new(
            self.log.commits.group(group)?,
            partitions,
            Arc::clone(&self.log.commits),
            Arc::clone(&self.log.closed),
            BatchLimits { records: config.batch_records, bytes: config.batch_bytes },
        )?;
        Ok(Box::new(consumer))
    }

    async fn lag(&self, group: &str, topics: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        self.lag_now(group, topics)
    }

    async fn read(&self, position: &Position) -> Result<Option<Record>, BusError> {
        let topic = self.log.topics.find(&position.topic)?;
        let Some(lane) = topic.lanes.get(position.partition as usize) else { return Ok(None) };
        let partition = Arc::clone(&lane.partition);
        let (offset, index) = (position.offset, position.index);
        tokio::task::spawn_blocking(move || reader::read_record(&partition, offset, index))
            .await
            .map_err(|error| transient(format!("reading a record was interrupted: {error}")))?
    }

    fn shortage(&self) -> Option<String> {
        let reserve = self.log.config.disk_reserve_bytes;
        // A folder that cannot be asked shows when something is written to it.
        let free = self.log.files.free_bytes(&self.log.folder).ok()?;
        (free < reserve).then(|| failure::reserve_reached(free, &self.log.folder, reserve, reserve))
    }

    fn durability_warning(&self) -> Option<String> {
        match self.log.config.fsync {
            Fsync::Batch => None,
            Fsync::Interval => Some(format!(
                "a power cut loses up to {} ms of acknowledged records (fsync = \
                 \"interval\")",
                self.log.config.fsync_interval_ms
            )),
            Fsync::Never => Some(
                "a power cut loses acknowledged records that the system had not \
                 written yet (fsync = \"never\")"
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
