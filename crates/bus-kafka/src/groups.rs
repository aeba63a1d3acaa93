//! What groups have committed, asked by clients that are no members themselves.
//!
//! A question by a member could be answered with "you are no longer one", just when its answer is
//! needed to go on.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bus::BusError;
use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::client::{Clients, Context};
use crate::error::{failure, reading};
use crate::metadata::from_text;

/// What a group has committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: u64,
    pub(crate) metadata: Bytes,
}

/// The clients that ask, one a group, kept for the next question.
pub(crate) struct Groups {
    clients: Clients,
    asking: Mutex<HashMap<String, Arc<BaseConsumer<Context>>>>,
}

impl std::fmt::Debug for Groups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").finish_non_exhaustive()
    }
}

impl Groups {
    pub(crate) fn new(clients: Clients) -> Self {
        Self { clients, asking: Mutex::default() }
    }

    /// Serves the clients' logs and their need for tokens.
    pub(crate) fn serve(&self) {
        let asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let clients: Vec<_> = asking.values().cloned().collect();
        drop(asking);
        for client in clients {
            drop(client.poll(std::time::Duration::ZERO));
        }
    }

    fn client(&self, group: &str) -> Result<Arc<BaseConsumer<Context>>, BusError> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = asking.get(group) {
            return Ok(Arc::clone(client));
        }
        let client: BaseConsumer<Context> = self
            .clients
            .asking(Some(group))
            .create_with_context(Context::new(&self.clients.config))
            .map_err(|error| failure("use these settings of Kafka", &error))?;
        let client = Arc::new(client);
        asking.insert(group.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    /// What a group (by its name in the cluster) has committed for these partitions, in order.
    pub(crate) fn committed(
        &self,
        group: &str,
        partitions: &[(Arc<str>, u32)],
    ) -> Result<Vec<Option<Committed>>, BusError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.client(group)?;
        let condition = &client.context().condition;
        let operation = format!("ask Kafka what the group {group} has committed");
        let failed = |error| condition.explain(reading(&operation, &error));
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            list.add_partition(topic, *partition as i32);
        }
        let timeout = self.clients.config.request_timeout.0;
        let list = client.committed_offsets(list, timeout).map_err(failed)?;
        condition.works();
        let mut committed = Vec::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            let Some(element) = list.find_partition(topic, *partition as i32) else {
                committed.push(None);
                continue;
            };
            element.error().map_err(failed)?;
            committed.push(match element.offset() {
                Offset::Offset(offset) => {
                    // The library panics at metadata that is not UTF-8.
                    let text = catch_unwind(AssertUnwindSafe(|| element.metadata().to_owned())).ok();
                    let metadata = text.and_then(|text| from_text(&text)).unwrap_or_else(|| {
                        tracing::warn!(group, %topic, partition, "the commit's metadata is not ours");
                        Bytes::new()
                    });
                    let offset = u64::try_from(offset).unwrap_or_default();
                    Some(Committed { offset, metadata })
                }
                _ => None,
            });
        }
        Ok(committed)
    }
}
