//! What Elasticsearch and OpenSearch are told before the first document: a template for each log type's
//! indices, and the policy by which indices grow old. Nothing here talks to an engine.

mod lifecycle;
mod mapping;

use std::time::Duration;

use serde_json::{Value, json};

use crate::field::Field;
use crate::index_name::{INDEX_PREFIX, LOG_TYPES};

pub use mapping::VALUE_CHARACTERS_MAX;

/// The version of what is written here: a higher one replaces what an earlier Millrace has installed.
pub const TEMPLATE_VERSION: u64 = 1;

/// Above the templates that the products bring along.
const PRIORITY: u32 = 300;
/// What an engine allows if nobody says otherwise.
const FIELDS_LIMIT: usize = 1_000;

/// A search engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Elasticsearch 8 and later.
    Elasticsearch,
    /// OpenSearch 2 and later.
    OpenSearch,
}

/// The fields of the platform's own that a search store adds to each document.
#[derive(Clone, Copy, Debug)]
pub struct StoreFields;

impl StoreFields {
    /// The object that holds them.
    pub const OBJECT: &'static str = "millrace";
    /// The document's id, to sort by.
    pub const ID: &'static str = "millrace.id";
    /// The shop, by which reads are restricted.
    pub const SHOP: &'static str = "millrace.shop";
    /// When it happened, in milliseconds.
    pub const TIMESTAMP: &'static str = "millrace.timestamp";
    /// The nanoseconds below the millisecond, if there are any.
    pub const NANOSECONDS: &'static str = "millrace.nanoseconds";
    /// The document's place in the order in which documents were sent.
    pub const SENT: &'static str = "millrace.sent";
    /// All keywords of the document.
    pub const ANY: &'static str = "millrace.any";
}

/// For which engine, and how, templates and policies are written.
#[derive(Clone, Debug)]
pub struct TemplateOptions {
    /// For whom.
    pub product: Product,
    /// Stands before all names.
    pub namespace: String,
    /// Primary shards of an index.
    pub shards: u16,
    /// Copies of each shard.
    pub replicas: u16,
    /// How long a document may wait until it is found.
    pub refresh_interval: Duration,
    /// Whether indices grow old by the policy.
    pub policies: bool,
    /// When an index is compacted.
    pub compact_after: Duration,
    /// When an index is deleted.
    pub delete_after: Duration,
    /// Whether the engine lacks its vendor's modules: types that it does not know are replaced.
    pub minimal_engine: bool,
}

impl TemplateOptions {
    /// The composable index template of each log type, to be put at `_index_template/NAME`, by name.
    #[must_use]
    pub fn index_templates(&self, fields: &[Field]) -> Vec<(String, Value)> {
        let mappings = self.mappings(fields);
        let template = |log_type: &&str| {
            let name = format!("{}{INDEX_PREFIX}{log_type}", self.namespace);
            let body = json!({
                "index_patterns": [format!("{name}-*")],
                "priority": PRIORITY,
                "template": { "settings": self.settings(fields), "mappings": mappings },
                "_meta": { "description": format!("Millrace: documents of the log type {log_type}") },
            });
            (name, sealed(body, &["_meta", "millrace"]))
        };
        LOG_TYPES.iter().map(template).collect()
    }

    /// The pattern of all indices.
    #[must_use]
    pub fn index_pattern(&self) -> String {
        format!("{}{INDEX_PREFIX}*", self.namespace)
    }

    /// The name of the lifecycle policy.
    #[must_use]
    pub fn policy_name(&self) -> String {
        format!("{}ecommerce-logs", self.namespace)
    }

    fn settings(&self, fields: &[Field]) -> Value {
        let mut index = json!({
            "codec": "best_compression",
            "number_of_shards": self.shards.to_string(),
            "number_of_replicas": self.replicas.to_string(),
            "refresh_interval": format!("{}ms", self.refresh_interval.as_millis()),
            "mapping": {
                "ignore_malformed": "true",
                "total_fields": { "limit": (fields.len() * 2).max(FIELDS_LIMIT).to_string() },
            },
            "analysis": mapping::analysis(),
        });
        if self.policies && self.product == Product::Elasticsearch {
            index["lifecycle"] = json!({ "name": self.policy_name() });
        }
        json!({ "index": index })
    }
}

/// A body with its version and a fingerprint of all the rest at a place in it.
fn sealed(mut body: Value, place: &[&str]) -> Value {
    let fingerprint = fingerprint(&body.to_string());
    let mut at = &mut body;
    for name in place {
        at = &mut at[*name];
    }
    *at = json!({ "version": TEMPLATE_VERSION, "fingerprint": fingerprint });
    body
}

/// FNV-1a: tells texts apart that nobody forges.
fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests;
