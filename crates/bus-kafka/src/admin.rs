//! Creates topics and compares those that are there with what is wanted.
//!
//! It changes nothing that exists: a difference is an error that says what to run.

use bus::{BusError, TopicSpec};
use rdkafka::admin::TopicReplication;
use rdkafka::admin::{AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier};
use rdkafka::error::RDKafkaErrorCode as Code;

use crate::client::{BATCH_OVERHEAD_BYTES, Clients, Context};
use crate::error::{coded, failure, fatal, quoted};
use crate::topics::Topic;

/// What a topic's configuration is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    /// -1: for ever.
    retention_ms: i64,
    /// Of one partition; -1: any size.
    retention_bytes: i64,
    max_message_bytes: u64,
}

impl Wanted {
    fn new(spec: &TopicSpec, clients: &Clients) -> Self {
        let retention_bytes = match spec.retention_bytes {
            u64::MAX => -1,
            bytes => i64::try_from(bytes / u64::from(spec.partitions.max(1))).unwrap_or(-1),
        };
        let retention_ms = match spec.retention_ns {
            i64::MAX => -1,
            ns => (ns / 1_000_000).max(1),
        };
        let max_message_bytes = clients.config.message_bytes_max.0 + BATCH_OVERHEAD_BYTES;
        Self { retention_ms, retention_bytes, max_message_bytes }
    }

    fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("retention.ms", self.retention_ms.to_string()),
            ("retention.bytes", self.retention_bytes.to_string()),
            ("max.message.bytes", self.max_message_bytes.to_string()),
        ]
    }
}

/// Administers the cluster's topics.
pub(crate) struct Admin<'a> {
    clients: &'a Clients,
    client: AdminClient<Context>,
}

impl std::fmt::Debug for Admin<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin").finish_non_exhaustive()
    }
}

impl<'a> Admin<'a> {
    pub(crate) fn new(clients: &'a Clients) -> Result<Self, BusError> {
        let client = clients
            .common()
            .create_with_context(Context::new(&clients.config))
            .map_err(|error| failure("use these settings of Kafka", &error))?;
        Ok(Self { clients, client })
    }

    fn options(&self) -> AdminOptions {
        let timeout = Some(self.clients.config.request_timeout.0);
        AdminOptions::new().request_timeout(timeout).operation_timeout(timeout)
    }

    /// Creates a topic. One that somebody else has created meanwhile is as good.
    pub(crate) async fn create(&self, spec: &TopicSpec) -> Result<(), BusError> {
        let full_name = self.clients.full_name(&spec.name);
        let settings = Wanted::new(spec, self.clients).settings();
        let replicas = TopicReplication::Fixed(self.clients.config.replication_factor);
        let mut topic = NewTopic::new(&full_name, spec.partitions as i32, replicas);
        for (name, value) in &settings {
            topic = topic.set(name, value);
        }
        let operation = format!("create the topic {}", quoted(&full_name));
        let created = self.client.create_topics(&[topic], &self.options()).await;
        let created = created.map_err(|error| {
            self.client.inner().context().condition.explain(failure(&operation, &error))
        })?;
        match created.into_iter().next() {
            None | Some(Ok(_) | Err((_, Code::TopicAlreadyExists))) => Ok(()),
            Some(Err((_, code))) => {
                let error = coded(&operation, code);
                let line = create_line(&full_name, spec, self.clients);
                let text = format!("{}; by hand: {line}", error.message);
                Err(BusError::new(error.kind, text))
            }
        }
    }

    /// Compares a topic with what is wanted; answers how many replicas must have a record.
    pub(crate) async fn check(&self, spec: &TopicSpec, topic: &Topic) -> Result<u32, BusError> {
        let name = &*topic.full_name;
        let operation = format!("ask for the settings of the topic {}", quoted(name));
        let resources = [ResourceSpecifier::Topic(name)];
        let described = self.client.describe_configs(&resources, &self.options()).await;
        let described = described.map_err(|error| {
            self.client.inner().context().condition.explain(failure(&operation, &error))
        })?;
        let found = match described.into_iter().next() {
            None => return Err(fatal(format!("cannot {operation}: no answer"))),
            Some(Err(code)) => return Err(coded(&operation, code)),
            Some(Ok(found)) => found,
        };
        let differences = differences(&Wanted::new(spec, self.clients), &found);
        if differences.is_empty() {
            return Ok(number(&found, "min.insync.replicas").unwrap_or(1) as u32);
        }
        let texts: Vec<_> = differences
            .iter()
            .map(|(name, is, wanted)| format!("{name} is {is}, wanted is {wanted}"))
            .collect();
        let changes: Vec<_> =
            differences.iter().map(|(name, _, wanted)| format!("{name}={wanted}")).collect();
        Err(fatal(format!(
            "the topic {} differs from the configuration: {}; change the configuration, or run: \
             kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {name} \
             --add-config {}",
            quoted(name),
            texts.join("; "),
            self.clients.brokers(),
            changes.join(","),
        )))
    }
}

fn number(found: &ConfigResource, name: &str) -> Option<i64> {
    found.get(name)?.value.as_ref()?.parse().ok()
}

/// What is different: name, value, wanted value. Room for larger messages than ours harms nothing.
fn differences(wanted: &Wanted, found: &ConfigResource) -> Vec<(&'static str, i64, String)> {
    let mut differences = Vec::new();
    for (name, value) in wanted.settings() {
        let Some(is) = number(found, name) else { continue };
        let is_fine = match name {
            "max.message.bytes" => u64::try_from(is).is_ok_and(|is| is >= wanted.max_message_bytes),
            _ => is.to_string() == value,
        };
        if !is_fine {
            differences.push((name, is, value));
        }
    }
    differences
}

/// The error for a topic with another number of partitions.
pub(crate) fn other_partitions(spec: &TopicSpec, topic: &Topic, clients: &Clients) -> BusError {
    let (name, is, wanted) = (&topic.full_name, topic.partitions, spec.partitions);
    let way_out = if wanted > is {
        format!(
            "run: kafka-topics.sh --bootstrap-server {} --alter --topic {name} --partitions {wanted} \
             (keys go to other partitions from then on, so let the consumers catch up first)",
            clients.brokers()
        )
    } else {
        "Kafka cannot make them fewer; to do so, drain the topic, delete it and let it be created"
            .to_owned()
    };
    fatal(format!(
        "the topic {} has {is} partitions, wanted are {wanted}: set {is} in the configuration, or {way_out}",
        quoted(name)
    ))
}

/// The error for a topic that is missing and may not be created by us.
pub(crate) fn not_created(spec: &TopicSpec, clients: &Clients, why: &str) -> BusError {
    let full_name = clients.full_name(&spec.name);
    let line = create_line(&full_name, spec, clients);
    fatal(format!("the topic {} is missing, and {why}; run: {line}", quoted(&full_name)))
}

fn create_line(full_name: &str, spec: &TopicSpec, clients: &Clients) -> String {
    let configs: Vec<_> = Wanted::new(spec, clients)
        .settings()
        .iter()
        .map(|(name, value)| format!("--config {name}={value}"))
        .collect();
    let replicas = match clients.config.replication_factor {
        -1 => String::new(),
        replicas => format!(" --replication-factor {replicas}"),
    };
    format!(
        "kafka-topics.sh --bootstrap-server {} --create --topic {full_name} --partitions {}{replicas} {}",
        clients.brokers(),
        spec.partitions,
        configs.join(" ")
    )
}
