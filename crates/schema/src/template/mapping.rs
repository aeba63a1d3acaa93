//! Mappings: each field with its type, so that no event can change one, and the words of texts as the
//! embedded index knows them.

use serde_json::{Map, Value, json};

use super::{Product, StoreFields, TemplateOptions};
use crate::field::{Field, FieldKind};

/// Longer strings are kept but not found as a whole: with four bytes a character they are as long as
/// Lucene's longest term, 32,766 bytes.
pub const VALUE_CHARACTERS_MAX: usize = 8_191;

/// The analyzer that makes words of texts.
const WORDS_ANALYZER: &str = "words";

/// The analysis of texts: runs of letters, digits and `_`, in lower case. A longer run is cut in pieces.
pub(super) fn analysis() -> Value {
    json!({
        "analyzer": {
            WORDS_ANALYZER: { "type": "custom", "tokenizer": WORDS_ANALYZER, "filter": ["lowercase"] },
        },
        "tokenizer": {
            WORDS_ANALYZER: {
                "type": "pattern",
                "pattern": "[\\p{IsAlphabetic}\\p{N}_]{1,255}+",
                "group": "0",
            },
        },
    })
}

impl TemplateOptions {
    /// The mapping of documents with these fields.
    #[must_use]
    pub fn mappings(&self, fields: &[Field]) -> Value {
        let mut properties = Map::new();
        properties.insert(StoreFields::OBJECT.to_owned(), json!({ "properties": own() }));
        for field in fields {
            insert(&mut properties, &field.name, self.mapping(field.kind));
        }
        json!({ "dynamic": "false", "properties": properties })
    }

    fn mapping(&self, kind: FieldKind) -> Value {
        match kind {
            FieldKind::Keyword => json!({
                "type": "keyword",
                "ignore_above": VALUE_CHARACTERS_MAX,
                "copy_to": [StoreFields::ANY],
            }),
            FieldKind::Text => {
                json!({ "type": "text", "analyzer": WORDS_ANALYZER, "norms": false })
            }
            FieldKind::Long => json!({ "type": "long" }),
            FieldKind::Double => json!({ "type": "double" }),
            // The one type that an engine without its vendor's modules does not know.
            FieldKind::Decimal { .. } if self.minimal_engine => json!({ "type": "double" }),
            FieldKind::Decimal { scale } => {
                json!({ "type": "scaled_float", "scaling_factor": 10u64.pow(u32::from(scale)) })
            }
            FieldKind::Boolean => json!({ "type": "boolean" }),
            FieldKind::Date => json!({ "type": "date" }),
            FieldKind::Ip => json!({ "type": "ip" }),
            FieldKind::GeoPoint => json!({ "type": "geo_point" }),
            FieldKind::Flattened => match self.product {
                Product::Elasticsearch => {
                    json!({ "type": "flattened", "ignore_above": VALUE_CHARACTERS_MAX })
                }
                Product::OpenSearch => json!({ "type": "flat_object" }),
            },
            FieldKind::Nested => json!({ "type": "nested", "properties": {} }),
        }
    }
}

/// The mapping of the fields that the store adds.
fn own() -> Value {
    json!({
        "id": { "type": "keyword", "index": false },
        "shop": { "type": "keyword" },
        "timestamp": { "type": "date", "format": "epoch_millis" },
        "nanoseconds": { "type": "integer" },
        "sent": { "type": "long" },
        "any": { "type": "keyword", "ignore_above": VALUE_CHARACTERS_MAX, "doc_values": false },
    })
}

/// Puts a mapping at a dotted name, within the objects around it.
fn insert(properties: &mut Map<String, Value>, name: &str, mapping: Value) {
    let Some((outer, rest)) = name.split_once('.') else {
        properties.insert(name.to_owned(), mapping);
        return;
    };
    let object = properties.entry(outer).or_insert_with(|| json!({ "properties": {} }));
    // A field that is no object and no nested one has no fields below it.
    if let Some(Value::Object(inner)) = object.get_mut("properties") {
        insert(inner, rest, mapping);
    }
}
