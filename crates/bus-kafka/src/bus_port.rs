//! The bus itself: what it is made of, and the port's methods.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bus::{Bus, BusError, Consumer, ErrorKind, PartitionLag, Position, Record, TopicSpec};
use service::{MetricKind, Metrics};

use crate::address::Address;
use crate::admin::{Admin, not_created, other_partitions};
use crate::client::Clients;
use crate::config::KafkaConfig;
use crate::consumer::{KafkaConsumer, Surroundings};
use crate::counters::{Counters, KafkaCounts};
use crate::error::{fatal, quoted, transient};
use crate::groups::Groups;
use crate::message::Decoder;
use crate::producer::Producer;
use crate::reader;
use crate::topics::{Topic, Topics, missing};

/// How often the clients that nobody waits for are served.
const SERVE_INTERVAL: Duration = Duration::from_millis(100);
/// How long a new topic is left alone before it is asked about again.
const CREATED_PAUSE: Duration = Duration::from_millis(50);
/// How long closing waits for what is on its way.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// The bus on Apache Kafka. Dropping it waits for members that are leaving their groups.
#[derive(Debug)]
pub struct KafkaBus {
    around: Surroundings,
    producer: Arc<Producer>,
    /// For each topic that was ensured, how many replicas must have a record.
    required_replicas: Mutex<HashMap<Arc<str>, u32>>,
    /// Keeps the serving thread alive.
    _served: Arc<Served>,
}

/// The clients that nobody waits for.
#[derive(Debug)]
struct Served {
    topics: Arc<Topics>,
    groups: Arc<Groups>,
}

fn serve(served: &Weak<Served>) {
    while let Some(served) = served.upgrade() {
        served.topics.serve();
        served.groups.serve();
        drop(served);
        std::thread::park_timeout(SERVE_INTERVAL);
    }
}

