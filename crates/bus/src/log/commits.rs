//! Where each group stands: one small file a group, written in place by one thread.
//!
//! A partition has two slots and a commit goes to the one that is not the last durable one, so that
//! a torn write never takes both. Commits that come together share a sync.

mod keeper;
mod slots;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use tokio::sync::oneshot;

use self::keeper::{Keeper, Request};
use self::slots::GroupFile;
use super::config::LogConfig;
use super::counters::Counters;
use super::failure::{failure, fatal, transient};
use super::files::{Files, create_folders};
use super::locked;
use super::topic::check_name;
use crate::port::{BusError, PartitionId};

/// Largest metadata of a commit in bytes.
pub(super) const METADATA_BYTES_MAX: usize = 4_096;

/// What a group has committed for a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) offset: u64,
    pub(super) metadata: Bytes,
}

/// A consumer group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: Arc<str>,
    state: Mutex<GroupState>,
}

#[derive(Debug, Default)]
struct GroupState {
    /// Counts the members that the group has had.
    epoch: u64,
    held: bool,
    committed: HashMap<PartitionId, Committed>,
}

impl Group {
    /// Becomes the group's only member and gets the number that its commits carry.
    pub(super) fn acquire(&self) -> Result<u64, BusError> {
        let mut state = locked(&self.state);
        if state.held {
            return Err(fatal(format!(
                "the group {} is held by another consumer of this process: an embedded bus gives \
                 a group one member; for several use Kafka (bus = \"kafka://host:9092\")",
                self.name
            )));
        }
        state.held = true;
        state.epoch += 1;
        Ok(state.epoch)
    }

    pub(super) fn release(&self, epoch: u64) {
        let mut state = locked(&self.state);
        if state.epoch == epoch {
            state.held = false;
        }
    }

    pub(super) fn committed(&self, partition: &PartitionId) -> Option<Committed> {
        locked(&self.state).committed.get(partition).cloned()
    }

    fn check_epoch(&self, epoch: u64) -> Result<(), BusError> {
        if locked(&self.state).epoch == epoch {
            return Ok(());
        }
        Err(fatal(format!("the group {} has another member now: nothing was committed", self.name)))
    }

    fn record(&self, partition: PartitionId, committed: Committed) {
        locked(&self.state).committed.insert(partition, committed);
    }
}

/// A commit that waits to be stored.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) group: Arc<Group>,
    pub(super) epoch: u64,
    pub(super) partition: PartitionId,
    pub(super) committed: Committed,
}

/// All groups of a log.
#[derive(Debug)]
pub(super) struct Commits {
    groups: RwLock<HashMap<Arc<str>, Arc<Group>>>,
    requests: Sender<Request>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Commits {
    /// Reads the groups' files and starts the thread that writes them.
    pub(super) fn open(
        folder: PathBuf,
        files: Arc<dyn Files>,
        config: &LogConfig,
        counters: &Arc<Counters>,
    ) -> Result<Self, BusError> {
        let failed = |error| failure("read the groups in", &folder, &error);
        create_folders(&*files, &folder).map_err(failed)?;
        let mut groups = HashMap::new();
        let mut stored = HashMap::new();
        for file_name in files.list(&folder).map_err(failed)? {
            let Some(name) = file_name.strip_suffix(".commits") else { continue };
            let path = folder.join(&file_name);
            let (file, committed) = GroupFile::open(&*files, path)?;
            let name: Arc<str> = Arc::from(name);
            let state = GroupState { committed, ..GroupState::default() };
            let group = Group { name: Arc::clone(&name), state: Mutex::new(state) };
            stored.insert(Arc::clone(&name), file);
            groups.insert(name, Arc::new(group));
        }
        files.sync_folder(&folder).map_err(failed)?;
        let (sender, requests) = mpsc::channel();
        let keeper = Keeper::new(folder, files, stored, config, Arc::clone(counters));
        let thread = thread::Builder::new()
            .name("log-commits".to_owned())
            .spawn(move || keeper.run(&requests))
            .map_err(|error| transient(format!("cannot start a thread for the log: {error}")))?;
        let thread = Mutex::new(Some(thread));
        Ok(Self { groups: RwLock::new(groups), requests: sender, thread })
    }

    /// The group of this name, whether it has committed or not.
    pub(super) fn group(&self, name: &str) -> Result<Arc<Group>, BusError> {
        if let Some(group) = self.known(name) {
            return Ok(group);
        }
        check_name("group", name)?;
        let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        let name: Arc<str> = Arc::from(name);
        let group = groups
            .entry(Arc::clone(&name))
            .or_insert_with(|| Arc::new(Group { name, state: Mutex::default() }));
        Ok(Arc::clone(group))
    }

    pub(super) fn known(&self, name: &str) -> Option<Arc<Group>> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The furthest that any group has committed for a partition.
    pub(super) fn furthest(&self, partition: &PartitionId) -> u64 {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        let offsets = groups.values().filter_map(|group| group.committed(partition));
        offsets.map(|committed| committed.offset).max().unwrap_or(0)
    }

    pub(super) async fn commit(&self, commit: Commit) -> Result<(), BusError> {
        let (reply, answer) = oneshot::channel();
        let closed = || fatal("the bus is closed: nothing was committed");
        self.requests.send(Request::Commit(commit, reply)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Stores what waits and ends the thread.
    pub(super) fn close(&self) {
        // It fails only where the thread has ended already.
        drop(self.requests.send(Request::Close));
        if let Some(thread) = locked(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that stores commits panicked");
        }
    }
}
