//! `json`: takes the JSON text of a field apart. What is not JSON only tags the event.
//!
//! Keys are names as they stand: `[a][b]` in an event's text never becomes a path.

use std::sync::Arc;

use event::{Event, FieldPath, Kind, Limits, NodeId};

use crate::filter::{Applied, EcsCompatibility, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Debug)]
struct Json {
    source: FieldPath,
    target: Option<FieldPath>,
    skip_on_invalid_json: bool,
    tag_on_failure: Vec<String>,
    limits: Limits,
}

struct JsonPlan(Arc<Json>);

filter_options! {
    /// Takes the JSON text of a field apart.
    ///
    /// Keys are names as they stand: `[a][b]` in a text never becomes a path. Without a `target`
    /// the object's fields become the event's, `@timestamp` its time, and `@metadata` is left out,
    /// where the platform's words stand. A text holds what an event may hold.
    struct JsonOptions {
        /// The field that holds the text.
        source: FieldPath = required,
        /// The field that gets the value.
        target: FieldPath => "default: the event itself, for an object",
        /// Whether what is not JSON is left alone without a tag.
        skip_on_invalid_json: bool = false,
        /// Tags of an event whose field holds no JSON.
        tag_on_failure: Vec<String> = ["_jsonparsefailure"],
    }
    without_effect {
        /// Nothing that this filter does has another name in another mode.
        ecs_compatibility: EcsCompatibility,
    }
    tags {
        "_jsonparsefailure" => "the text is not JSON, or no object and there is no `target`",
        "_timestampparsefailure" => "the object's `@timestamp` is no time; it stands in `_@timestamp`",
    }
    example r#"json { source => "message" target => "order" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let JsonOptions { source, target, skip_on_invalid_json, tag_on_failure } =
        JsonOptions::read(options);
    Some(Arc::new(JsonPlan(Arc::new(Json {
        source: source?,
        target,
        skip_on_invalid_json,
        tag_on_failure,
        limits: environment.limits.clone(),
    }))))
}

impl FilterPlan for JsonPlan {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(Worker(Arc::clone(&self.0)))
    }
}

struct Worker(Arc<Json>);

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let json = &*self.0;
        let Some(source) = event.get(&json.source).filter(|id| event.kind(*id) != Kind::Null)
        else {
            return Applied::NotMatched;
        };
        let Some(value) = json.read(event, source) else {
            if !json.skip_on_invalid_json {
                json.tag(event);
            }
            return Applied::NotMatched;
        };
        let placed = match &json.target {
            Some(target) => event.place(target, value),
            None => {
                event.kind(value) == Kind::Object && {
                    event.take_fields(value);
                    true
                }
            }
        };
        if !placed {
            json.tag(event);
            return Applied::NotMatched;
        }
        Applied::Matched
    }
}

impl Json {
    fn read(&self, event: &mut Event, source: NodeId) -> Option<NodeId> {
        let text = event.text(source)?.into_owned();
        event.new_json_within(text.as_bytes(), &self.limits).ok()
    }

    fn tag(&self, event: &mut Event) {
        for tag in &self.tag_on_failure {
            event.add_tag(tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use event::Limits;
    use serde_json::{Value, json};

    use crate::filter::Environment;
    use crate::filters::trial::Trial;

    fn run(options: &str, event: Value) -> Value {
        Trial::new(&format!("json {{ {options} }}")).run(event)
    }

    #[test]
    fn fields_are_taken_out_of_a_text() {
        let out = run(
            r#"source => "message" remove_field => "message""#,
            json!({"message": "{\"a\": 1, \"[b][c]\": {\"d\": \"\\u00e9\\n\"}, \"old\": 2}", "old": 1}),
        );
        assert_eq!(out["a"], 1);
        assert_eq!(out["[b][c]"], json!({"d": "é\n"}));
        assert_eq!(out["old"], 2);
        assert_eq!(out.get("message"), None);
        let out = run(r#"source => "m" target => "[x][y]""#, json!({"m": " [1, 2] "}));
        assert_eq!(out["x"]["y"], json!([1, 2]));
    }

    #[test]
    fn its_own_time_becomes_the_events() {
        let out =
            run(r#"source => "m""#, json!({"m": "{\"@timestamp\":\"2013-10-19T00:14:32.996Z\"}"}));
        assert_eq!(out["@timestamp"], "2013-10-19T00:14:32.996Z");
        let out = run(r#"source => "m""#, json!({"m": "{\"@timestamp\":\"soon\"}"}));
        assert_eq!(out["_@timestamp"], "soon");
        assert_eq!(out["tags"], json!(["_timestampparsefailure"]));
        assert_eq!(out["@timestamp"], "2024-06-15T12:00:00.000Z");
    }

    #[test]
    fn what_is_not_json_only_tags() {
        let deep = "[".repeat(100_000);
        for text in ["{", "x", "[1,2]", "{} {}", "", deep.as_str()] {
            let out =
                run(r#"source => "m" remove_field => "m" add_tag => "ok""#, json!({"m": text}));
            assert_eq!(out["m"], text);
            assert_eq!(out["tags"], json!(["_jsonparsefailure"]), "{text}");
        }
        let out = run(r#"source => "m" skip_on_invalid_json => true"#, json!({"m": "{"}));
        assert_eq!(out.get("tags"), None);
        let out = run(
            r#"source => "m" target => "[m][x]" tag_on_failure => [ "a", "b" ]"#,
            json!({"m": "{}"}),
        );
        assert_eq!(out["tags"], json!(["a", "b"]));
        assert_eq!(out["m"], "{}");
    }

    #[test]
    fn a_text_holds_what_an_event_may_hold() {
        let limits = Limits { depth_max: 2, nodes_max: 4, payload_bytes_max: 40 };
        let environment = Environment { limits, ..Environment::default() };
        for (text, taken) in [
            (r#"{"a":[1]}"#.to_owned(), true),
            (r#"{"a":[[1]]}"#.to_owned(), false),
            (r#"{"a":1,"b":2,"c":3}"#.to_owned(), true),
            (r#"{"a":1,"b":2,"c":3,"d":4}"#.to_owned(), false),
            (format!(r#"{{"a":"{}"}}"#, "x".repeat(40)), false),
        ] {
            let mut trial = Trial::build(r#"json { source => "m" }"#, &environment).unwrap();
            let out = trial.run(json!({"m": text}));
            assert_eq!(out.get("a").is_some(), taken, "{text}");
            assert_eq!(out.get("tags").is_none(), taken, "{text}");
        }
        let mut generous = Environment::default();
        generous.limits.depth_max = 100;
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(80), "]".repeat(80));
        let mut trial = Trial::build(r#"json { source => "m" }"#, &generous).unwrap();
        assert!(trial.run(json!({"m": deep})).get("a").is_some());
    }

    #[test]
    fn mistakes_are_refused() {
        assert!(Trial::refusal("json { }").contains("needs the option `source`"));
        assert!(
            Trial::refusal(r#"json { source => "a" taget => "b" }"#)
                .contains("did you mean `target`?")
        );
    }
}
