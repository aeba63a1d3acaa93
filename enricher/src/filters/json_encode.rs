//! `json_encode`: writes the value of a field as JSON text. A field that is missing is `null`.

use std::sync::Arc;

use event::{Event, FieldPath, format_timestamp};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Clone, Debug)]
struct JsonEncode {
    source: FieldPath,
    target: FieldPath,
}

filter_options! {
    /// Writes the value of a field as JSON text.
    ///
    /// A field that is missing is `null`.
    struct JsonEncodeOptions {
        /// The field that is written.
        source: FieldPath = required,
        /// The field that gets the text.
        target: FieldPath => "default: the source",
    }
    tags {
        "_jsongeneratefailure" => "something stands in the way of the target",
    }
    example r#"json_encode { source => "[order][items]" target => "[order][items_text]" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let JsonEncodeOptions { source, target } = JsonEncodeOptions::read(options);
    let source = source?;
    Some(Arc::new(JsonEncode { target: target.unwrap_or_else(|| source.clone()), source }))
}

impl FilterPlan for JsonEncode {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Filter for JsonEncode {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let mut json = Vec::new();
        if self.source.is_timestamp() {
            json.push(b'"');
            format_timestamp(event.timestamp_ns, &mut json);
            json.push(b'"');
        } else if let Some(value) = event.get(&self.source) {
            event.raw(value, &mut json);
            leave_out_white_space(&mut json);
        } else {
            json.extend_from_slice(b"null");
        }
        if event.set_text(&self.target, &String::from_utf8_lossy(&json)) {
            return Applied::Matched;
        }
        event.add_tag("_jsongeneratefailure");
        Applied::NotMatched
    }
}

/// Values stand as they were sent, which may be with white space between them.
fn leave_out_white_space(json: &mut Vec<u8>) {
    let (mut in_text, mut is_escaped) = (false, false);
    json.retain(|byte| {
        if in_text {
            in_text = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            return true;
        }
        in_text = *byte == b'"';
        !byte.is_ascii_whitespace()
    });
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::filters::trial::Trial;

    fn run(options: &str, event: Value) -> Value {
        Trial::new(&format!("json_encode {{ {options} }}")).run(event)
    }

    #[test]
    fn a_value_becomes_its_text() {
        for (value, text) in [
            (
                json!({"whoa": [1, 2.5, null, true, {"a": "\"x\"\n"}]}),
                r#"{"whoa":[1,2.5,null,true,{"a":"\"x\"\n"}]}"#,
            ),
            (json!("ž\\"), r#""ž\\""#),
            (json!(12_345_678_901_234_567_u64), "12345678901234567"),
            (json!(null), "null"),
        ] {
            assert_eq!(run(r#"source => "a""#, json!({"a": value}))["a"], text);
        }
        assert_eq!(run(r#"source => "a""#, json!({}))["a"], "null");
        let out = run(r#"source => "@timestamp" target => "[t][text]" add_tag => "ok""#, json!({}));
        assert_eq!(out["t"]["text"], "\"2024-06-15T12:00:00.000Z\"");
        assert_eq!(out["tags"], json!(["ok"]));
    }

    #[test]
    fn white_space_between_values_is_left_out() {
        let mut trial = Trial::new(r#"json_encode { source => "a" }"#);
        let out = trial.run_payload(r#"{"a": { "b " : [ 1 , "\" \\" ,"\t" ] }}"#);
        let out: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(out["a"], r#"{"b ":[1,"\" \\","\t"]}"#);
    }

    #[test]
    fn where_something_stands_in_the_way_the_event_is_tagged() {
        let out =
            run(r#"source => "a" target => "[b][c]" add_tag => "ok""#, json!({"a": 1, "b": "x"}));
        assert_eq!((&out["b"], &out["tags"]), (&json!("x"), &json!(["_jsongeneratefailure"])));
        assert!(Trial::refusal("json_encode { }").contains("needs the option `source`"));
    }
}
