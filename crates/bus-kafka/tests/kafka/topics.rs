//! Topics that are created, that differ, and that others own.

use bus::contract::record;
use bus::{Bus, ErrorKind, TopicSpec};
use bus_kafka::{Compression, KafkaBus, KafkaConfig, TopicConfig};
use bytes::Bytes;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use service::ByteSize;

use super::support::{self, stranger, with_topic};

fn three_days(partitions: u32) -> TopicSpec {
    TopicSpec {
        retention_ns: 72 * 3_600 * 1_000_000_000,
        retention_bytes: 1 << 30,
        ..support::topic("t", partitions)
    }
}

#[tokio::test]
async fn a_topic_is_created_as_it_is_wanted_and_a_difference_says_what_to_run() {
    let config = support::config();
    let bus = support::connect(&config);
    bus.ensure_topics(&[three_days(4)]).await.unwrap();
    support::connect(&config).ensure_topics(&[three_days(4)]).await.unwrap();

    let other = TopicSpec { retention_ns: 3_600 * 1_000_000_000, ..three_days(4) };
    let larger = KafkaConfig { message_bytes_max: ByteSize(4 << 20), ..config.clone() };
    let name = format!("{}t", config.topic_prefix);
    let cases = [
        (&config, other, vec!["retention.ms is 259200000", "--add-config retention.ms=3600000"]),
        (&config, three_days(5), vec!["4 partitions", "--alter", "--partitions 5"]),
        (&config, three_days(3), vec!["4 partitions", "cannot make them fewer"]),
        (
            &larger,
            three_days(4),
            vec!["max.message.bytes", "--add-config max.message.bytes=4198400"],
        ),
    ];
    for (config, spec, parts) in cases {
        let error = support::connect(config).ensure_topics(&[spec]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Fatal);
        for part in parts.into_iter().chain([name.as_str()]) {
            assert!(error.message.contains(part), "`{part}` is not in: {error}");
        }
    }
    let smaller = KafkaConfig { message_bytes_max: ByteSize(1 << 20), ..config };
    support::connect(&smaller).ensure_topics(&[three_days(4)]).await.unwrap();
}

#[tokio::test]
async fn a_missing_topic_is_not_created_where_that_is_not_wanted() {
    let config = KafkaConfig { create_topics: false, replication_factor: 3, ..support::config() };
    let bus = support::connect(&config);
    let error = bus.ensure_topics(&[three_days(4)]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal);
    for part in ["kafka-topics.sh", "--create", "--partitions 4", "--replication-factor 3"] {
        assert!(error.message.contains(part), "{error}");
    }
    let error = bus.publish("t", vec![record("a", 0)]).await.remove(0).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal, "nothing is created by publishing either: {error}");
}

#[tokio::test]
async fn more_replicas_than_brokers_is_said() {
    let config = KafkaConfig { replication_factor: 3, ..support::config() };
    let error = support::connect(&config).ensure_topics(&[three_days(4)]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.message.contains("replication_factor"), "{error}");
}

#[tokio::test]
async fn a_topic_of_others_is_only_looked_for() {
    let mut config = support::config();
    let name = format!("{}t", config.topic_prefix);
    config.topics.0.insert(name.clone(), TopicConfig { foreign: true, ..TopicConfig::default() });
    let bus = support::connect(&config);
    let spec = support::topic(&name, 7);
    let error = bus.ensure_topics(std::slice::from_ref(&spec)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal);
    bus.ensure_topics(&[three_days(2)]).await.unwrap();
    bus.ensure_topics(&[spec]).await.unwrap();
    let error = bus.publish(&name, vec![record("a", 0)]).await.remove(0).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal, "nothing is written there: {error}");
}

#[tokio::test]
async fn one_copy_is_not_called_durable() {
    let bus = with_topic(&support::config(), "t", 1).await;
    let warning = bus.durability_warning().unwrap();
    assert!(warning.contains("one broker") && warning.contains('t'), "{warning}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_the_topic_has_no_room_for_is_refused_alone() {
    // Not compressed, so that it is as large on the wire.
    let config = KafkaConfig { compression: Compression::None, ..support::config() };
    let bus = with_topic(&config, "t", 1).await;
    let name = format!("{}t", config.topic_prefix);
    let admin: AdminClient<DefaultClientContext> = stranger().create().unwrap();
    let change =
        AlterConfig::new(ResourceSpecifier::Topic(&name)).set("max.message.bytes", "20000");
    admin.alter_configs(&[change], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
    let mut large = record("a", 1);
    large.payload = Bytes::from(vec![b'x'; 60_000]);
    let refused = support::eventually("the broker knows the new limit", async || {
        let mut outcomes = bus.publish("t", vec![large.clone()]).await;
        outcomes.remove(0).err()
    })
    .await;
    assert_eq!(refused.kind, ErrorKind::Rejected, "{refused}");
    assert!(refused.message.contains("max.message.bytes"), "{refused}");
    let outcomes = bus.publish("t", vec![record("a", 0), record("a", 2)]).await;
    assert!(outcomes.iter().all(Result::is_ok), "the others go on");

    let mut larger = record("a", 3);
    larger.payload = Bytes::from(vec![b'x'; 3 << 20]);
    let error = bus.publish("t", vec![larger]).await.remove(0).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rejected);
    assert!(error.message.contains("3145728") && error.message.contains("2097152"), "{error}");
    assert_eq!(bus.counts().oversize_records, 1);
}

#[tokio::test]
async fn a_broker_that_is_away_is_waited_for_and_settings_are_checked_at_once() {
    let config =
        KafkaConfig { request_timeout: service::Span::from_millis(500), ..support::config() };
    let bus = KafkaBus::connect("kafka://127.0.0.1:1", config.clone()).unwrap();
    let error = bus.ensure_topics(&[three_days(1)]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    assert!(error.message.contains("127.0.0.1:1"), "{error}");
    let error = bus.subscribe("g", &["t"]).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    let error = bus.publish("t", vec![record("a", 0)]).await.remove(0).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient, "{error}");
    let missing = Some("/nowhere/ca.pem".into());
    let config = KafkaConfig { ca_file: missing, ..config };
    let error = KafkaBus::connect("kafkas://127.0.0.1:1", config).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.message.contains("ca.location"), "{error}");
}
