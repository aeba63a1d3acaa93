//! Commits of a member, each a request of its own that returns when the broker has stored it.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use bus::{BusError, Committer, PartitionId};
use bytes::Bytes;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::shared::Shared;
use super::{Client, not_ours};
use crate::error::{failure, fatal, transient};
use crate::metadata::{METADATA_BYTES_MAX, to_text};
use crate::topics::Topic;

pub(super) struct KafkaCommitter {
    client: Weak<Client>,
    shared: Arc<Shared>,
    /// Names in the cluster by the callers' names.
    full_names: HashMap<Arc<str>, Arc<str>>,
}

impl std::fmt::Debug for KafkaCommitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaCommitter")
            .field("full_names", &self.full_names)
            .finish_non_exhaustive()
    }
}

impl KafkaCommitter {
    pub(super) fn new(client: Weak<Client>, shared: Arc<Shared>, topics: &[Topic]) -> Self {
        let names = |topic: &Topic| (Arc::clone(&topic.name), Arc::clone(&topic.full_name));
        Self { client, shared, full_names: topics.iter().map(names).collect() }
    }

    fn set_paused(&self, partition: &PartitionId, paused: bool) {
        if let Some(gate) = self.shared.gate(partition) {
            gate.paused.store(paused, Ordering::Release);
            if !paused {
                Shared::wake_for(&gate, &self.shared.waker());
            }
        }
    }
}

#[async_trait]
impl Committer for KafkaCommitter {
    async fn commit(
        &self,
        partition: &PartitionId,
        next_offset: u64,
        metadata: Bytes,
    ) -> Result<(), BusError> {
        let named = || format!("{}/{}", partition.topic, partition.partition);
        if metadata.len() > METADATA_BYTES_MAX {
            return Err(fatal(format!(
                "the metadata of a commit has {} bytes, allowed are {METADATA_BYTES_MAX}",
                metadata.len()
            )));
        }
        let Some(full_name) = self.full_names.get(&partition.topic) else {
            return Err(fatal(format!("{} is not among the topics of this group", named())));
        };
        let offset = i64::try_from(next_offset)
            .map_err(|_| fatal(format!("{}: {next_offset} is no offset", named())))?;
        let on_its_way = self.shared.begin_commit(partition)?;
        let client = self.client.upgrade().ok_or_else(|| not_ours(partition))?;
        let operation = format!("commit {}", named());
        let (full_name, number) = (Arc::clone(full_name), partition.partition as i32);
        let committed = tokio::task::spawn_blocking(move || {
            let mut list = TopicPartitionList::with_capacity(1);
            let mut element = list.add_partition(&full_name, number);
            element.set_offset(Offset::Offset(offset))?;
            if !metadata.is_empty() {
                element.set_metadata(to_text(&metadata));
            }
            let committed = client.commit(&list, CommitMode::Sync);
            if committed.is_ok() {
                on_its_way.stored(metadata);
            }
            // In this order: the thread waits for the commit, then for the client.
            drop(client);
            drop(on_its_way);
            committed
        });
        match committed.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failure(&operation, &error)),
            Err(error) => Err(transient(format!("cannot {operation}: interrupted: {error}"))),
        }
    }

    fn pause(&self, partition: &PartitionId) {
        self.set_paused(partition, true);
    }

    fn resume(&self, partition: &PartitionId) {
        self.set_paused(partition, false);
    }
}
