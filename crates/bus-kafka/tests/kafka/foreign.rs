//! Messages that others wrote, that are damaged, or that come from another release.

use std::time::Duration;

use bus::{Bus, Codec, Delivery, ErrorKind, Position};
use bus_kafka::{Format, KafkaConfig, TopicConfig};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use service::ByteSize;

use super::support::{self, assigned, next, publish, stranger, take, texts, with_topic};

/// Writes a message as anybody's client does.
async fn write(topic: &str, value: Option<&[u8]>, headers: &[(&str, &[u8])]) {
    let producer: FutureProducer = stranger().create().unwrap();
    let mut all = OwnedHeaders::new();
    for (key, value) in headers {
        all = all.insert(Header { key, value: Some(*value) });
    }
    let mut record: FutureRecord<'_, [u8], [u8]> =
        FutureRecord::to(topic).partition(0).headers(all).timestamp(1_700_000_000_123);
    if let Some(value) = value {
        record = record.payload(value);
    }
    producer.send(record, Duration::from_secs(10)).await.unwrap();
}

fn with(config: &mut KafkaConfig, topic: &str, settings: TopicConfig) {
    config.topics.0.insert(topic.to_owned(), settings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_is_read_the_same_each_time() {
    let mut config = support::config();
    let topic = format!("{}filebeat", config.topic_prefix);
    // Others made it: the prefix is not ours to add.
    with_topic(&config, "filebeat", 1).await;
    config.topic_prefix = "ours-".to_owned();
    let settings = TopicConfig { foreign: true, codec: Codec::Plain, ..TopicConfig::default() };
    with(&mut config, &topic, settings);
    let bus = support::connect(&config);
    bus.ensure_topics(&[support::topic(&topic, 1)]).await.unwrap();

    write(&topic, Some(b"{\"message\":\"from filebeat\"}"), &[("content-type", b"text/x")]).await;
    write(&topic, None, &[]).await;
    write(&topic, Some(b"\xff\xfe no text"), &[]).await;
    write(&topic, Some(b""), &[]).await;

    let mut ids = Vec::new();
    for group in ["one", "two"] {
        let mut consumer = bus.subscribe(group, &[&topic]).await.unwrap();
        assigned(&mut consumer, 1).await;
        let batches = take(&mut consumer, 3).await;
        assert_eq!(batches.last().unwrap().next_offset, 4, "the empty message is stepped over");
        let records: Vec<_> = batches.iter().flat_map(|batch| &batch.records).collect();
        assert_eq!(records[0].record.payload, &b"{\"message\":\"from filebeat\"}"[..]);
        assert_eq!(records[1].offset, 2);
        for one in &records {
            assert_eq!(one.record.shop, "default");
            assert_eq!(one.record.source, format!("kafka:{topic}/0"));
            assert_eq!(one.record.listener, "kafka");
            assert_eq!(one.record.codec, Codec::Plain);
            assert_eq!(one.record.received_at_ns, 1_700_000_000_123_000_000);
        }
        ids.push(records.iter().map(|one| one.record.id).collect::<Vec<_>>());
    }
    assert_eq!(ids[0], ids[1], "a record that comes again has its id");
    assert!(ids[0][0] != ids[0][1] && ids[0][1] != ids[0][2]);
    let counts = bus.counts();
    assert_eq!((counts.foreign_messages, counts.empty_messages), (6, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_message_may_be_empty_and_is_committed_past() {
    let config = support::config();
    let bus = with_topic(&config, "t", 1).await;
    write(&format!("{}t", config.topic_prefix), None, &[]).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 1).await;
    let Delivery::Batch(batch) = next(&mut consumer).await else { panic!("a batch") };
    assert_eq!((batch.records.len(), batch.declared_records, batch.next_offset), (0, 0, 1));
    support::commit(&*consumer, &batch).await;
    assert_eq!(bus.lag("g", &["t"]).await.unwrap()[0].lag_records, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_changes_its_form_while_old_messages_are_there() {
    let config = support::config();
    let bus = with_topic(&config, "t", 1).await;
    let mut positions = publish(&*bus, "t", &["a"], 0..3).await;
    let mut changed = KafkaConfig { frame_bytes: ByteSize(1_024), ..config.clone() };
    with(&mut changed, "t", TopicConfig { format: Some(Format::Batch), ..TopicConfig::default() });
    positions.extend(publish(&*support::connect(&changed), "t", &["a"], 3..20).await);
    positions.extend(publish(&*bus, "t", &["a"], 20..22).await);
    assert!(positions[19].offset < 19, "frames hold many records");
    for reading in [&config, &changed] {
        let bus = support::connect(reading);
        let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
        assigned(&mut consumer, 1).await;
        let batches = take(&mut consumer, 22).await;
        let expected: Vec<_> = (0..22).map(|number| format!("a:{number}")).collect();
        assert_eq!(texts(&batches), expected);
        let read = bus.read(&positions[7]).await.unwrap().unwrap();
        assert_eq!(read, bus::contract::record("a", 7));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_frame_is_one_record_for_the_stage_to_refuse() {
    let config = support::config();
    let bus = with_topic(&config, "t", 1).await;
    publish(&*bus, "t", &["a"], 0..1).await;
    let headers: [(&str, &[u8]); 2] = [("millrace-version", b"1"), ("millrace-format", b"batch")];
    write(&format!("{}t", config.topic_prefix), Some(b"\x01\x00 torn"), &headers).await;
    publish(&*bus, "t", &["a"], 1..2).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 1).await;
    let batches = take(&mut consumer, 3).await;
    assert_eq!(texts(&batches), ["a:0", "\u{1}\0 torn", "a:1"], "the others are untouched");
    assert_eq!(bus.counts().damaged_messages, 1);
    let position = Position { topic: "t".into(), partition: 0, offset: 1, index: 0 };
    let read = bus.read(&position).await.unwrap().unwrap();
    assert_eq!(read.payload, &b"\x01\x00 torn"[..], "a dead letter's reference finds it");
    assert_eq!(read.content_type, "application/vnd.millrace.damaged-frame");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_release_is_not_guessed_at() {
    let config = support::config();
    let bus = with_topic(&config, "t", 1).await;
    publish(&*bus, "t", &["a"], 0..2).await;
    write(&format!("{}t", config.topic_prefix), Some(b"{}"), &[("millrace-version", b"2")]).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 1).await;
    assert_eq!(texts(&take(&mut consumer, 2).await), ["a:0", "a:1"], "what is before it comes");
    for _ in 0..2 {
        let error = consumer.next().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Fatal);
        assert!(error.message.contains("upgrade this service first"), "{error}");
    }
    drop(consumer);
    assert_eq!(bus.lag("g", &["t"]).await.unwrap()[0].committed_offset, 0, "nothing is skipped");
}
