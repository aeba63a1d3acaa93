//! `truncate`: cuts texts to a number of bytes of UTF-8, never inside a character. The beginning is kept.

use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Clone, Debug)]
struct Truncate {
    /// None are all of the event.
    fields: Option<Vec<FieldPath>>,
    length_bytes: usize,
}

filter_options! {
    /// Cuts texts to a number of bytes of UTF-8, never inside a character. The beginning is kept.
    ///
    /// Of an array its texts are cut, and of an object what it holds; arrays and objects in arrays
    /// stay whole, as in Logstash.
    struct TruncateOptions {
        /// The fields that are cut.
        fields: Vec<FieldPath> => "default: all of the event",
        /// How many bytes are left.
        length_bytes: i64 = required,
    }
    example r#"truncate { fields => ["message"] length_bytes => 1024 }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let TruncateOptions { fields, length_bytes: length } = TruncateOptions::read(options);
    if length.is_some_and(|length| length < 0) {
        options.refuse("length_bytes", "`length_bytes` is negative", "write 0 or more");
    }
    let length_bytes = usize::try_from(length?).ok()?;
    Some(Arc::new(Truncate { fields, length_bytes }))
}

impl FilterPlan for Truncate {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Filter for Truncate {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        match &self.fields {
            Some(fields) => {
                for field in fields {
                    if let Some(value) = event.get(field) {
                        self.cut(event, value);
                    }
                }
            }
            None => {
                let all: Vec<_> = event.fields().map(|(_, value)| value).collect();
                all.into_iter().for_each(|value| self.cut(event, value));
            }
        }
        Applied::Matched
    }
}

impl Truncate {
    /// Cuts a text, the texts of an array, and what an object holds in the same way. Arrays and objects in arrays
    /// stay whole, as in Logstash.
    fn cut(&self, event: &mut Event, value: NodeId) {
        match event.kind(value) {
            Kind::String => self.cut_text(event, value),
            Kind::Array => {
                let mut at = event.first_child(value);
                while let Some(element) = at {
                    self.cut_text(event, element);
                    at = event.next_sibling(element);
                }
            }
            Kind::Object => {
                let mut at = event.first_child(value);
                while let Some(member) = at {
                    self.cut(event, member);
                    at = event.next_sibling(member);
                }
            }
            _ => {}
        }
    }

    fn cut_text(&self, event: &mut Event, value: NodeId) {
        // With escapes a text is longer than what it stands for, never shorter.
        if event.content(value).is_none_or(|content| content.len() <= self.length_bytes) {
            return;
        }
        let Some(text) = event.text(value).filter(|text| text.len() > self.length_bytes) else {
            return;
        };
        let kept = text[..text.floor_char_boundary(self.length_bytes)].to_owned();
        event.rewrite_text(value, &kept);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::filters::trial::Trial;

    fn run(options: &str, event: Value) -> Value {
        Trial::new(&format!("truncate {{ {options} }}")).run(event)
    }

    #[test]
    fn texts_are_cut_in_bytes_and_never_inside_a_character() {
        for (length, kept) in [
            (0, ""),
            (1, "a"),
            (2, "a"),
            (3, "aé"),
            (6, "aé"),
            (7, "aé🂡"),
            (8, "aé🂡b"),
            (9, "aé🂡b"),
        ] {
            let out =
                run(&format!(r#"fields => "a" length_bytes => {length}"#), json!({"a": "aé🂡b"}));
            assert_eq!(out["a"], kept, "{length}");
        }
        // Nine bytes as it is sent, two as it is read.
        let mut escaped = Trial::new("truncate { length_bytes => 2 }");
        assert!(escaped.run_payload(r#"{"a":"\u00e9"}"#).contains(r#""a":"\u00e9""#));
        assert!(escaped.run_payload(r#"{"a":"\u00e9b"}"#).contains("\"a\":\"é\""));
    }

    #[test]
    fn named_fields_or_all_with_what_they_hold() {
        let event = json!({
            "a": "xyz", "b": {"c": "xyz", "d": {"e": ["xyz", 12345, ["xyz"]]}}, "n": 12345, "t": true
        });
        let cut = json!({
            "a": "xy", "b": {"c": "xy", "d": {"e": ["xy", 12345, ["xyz"]]}}, "n": 12345, "t": true
        });
        let out = run("length_bytes => 2", event.clone());
        for (name, value) in cut.as_object().unwrap() {
            assert_eq!(out[name], *value);
        }
        let out = run(r#"fields => ["[b]", "missing"] length_bytes => 2 add_tag => "ok""#, event);
        assert_eq!((&out["a"], &out["b"]), (&json!("xyz"), &cut["b"]));
        assert_eq!(out["tags"], json!(["ok"]));
    }

    #[test]
    fn mistakes_are_refused() {
        assert!(Trial::refusal("truncate { }").contains("needs the option `length_bytes`"));
        assert!(Trial::refusal("truncate { length_bytes => -1 }").contains("negative"));
    }
}
