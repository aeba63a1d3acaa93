//! Removes whole segments that are too old or too much, and none that a holding group still needs.
//!
//! When the disk reserve is reached it also removes what every holding group has passed, so that a
//! full disk frees itself. It never touches the segment that is written to.

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use super::Topics;
use super::commits::Commits;
use super::config::LogConfig;
use super::failure::{failure, transient};
use super::files::Files;
use super::locked;
use super::segment::SegmentFacts;
use super::topic::{Retention, Topic};
use super::writer::Request;
use crate::port::BusError;

/// The thread that applies retention.
#[derive(Debug)]
pub(super) struct Janitor {
    stop: Mutex<Option<Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Janitor {
    pub(super) fn spawn(rounds: Rounds, config: &LogConfig) -> Result<Self, BusError> {
        let (stop, stopped) = mpsc::channel();
        let interval = Duration::from_millis(config.retention_interval_ms);
        let thread = thread::Builder::new()
            .name("log-retention".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                    rounds.go();
                }
            })
            .map_err(|error| transient(format!("cannot start a thread for the log: {error}")))?;
        Ok(Self { stop: Mutex::new(Some(stop)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) fn close(&self) {
        locked(&self.stop).take();
        if let Some(thread) = locked(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that applies retention panicked");
        }
    }
}

/// What a round of retention looks at.
#[derive(Debug)]
pub(super) struct Rounds {
    pub(super) folder: PathBuf,
    pub(super) files: Arc<dyn Files>,
    pub(super) topics: Arc<Topics>,
    pub(super) commits: Arc<Commits>,
    pub(super) disk_reserve_bytes: u64,
}

impl Rounds {
    /// Looks at every topic once.
    pub(super) fn go(&self) {
        let free = self.files.free_bytes(&self.folder).unwrap_or(u64::MAX);
        let mut wanted_bytes = self.disk_reserve_bytes.saturating_sub(free);
        for topic in self.topics.all() {
            let removed = self.topic(&topic, wanted_bytes);
            wanted_bytes = wanted_bytes.saturating_sub(removed);
        }
    }

    fn topic(&self, topic: &Topic, wanted_bytes: u64) -> u64 {
        let retention = topic.retention();
        let partitions: Vec<_> = topic
            .lanes
            .iter()
            .map(|lane| {
                lane.writer.send(Request::RollAged);
                Closed {
                    segments: lane.partition.closed_segments(),
                    needed_from: self.needed_from(&retention, lane),
                }
            })
            .collect();
        let bytes = topic.lanes.iter().map(|lane| lane.partition.bytes()).sum();
        let held = !retention.holding_groups.is_empty();
        let wanted_bytes = if held { wanted_bytes } else { 0 };
        let chosen = choose(&partitions, &retention, bytes, SystemTime::now(), wanted_bytes);
        for (lane, number) in topic.lanes.iter().zip(&chosen.numbers) {
            if let Err(error) = lane.partition.remove_segments(*number) {
                let error = failure("remove a segment in", &lane.partition.folder, &error);
                tracing::error!(%error, "retention");
            }
        }
        chosen.bytes
    }

    fn needed_from(&self, retention: &Retention, lane: &super::topic::Lane) -> u64 {
        let committed = |name: &Arc<str>| {
            let group = self.commits.known(name);
            group.and_then(|group| group.committed(&lane.partition.id)).map_or(0, |c| c.offset)
        };
        retention.holding_groups.iter().map(committed).min().unwrap_or(u64::MAX)
    }
}

/// The closed segments of a partition.
#[derive(Debug)]
struct Closed {
    /// Oldest first.
    segments: Vec<SegmentFacts>,
    /// Holding groups have committed up to here.
    needed_from: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Chosen {
    /// How many of the oldest segments of each partition go.
    numbers: Vec<usize>,
    bytes: u64,
}

/// Chooses segments, the oldest of all partitions first, while they are too old, the topic is too
/// large, or space is wanted.
fn choose(
    partitions: &[Closed],
    retention: &Retention,
    topic_bytes: u64,
    now: SystemTime,
    wanted_bytes: u64,
) -> Chosen {
    let age = Duration::from_nanos(u64::try_from(retention.age_ns).unwrap_or(0));
    let mut chosen = Chosen { numbers: vec![0; partitions.len()], bytes: 0 };
    loop {
        let free = partitions.iter().enumerate().filter_map(|(place, partition)| {
            let oldest = partition.segments.get(chosen.numbers[place])?;
            (oldest.end_offset <= partition.needed_from).then_some((place, oldest))
        });
        let Some((place, oldest)) = free.min_by_key(|(_, oldest)| oldest.written_at) else {
            return chosen;
        };
        let aged = now.duration_since(oldest.written_at).is_ok_and(|since| since >= age);
        let over = topic_bytes.saturating_sub(chosen.bytes) > retention.bytes;
        if !aged && !over && chosen.bytes >= wanted_bytes {
            return chosen;
        }
        chosen.numbers[place] += 1;
        chosen.bytes += oldest.bytes;
    }
}