impl KafkaBus {
    /// Whether this is the URL of a cluster. Nothing is asked.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_url(url: &str) -> Result<(), BusError> {
        Address::parse(url).map(drop)
    }

    /// Makes a bus of the cluster at this URL: `kafka://host:9092,host:9092`, or `kafkas://` for TLS.
    /// The brokers may be away: whatever needs them says so then.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`](bus::ErrorKind::Fatal) for an address or settings that cannot work.
    pub fn connect(url: &str, config: KafkaConfig) -> Result<Self, BusError> {
        let clients = Clients::new(Address::parse(url)?, config.checked()?)?;
        let counters = Arc::new(Counters::default());
        let topics = Arc::new(Topics::new(clients.clone())?);
        let groups = Arc::new(Groups::new(clients.clone()));
        let served = Arc::new(Served { topics: Arc::clone(&topics), groups: Arc::clone(&groups) });
        let weak = Arc::downgrade(&served);
        std::thread::Builder::new()
            .name("kafka-serve".to_owned())
            .spawn(move || serve(&weak))
            .map_err(|error| transient(format!("cannot start a thread: {error}")))?;
        let producer = Arc::new(Producer::new(clients.clone(), Arc::clone(&counters)));
        let departures = Arc::default();
        Ok(Self {
            around: Surroundings { clients, topics, groups, counters, departures },
            producer,
            required_replicas: Mutex::default(),
            _served: served,
        })
    }

    /// Shows its counts among the process's metrics.
    #[must_use]
    pub fn with_metrics(self, metrics: &Metrics) -> Self {
        let counters = Arc::clone(&self.around.counters);
        let read = move || {
            let sample = |(name, number): (&str, u64)| (vec![name.to_owned()], number as f64);
            counters.counts().by_name().map(sample).to_vec()
        };
        let help = "What the Kafka client met: offsets skipped, partitions lost or begun anew, messages \
                    of others, damaged or too large, producers made anew.";
        metrics.computed(
            "millrace_kafka_events_total",
            help,
            MetricKind::Counter,
            &["event"],
            read,
        );
        self
    }

    /// What went wrong or was stepped over since it was made.
    #[must_use]
    pub fn counts(&self) -> KafkaCounts {
        self.around.counters.counts()
    }

    /// Waits for what is on its way and for members that are leaving their groups.
    ///
    /// # Errors
    /// [`ErrorKind::Transient`](bus::ErrorKind::Transient) if the runtime is shutting down.
    pub async fn close(&self) -> Result<(), BusError> {
        let (producer, departures) =
            (Arc::clone(&self.producer), Arc::clone(&self.around.departures));
        self.blocking("close the bus", move || {
            producer.close(CLOSE_PATIENCE);
            departures.close();
            Ok(())
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        operation: &str,
        work: impl FnOnce() -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| transient(format!("cannot {operation}: interrupted: {error}")))?
    }

    /// The topics of these names, each once.
    async fn topics(&self, names: &[&str]) -> Result<Vec<Topic>, BusError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let topics = Arc::clone(&self.around.topics);
        self.blocking("ask about topics", move || {
            let mut found: Vec<Topic> = Vec::with_capacity(names.len());
            for name in names {
                if !found.iter().any(|topic| *topic.name == *name) {
                    found.push(topics.find(&name)?);
                }
            }
            Ok(found)
        })
        .await
    }

    /// What the cluster says of a topic now.
    async fn ask(&self, name: &Arc<str>) -> Result<Option<Topic>, BusError> {
        let (topics, name) = (Arc::clone(&self.around.topics), Arc::clone(name));
        self.blocking("ask about a topic", move || topics.ask(&name)).await
    }

    async fn ensure_topic(
        &self,
        spec: &TopicSpec,
        admin: Option<&Admin<'_>>,
    ) -> Result<(), BusError> {
        let clients = &self.around.clients;
        let found = self.ask(&spec.name).await?;
        if clients.config.topics.is_foreign(&spec.name) {
            let known = found.map(|_| ());
            return known.ok_or_else(|| missing(&spec.name, &clients.full_name(&spec.name)));
        }
        let topic = match (found, admin) {
            (Some(topic), _) => topic,
            (None, None) => {
                return Err(not_created(spec, clients, "with OAUTHBEARER topics are not created"));
            }
            (None, Some(_)) if !clients.config.create_topics => {
                return Err(not_created(spec, clients, "create_topics = false"));
            }
            (None, Some(admin)) => {
                admin.create(spec).await?;
                self.created(spec).await?
            }
        };
        if topic.partitions != spec.partitions {
            return Err(other_partitions(spec, &topic, clients));
        }
        if let Some(admin) = admin {
            let required = admin.check(spec, &topic).await?;
            let mut all = self.required_replicas.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(topic.name, required);
        }
        Ok(())
    }

    /// Waits until a new topic is known to the brokers and each of its partitions has a leader that answers:
    /// what is asked of it before that fails.
    async fn created(&self, spec: &TopicSpec) -> Result<Topic, BusError> {
        let deadline = tokio::time::Instant::now() + self.around.clients.config.request_timeout.0;
        loop {
            let missing = match self.ask(&spec.name).await? {
                Some(topic) if topic.partitions == spec.partitions => {
                    match self.spans(&topic).await {
                        Ok(()) => return Ok(topic),
                        Err(error) if error.kind == ErrorKind::Transient => error.message,
                        Err(error) => return Err(error),
                    }
                }
                Some(topic) => format!("{} partitions are known", topic.partitions),
                None => "no broker knows it".to_owned(),
            };
            if tokio::time::Instant::now() >= deadline {
                let name = self.around.clients.full_name(&spec.name);
                return Err(transient(format!(
                    "the topic {name} was created and cannot be used yet: {missing}"
                )));
            }
            tokio::time::sleep(CREATED_PAUSE).await;
        }
    }

    /// Asks each partition of a topic where it begins and ends.
    async fn spans(&self, topic: &Topic) -> Result<(), BusError> {
        let topics = Arc::clone(&self.around.topics);
        let name = Arc::clone(&topic.full_name);
        let places: Vec<_> = (0..topic.partitions).map(|at| (Arc::clone(&name), at)).collect();
        self.blocking("ask about a topic", move || topics.spans(&places).map(drop)).await
    }
}

impl Drop for KafkaBus {
    fn drop(&mut self) {
        self.around.departures.close();
    }
}

