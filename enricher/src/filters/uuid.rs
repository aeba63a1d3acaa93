//! `uuid`: a UUID for the event. It is derived from the record's id, from which of the record's events it is, and from
//! which `uuid` of the pipeline makes it: all are different, and a replay makes the same again.
//!
//! It is written as version 4, as Logstash's are.

use std::sync::Arc;

use event::{Event, FieldPath, Kind};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Clone, Debug)]
struct UniqueId {
    target: FieldPath,
    overwrite: bool,
}

filter_options! {
    /// Sets a UUID for the event.
    ///
    /// It is derived from the record's id, from which of the record's events it is, and from which
    /// `uuid` of the pipeline makes it: all are different, and a replay makes the same again. It is
    /// written as version 4, as Logstash's are.
    struct UuidOptions {
        /// The field that gets it.
        target: FieldPath = required,
        /// Whether a field that is there is overwritten.
        overwrite: bool = false,
    }
    example r#"uuid { target => "[labels][uuid]" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let UuidOptions { target, overwrite } = UuidOptions::read(options);
    if target.as_ref().is_some_and(FieldPath::is_timestamp) {
        let message = "`@timestamp` holds no id";
        options.refuse("target", message, "name another field");
    }
    Some(Arc::new(UniqueId { target: target?, overwrite }))
}

impl FilterPlan for UniqueId {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Filter for UniqueId {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let present = event.get(&self.target).map(|present| event.kind(present));
        if !self.overwrite && present.is_some_and(|kind| kind != Kind::Null) {
            return Applied::Matched;
        }
        let role = format!("uuid/{}/{}", context.place, context.number);
        let id = uuid::Builder::from_random_bytes(context.record.id.derive(&role).0).into_uuid();
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        if event.set_text(&self.target, id.hyphenated().encode_lower(&mut text)) {
            Applied::Matched
        } else {
            Applied::NotMatched
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::filter::Applied;
    use crate::filters::trial::Trial;

    fn apply(options: &str, event: Value) -> (Applied, Value) {
        Trial::new(&format!("uuid {{ {options} }}")).apply(event)
    }

    #[test]
    fn the_same_record_gets_the_same_id_again() {
        let (applied, out) = apply(r#"target => "id" add_tag => "ok""#, json!({}));
        let id = out["id"].as_str().unwrap().to_owned();
        let parsed = uuid::Uuid::parse_str(&id).unwrap();
        assert_eq!((applied, parsed.get_version_num(), id.len()), (Applied::Matched, 4, 36));
        assert_eq!(parsed.get_variant(), uuid::Variant::RFC4122);
        assert_eq!(out["tags"], json!(["ok"]));
        assert_eq!(apply(r#"target => "[a][b]""#, json!({"x": 1})).1["a"]["b"], id);
    }

    #[test]
    fn what_is_there_stays_unless_it_is_to_be_overwritten() {
        for value in [json!("mine"), json!(""), json!(false), json!({"a": 1})] {
            let (applied, out) = apply(r#"target => "id""#, json!({"id": value}));
            assert_eq!((applied, &out["id"]), (Applied::Matched, &value));
            let (_, out) = apply(r#"target => "id" overwrite => true"#, json!({"id": value}));
            assert_eq!(out["id"].as_str().map(str::len), Some(36));
        }
        assert!(apply(r#"target => "id""#, json!({"id": null})).1["id"].is_string());
        let (applied, out) = apply(r#"target => "[a][b]""#, json!({"a": "text"}));
        assert_eq!((applied, &out["a"]), (Applied::NotMatched, &json!("text")));
    }

    #[test]
    fn mistakes_are_refused() {
        assert!(Trial::refusal("uuid { }").contains("needs the option `target`"));
        assert!(Trial::refusal(r#"uuid { target => "@timestamp" }"#).contains("holds no id"));
    }
}
