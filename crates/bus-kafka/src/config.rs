//! Settings of the bus on Kafka, each with its unit and default.
//!
//! Only what an operator of the platform decides is a setting; whatever a promise of the bus rests on
//! (acknowledgements of all replicas, idempotence, explicit commits) cannot be switched off.

mod sasl;
mod topic;

use std::path::PathBuf;

use bus::BusError;
use serde::{Deserialize, Serialize};
use service::{ByteSize, Check, Findings, Span};

pub use self::sasl::{SaslConfig, SaslMechanism};
pub use self::topic::{Format, TopicConfig, TopicConfigs};
use crate::error::fatal;
use crate::message::FRAME_OVERHEAD_BYTES;

/// How messages travel and are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// The smallest.
    Zstd,
    /// The least work.
    #[default]
    Lz4,
    /// As it is.
    None,
}

/// How members of a group share partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupProtocol {
    /// By the members themselves, cooperatively: every Kafka since 2.4.
    #[default]
    Classic,
    /// By the broker (KIP-848): Kafka 4.0 and newer. The broker decides the session's length then.
    Consumer,
}

/// Settings of the bus on Kafka.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Name of this client in the brokers' logs and quotas; `millrace`.
    pub client_id: String,
    /// Put before the names of topics and groups, so that several installations can share a cluster;
    /// empty. Not put before the names of foreign topics.
    pub topic_prefix: String,
    /// Whether missing topics are created; true. If not, they are an error that says what to run. With
    /// `sasl.mechanism = "OAUTHBEARER"` they are never created, and only their partitions are checked.
    pub create_topics: bool,
    /// Replicas of a topic that is created; -1, the cluster's own default.
    pub replication_factor: i32,
    /// How messages travel and are stored; `lz4`.
    pub compression: Compression,
    /// How long a message waits for others to travel with; 5 ms.
    pub linger: Span,
    /// Size at which a frame of a topic with `format = "batch"` is closed; 64 KiB.
    pub frame_bytes: ByteSize,
    /// Number of records at which such a frame is closed; 1,024.
    pub frame_records: u32,
    /// Largest message, with its headers; 2 MiB. A larger record is refused. Topics must allow 4 KiB
    /// more (`max.message.bytes`).
    pub message_bytes_max: ByteSize,
    /// Messages that wait to be acknowledged, over all topics; 32 MiB. Publishers wait beyond it.
    pub queue_bytes: ByteSize,
    /// How long a message may wait to be acknowledged before its publisher is told to try again; 30 s.
    pub delivery_timeout: Span,
    /// How long a question to the brokers may take: about topics, offsets, a single record; 10 s.
    pub request_timeout: Span,
    /// Records of one batch for a consumer; 1,024. One larger frame is still delivered.
    pub batch_records: u32,
    /// Bytes of one batch for a consumer; 1 MiB. One larger message is still delivered.
    pub batch_bytes: ByteSize,
    /// Bytes that one answer of a broker may hold; 4 MiB.
    pub fetch_bytes: ByteSize,
    /// Bytes of one partition in such an answer, as they are stored; 64 KiB. What compresses well takes
    /// many times as much memory when it is read, so a larger one is felt while a stage waits.
    pub fetch_partition_bytes: ByteSize,
    /// Bytes that are read ahead for each assigned partition; 256 KiB. It bounds the memory while a
    /// stage waits for its sink.
    pub prefetch_bytes: ByteSize,
    /// How members of a group share partitions; `classic`.
    pub group_protocol: GroupProtocol,
    /// Name of this process in its groups, which no other may have: a restart then takes its partitions
    /// again without a rebalance. Empty: none.
    pub instance_id: String,
    /// How long the group waits for a silent member before its partitions go to others; 45 s. Only
    /// for `group_protocol = "classic"`.
    pub session_timeout: Span,
    /// Whether connections are encrypted; what the URL's scheme says.
    pub tls: Option<bool>,
    /// Authorities that sign the brokers' certificates, PEM; the system's.
    pub ca_file: Option<PathBuf>,
    /// This client's certificate, PEM.
    pub client_cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub client_key_file: Option<PathBuf>,
    /// Who this client is.
    pub sasl: SaslConfig,
    /// What differs for single topics, by name.
    pub topics: TopicConfigs,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            client_id: "millrace".to_owned(),
            topic_prefix: String::new(),
            create_topics: true,
            replication_factor: -1,
            compression: Compression::Lz4,
            linger: Span::from_millis(5),
            frame_bytes: ByteSize(64 << 10),
            frame_records: 1_024,
            message_bytes_max: ByteSize(2 << 20),
            queue_bytes: ByteSize(32 << 20),
            delivery_timeout: Span::from_secs(30),
            request_timeout: Span::from_secs(10),
            batch_records: 1_024,
            batch_bytes: ByteSize(1 << 20),
            fetch_bytes: ByteSize(4 << 20),
            fetch_partition_bytes: ByteSize(64 << 10),
            prefetch_bytes: ByteSize(256 << 10),
            group_protocol: GroupProtocol::Classic,
            instance_id: String::new(),
            session_timeout: Span::from_secs(45),
            tls: None,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            sasl: SaslConfig::default(),
            topics: TopicConfigs::default(),
        }
    }
}

