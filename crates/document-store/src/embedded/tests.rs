//! The embedded store passes the contract, keeps what it answered, and survives a full disk.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::*;
use crate::{Expect, IndexSpec, contract};

const THINGS: CollectionSpec = CollectionSpec {
    name: "things",
    indexes: &[IndexSpec { name: "by_name", fields: &["name"], unique: true }],
};

fn open(folder: &Path) -> EmbeddedDocuments {
    EmbeddedDocuments::open(folder, &EmbeddedConfig::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let number = std::sync::atomic::AtomicU32::new(0);
    contract::run(|| async {
        let place = folder.path().join(number.fetch_add(1, Ordering::Relaxed).to_string());
        Arc::new(open(&place)) as Arc<dyn DocumentStore>
    })
    .await;
}

#[tokio::test]
async fn documents_and_indexes_are_there_again_without_being_declared_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.ensure_collections(&[THINGS]).await.unwrap();
    let body = Bytes::from_static(br#"{"name":"wheel"}"#);
    store.put("things", "1", body.clone(), Expect::Absent).await.unwrap();
    drop(store);
    let store = open(folder.path());
    let taken = store.put("things", "2", body, Expect::Any).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::Conflict);
    assert_eq!(store.count("things", "by_name", &[]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_folder_in_use_names_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    let error = EmbeddedDocuments::open(folder.path(), &EmbeddedConfig::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Fatal);
    assert!(error.message.contains("documents = \"mongodb://"), "{error}");
    assert!(error.message.contains(&folder.path().display().to_string()), "{error}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = EmbeddedDocuments::open(&file, &EmbeddedConfig::default()).unwrap_err();
    assert!(error.message.contains("file cannot be opened"), "{error}");
}

/// A file on a disk that can become full.
#[derive(Debug)]
struct FullDisk {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl FullDisk {
    fn check(&self) -> io::Result<()> {
        match self.full.load(Ordering::SeqCst) {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

impl StorageBackend for FullDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.check()?;
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn unlock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
}

#[tokio::test]
async fn a_full_disk_is_transient_and_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let (path, disk) = (folder.path().join(FILE), Arc::clone(&full));
    let open = move || {
        let options = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let file = FileBackend::new(options)?;
        redb::Builder::new().create_with_backend(FullDisk { file, full: Arc::clone(&disk) })
    };
    let store = EmbeddedDocuments::with_database(folder.path(), Box::new(open)).unwrap();
    store.ensure_collections(&[THINGS]).await.unwrap();
    let body = |name: &str| Bytes::from(format!(r#"{{"name":"{name}"}}"#));
    store.put("things", "1", body("one"), Expect::Any).await.unwrap();

    full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = store.put("things", "2", body("two"), Expect::Any).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Transient, "{error}");
        assert!(error.message.contains("full"), "{error}");
    }

    full.store(false, Ordering::SeqCst);
    store.put("things", "3", body("three"), Expect::Any).await.unwrap();
    let there = store.get_many("things", &["1", "2", "3"]).await.unwrap();
    assert_eq!(there.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
}
