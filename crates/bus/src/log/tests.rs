//! The embedded log keeps the bus's contract, and what only it promises.

mod crash;

use std::sync::Arc;

use super::{EmbeddedBus, LogConfig};
use crate::contract;
use crate::port::Bus;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_keeps_the_contract() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = LogConfig {
        frame_bytes: 1_024,
        frame_bytes_max: 64 << 10,
        disk_reserve_bytes: 0,
        ..LogConfig::default()
    };
    let open = async |name: &str| {
        let bus = EmbeddedBus::open(folder.path().join(name), config.clone());
        Arc::new(bus.expect("the folder is free")) as Arc<dyn Bus>
    };
    contract::run(open, 64 << 10).await;
}
