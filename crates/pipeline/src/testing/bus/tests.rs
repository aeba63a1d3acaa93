//! The bus in memory keeps what every bus promises.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ::bus::{Bus, contract};

use super::{MemoryBus, RECORD_BYTES_MAX};

#[tokio::test]
async fn it_passes_the_tests_of_every_backend() {
    let opened: Mutex<HashMap<String, MemoryBus>> = Mutex::default();
    let open = async |name: &str| {
        let bus = opened.lock().unwrap().entry(name.to_owned()).or_default().clone();
        Arc::new(bus) as Arc<dyn Bus>
    };
    contract::run(open, RECORD_BYTES_MAX).await;
}
