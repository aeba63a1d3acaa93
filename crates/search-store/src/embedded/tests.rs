//! The embedded store by itself: what the contract does not say.

mod crash;
mod parts;
mod points_in_time;

use std::path::Path;

use async_trait::async_trait;
use query::Query;
use schema::{Field, FieldKind};

use super::catalog::Catalog;
use super::{EmbeddedConfig, EmbeddedSearch};
use crate::contract::{self, Backend, Running, everything, index, operation, query};
use crate::cursor::View;
use crate::{ItemOutcome, SearchStore, StoreError, TimeRange};

struct Embedded;

struct InFolder {
    folder: tempfile::TempDir,
    fields: Vec<Field>,
    store: EmbeddedSearch,
}

/// Settings for tests: nothing waits long, and nothing is large.
fn quick() -> EmbeddedConfig {
    EmbeddedConfig {
        commit_wait: service::Span::from_millis(1),
        identity_memory: service::ByteSize(64 << 10),
        writer_memory: service::ByteSize(16 << 20),
        ..EmbeddedConfig::default()
    }
}

async fn open(folder: &Path, fields: &[Field]) -> EmbeddedSearch {
    EmbeddedSearch::open(folder, quick(), fields).await.expect("a store")
}

async fn count(store: &EmbeddedSearch, text: &str) -> u64 {
    let count = store.count(&everything(), &query(text), TimeRange::default()).await;
    count.unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[async_trait]
impl Backend for Embedded {
    async fn empty(&self, fields: &[Field]) -> Box<dyn Running> {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(folder.path(), fields).await;
        Box::new(InFolder { folder, fields: fields.to_vec(), store })
    }
}

#[async_trait]
impl Running for InFolder {
    fn store(&self) -> &dyn SearchStore {
        &self.store
    }

    async fn reopen(&mut self) {
        self.store.close().await.expect("a clean end");
        self.store = open(self.folder.path(), &self.fields).await;
    }

    async fn expire(&self, view: &View) {
        self.store.shared.points.close(view.handle);
    }
}

#[tokio::test]
async fn the_embedded_store_keeps_the_contract() {
    contract::run(&Embedded).await;
}

#[tokio::test]
async fn a_read_has_its_place_until_its_work_is_done_also_when_nobody_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = EmbeddedConfig { reads_max: 1, ..quick() };
    let store = EmbeddedSearch::open(folder.path(), config, &contract::fields()).await;
    let store = store.expect("a store");
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (scope, query) = (everything(), query("*"));
    let reading = store.read(&scope, &query, TimeRange::default(), move |_, _| {
        begun.send(()).expect("somebody waits");
        released.recv().expect_err("nothing is ever sent");
        Ok(())
    });
    tokio::select! {
        _ = reading => panic!("it ends when it is released"),
        begun = has_begun => begun.expect("it begins"),
    }
    assert_eq!(store.reads.available_permits(), 0);
    drop(release);
    count(&store, "*").await;
}

#[tokio::test]
async fn one_process_holds_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path(), &contract::fields()).await;
    let second = EmbeddedSearch::open(folder.path(), quick(), &contract::fields()).await;
    let error = second.expect_err("the folder is held");
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    first.close().await.expect("a clean end");
    open(folder.path(), &contract::fields()).await;
}

#[tokio::test]
async fn a_closed_store_settles_and_then_answers_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = quick();
    config.commit_wait = service::Span::from_secs(3_600);
    let store = EmbeddedSearch::open(folder.path(), config, &contract::fields()).await;
    let store = store.expect("a store");
    let bulk = store.bulk(vec![operation(0, "a", "{}")]);
    let closed = async {
        // Polled after the bulk, which is then with the writer or on its way there.
        tokio::task::yield_now().await;
        store.close().await
    };
    let (outcomes, closed) = tokio::join!(bulk, closed);
    closed.expect("a clean end");
    let indexed = match outcomes {
        Ok(outcomes) => u64::from(outcomes == [ItemOutcome::Done]),
        Err(error) => u64::from(!matches!(error, StoreError::Closed)),
    };
    let everyone = everything();
    assert!(matches!(store.bulk(Vec::new()).await, Err(StoreError::Closed)));
    let count_closed = store.count(&everyone, &Query::All, TimeRange::default()).await;
    assert!(matches!(count_closed, Err(StoreError::Closed)));
    assert!(matches!(store.get(&everyone, "a").await, Err(StoreError::Closed)));
    assert!(matches!(store.tail_position().await, Err(StoreError::Closed)));
    store.close().await.expect("closing twice is no mistake");
    let again = open(folder.path(), &contract::fields()).await;
    assert_eq!(count(&again, "*").await, indexed, "what was answered Done is there");
}

