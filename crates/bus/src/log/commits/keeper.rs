//! The thread that stores commits: those that wait together share a sync.
//!
//! It never answers before what it answers for is stored as durably as the settings say.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Commit;
use super::slots::GroupFile;
use crate::log::config::{Fsync, LogConfig};
use crate::log::counters::{Counters, count};
use crate::log::files::Files;
use crate::port::{BusError, PartitionId};

type Reply = oneshot::Sender<Result<(), BusError>>;
type Key = (Arc<str>, PartitionId);

#[derive(Debug)]
pub(super) enum Request {
    Commit(Commit, Reply),
    /// Store what waits, and end.
    Close,
}

#[derive(Debug)]
pub(super) struct Keeper {
    folder: PathBuf,
    files: Arc<dyn Files>,
    stored: HashMap<Arc<str>, GroupFile>,
    fsync: Fsync,
    interval: Duration,
    unsynced_since: Option<Instant>,
    counters: Arc<Counters>,
}

impl Keeper {
    pub(super) fn new(
        folder: PathBuf,
        files: Arc<dyn Files>,
        stored: HashMap<Arc<str>, GroupFile>,
        config: &LogConfig,
        counters: Arc<Counters>,
    ) -> Self {
        let interval = Duration::from_millis(config.fsync_interval_ms);
        Self {
            folder,
            files,
            stored,
            fsync: config.fsync,
            interval,
            unsynced_since: None,
            counters,
        }
    }

    pub(super) fn run(mut self, requests: &Receiver<Request>) {
        let mut open = true;
        while open {
            let mut request = match self.receive(requests) {
                Ok(request) => Some(request),
                Err(RecvTimeoutError::Timeout) => {
                    self.sync_all();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut waiting = Vec::new();
            while let Some(next) = request {
                match next {
                    Request::Commit(commit, reply) => waiting.push((commit, reply)),
                    Request::Close => {
                        open = false;
                        break;
                    }
                }
                request = requests.try_recv().ok();
            }
            self.store(waiting);
        }
        self.sync_all();
    }

    fn receive(&self, requests: &Receiver<Request>) -> Result<Request, RecvTimeoutError> {
        match self.unsynced_since {
            Some(since) if self.fsync == Fsync::Interval => {
                requests.recv_timeout(self.interval.saturating_sub(since.elapsed()))
            }
            _ => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Stores commits that came together: of several for one partition the last.
    fn store(&mut self, waiting: Vec<(Commit, Reply)>) {
        let checked: Vec<_> =
            waiting.iter().map(|(commit, _)| commit.group.check_epoch(commit.epoch)).collect();
        let mut latest: HashMap<Key, &Commit> = HashMap::new();
        for ((commit, _), checked) in waiting.iter().zip(&checked) {
            if checked.is_ok() {
                latest.insert(key(commit), commit);
            }
        }
        let mut outcomes: HashMap<Key, Result<(), BusError>> = HashMap::new();
        for (key, commit) in &latest {
            outcomes.insert(key.clone(), self.write(commit));
        }
        if self.fsync == Fsync::Batch {
            self.sync_touched(&mut outcomes);
        } else if !latest.is_empty() {
            self.unsynced_since.get_or_insert_with(Instant::now);
        }
        for (key, commit) in latest {
            if outcomes.get(&key).is_some_and(Result::is_ok) {
                commit.group.record(key.1, commit.committed.clone());
            }
        }
        for ((commit, reply), checked) in waiting.into_iter().zip(checked) {
            let stored = || outcomes.get(&key(&commit)).cloned().unwrap_or(Ok(()));
            // Nobody waits any more if the committer's future was dropped.
            drop(reply.send(checked.and_then(|()| stored())));
        }
        let due = self.unsynced_since.is_some_and(|since| since.elapsed() >= self.interval);
        if due && self.fsync == Fsync::Interval {
            self.sync_all();
        }
    }

    fn write(&mut self, commit: &Commit) -> Result<(), BusError> {
        let name = &commit.group.name;
        if !self.stored.contains_key(name) {
            let path = self.folder.join(format!("{name}.commits"));
            let file = GroupFile::create(&*self.files, path)?;
            self.stored.insert(Arc::clone(name), file);
        }
        match self.stored.get_mut(name) {
            Some(file) => file.write(&commit.partition, &commit.committed),
            None => Ok(()),
        }
    }

    fn sync_touched(&mut self, outcomes: &mut HashMap<Key, Result<(), BusError>>) {
        let touched: HashSet<_> = outcomes.keys().map(|(group, _)| Arc::clone(group)).collect();
        for group in touched {
            count(&self.counters.syncs, 1);
            let Some(Err(error)) = self.stored.get_mut(&group).map(GroupFile::sync) else {
                continue;
            };
            for ((name, _), outcome) in outcomes.iter_mut() {
                if *name == group && outcome.is_ok() {
                    *outcome = Err(error.clone());
                }
            }
        }
    }

    fn sync_all(&mut self) {
        self.unsynced_since = None;
        for (group, file) in &mut self.stored {
            count(&self.counters.syncs, u64::from(file.is_written()));
            if let Err(error) = file.sync() {
                tracing::error!(%group, %error, "commits may not be on the disk");
            }
        }
    }
}

fn key(commit: &Commit) -> Key {
    (Arc::clone(&commit.group.name), commit.partition.clone())
}
