//! The embedded store by itself: what the contract does not say.

use std::path::PathBuf;

use async_trait::async_trait;
use schema::Field;

use super::{EmbeddedConfig, EmbeddedSearch};
use crate::SearchStore;
use crate::contract::{self, Backend, Running};

struct Embedded;

struct InFolder {
    folder: tempfile::TempDir,
    fields: Vec<Field>,
    store: EmbeddedSearch,
}

fn quick() -> EmbeddedConfig {
    EmbeddedConfig { commit_wait: service::Span::from_millis(1), ..EmbeddedConfig::default() }
}

async fn open(folder: &std::path::Path, fields: &[Field]) -> EmbeddedSearch {
    EmbeddedSearch::open(folder, quick(), fields).await.expect("a store")
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
        self.store =
            EmbeddedSearch::open(&PathBuf::from(self.folder.path()), quick(), &self.fields)
                .await
                .expect("a store");
    }
}

#[tokio::test]
async fn the_embedded_store_keeps_the_contract() {
    contract::run(&Embedded).await;
}