#[tokio::test]
async fn values_that_are_too_long_are_kept_but_not_found_as_a_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path(), &contract::fields()).await;
    let long = "x".repeat(100_000);
    let document = format!(
        r#"{{"tags":["{long}","short"],"message":"{long} word","shop":{{"extra":{{"{long}":"v"}}}}}}"#
    );
    let given = operation(0, "a", &document);
    index(&store, vec![given.clone()]).await;
    let hit = store.get(&everything(), "a").await.expect("a read").expect("a hit");
    assert_eq!(hit.document, given.document);
    assert_eq!(count(&store, "tags:short AND message:word").await, 1);
    let whole = Query::Term { field: Some("tags".to_owned()), value: long };
    assert_eq!(store.count(&everything(), &whole, TimeRange::default()).await.expect("none"), 0);
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path(), &contract::fields()).await;
    index(&store, vec![operation(0, "a", "{}")]).await;
    store.close().await.expect("a clean end");
    let mut config = quick();
    config.read_time_max = service::Span::from_millis(0);
    let store = EmbeddedSearch::open(folder.path(), config, &contract::fields()).await;
    let count =
        store.expect("a store").count(&everything(), &Query::All, TimeRange::default()).await;
    let error = count.expect_err("no time at all");
    assert!(error.to_string().contains("too long"), "{error}");
}

#[tokio::test]
async fn a_page_of_large_documents_ends_early() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = quick();
    config.page_bytes_max = service::ByteSize(250_000);
    let store = EmbeddedSearch::open(folder.path(), config, &contract::fields()).await;
    let store = store.expect("a store");
    let start = store.tail_position().await.expect("a position");
    let document = format!(r#"{{"message":"{}"}}"#, "x".repeat(100_000));
    let bulk = (0..10).map(|number| operation(number, &format!("{number}"), &document));
    index(&store, bulk.collect()).await;
    let mut request = crate::SearchRequest::new(Query::All);
    let (mut found, mut followed) = (Vec::new(), Vec::new());
    loop {
        let page = store.search(&everything(), &request).await.expect("a page");
        assert!(page.hits.len() <= 3, "{} documents of 100 kB", page.hits.len());
        assert_eq!(page.total, 10);
        found.extend(page.hits.into_iter().map(|hit| hit.id));
        match page.cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(found.concat(), "9876543210");
    let mut place = start;
    loop {
        let page = store.tail(&everything(), &Query::All, &place, 100).await.expect("a tail");
        assert!(page.hits.len() <= 3);
        if page.hits.is_empty() {
            break;
        }
        place = page.cursor;
        followed.extend(page.hits.into_iter().map(|hit| hit.id));
    }
    assert_eq!(followed.concat(), "0123456789");
}

#[test]
fn settings_are_read_with_units_and_unknown_ones_refused() {
    let read = |text: &str| serde_json::from_str::<EmbeddedConfig>(text);
    assert_eq!(read("{}").expect("defaults"), EmbeddedConfig::default());
    let config = read(r#"{"retention":"14d","pending_max":"8MiB"}"#).expect("settings");
    assert_eq!(config.retention, service::Span::from_secs(14 * 86_400));
    assert_eq!(config.pending_max, service::ByteSize(8 << 20));
    assert!(read(r#"{"retention":90}"#).is_err());
    assert!(
        read(r#"{"retentoin":"90d"}"#)
            .expect_err("a typing mistake")
            .to_string()
            .contains("retentoin")
    );
}

#[test]
fn a_catalog_is_read_back_from_its_record() {
    let mut fields = contract::fields();
    fields.push(Field {
        name: "client.ip".to_owned(),
        kind: FieldKind::Text,
        description: "of one name the first counts".to_owned(),
    });
    let catalog = Catalog::new(&fields);
    let read = Catalog::read(&catalog.record()).expect("its own record");
    assert_eq!(read.record(), catalog.record());
    assert_eq!(read.schema, catalog.schema);
    assert_eq!(catalog.field("client.ip").map(|field| field.kind), Some(FieldKind::Ip));
    assert!(Catalog::read("").is_none());
    assert!(Catalog::read(&catalog.record().replace("\"layout\": 1", "\"layout\": 2")).is_none());
    assert!(Catalog::read(&catalog.record().replace("keyword", "unheard-of")).is_none());
}