#[async_trait]
impl Bus for KafkaBus {
    async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        // The library's administration cannot be given tokens.
        let clients = &self.around.clients;
        let admin = if clients.uses_tokens() { None } else { Some(Admin::new(clients)?) };
        for spec in topics {
            self.ensure_topic(spec, admin.as_ref()).await?;
        }
        Ok(())
    }

    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        if batch.is_empty() {
            return Vec::new();
        }
        if self.around.clients.config.topics.is_foreign(topic) {
            let error = fatal(format!("the topic {} is foreign: it is only read", quoted(topic)));
            return batch.iter().map(|_| Err(error.clone())).collect();
        }
        let known = match self.around.topics.get(topic) {
            Some(topic) => Ok(topic),
            None => self
                .topics(&[topic])
                .await
                .and_then(|topics| topics.into_iter().next().ok_or_else(|| missing(topic, topic))),
        };
        match known {
            Ok(topic) => {
                let outcomes = self.producer.publish(&topic, &batch).await;
                let failed = |outcome: &Result<_, BusError>| {
                    outcome.as_ref().is_err_and(|error| error.kind == ErrorKind::Fatal)
                };
                if outcomes.iter().any(failed) {
                    // Perhaps it was removed, and is made again by hand.
                    self.around.topics.forget(&topic.name);
                }
                outcomes
            }
            Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn subscribe(&self, group: &str, topics: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        let topics = self.topics(topics).await?;
        let around = self.around.clone();
        let group = around.clients.full_group(group);
        let consumer = self.blocking("join a group", move || {
            around.departures.wait(&group);
            KafkaConsumer::join(group, &topics, around)
        });
        Ok(Box::new(consumer.await?))
    }

    /// For a topic with `format = "batch"` the lag counts messages, each of up to `frame_records`
    /// records: how many records they hold is known only by reading them.
    async fn lag(&self, group: &str, topics: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        let found = self.topics(topics).await?;
        let around = self.around.clone();
        let group = around.clients.full_group(group);
        self.blocking("ask for a group's lag", move || lag(&around, &group, &found)).await
    }

    async fn read(&self, position: &Position) -> Result<Option<Record>, BusError> {
        let topics = self.topics(&[&*position.topic]).await?;
        let Some(topic) = topics.into_iter().next() else { return Ok(None) };
        if position.partition >= topic.partitions {
            return Ok(None);
        }
        let (around, position) = (self.around.clone(), position.clone());
        self.blocking("read a record", move || {
            let place = (Arc::clone(&topic.full_name), position.partition);
            let spans = around.topics.spans(&[place])?;
            let Some(span) = spans.first() else { return Ok(None) };
            let decoder = Decoder {
                topic: Arc::clone(&topic.full_name),
                partition: position.partition,
                codec: around.clients.config.topics.codec(&topic.name),
                counters: Arc::default(),
            };
            reader::read(&around.clients, &topic, *span, &position, &decoder)
        })
        .await
    }

    fn durability_warning(&self) -> Option<String> {
        let required = self.required_replicas.lock().unwrap_or_else(PoisonError::into_inner);
        let mut weak: Vec<_> = self
            .around
            .topics
            .all()
            .into_iter()
            .filter_map(|topic| {
                let needed = *required.get(&topic.name)?;
                let held = u32::try_from(topic.replicas).unwrap_or(u32::MAX);
                (needed.min(held) < 2).then_some(topic.name)
            })
            .collect();
        weak.sort();
        (!weak.is_empty()).then(|| {
            format!(
                "one broker may hold the only copy of an acknowledged record ({}): the topic has one \
                 replica, or its min.insync.replicas is below 2",
                weak.join(", ")
            )
        })
    }
}

fn lag(
    around: &Surroundings,
    group: &str,
    topics: &[Topic],
) -> Result<Vec<PartitionLag>, BusError> {
    let numbers = |topic: &Topic| {
        let name = Arc::clone(&topic.full_name);
        (0..topic.partitions).map(move |partition| (Arc::clone(&name), partition))
    };
    let places: Vec<_> = topics.iter().flat_map(numbers).collect();
    let names = topics.iter().flat_map(|topic| (0..topic.partitions).map(move |_| &topic.name));
    let committed = around.groups.committed(group, &places)?;
    let spans = around.topics.spans(&places)?;
    let lags = places.iter().zip(names).zip(committed.into_iter().zip(spans)).map(
        |(((_, partition), name), (committed, span))| {
            let (offset, metadata) =
                committed.map(|committed| (committed.offset, committed.metadata)).unzip();
            let committed = offset.unwrap_or(span.oldest);
            let committed_offset = committed.clamp(span.oldest, span.end.max(span.oldest));
            PartitionLag {
                topic: name.to_string(),
                partition: *partition,
                committed_offset,
                end_offset: span.end,
                lag_records: span.end.saturating_sub(committed_offset),
                metadata: metadata.unwrap_or_default(),
            }
        },
    );
    Ok(lags.collect())
}
