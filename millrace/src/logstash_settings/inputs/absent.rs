//! The inputs of Logstash that nothing stands for yet, each with what to use instead.

use crate::logstash_settings::known::Absent;

const REDIS: [&str; 12] = [
    "batch_count",
    "command_map",
    "data_type",
    "db",
    "host",
    "key",
    "password",
    "path",
    "port",
    "ssl",
    "threads",
    "timeout",
];
const GENERATOR: [&str; 5] = ["count", "ecs_compatibility", "lines", "message", "threads"];
const STDIN: [&str; 1] = ["ecs_compatibility"];
const PIPELINE: [&str; 2] = ["address", "ecs_compatibility"];

/// Inputs whose options are known.
pub(super) const ABSENT: [Absent; 4] = [
    (
        "redis",
        &[&REDIS],
        "events are not taken from Redis; let the senders write to Kafka, or to the TCP or HTTP door",
    ),
    (
        "generator",
        &[&GENERATOR],
        "`millrace generate | millrace send` sends made-up events, and `millrace up --demo` a few a second",
    ),
    (
        "pipeline",
        &[&PIPELINE],
        "no other pipeline hands events to this one; put these filters behind those of the pipeline that sends here, \
         under the condition of its output",
    ),
    (
        "stdin",
        &[&STDIN],
        "`PROGRAM | millrace send` sends what a program writes (`--plain` for text), and `millrace pipe` filters it \
         without a platform",
    ),
];

/// Other inputs of Logstash.
pub(super) const OTHERS: [&str; 49] = [
    "azure_event_hubs",
    "cloudwatch",
    "couchdb_changes",
    "dead_letter_queue",
    "elastic_agent",
    "elastic_serverless_forwarder",
    "elasticsearch",
    "exec",
    "ganglia",
    "gelf",
    "github",
    "google_cloud_storage",
    "google_pubsub",
    "graphite",
    "heartbeat",
    "http_poller",
    "imap",
    "irc",
    "java_generator",
    "java_stdin",
    "jdbc",
    "jms",
    "jmx",
    "kinesis",
    "log4j",
    "logstash",
    "lumberjack",
    "meetup",
    "pipe",
    "puppet_facter",
    "rabbitmq",
    "relp",
    "rss",
    "s3",
    "s3_sns_sqs",
    "s3-sns-sqs",
    "salesforce",
    "snmp",
    "snmptrap",
    "sqlite",
    "sqs",
    "stomp",
    "twitter",
    "varnishlog",
    "websocket",
    "wmi",
    "xmpp",
    "zeromq",
    "zenoss",
];

/// What to use instead of one of these.
pub(super) fn instead_of_other(name: &str) -> String {
    format!(
        "nothing here reads what `{name}` reads; let a program that does send lines of JSON to the TCP or HTTP \
         door"
    )
}
