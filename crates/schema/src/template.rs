//! What Elasticsearch and OpenSearch are told before the first document: a template for each log type's
//! indices, and the policy by which indices grow old. Nothing here talks to an engine.

mod lifecycle;
mod mapping;

use std::time::Duration;

use serde_json::{Value, json};

use crate::field::Field;
use crate::index_name::{INDEX_PREFIX, LOG_TYPES};
use crate::named_index::{NAMED_ALIAS, NamedIndices};

pub use mapping::VALUE_CHARACTERS_MAX;

/// The version of what is written here: a higher one replaces what an earlier Millrace has installed.
pub const TEMPLATE_VERSION: u64 = 1;

/// Above the templates that the products bring along.
const PRIORITY: u32 = 300;
/// That of the indices whose names an installation chooses: above what products and Logstash bring along, and below
/// our own, whose names may begin in the same way.
const NAMED_PRIORITY: u32 = 290;
/// That of those among them that grow old.
const NAMED_DAY_PRIORITY: u32 = 295;
/// What stands behind the name of the template of those that grow old: no beginning of an index has it.
const DAYS: &str = "@days";
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
    /// Indices beside our own.
    pub named: Vec<NamedIndices>,
}

impl TemplateOptions {
    /// The composable index template of each log type and of the indices beside them, to be put at
    /// `_index_template/NAME`, by name.
    #[must_use]
    pub fn index_templates(&self, fields: &[Field]) -> Vec<(String, Value)> {
        let mappings = self.mappings(fields);
        let template = |log_type: &&str| {
            let name = format!("{}{INDEX_PREFIX}{log_type}", self.namespace);
            let body = json!({
                "index_patterns": [format!("{name}-*")],
                "priority": PRIORITY,
                "template": { "settings": self.settings(fields, true), "mappings": mappings },
                "_meta": { "description": format!("Millrace: documents of the log type {log_type}") },
            });
            (name, sealed(body, &["_meta", "millrace"]))
        };
        let mut templates: Vec<_> = LOG_TYPES.iter().map(template).collect();
        for named in &self.named {
            templates.extend(self.named_templates(named, fields, &mappings));
        }
        templates
    }

    /// The templates of the indices with one beginning: of all of them, and above it of those that grow old. Their alias
    /// tells an index that was made by them from one that somebody else made under the same name.
    fn named_templates(
        &self,
        named: &NamedIndices,
        fields: &[Field],
        mappings: &Value,
    ) -> impl Iterator<Item = (String, Value)> {
        let (name, alias) = (self.named_template(&named.prefix), self.named_alias());
        let template = |pattern: String, priority: u32, grows_old: bool| {
            let body = json!({
                "index_patterns": [pattern],
                "priority": priority,
                "template": {
                    "settings": self.settings(fields, grows_old),
                    "mappings": mappings,
                    "aliases": { (alias.as_str()): {} },
                },
                "_meta": { "description": format!("Millrace: documents of {}*", named.prefix) },
            });
            sealed(body, &["_meta", "millrace"])
        };
        let all = template(format!("{}*", named.prefix), NAMED_PRIORITY, false);
        let days = named.days_pattern().filter(|_| self.has_lifecycle_setting());
        let days = days
            .map(|pattern| (format!("{name}{DAYS}"), template(pattern, NAMED_DAY_PRIORITY, true)));
        [(name, all)].into_iter().chain(days)
    }

    fn named_template(&self, prefix: &str) -> String {
        format!("{}-{prefix}", self.named_alias())
    }

    /// What the names of all templates of the indices beside our own begin with. One that is not among
    /// [`TemplateOptions::index_templates`] is left of another configuration: it would make what somebody else writes
    /// grow old, and an engine refuses another one for the same names.
    #[must_use]
    pub fn named_template_beginning(&self) -> String {
        self.named_template("")
    }

    /// Whether an index says by a setting of its own how it grows old.
    fn has_lifecycle_setting(&self) -> bool {
        self.policies && self.product == Product::Elasticsearch
    }

    /// The pattern of all indices of our own names.
    #[must_use]
    pub fn index_pattern(&self) -> String {
        format!("{}{INDEX_PREFIX}*", self.namespace)
    }

    /// The alias of all indices beside them.
    #[must_use]
    pub fn named_alias(&self) -> String {
        named_alias(&self.namespace)
    }

    /// The name of the lifecycle policy.
    #[must_use]
    pub fn policy_name(&self) -> String {
        format!("{}ecommerce-logs", self.namespace)
    }

    fn settings(&self, fields: &[Field], grows_old: bool) -> Value {
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
        if grows_old && self.has_lifecycle_setting() {
            index["lifecycle"] = json!({ "name": self.policy_name() });
        }
        json!({ "index": index })
    }
}

/// The alias of all indices whose names an installation chooses, behind its namespace.
#[must_use]
pub fn named_alias(namespace: &str) -> String {
    format!("{namespace}{NAMED_ALIAS}")
}

impl NamedIndices {
    /// The pattern of those that are of a day each, if all are. Others of this beginning that somebody else makes do not
    /// have it, as `shop-customers` and `shop-orders-eu-v2` beside `shop-2026.12.01`: they would be deleted by their
    /// age. Patterns know no digits, so the century stands for those of the year.
    fn days_pattern(&self) -> Option<String> {
        let separator = self.day_separator?;
        Some(format!("{}*20*{separator}*{separator}*", self.prefix))
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
