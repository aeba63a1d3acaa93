//! What the gateway shares with other processes beside the log: shops' tokens, and counts that several
//! gateways add up. It runs without either.

use std::fmt;
use std::sync::Arc;

use cache_store::CacheStore;
use document_store::DocumentStore;

/// Stores of a gateway; cloning shares.
#[derive(Clone, Default)]
pub struct Stores {
    /// Where the tokens of shops are. Without it there are none.
    pub documents: Option<Arc<dyn DocumentStore>>,
    /// Where several gateways count together. Without it each counts alone.
    pub cache: Option<Arc<dyn CacheStore>>,
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores")
            .field("documents", &self.documents.is_some())
            .field("cache", &self.cache.is_some())
            .finish()
    }
}