/// A mistake: the settings that do not go together, and what is wrong with them.
type Problem = (Vec<&'static str>, String);

impl KafkaConfig {
    /// The largest frame that is published to a topic with `format = "batch"`, in bytes. A record that makes a
    /// larger one is refused.
    #[must_use]
    pub fn frame_bytes_max(&self) -> usize {
        self.message_bytes_max.as_usize().saturating_sub(FRAME_OVERHEAD_BYTES)
    }

    /// The settings with which the bus could not work.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut rule = |holds: bool, setting: &'static str, allowed: &str| {
            if !holds {
                problems.push((vec![setting], format!("{setting} must be {allowed}")));
            }
        };
        let name =
            |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        let within = |size: ByteSize, least: u64, most: u64| (least..=most).contains(&size.0);
        let between = |span: Span, least: Span, most: Span| (least..=most).contains(&span);
        rule(!self.client_id.is_empty() && name(&self.client_id), "client_id", NAME);
        rule(name(&self.topic_prefix) && self.topic_prefix.len() <= 100, "topic_prefix", NAME);
        rule(name(&self.instance_id) && self.instance_id.len() <= 200, "instance_id", NAME);
        let replicas =
            self.replication_factor == -1 || (1..=1_000).contains(&self.replication_factor);
        rule(replicas, "replication_factor", "-1 (the cluster's default) or at least 1");
        let linger = self.linger <= Span::from_secs(10);
        rule(linger, "linger", "at most 10s");
        rule(within(self.frame_bytes, 1 << 10, 8 << 20), "frame_bytes", "between 1KiB and 8MiB");
        rule(self.frame_records >= 1, "frame_records", "at least 1");
        let message = self.message_bytes_max;
        rule(within(message, 4 << 10, 512 << 20), "message_bytes_max", "between 4KiB and 512MiB");
        let queue = self.queue_bytes.0 >= message.0 && self.queue_bytes.0 <= 1 << 40;
        rule(queue, "queue_bytes", "at least message_bytes_max and at most 1TiB");
        let delivery = between(self.delivery_timeout, Span::from_secs(1), Span::from_secs(600));
        rule(delivery, "delivery_timeout", "between 1s and 10m");
        let request = between(self.request_timeout, Span::from_millis(100), Span::from_secs(60));
        rule(request, "request_timeout", "between 100ms and 1m");
        rule(self.batch_records >= 1, "batch_records", "at least 1");
        rule(self.batch_bytes.0 >= 1, "batch_bytes", "at least 1B");
        rule(within(self.fetch_bytes, 1 << 10, 1 << 30), "fetch_bytes", "between 1KiB and 1GiB");
        let partition = within(self.fetch_partition_bytes, 1 << 10, self.fetch_bytes.0);
        rule(partition, "fetch_partition_bytes", "between 1KiB and fetch_bytes");
        rule(
            within(self.prefetch_bytes, 1 << 10, 1 << 30),
            "prefetch_bytes",
            "between 1KiB and 1GiB",
        );
        let session = between(self.session_timeout, Span::from_secs(1), Span::from_secs(1_800));
        rule(session, "session_timeout", "between 1s and 30m");
        if self.client_cert_file.is_some() != self.client_key_file.is_some() {
            let message = "a client's certificate needs its key, and the key its certificate";
            problems.push((vec!["client_cert_file", "client_key_file"], message.to_owned()));
        }
        if self.tls == Some(false) && (self.ca_file.is_some() || self.client_cert_file.is_some()) {
            let message = "certificates are of no use with tls = false";
            problems.push((vec!["tls", "ca_file", "client_cert_file"], message.to_owned()));
        }
        problems.extend(self.sasl.problems());
        problems.extend(self.topics.problems());
        problems
    }

    /// Refuses settings with which the bus could not work, naming each.
    pub(crate) fn checked(self) -> Result<Self, BusError> {
        let problems = self.problems();
        if problems.is_empty() {
            return Ok(self);
        }
        let texts: Vec<_> = problems.into_iter().map(|(_, message)| message).collect();
        Err(fatal(format!("settings of Kafka: {}", texts.join("; "))))
    }
}

const NAME: &str = "of letters, digits, `.`, `_` and `-`, and not too long";

impl Check for KafkaConfig {
    fn check(&self, findings: &mut Findings) {
        for (settings, message) in self.problems() {
            findings.add(&settings, message);
        }
    }
}

#[cfg(test)]
mod tests;
