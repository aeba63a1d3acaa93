//! Whether a document keeps to the schema: known names only, every value of its field's kind.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::Value;

use crate::Schema;
use crate::document::{DocumentTree, Place};
use crate::field::FieldKind;

/// What is wrong with a document, one line for each field; empty when nothing is.
#[must_use]
pub fn check_document(document: &Value) -> Vec<String> {
    let tree = Schema::embedded().document();
    let mut faults = Vec::new();
    match document {
        Value::Object(_) => check_object(tree, tree.root(), "", document, &mut faults),
        _ => faults.push("the document is not an object".to_owned()),
    }
    for name in ["@timestamp", "event", "organization"] {
        if document.get(name).is_none() {
            faults.push(format!("{name}: missing"));
        }
    }
    faults
}

fn check_object(
    tree: &DocumentTree,
    at: Place,
    prefix: &str,
    object: &Value,
    faults: &mut Vec<String>,
) {
    let Some(members) = object.as_object() else {
        faults.push(format!("{prefix}: not an object but {object}"));
        return;
    };
    for (key, value) in members {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let Some(place) = tree.child(at, key) else {
            faults.push(format!("{name}: there is no such field"));
            continue;
        };
        match tree.field(place).map(|field| field.kind) {
            None => check_object(tree, place, &name, value, faults),
            Some(FieldKind::Nested) => check_elements(&name, value, faults, |element, faults| {
                check_object(tree, place, &name, element, faults);
            }),
            Some(kind) if tree.is_many(place) => {
                check_elements(&name, value, faults, |element, faults| {
                    check_value(kind, &name, element, faults);
                });
            }
            Some(kind) => check_value(kind, &name, value, faults),
        }
    }
}

fn check_elements(
    name: &str,
    value: &Value,
    faults: &mut Vec<String>,
    mut check: impl FnMut(&Value, &mut Vec<String>),
) {
    match value.as_array() {
        Some(elements) => elements.iter().for_each(|element| check(element, faults)),
        None => faults.push(format!("{name}: not an array but {value}")),
    }
}

fn check_value(kind: FieldKind, name: &str, value: &Value, faults: &mut Vec<String>) {
    let fits = match kind {
        FieldKind::Keyword | FieldKind::Text => value.is_string(),
        FieldKind::Long => value.is_i64(),
        FieldKind::Double | FieldKind::Decimal { .. } => value.is_number(),
        FieldKind::Boolean => value.is_boolean(),
        FieldKind::Date => value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()),
        FieldKind::Ip => value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        FieldKind::GeoPoint => {
            let degrees = |name: &str| value.get(name).and_then(Value::as_f64);
            matches!((degrees("lat"), degrees("lon")),
                (Some(lat), Some(lon)) if lat.abs() <= 90.0 && lon.abs() <= 180.0)
        }
        FieldKind::Flattened => value.is_object(),
        FieldKind::Nested => value.is_array(),
    };
    if !fits {
        faults.push(format!("{name}: not {kind:?} but {value}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_good_document_has_no_faults() {
        let document = json!({
            "@timestamp": "2026-11-20T08:00:00.000Z",
            "event": {"dataset": "transaction", "category": ["web"], "duration": 1},
            "organization": {"id": "default"},
            "client": {"ip": "2a01:4f8::1", "geo": {"location": {"lat": 52.5, "lon": 13.4}}},
            "shop": {
                "order": {"amount": 129.90, "items": [{"sku": "85123A", "quantity": 2}]},
                "extra": {"anything": [1, {"at": "all"}]},
            },
        });
        assert_eq!(check_document(&document), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named_with_its_field() {
        let document = json!({
            "@timestamp": "yesterday",
            "event": {"duration": 1.5, "category": "web", "nonsense": 1},
            "client": {"ip": "999.1.2.3"},
            "http": "GET",
            "shop": {"order": {"items": [{"quantity": "2"}], "first_order": "yes"}},
        });
        let faults = check_document(&document).join("\n");
        for name in [
            "@timestamp: not Date",
            "event.duration: not Long",
            "event.category: not an array",
            "event.nonsense: there is no such field",
            "client.ip: not Ip",
            "http: not an object",
            "shop.order.items.quantity: not Long",
            "shop.order.first_order: not Boolean",
            "organization: missing",
        ] {
            assert!(faults.contains(name), "{name} is not in:\n{faults}");
        }
        assert_eq!(faults.lines().count(), 9);
    }
}
