//! What the settings are by default, and which are refused.

use bus::{ErrorKind, TOPIC_DEAD, TOPIC_ENRICHED, TOPIC_RAW, TOPIC_SCORED};

use super::*;

fn config(json: &str) -> KafkaConfig {
    serde_json::from_str(json).expect("it is a configuration")
}

#[test]
fn the_defaults_work_and_raw_records_travel_in_frames() {
    let config = config("{}");
    assert_eq!(config, KafkaConfig::default());
    assert_eq!(config.problems(), []);
    assert_eq!(config.topics.format(TOPIC_RAW), Format::Batch);
    for topic in [TOPIC_ENRICHED, TOPIC_SCORED, TOPIC_DEAD, "other"] {
        assert_eq!(config.topics.format(topic), Format::Json, "{topic}");
    }
}

#[test]
fn a_topic_may_differ() {
    let config = config(
        r#"{"topics": {"logs.enriched": {"format": "batch"},
            "shop.filebeat": {"foreign": true, "codec": "plain"}}}"#,
    );
    assert_eq!(config.problems(), []);
    assert_eq!(config.topics.format(TOPIC_ENRICHED), Format::Batch);
    assert!(config.topics.is_foreign("shop.filebeat") && !config.topics.is_foreign(TOPIC_RAW));
    assert_eq!(config.topics.codec("shop.filebeat"), bus::Codec::Plain);
}

#[test]
fn what_cannot_work_is_refused_by_name() {
    for (json, named) in [
        (r#"{"client_id": ""}"#, "client_id"),
        (r#"{"topic_prefix": "a/b"}"#, "topic_prefix"),
        (r#"{"replication_factor": 0}"#, "replication_factor"),
        (r#"{"frame_bytes": "1B"}"#, "frame_bytes"),
        (r#"{"message_bytes_max": "1KiB"}"#, "message_bytes_max"),
        (r#"{"queue_bytes": "1MiB"}"#, "queue_bytes"),
        (r#"{"delivery_timeout": "1ms"}"#, "delivery_timeout"),
        (r#"{"batch_records": 0}"#, "batch_records"),
        (r#"{"fetch_partition_bytes": "8MiB"}"#, "fetch_partition_bytes"),
        (r#"{"client_cert_file": "a.pem"}"#, "certificate"),
        (r#"{"tls": false, "ca_file": "a.pem"}"#, "tls = false"),
        (r#"{"sasl": {"mechanism": "PLAIN"}}"#, "sasl.user"),
        (r#"{"sasl": {"user": "u"}}"#, "sasl.mechanism"),
        (r#"{"sasl": {"mechanism": "OAUTHBEARER"}}"#, "sasl.token_file"),
        (r#"{"topics": {"a b": {}}}"#, "a b"),
        (r#"{"topics": {"a": {"foreign": true, "format": "json"}}}"#, "foreign"),
    ] {
        let error = config(json).checked().expect_err(json);
        assert_eq!(error.kind, ErrorKind::Fatal);
        assert!(error.message.contains(named), "{json}: {error}");
    }
}

#[test]
fn unknown_settings_are_refused_and_a_password_is_never_shown() {
    assert!(serde_json::from_str::<KafkaConfig>(r#"{"acks": 1}"#).is_err());
    let config = config(r#"{"sasl": {"mechanism": "PLAIN", "user": "u", "password": "hunter2"}}"#);
    assert_eq!(config.problems(), []);
    let shown = format!("{config:?} {}", serde_json::to_string(&config).expect("it is JSON"));
    assert!(!shown.contains("hunter2"), "{shown}");
}
