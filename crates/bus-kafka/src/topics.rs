//! What is known of the cluster's topics: asked once, and again where something is missing.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bus::{BusError, ErrorKind};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::client::{Clients, Context};
use crate::error::{coded, failure, fatal, quoted, reading, transient};

/// How long a partition is left alone whose leader changes.
const LEADER_PAUSE: Duration = Duration::from_millis(50);

/// How long the client may take to say why a question failed.
const TELLING: Duration = Duration::from_millis(200);

/// Why offsets were not told.
#[derive(Debug)]
enum Unanswered {
    /// Who was asked is not the leader, or not yet: the client learns the new one meanwhile.
    LeaderMoves(BusError),
    Other(BusError),
}

/// Whether the question is answered as soon as the partition's leader is known everywhere.
fn leader_moves(code: Code) -> bool {
    matches!(
        code,
        Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
    )
}

/// A topic of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    /// Name as the callers know it.
    pub(crate) name: Arc<str>,
    /// Name in the cluster.
    pub(crate) full_name: Arc<str>,
    pub(crate) partitions: u32,
    /// Fewest replicas of a partition.
    pub(crate) replicas: usize,
}

/// Oldest and next offset of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) oldest: u64,
    pub(crate) end: u64,
}

/// The topics, and the client that asks about them. Its questions block: never on a task's thread.
pub(crate) struct Topics {
    clients: Clients,
    client: BaseConsumer<Context>,
    known: RwLock<HashMap<Arc<str>, Topic>>,
}

impl std::fmt::Debug for Topics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topics").field("known", &self.known).finish_non_exhaustive()
    }
}

impl Topics {
    pub(crate) fn new(clients: Clients) -> Result<Self, BusError> {
        let client = clients
            .asking(None)
            .create_with_context(Context::new(&clients.config))
            .map_err(|error| failure("use these settings of Kafka", &error))?;
        Ok(Self { clients, client, known: RwLock::default() })
    }

    /// Serves the client's log and its need for tokens.
    pub(crate) fn serve(&self) {
        // Without a group it has no messages.
        drop(self.client.poll(std::time::Duration::ZERO));
    }

    /// Adds to an error of waiting what the client says of it, which comes by another way and perhaps a
    /// moment later.
    fn explain(&self, error: BusError) -> BusError {
        let condition = &self.client.context().condition;
        if error.kind == ErrorKind::Transient && condition.is_silent() {
            drop(self.client.poll(TELLING));
        }
        condition.explain(error)
    }

    /// What was learned of a topic earlier.
    pub(crate) fn get(&self, name: &str) -> Option<Topic> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Forgets a topic that is said to be missing, so that it is asked about again.
    pub(crate) fn forget(&self, name: &str) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Every topic that was asked about.
    pub(crate) fn all(&self) -> Vec<Topic> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Asks about a topic, unless it is known.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`](bus::ErrorKind::Fatal) where it does not exist.
    pub(crate) fn find(&self, name: &str) -> Result<Topic, BusError> {
        match self.get(name) {
            Some(topic) => Ok(topic),
            None => self.ask(name)?.ok_or_else(|| missing(name, &self.clients.full_name(name))),
        }
    }

    /// Asks about a topic; `None` where it does not exist.
    pub(crate) fn ask(&self, name: &str) -> Result<Option<Topic>, BusError> {
        let full_name = self.clients.full_name(name);
        let operation = format!("ask Kafka about the topic {}", quoted(&full_name));
        let condition = &self.client.context().condition;
        let timeout = self.clients.config.request_timeout.0;
        let metadata = self
            .client
            .fetch_metadata(Some(&full_name), timeout)
            .map_err(|error| self.explain(failure(&operation, &error)))?;
        condition.works();
        let Some(found) = metadata.topics().iter().find(|topic| topic.name() == full_name) else {
            return Ok(None);
        };
        match found.error().map(Code::from) {
            None => {}
            Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => return Ok(None),
            Some(code) => return Err(coded(&operation, code)),
        }
        if found.partitions().is_empty() {
            return Ok(None);
        }
        let replicas = found.partitions().iter().map(|partition| partition.replicas().len()).min();
        let topic = Topic {
            name: name.into(),
            full_name: full_name.into(),
            partitions: found.partitions().len() as u32,
            replicas: replicas.unwrap_or_default(),
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(Arc::clone(&topic.name), topic.clone());
        Ok(Some(topic))
    }

    /// Oldest and next offset of these partitions (topics by their names in the cluster), in order.
    pub(crate) fn spans(&self, partitions: &[(Arc<str>, u32)]) -> Result<Vec<Span>, BusError> {
        let oldest = self.offsets(partitions, Offset::Beginning)?;
        let ends = self.offsets(partitions, Offset::End)?;
        Ok(oldest.into_iter().zip(ends).map(|(oldest, end)| Span { oldest, end }).collect())
    }

    /// Asks for offsets, again where a partition's leader changes just now.
    fn offsets(&self, partitions: &[(Arc<str>, u32)], which: Offset) -> Result<Vec<u64>, BusError> {
        let deadline = Instant::now() + self.clients.config.request_timeout.0;
        loop {
            let error = match self.ask_offsets(partitions, which) {
                Err(Unanswered::LeaderMoves(error)) if Instant::now() < deadline => error,
                Err(Unanswered::LeaderMoves(error) | Unanswered::Other(error)) => {
                    return Err(error);
                }
                Ok(offsets) => return Ok(offsets),
            };
            tracing::debug!(%error, "the offsets of partitions are asked for again");
            std::thread::sleep(LEADER_PAUSE);
        }
    }

    fn ask_offsets(
        &self,
        partitions: &[(Arc<str>, u32)],
        which: Offset,
    ) -> Result<Vec<u64>, Unanswered> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let operation = "ask Kafka for the offsets of partitions";
        let condition = &self.client.context().condition;
        let failed = |error: KafkaError| {
            let told = reading(operation, &error);
            match error.rdkafka_error_code() {
                Some(code) if leader_moves(code) => {
                    Unanswered::LeaderMoves(condition.explain(told))
                }
                _ => Unanswered::Other(self.explain(told)),
            }
        };
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            // As times, the beginning and the end stand for themselves: one request a broker.
            list.add_partition(topic, *partition as i32).set_offset(which).map_err(failed)?;
        }
        let timeout = self.clients.config.request_timeout.0;
        let list = self.client.offsets_for_times(list, timeout).map_err(failed)?;
        condition.works();
        let mut offsets = Vec::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            let element = list
                .find_partition(topic, *partition as i32)
                .ok_or_else(|| transient(format!("cannot {operation}: no answer for {topic}")))
                .map_err(Unanswered::Other)?;
            element.error().map_err(failed)?;
            match element.offset() {
                Offset::Offset(offset) => offsets.push(u64::try_from(offset).unwrap_or_default()),
                other => {
                    let text = format!("cannot {operation}: {topic}/{partition} is at {other:?}");
                    return Err(Unanswered::Other(transient(text)));
                }
            }
        }
        Ok(offsets)
    }
}

/// The error for a topic that does not exist.
pub(crate) fn missing(name: &str, full_name: &str) -> BusError {
    let called = if name == full_name {
        quoted(name)
    } else {
        format!("{} (in the cluster {})", quoted(name), quoted(full_name))
    };
    fatal(format!("the topic {called} is unknown to Kafka"))
}
