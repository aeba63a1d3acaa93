//! The input `kafka`: topics that others write, on a bus that is Kafka.

use enricher::language::Span;

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::codec::{self, Lines, Takes};
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::kafka_access::{self, Access};
use crate::logstash_settings::plugin::{PluginReader, Reasons};

use super::events::NOWHERE;
use super::{EVERY, TUNING, read_every};

/// What records of topics that others write are called, whichever topic it is.
const LISTENER: &str = "kafka";
/// Where the configuration names a bus of its own, nothing of this one counts.
const UNLESS: &[&str] = &["bus.url"];
/// Bounds of `bus.kafka.session_timeout`.
const SESSION_MILLISECONDS: std::ops::RangeInclusive<i64> = 1_000..=1_800_000;
const REASONS: Reasons = &[
    (
        TUNING,
        &[
            "check_crcs",
            "client_dns_lookup",
            "connections_max_idle_ms",
            "consumer_threads",
            "fetch_max_bytes",
            "fetch_max_wait_ms",
            "fetch_min_bytes",
            "heartbeat_interval_ms",
            "max_partition_fetch_bytes",
            "max_poll_interval_ms",
            "max_poll_records",
            "metadata_max_age_ms",
            "poll_timeout_ms",
            "receive_buffer_bytes",
            "reconnect_backoff_ms",
            "request_timeout_ms",
            "retry_backoff_ms",
            "send_buffer_bytes",
        ],
    ),
    (
        "the group is called `enricher`, with `bus.kafka.topic_prefix` before it, and begins with the oldest \
         message that is there",
        &["group_id", "auto_offset_reset"],
    ),
    (
        "an offset is committed when every event before it is delivered, never by time",
        &["auto_commit_interval_ms", "enable_auto_commit"],
    ),
    (
        "the members of the group share partitions cooperatively",
        &["partition_assignment_strategy", "client_rack"],
    ),
    ("a topic of others is never made", &["auto_create_topics"]),
    ("messages of aborted transactions are not read", &["isolation_level"]),
    ("name the topics in `topics`", &["exclude_internal_topics"]),
    ("an event has no fields of its message", &["decorate_events"]),
    (
        "a message is text or JSON, and there is no schema registry",
        &[
            "key_deserializer_class",
            "value_deserializer_class",
            "schema_registry_key",
            "schema_registry_proxy",
            "schema_registry_secret",
            "schema_registry_ssl_keystore_location",
            "schema_registry_ssl_keystore_password",
            "schema_registry_ssl_keystore_type",
            "schema_registry_ssl_truststore_location",
            "schema_registry_ssl_truststore_password",
            "schema_registry_ssl_truststore_type",
            "schema_registry_url",
            "schema_registry_validation",
        ],
    ),
];
const REST: [&str; 6] = [
    "bootstrap_servers",
    "client_id",
    "group_instance_id",
    "session_timeout_ms",
    "topics",
    "topics_pattern",
];

pub(super) fn read(reader: &mut PluginReader<'_>) {
    let owner = reader.carried.owner_of(LISTENER).map(|owner| {
        format!(
            "the messages of all topics go through one pipeline, and `{owner}` has topics already: put the filters of \
             both into that one, or run a second platform on this one's topics"
        )
    });
    let reason = match owner {
        None if reader.options.has("topics_pattern") => {
            "topics are named one by one; write them in `topics`".to_owned()
        }
        None => return read_topics(reader),
        Some(owner) => owner,
    };
    let names: Vec<_> = REASONS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    reader.leave_whole(&reason, &[&EVERY, &REST, &kafka_access::OPTIONS, &names]);
}

