//! Shops with tokens in a document store, and gateways that know them.

use std::sync::Arc;

use access::ShopName;
use document_store::{EmbeddedConfig, EmbeddedDocuments};
use ingest_gateway::{Config, Stores};
use jiff::Timestamp;
use service::Span;
use shops::NewToken;
use tempfile::TempDir;

use crate::support::{Gateway, MemoryBus};

/// The name of a shop.
pub(crate) fn shop(name: &str) -> ShopName {
    name.parse().unwrap()
}

/// A document store with tokens of shops.
pub(crate) struct Shops {
    documents: Arc<EmbeddedDocuments>,
    _folder: TempDir,
}

/// A token that was made.
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) text: String,
}

impl Shops {
    /// A store without any.
    pub(crate) async fn none() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = EmbeddedConfig::default();
        let documents = Arc::new(EmbeddedDocuments::open(folder.path(), &config).unwrap());
        shops::ensure_collections(documents.as_ref()).await.unwrap();
        Self { documents, _folder: folder }
    }

    /// Makes a token of a shop.
    pub(crate) async fn give(&self, name: &str) -> Token {
        let new = NewToken {
            shop: shop(name),
            label: None,
            expires_at: None,
            created_by: "test".to_owned(),
        };
        let (token, text) = shops::create(self.documents.as_ref(), new).await.unwrap();
        Token { id: token.id, text }
    }

    pub(crate) async fn revoke(&self, token: &Token) {
        let revoked = shops::revoke(self.documents.as_ref(), &token.id, Timestamp::now()).await;
        assert!(revoked.unwrap().is_some());
    }

    /// A gateway that reads the tokens again and again.
    pub(crate) async fn gateway(&self, adjust: impl FnOnce(&mut Config)) -> Gateway {
        let stores = Stores { documents: Some(self.documents.clone()), cache: None };
        let adjust = |config: &mut Config| {
            config.tokens_refresh_interval = Span::from_millis(20);
            adjust(config);
        };
        Gateway::start_with(MemoryBus::new(), stores, adjust).await
    }
}

/// The shops of what a gateway has accepted, in its order.
pub(crate) fn shops_of(gateway: &Gateway) -> Vec<String> {
    gateway.bus.records().iter().map(|record| record.shop.to_string()).collect()
}

/// How often a door has refused a sender for this.
pub(crate) fn refused_senders(gateway: &Gateway, door: &str, reason: &str) -> f64 {
    let name = "millrace_gateway_refused_senders_total";
    gateway.metric(&format!("{name}{{door=\"{door}\",reason=\"{reason}\"}}"))
}
