//! A member of a consumer group.
//!
//! A thread of its own serves the client library, so that the member stays in its group whatever the
//! stage does; partitions given away are held until the stage has drained them. Messages are taken by
//! the stage itself, a queue for each partition, so a partition that waits holds up no other, and the
//! library's own bounds hold back what is read ahead.

mod committer;
mod context;
mod departures;
mod lane;
mod poller;
mod shared;
mod starts;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use async_trait::async_trait;
use bus::{BusError, Committer, Consumer, Delivery, ErrorKind, PartitionId};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::time::Instant;

use self::committer::KafkaCommitter;
use self::context::MemberContext;
pub(crate) use self::departures::Departures;
use self::lane::{Filled, Lane, Limits};
use self::poller::Poller;
use self::shared::{Event, Shared};
use crate::client::Clients;
use crate::counters::Counters;
use crate::error::{failure, fatal};
use crate::groups::Groups;
use crate::topics::{Topic, Topics};

/// The client of a member.
type Client = BaseConsumer<MemberContext>;

/// How often the queues are looked at though nothing was told of them: the library forgets whom it tells
/// when the queue that a partition had in an earlier assignment is dropped late.
const RECHECK: Duration = Duration::from_secs(1);

/// What a member needs of its bus.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) clients: Clients,
    pub(crate) topics: Arc<Topics>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) departures: Arc<Departures>,
}

/// A group's consumer.
pub(crate) struct KafkaConsumer {
    group: String,
    shared: Arc<Shared>,
    committer: Arc<KafkaCommitter>,
    lanes: Vec<Lane>,
    limits: Limits,
    turn: usize,
    /// The revocation that was told last; the next call says that it was drained.
    told: Option<u64>,
    /// A partition that begins anew as soon as the stage has drained it.
    rewound: Option<PartitionId>,
    /// When the queues are looked at next though nothing was told of them.
    recheck_at: Instant,
    ended: Option<BusError>,
    departures: Arc<Departures>,
    thread: Option<Receiver<()>>,
}

impl std::fmt::Debug for KafkaConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaConsumer").field("group", &self.group).finish_non_exhaustive()
    }
}

impl KafkaConsumer {
    /// Joins a group, named as in the cluster.
    pub(crate) fn join(
        group: String,
        topics: &[Topic],
        around: Surroundings,
    ) -> Result<Self, BusError> {
        let config = Arc::clone(&around.clients.config);
        let client: Client = around
            .clients
            .member(&group)
            .create_with_context(MemberContext::new(&config))
            .map_err(|error| failure("use these settings of Kafka", &error))?;
        let client = Arc::new(client);
        let names: Vec<&str> = topics.iter().map(|topic| &*topic.full_name).collect();
        let operation = format!("join the group {group}");
        client.subscribe(&names).map_err(|error| failure(&operation, &error))?;
        let shared = Arc::new(Shared::default());
        let committer = KafkaCommitter::new(Arc::downgrade(&client), Arc::clone(&shared), topics);
        let names: HashMap<_, _> = topics
            .iter()
            .map(|topic| (topic.full_name.to_string(), Arc::clone(&topic.name)))
            .collect();
        let departures = Arc::clone(&around.departures);
        let poller = Poller::new(client, group.clone(), names, Arc::clone(&shared), around);
        let thread = poller.spawn()?;
        Ok(Self {
            group,
            shared,
            committer: Arc::new(committer),
            lanes: Vec::new(),
            limits: Limits {
                records: config.batch_records as usize,
                bytes: config.batch_bytes.as_usize(),
            },
            turn: 0,
            told: None,
            rewound: None,
            recheck_at: Instant::now() + RECHECK,
            ended: None,
            departures,
            thread: Some(thread),
        })
    }

    /// Takes over what the thread tells.
    fn told(&mut self, event: Event) -> Result<Delivery, BusError> {
        match event {
            Event::Assigned(starts, lanes) => {
                for start in &starts {
                    self.let_go(std::slice::from_ref(&start.partition));
                }
                self.lanes.extend(lanes);
                Ok(Delivery::Assigned(starts))
            }
            Event::Revoked(partitions, ticket) => {
                self.let_go(&partitions);
                self.told = Some(ticket);
                Ok(Delivery::Revoked(partitions))
            }
            Event::Lost(partitions, ticket) => {
                self.let_go(&partitions);
                self.shared.drained(ticket);
                Ok(Delivery::Lost(partitions))
            }
            Event::Failed(error) => Err(self.failed(error)),
        }
    }

    fn failed(&mut self, error: BusError) -> BusError {
        if error.kind != ErrorKind::Transient {
            self.ended = Some(error.clone());
        }
        error
    }

    fn let_go(&mut self, partitions: &[PartitionId]) {
        self.lanes.retain(|lane| !partitions.contains(lane.partition()));
    }

    /// A batch of the next partition in turn that has one.
    fn read(&mut self) -> Result<Option<Delivery>, BusError> {
        for step in 0..self.lanes.len() {
            let place = (self.turn + step) % self.lanes.len();
            let lane = &mut self.lanes[place];
            if !lane.is_ready() {
                continue;
            }
            match lane.fill(self.limits) {
                Filled::Nothing => {}
                Filled::Batch(batch) => {
                    self.turn = place + 1;
                    return Ok(Some(Delivery::Batch(batch)));
                }
                // What is in flight may be gone from the brokers: it is drained, never dropped.
                Filled::Rewound => {
                    let partition = lane.partition().clone();
                    self.rewound = Some(partition.clone());
                    return Ok(Some(Delivery::Revoked(vec![partition])));
                }
                Filled::Failed(error) => return Err(self.failed(error)),
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl Consumer for KafkaConsumer {
    async fn next(&mut self) -> Result<Delivery, BusError> {
        if let Some(ticket) = self.told.take() {
            self.shared.drained(ticket);
        }
        let rewound = self.rewound.take();
        if let Some(lane) =
            self.lanes.iter().find(|lane| rewound.as_ref() == Some(lane.partition()))
        {
            return Ok(Delivery::Assigned(vec![lane.restart()]));
        }
        loop {
            if let Some(error) = &self.ended {
                return Err(error.clone());
            }
            if let Some(event) = self.shared.pop() {
                return self.told(event);
            }
            if Instant::now() >= self.recheck_at {
                self.lanes.iter().for_each(Lane::recheck);
                self.recheck_at = Instant::now() + RECHECK;
            }
            if let Some(delivery) = self.read()? {
                return Ok(delivery);
            }
            drop(tokio::time::timeout_at(self.recheck_at, self.shared.woken()).await);
        }
    }

    fn committer(&self) -> Arc<dyn Committer> {
        Arc::clone(&self.committer) as Arc<dyn Committer>
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        // The queues keep the client alive.
        self.lanes.clear();
        self.shared.close();
        if let Some(thread) = self.thread.take() {
            self.departures.add(&self.group, thread);
        }
    }
}

/// The error of a partition that this member does not have.
fn not_ours(partition: &PartitionId) -> BusError {
    crate::error::transient(format!(
        "{}/{} is not assigned to this member any more: nothing was committed",
        partition.topic, partition.partition
    ))
}

/// The error when the member's thread has failed.
fn broken(group: &str, reason: &str) -> BusError {
    fatal(format!("the member of the group {group} failed: {reason}"))
}
