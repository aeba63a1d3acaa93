//! Offsets that the brokers do not have any more.

use bus::{Bus, Delivery};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::support::{
    self, assigned, commit, eventually, next, numbers, publish, stranger, take, with_topic,
};

fn admin() -> AdminClient<DefaultClientContext> {
    stranger().create().unwrap()
}

/// Removes what lies before an offset, as retention does.
async fn remove_before(topic: &str, offset: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
    admin().delete_records(&list, &AdminOptions::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_that_passed_a_group_is_counted() {
    let config = support::config();
    let bus = with_topic(&config, "t", 1).await;
    let positions = publish(&*bus, "t", &["a"], 0..10).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 1).await;
    let batches = take(&mut consumer, 10).await;
    let committer = consumer.committer();
    committer.commit(&batches[0].partition, 2, bytes::Bytes::new()).await.unwrap();
    drop((consumer, committer));
    remove_before(&format!("{}t", config.topic_prefix), 7).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    let starts = assigned(&mut consumer, 1).await;
    assert_eq!(starts[0].offset, 7, "it goes on at the oldest");
    assert_eq!(numbers(&take(&mut consumer, 3).await)["a"], [7, 8, 9]);
    assert_eq!(bus.counts().skipped_offsets, 5);
    assert_eq!(bus.read(&positions[3]).await.unwrap(), None, "what is removed is not found");
    assert_eq!(bus.read(&positions[8]).await.unwrap(), Some(bus::contract::record("a", 8)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_that_passes_a_consumer_at_work_is_counted() {
    // Little is read ahead, so what is removed was not read yet.
    let small = service::ByteSize(1 << 10);
    let config = bus_kafka::KafkaConfig {
        prefetch_bytes: small,
        fetch_partition_bytes: small,
        batch_records: 10,
        compression: bus_kafka::Compression::None,
        ..support::config()
    };
    let bus = with_topic(&config, "t", 1).await;
    for round in 0..100 {
        publish(&*bus, "t", &["a"], round * 10..round * 10 + 10).await;
    }
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    let starts = assigned(&mut consumer, 1).await;
    let committer = consumer.committer();
    let Delivery::Batch(first) = next(&mut consumer).await else { panic!("a batch") };
    committer.pause(&starts[0].partition);
    remove_before(&format!("{}t", config.topic_prefix), 900).await;
    committer.resume(&starts[0].partition);
    let mut expected = first.next_offset;
    let mut skipped = 0;
    while expected < 1_000 {
        let Delivery::Batch(batch) = next(&mut consumer).await else { panic!("a batch") };
        let offset = batch.records[0].offset;
        skipped += offset - expected;
        expected = batch.next_offset;
        commit(&*consumer, &batch).await;
    }
    assert!(skipped > 0, "the test removed what was not read");
    // Why offsets did not come is found out beside the reading.
    let counted = async || (bus.counts().skipped_offsets > 0).then(|| bus.counts().skipped_offsets);
    assert_eq!(eventually("the gap is counted", counted).await, skipped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_made_again_under_a_consumer_begins_anew() {
    let config = support::config();
    let bus = with_topic(&config, "t", 1).await;
    publish(&*bus, "t", &["a"], 0..10).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 1).await;
    take(&mut consumer, 10).await;
    let name = format!("{}t", config.topic_prefix);
    admin().delete_topics(&[&name], &AdminOptions::new()).await.unwrap();
    let other = support::connect(&config);
    eventually("the topic is made again", async || {
        other.ensure_topics(&[support::topic("t", 1)]).await.ok()
    })
    .await;
    publish(&*other, "t", &["b"], 0..3).await;
    let (mut seen, mut told) = (Vec::new(), Vec::new());
    while seen.len() < 3 {
        match tokio::time::timeout(support::PATIENCE, consumer.next()).await.unwrap() {
            Ok(Delivery::Batch(batch)) => seen.extend(support::texts(&[batch])),
            Ok(Delivery::Revoked(_)) => told.push("drain"),
            Ok(Delivery::Assigned(starts)) => {
                assert_eq!(starts[0].offset, 0);
                told.push("begin");
            }
            Ok(Delivery::Lost(_)) => panic!("what is in flight is never dropped"),
            Err(error) => assert_eq!(error.kind, bus::ErrorKind::Transient, "{error}"),
        }
    }
    assert_eq!(seen, ["b:0", "b:1", "b:2"]);
    assert_eq!(told, ["drain", "begin"]);
    assert_eq!(bus.counts().rewound_partitions, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_was_made_again_is_read_from_its_beginning() {
    let config = support::config();
    let bus = with_topic(&config, "t", 1).await;
    publish(&*bus, "t", &["a"], 0..10).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    assigned(&mut consumer, 1).await;
    let batches = take(&mut consumer, 10).await;
    commit(&*consumer, batches.last().unwrap()).await;
    drop((consumer, bus));
    let name = format!("{}t", config.topic_prefix);
    // The commits outlive the topic only if nobody removes them: so it is with the oldest brokers, and
    // after an unclean election. Here they are made again.
    admin().delete_topics(&[&name], &AdminOptions::new()).await.unwrap();
    let bus = support::connect(&config);
    eventually("the topic is gone and made again", async || {
        bus.ensure_topics(&[support::topic("t", 1)]).await.ok()
    })
    .await;
    publish(&*bus, "t", &["b"], 0..3).await;
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    let starts = assigned(&mut consumer, 1).await;
    let committer = consumer.committer();
    take(&mut consumer, 3).await;
    committer.commit(&starts[0].partition, 8, bytes::Bytes::new()).await.unwrap();
    drop((consumer, committer));
    let mut consumer = bus.subscribe("g", &["t"]).await.unwrap();
    let starts = assigned(&mut consumer, 1).await;
    assert_eq!(starts[0].offset, 0);
    assert_eq!(numbers(&take(&mut consumer, 3).await)["b"], [0, 1, 2]);
    assert_eq!(bus.counts().rewound_partitions, 1);
}
