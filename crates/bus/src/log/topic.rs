//! A topic's folder: its number of partitions, recorded when created, and the partitions.
//!
//! A name that reaches the file system is checked against an allow-list first.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::commits::Commits;
use super::config::LogConfig;
use super::counters::Counters;
use super::failure::{failure, fatal};
use super::files::{Files, create_folders};
use super::locked;
use super::partition::Partition;
use super::recovery;
use super::writer::{self, WriterHandle};
use crate::TOPIC_RAW;
use crate::port::{BusError, PartitionId, TopicSpec};

/// Longest name of a topic or group in bytes, as Kafka has it.
pub(super) const NAME_BYTES_MAX: usize = 249;

const PARTITIONS_FILE: &str = "partitions";

/// Refuses a name that is no plain file name.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), BusError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let plain = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.starts_with('.');
    if plain && name.chars().all(allowed) {
        return Ok(());
    }
    Err(fatal(format!(
        "`{}` cannot name a {what}: use up to {NAME_BYTES_MAX} of a-z, 0-9, `.`, `_`, `-`, not \
         beginning with `.`",
        name.escape_debug()
    )))
}

/// A partition with the thread that writes it.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) partition: Arc<Partition>,
    pub(super) writer: WriterHandle,
}

/// How long and for whom a topic's data is kept.
#[derive(Clone, Debug)]
pub(super) struct Retention {
    pub(super) age_ns: i64,
    pub(super) bytes: u64,
    pub(super) holding_groups: Vec<Arc<str>>,
}

/// An open topic.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: Arc<str>,
    pub(super) lanes: Vec<Lane>,
    retention: Mutex<Retention>,
}

/// What a topic is opened with.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) folder: &'a Path,
    pub(super) files: &'a Arc<dyn Files>,
    pub(super) config: &'a Arc<LogConfig>,
    pub(super) counters: &'a Arc<Counters>,
    pub(super) commits: &'a Commits,
}

impl Topic {
    /// Opens a topic below `folder`, and creates it if it is not there.
    pub(super) fn open(spec: &TopicSpec, around: &Surroundings<'_>) -> Result<Self, BusError> {
        check_name("topic", &spec.name)?;
        for group in &spec.holding_groups {
            check_name("group", group)?;
        }
        let folder = around.folder.join(&*spec.name);
        record_partitions(spec, &folder, &**around.files)?;
        // What the doors took must still flow on when they are told to wait.
        let free_bytes_min = if *spec.name == *TOPIC_RAW {
            around.config.disk_reserve_bytes
        } else {
            around.config.disk_reserve_bytes / 2
        };
        let mut lanes = Vec::with_capacity(spec.partitions as usize);
        for partition in 0..spec.partitions {
            let id = PartitionId { topic: Arc::clone(&spec.name), partition };
            let least = around.commits.furthest(&id);
            let folder = folder.join(partition.to_string());
            let (partition, active) =
                recovery::open(id, &folder, around.files, around.counters, least)?;
            let config = Arc::clone(around.config);
            let writer = writer::spawn(Arc::clone(&partition), active, config, free_bytes_min)?;
            lanes.push(Lane { partition, writer });
        }
        Ok(Self { name: Arc::clone(&spec.name), lanes, retention: Mutex::new(retention(spec)) })
    }

    /// Takes over another retention, and refuses another number of partitions.
    pub(super) fn update(&self, spec: &TopicSpec) -> Result<(), BusError> {
        check_partitions(spec, self.lanes.len() as u32)?;
        *locked(&self.retention) = retention(spec);
        Ok(())
    }

    pub(super) fn retention(&self) -> Retention {
        locked(&self.retention).clone()
    }
}

fn retention(spec: &TopicSpec) -> Retention {
    Retention {
        age_ns: spec.retention_ns,
        bytes: spec.retention_bytes,
        holding_groups: spec.holding_groups.clone(),
    }
}

fn check_partitions(spec: &TopicSpec, recorded: u32) -> Result<(), BusError> {
    if spec.partitions == recorded {
        return Ok(());
    }
    Err(fatal(format!(
        "the topic {} has {recorded} partitions and {} are asked for: the number is settled when a \
         topic is created, since keys would move; set partitions = {recorded}, or begin with an \
         empty data folder",
        spec.name, spec.partitions
    )))
}

/// Compares the number of partitions with the recorded one, or records it.
fn record_partitions(spec: &TopicSpec, folder: &Path, files: &dyn Files) -> Result<(), BusError> {
    if spec.partitions == 0 {
        return Err(fatal(format!("the topic {} needs at least one partition", spec.name)));
    }
    let failed = |error| failure("open the topic in", folder, &error);
    create_folders(files, folder).map_err(failed)?;
    let path = folder.join(PARTITIONS_FILE);
    match files.open(&path) {
        Ok(file) => {
            let bytes = file.read_at(0, 32).map_err(failed)?;
            let text = String::from_utf8_lossy(&bytes);
            let recorded = text.trim().parse().map_err(|_| {
                fatal(format!(
                    "{} does not hold the topic's number of partitions: write the number of \
                     folders beside it into it",
                    path.display()
                ))
            })?;
            check_partitions(spec, recorded)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let new = folder.join("partitions.new");
            let file = files.create(&new).map_err(failed)?;
            file.truncate(0).map_err(failed)?;
            let text = format!("{}\n", spec.partitions);
            file.write_at(0, &[text.as_bytes()]).map_err(failed)?;
            file.sync().map_err(failed)?;
            files.rename(&new, &path).map_err(failed)?;
            files.sync_folder(folder).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}