fn read_topics(reader: &mut PluginReader<'_>) {
    let servers = reader.options.text("bootstrap_servers");
    let servers = servers.unwrap_or_else(|| "localhost:9092".to_owned());
    let topics = reader.options.texts("topics").unwrap_or_else(|| vec!["logstash".to_owned()]);
    let client = reader.options.text("client_id");
    let instance = reader.options.text("group_instance_id");
    let session = reader.number_within("session_timeout_ms", SESSION_MILLISECONDS);
    let lines = codec::read(reader, Lines::Plain, Takes::Lines).lines;
    let access = kafka_access::read(reader);
    reader.leave_given(REASONS);
    // Topics of several inputs have one door.
    read_every(reader, NOWHERE);

    let scheme = if access.is_tls { "kafkas" } else { "kafka" };
    let url = format!("{scheme}://{}", servers.replace(char::is_whitespace, ""));
    if let Err(error) = bus_kafka::KafkaBus::check_url(&url) {
        let way_out = "write `host:port`, several with commas between them";
        return reader.options.refuse("bootstrap_servers", error.to_string(), way_out);
    }
    let cluster = Cluster { access, client, instance, session };
    match reader.carried.find("bus.url").map(|bus| (bus.value.clone(), bus.spot.clone())) {
        None => carry_cluster(reader, url, &cluster),
        Some((SettingValue::Text(known), spot)) if known == url => {
            let reason = format!(
                "there is one bus, and the input kafka of {} says how it is reached: write it there",
                reader.place_of(&spot)
            );
            cluster.settings(|option, path, value, _| {
                reader.leave_differing(option, path, &value, &reason);
            });
        }
        Some(_) => {
            let reason = "not carried over: there is one bus, and another input kafka has named its brokers; \
                          copy the topics to that cluster, or run a second platform on this one";
            return reader.note(reason);
        }
    }
    if !reader.carried.has_door(LISTENER) {
        let door = Door::next(reader.carried, LISTENER);
        reader.carried.open(door);
    }
    let span = reader.options.span("topics");
    for topic in topics {
        carry_topic(reader, span, &topic, lines);
    }
}

/// How the cluster is reached.
struct Cluster {
    access: Access,
    client: Option<String>,
    instance: Option<String>,
    session: Option<i64>,
}

impl Cluster {
    /// What it stands for: `take` is given each option, the setting's name, its value, and the settings that
    /// leave it out.
    fn settings(
        &self,
        mut take: impl FnMut(&'static str, &[&str], SettingValue, &'static [&'static str]),
    ) {
        let path = |name: &'static str| ["bus", "kafka", name];
        if let Some(client) = &self.client {
            take("client_id", &path("client_id"), SettingValue::Text(client.clone()), UNLESS);
        }
        if let Some(instance) = &self.instance {
            let value = SettingValue::Text(instance.clone());
            take("group_instance_id", &path("instance_id"), value, UNLESS);
        }
        if let Some(milliseconds) = self.session {
            let value = SettingValue::Text(format!("{milliseconds}ms"));
            take("session_timeout_ms", &path("session_timeout"), value, UNLESS);
        }
        kafka_access::settings(&self.access, take);
    }
}

fn carry_cluster(reader: &mut PluginReader<'_>, url: String, cluster: &Cluster) {
    reader.carry("bootstrap_servers", &["bus", "url"], SettingValue::Text(url));
    reader.note(
        "topics of others are read where the bus is, so that the platform keeps its own topics (logs.raw, \
         logs.enriched, fraud.scored, logs.dead) in this cluster too; `bus.kafka.topic_prefix` stands before \
         their names",
    );
    cluster.settings(|option, path, value, unless| {
        reader.carry_unless(option, path, value, unless);
    });
}

fn carry_topic(reader: &mut PluginReader<'_>, span: Span, topic: &str, lines: Lines) {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let is_name = (1..=249).contains(&topic.len()) && !matches!(topic, "." | "..");
    if !is_name || !topic.chars().all(legal) {
        let message = format!("`{topic}` is no topic");
        let way_out = "it has letters, digits, `.`, `_` and `-`, and is not `.` or `..`";
        return reader.options.refuse_at(span, message, way_out);
    }
    if bus::TOPICS.contains(&topic) {
        let message =
            format!("`{topic}` is a topic of the platform itself, which no other may own");
        let way_out = "let the senders write to a topic of another name, and name that one";
        return reader.options.refuse_at(span, message, way_out);
    }
    let path = |name| ["bus", "kafka", "topics", topic, name];
    let codec = SettingValue::Text(lines.as_str().to_owned());
    if let Some(known) = reader.carried.find(&path("codec").join(".")) {
        let place = reader.place_of(&known.spot);
        let reason = format!("the topic `{topic}` has one codec, that of {place}");
        return reader.leave_differing("codec", &path("codec"), &codec, &reason);
    }
    reader.carry_unless("topics", &path("foreign"), SettingValue::Flag(true), UNLESS);
    reader.carry_unless("codec", &path("codec"), codec, UNLESS);
}
