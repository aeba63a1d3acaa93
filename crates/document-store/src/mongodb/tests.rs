//! The store on MongoDB passes the contract, and is right where several processes share it.
//!
//! These tests want a server: its URL is in `MILLRACE_TEST_MONGODB`.

mod order;
mod outage;
mod sharing;
mod size;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;

use super::*;
use crate::{ErrorKind, Expect, IndexSpec, contract};

const THINGS: CollectionSpec = CollectionSpec {
    name: "things",
    indexes: &[IndexSpec { name: "by_name", fields: &["name"], unique: true }],
};
const STATE: CollectionSpec = CollectionSpec { name: "state", indexes: &[] };

fn url() -> String {
    std::env::var("MILLRACE_TEST_MONGODB").expect("start the engines: scripts/engines up")
}

/// Databases of a test, which are gone after it.
#[derive(Default)]
struct Databases(Mutex<Vec<Arc<MongoDocuments>>>);

impl Databases {
    /// Settings with a database that nobody else has.
    fn settings() -> MongoConfig {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros();
        let database = format!("millrace_test_{}_{now}_{number}", std::process::id());
        MongoConfig { database, ..MongoConfig::default() }
    }

    /// A store in a new database.
    fn make(&self) -> Arc<MongoDocuments> {
        self.open(&Self::settings())
    }

    /// A store as another process would open it.
    fn open(&self, settings: &MongoConfig) -> Arc<MongoDocuments> {
        self.open_with(settings, Times::new(settings.call_timeout.0, settings.server_timeout.0))
    }

    fn open_with(&self, settings: &MongoConfig, times: Times) -> Arc<MongoDocuments> {
        let store = Arc::new(MongoDocuments::with(&url(), settings, times).unwrap());
        self.0.lock().unwrap().push(Arc::clone(&store));
        store
    }

    async fn drop(self) {
        for store in self.0.into_inner().unwrap() {
            let database = store.shared.server.database().await.unwrap();
            for name in database.list_collection_names().await.unwrap() {
                // Some servers take long to drop what is not empty.
                let records = database.collection::<mongodb::bson::Document>(&name);
                records.delete_many(mongodb::bson::doc! {}).await.unwrap();
            }
            database.drop().await.unwrap();
        }
    }
}

/// Waits until something is so; fails when it is not within a minute.
async fn until<F: Future<Output = bool>>(is_so: impl Fn() -> F) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(60), "it did not come to be so");
        tokio::task::yield_now().await;
    }
}

fn named(name: &str) -> Bytes {
    Bytes::from(format!(r#"{{"name": "{name}"}}"#))
}

fn put(id: impl Into<String>, body: impl Into<Bytes>) -> Change {
    Change::Put { id: id.into(), body: body.into(), expect: Expect::Any }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mongodb_keeps_the_contract() {
    let databases = Databases::default();
    contract::run(|| async { databases.make() as Arc<dyn DocumentStore> }).await;
    databases.drop().await;
}

#[tokio::test]
async fn documents_are_there_again_without_being_declared_again() {
    let databases = Databases::default();
    let settings = Databases::settings();
    let store = databases.open(&settings);
    store.ensure_collections(&[THINGS]).await.unwrap();
    store.put("things", "1", named("wheel"), Expect::Absent).await.unwrap();
    let other = databases.open(&settings);
    let taken = other.put("things", "2", named("wheel"), Expect::Any).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::Conflict);
    assert!(taken.message.contains("`by_name`") && !taken.message.contains("wheel"), "{taken}");
    assert_eq!(other.count("things", "by_name", &[]).await.unwrap(), 1);
    databases.drop().await;
}

#[tokio::test]
async fn an_index_of_somebody_else_names_the_way_out() {
    let databases = Databases::default();
    let store = databases.make();
    let database = store.shared.server.database().await.unwrap();
    let options = mongodb::options::IndexOptions::builder().name("by_name".to_owned()).build();
    let keys = mongodb::bson::doc! {"name": 1};
    let model = mongodb::IndexModel::builder().keys(keys).options(options).build();
    database.collection::<Entry>("things").create_index(model).await.unwrap();
    let error = store.ensure_collections(&[THINGS]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal, "{error}");
    assert!(error.message.contains("db.things.dropIndex(\"by_name\")"), "{error}");
    databases.drop().await;
}
