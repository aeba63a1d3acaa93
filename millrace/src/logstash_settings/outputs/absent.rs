//! The outputs of Logstash that nothing stands for, each with what to use instead.

use crate::logstash_settings::kafka_access;
use crate::logstash_settings::plugin::PluginReader;

use super::{EVERY, Read};

const KAFKA: [&str; 26] = [
    "acks",
    "batch_size",
    "block_on_buffer_full",
    "bootstrap_servers",
    "buffer_memory",
    "client_dns_lookup",
    "client_id",
    "compression_type",
    "connections_max_idle_ms",
    "key_serializer",
    "linger_ms",
    "max_request_size",
    "message_headers",
    "message_key",
    "metadata_fetch_timeout_ms",
    "metadata_max_age_ms",
    "partitioner",
    "receive_buffer_bytes",
    "reconnect_backoff_ms",
    "request_timeout_ms",
    "retries",
    "retry_backoff_ms",
    "send_buffer_bytes",
    "timeout_ms",
    "topic_id",
    "value_serializer",
];
const FILE: [&str; 11] = [
    "create_if_deleted",
    "dir_mode",
    "file_mode",
    "filename_failure",
    "flush_interval",
    "gzip",
    "max_size",
    "message_format",
    "path",
    "stale_cleanup_interval",
    "write_behavior",
];
const HTTP: [&str; 48] = [
    "automatic_retries",
    "cacert",
    "client_cert",
    "client_key",
    "connect_timeout",
    "content_type",
    "cookies",
    "follow_redirects",
    "format",
    "headers",
    "http_compression",
    "http_method",
    "ignorable_codes",
    "keepalive",
    "keystore",
    "keystore_password",
    "keystore_type",
    "mapping",
    "message",
    "password",
    "pool_max",
    "pool_max_per_route",
    "proxy",
    "request_timeout",
    "retry_failed",
    "retry_non_idempotent",
    "retryable_codes",
    "socket_timeout",
    "ssl_certificate",
    "ssl_certificate_authorities",
    "ssl_certificate_validation",
    "ssl_cipher_suites",
    "ssl_enabled",
    "ssl_key",
    "ssl_keystore_password",
    "ssl_keystore_path",
    "ssl_keystore_type",
    "ssl_supported_protocols",
    "ssl_truststore_password",
    "ssl_truststore_path",
    "ssl_truststore_type",
    "ssl_verification_mode",
    "truststore",
    "truststore_password",
    "truststore_type",
    "url",
    "user",
    "validate_after_inactivity",
];

/// Outputs whose options are known.
const ABSENT: [(&str, &[&[&str]], &str); 4] = [
    (
        "kafka",
        &[&KAFKA, &kafka_access::OPTIONS],
        "on a bus that is Kafka (`bus.url = \"kafka://host:9092\"`) every event that was filtered stands as JSON in the \
         topic logs.enriched; let the readers read that one",
    ),
    (
        "stdout",
        &[],
        "`millrace query --follow` shows events as they come, and `millrace pipe` filters standard input to \
         standard output",
    ),
    (
        "file",
        &[&FILE],
        "`millrace query --json` writes what was found, with `--follow` what comes, one event a line",
    ),
    (
        "http",
        &[&HTTP],
        "events are sent to no other server; let a program read them: `millrace query --json --follow`",
    ),
];

/// Other outputs of Logstash.
const OTHERS: [&str; 61] = [
    "app_search",
    "boundary",
    "circonus",
    "cloudwatch",
    "csv",
    "datadog",
    "datadog_metrics",
    "dynatrace",
    "elastic_app_search",
    "elastic_workplace_search",
    "email",
    "exec",
    "ganglia",
    "gelf",
    "google_bigquery",
    "google_cloud_storage",
    "google_pubsub",
    "graphite",
    "graphtastic",
    "hipchat",
    "influxdb",
    "irc",
    "java_stdout",
    "jira",
    "jms",
    "juggernaut",
    "librato",
    "loggly",
    "logstash",
    "lumberjack",
    "metriccatcher",
    "mongodb",
    "nagios",
    "nagios_nsca",
    "newrelic",
    "null",
    "opentsdb",
    "pagerduty",
    "pipe",
    "pipeline",
    "rabbitmq",
    "redis",
    "redmine",
    "riak",
    "riemann",
    "s3",
    "sink",
    "sns",
    "solr_http",
    "sqs",
    "statsd",
    "stomp",
    "syslog",
    "tcp",
    "timber",
    "udp",
    "webhdfs",
    "websocket",
    "workplace_search",
    "xmpp",
    "zabbix",
];

/// Finds who says what is to be said of an output that nothing stands for.
pub(super) fn find(name: &str) -> Option<Read> {
    names().any(|known| known == name).then_some(read as Read)
}

/// Their names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ABSENT.iter().map(|(name, ..)| *name).chain(OTHERS)
}

fn read(reader: &mut PluginReader<'_>) {
    let name = reader.options.plugin().to_owned();
    match ABSENT.iter().find(|(known, ..)| *known == name) {
        Some((_, options, reason)) => {
            let known = [&[&EVERY[..]], *options].concat();
            reader.leave_whole(reason, &known);
        }
        None => {
            let reason = format!(
                "nothing here writes where `{name}` writes; events are indexed, and `millrace query --json \
                 --follow` gives them to any program"
            );
            reader.leave_unknown(&reason);
        }
    }
}
