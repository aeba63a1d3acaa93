//! How indices grow old: compacted after some days, deleted after more. The codec is the best from the start,
//! since compacting with another one would close the index for a while.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    NAMED_DAY_PRIORITY, PRIORITY, Product, TEMPLATE_VERSION, TemplateOptions, fingerprint, sealed,
};

impl TemplateOptions {
    /// The lifecycle policy, to be put at `_ilm/policy/NAME` (Elasticsearch) or
    /// `_plugins/_ism/policies/NAME` (OpenSearch).
    #[must_use]
    pub fn policy(&self) -> Value {
        match self.product {
            Product::Elasticsearch => self.lifecycle_management(),
            Product::OpenSearch => self.state_management(),
        }
    }

    fn lifecycle_management(&self) -> Value {
        let body = json!({
            "policy": {
                "_meta": { "description": "Millrace: compacts and deletes old indices" },
                "phases": {
                    "hot": { "min_age": "0ms", "actions": { "set_priority": { "priority": 100 } } },
                    "warm": {
                        "min_age": age(self.compact_after),
                        "actions": {
                            "set_priority": { "priority": 50 },
                            "forcemerge": { "max_num_segments": 1 },
                        },
                    },
                    "delete": { "min_age": age(self.delete_after), "actions": { "delete": {} } },
                },
            },
        });
        sealed(body, &["policy", "_meta", "millrace"])
    }

    /// A policy of OpenSearch has no place for its version but the description.
    fn state_management(&self) -> Value {
        let mut templates =
            vec![json!({ "index_patterns": [self.index_pattern()], "priority": PRIORITY })];
        let days = self.named.iter().filter_map(super::NamedIndices::days_pattern);
        templates.extend(
            days.map(
                |pattern| json!({ "index_patterns": [pattern], "priority": NAMED_DAY_PRIORITY }),
            ),
        );
        let mut body = json!({
            "policy": {
                "default_state": "open",
                "states": [
                    {
                        "name": "open",
                        "actions": [],
                        "transitions": [{
                            "state_name": "compact",
                            "conditions": { "min_index_age": age(self.compact_after) },
                        }],
                    },
                    {
                        "name": "compact",
                        "actions": [{ "force_merge": { "max_num_segments": 1 } }],
                        "transitions": [{
                            "state_name": "delete",
                            "conditions": { "min_index_age": age(self.delete_after) },
                        }],
                    },
                    { "name": "delete", "actions": [{ "delete": {} }], "transitions": [] },
                ],
                "ism_template": templates,
            },
        });
        let fingerprint = fingerprint(&body.to_string());
        body["policy"]["description"] = json!(format!(
            "Millrace: compacts and deletes old indices (version {TEMPLATE_VERSION}, {fingerprint})"
        ));
        body
    }
}

/// An age in the largest unit that it is a whole number of.
fn age(span: Duration) -> String {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let millis = span.as_millis();
    let fits = |(_, factor): &&(&str, u128)| millis >= *factor && millis.is_multiple_of(*factor);
    match units.iter().find(fits) {
        Some((unit, factor)) => format!("{}{unit}", millis / factor),
        None => "0ms".to_owned(),
    }
}
