//! Index templates of Elasticsearch and OpenSearch: one for each log type, each field with its type,
//! so that no event can change a mapping.

use serde_json::{Map, Value, json};

use crate::Schema;
use crate::document::Place;
use crate::field::FieldKind;
use crate::index_name::INDEX_PREFIX;
use crate::log_type::LogType;

/// Longer strings are kept but not found as a whole: Lucene refuses terms over 32,766 bytes.
const IGNORE_ABOVE_CHARACTERS: u32 = 1024;

/// Above the templates that the products bring along.
const PRIORITY: u32 = 300;

/// A search engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Elasticsearch 8 and later.
    Elasticsearch,
    /// OpenSearch 2 and later.
    OpenSearch,
}

impl Schema {
    /// The composable index template of a log type, to be put at `_index_template/NAME`, and its name.
    #[must_use]
    pub fn index_template(&self, product: Product, log_type: &LogType) -> (String, Value) {
        let name = format!("{INDEX_PREFIX}{}", log_type.name);
        let template = json!({
            "index_patterns": [format!("{name}-*")],
            "priority": PRIORITY,
            "template": {
                "settings": { "index": { "codec": "best_compression" } },
                "mappings": {
                    "dynamic": false,
                    "properties": self.properties(product, self.document().root()),
                },
            },
            "_meta": { "description": &*log_type.description },
        });
        (name, template)
    }

    fn properties(&self, product: Product, at: Place) -> Value {
        let tree = self.document();
        let mut properties = Map::new();
        for place in tree.children(at) {
            let mapping = match tree.field(place).map(|field| field.kind) {
                None => json!({ "properties": self.properties(product, place) }),
                Some(FieldKind::Nested) => {
                    json!({ "type": "nested", "properties": self.properties(product, place) })
                }
                Some(kind) => mapping(product, kind),
            };
            properties.insert(tree.name(place).to_owned(), mapping);
        }
        Value::Object(properties)
    }
}

fn mapping(product: Product, kind: FieldKind) -> Value {
    match kind {
        FieldKind::Keyword => json!({ "type": "keyword", "ignore_above": IGNORE_ABOVE_CHARACTERS }),
        FieldKind::Text => json!({ "type": "text" }),
        FieldKind::Long => json!({ "type": "long" }),
        FieldKind::Double => json!({ "type": "double" }),
        FieldKind::Decimal { scale } => {
            json!({ "type": "scaled_float", "scaling_factor": 10u64.pow(u32::from(scale)) })
        }
        FieldKind::Boolean => json!({ "type": "boolean" }),
        FieldKind::Date => json!({ "type": "date" }),
        FieldKind::Ip => json!({ "type": "ip" }),
        FieldKind::GeoPoint => json!({ "type": "geo_point" }),
        FieldKind::Flattened => match product {
            Product::Elasticsearch => {
                json!({ "type": "flattened", "ignore_above": IGNORE_ABOVE_CHARACTERS })
            }
            Product::OpenSearch => json!({ "type": "flat_object" }),
        },
        FieldKind::Nested => json!({ "type": "nested" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_log_type_has_a_template_of_its_own_indices() {
        let schema = Schema::embedded();
        for log_type in schema.log_types() {
            let (name, template) = schema.index_template(Product::Elasticsearch, log_type);
            assert_eq!(name, format!("ecommerce-logs-{}", log_type.name));
            assert_eq!(template["index_patterns"], json!([format!("{name}-*")]));
            assert_eq!(template["template"]["mappings"]["dynamic"], json!(false));
        }
    }

    #[test]
    fn fields_have_the_products_types() {
        let schema = Schema::embedded();
        let transaction = schema.log_type("transaction").unwrap();
        let properties = |product| {
            schema.index_template(product, transaction).1["template"]["mappings"]["properties"]
                .clone()
        };
        let elastic = properties(Product::Elasticsearch);
        let order = &elastic["shop"]["properties"]["order"]["properties"];
        assert_eq!(order["amount"], json!({"type": "scaled_float", "scaling_factor": 10_000}));
        assert_eq!(order["items"]["type"], "nested");
        assert_eq!(order["items"]["properties"]["quantity"], json!({"type": "long"}));
        assert_eq!(elastic["client"]["properties"]["ip"], json!({"type": "ip"}));
        assert_eq!(elastic["@timestamp"], json!({"type": "date"}));
        assert_eq!(elastic["shop"]["properties"]["extra"]["type"], "flattened");
        let open = properties(Product::OpenSearch);
        assert_eq!(open["shop"]["properties"]["extra"], json!({"type": "flat_object"}));
    }
}
