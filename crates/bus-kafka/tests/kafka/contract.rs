//! The contract that every bus keeps, in both forms of messages and with both ways of sharing.

use std::sync::Arc;

use bus::Bus;
use bus::contract::{Promises, run_with};
use bus_kafka::{Format, GroupProtocol, KafkaBus, KafkaConfig, TopicConfig};
use service::ByteSize;

use super::support;

async fn keeps_the_contract(config: KafkaConfig, lag_counts_records: bool) {
    let config = KafkaConfig { message_bytes_max: ByteSize(64 << 10), ..config };
    let open = async |name: &str| {
        let config = KafkaConfig {
            topic_prefix: format!("{}{name}-", config.topic_prefix),
            ..config.clone()
        };
        Arc::new(KafkaBus::connect(&support::url(), config).unwrap()) as Arc<dyn Bus>
    };
    run_with(open, Promises { record_bytes_max: 64 << 10, lag_counts_records }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_with_one_record_a_message() {
    keeps_the_contract(support::config(), true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_with_frames() {
    let mut config = KafkaConfig { frame_bytes: ByteSize(1_024), ..support::config() };
    let topic = TopicConfig { format: Some(Format::Batch), ..TopicConfig::default() };
    config.topics.0.insert("contract.events".to_owned(), topic);
    keeps_the_contract(config, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract_where_the_broker_shares_the_partitions() {
    let config = KafkaConfig { group_protocol: GroupProtocol::Consumer, ..support::config() };
    keeps_the_contract(config, true).await;
}
