//! `split`: one event for each piece of a text or each element of an array, each with all other fields.
//!
//! How many events, and how many bytes, one record may become is bounded: an event that would become more goes on
//! whole and is tagged `_split_too_many`.

use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

/// Tags of an event that has nothing to split: Logstash's own, and the one that its specification calls by name.
const FAILURE_TAGS: [&str; 2] = ["_split_type_failure", "_splitparsefailure"];
/// Tag of an event that would become too many.
const TOO_MANY_TAG: &str = "_split_too_many";

#[derive(Clone, Debug)]
struct Split {
    field: FieldPath,
    target: Option<FieldPath>,
    terminator: String,
}

filter_options! {
    /// Makes an event of each piece of a text, or of each element of an array, each with all other
    /// fields.
    ///
    /// The events go on behind the filter, with ids derived from the record's; the event itself
    /// ends. One record becomes at most 10,000 of them, of 64 MiB together. As in Logstash, a text
    /// or an array with nothing in it becomes no event at all: the record is counted as dropped.
    struct SplitOptions {
        /// The field that is split.
        field: FieldPath = "message",
        /// The field that gets the piece.
        target: FieldPath => "default: the field that is split",
        /// What parts the pieces of a text; a blank stands for any blanks.
        terminator: String = "\n",
    }
    tags {
        "_split_type_failure" => "the field holds neither a text nor an array, or something is in the target's way",
        "_splitparsefailure" => "the same",
        "_split_too_many" => "the event would become too many, or too large; it goes on whole",
    }
    example r#"split { field => "[order][items]" target => "item" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let SplitOptions { field, target, terminator } = SplitOptions::read(options);
    for (name, path) in [("field", Some(&field)), ("target", target.as_ref())] {
        if path.is_some_and(FieldPath::is_timestamp) {
            let message = format!("`{name}` cannot be `@timestamp`");
            options.refuse(name, message, "name a field that holds a text or an array");
        }
    }
    if terminator.is_empty() {
        let message = "with an empty `terminator` each character would be an event";
        options.refuse("terminator", message, "leave it out for one a line");
    }
    // The same field is not a target: what stands there makes way for a piece either way.
    let target = target.filter(|target| *target != field);
    Some(Arc::new(Split { field, target, terminator }))
}

impl FilterPlan for Split {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Filter for Split {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let value = event.get(&self.field);
        match value.map(|value| (value, event.kind(value))) {
            Some((value, Kind::Array)) => {
                let elements: Vec<_> =
                    event.elements(value).filter(|id| !is_nothing(event, *id)).collect();
                let put = |made: &mut Event, element: &NodeId, from: &Event| {
                    made.new_copy_from(from, *element)
                };
                self.make(event, value, &elements, put, context)
            }
            Some((value, Kind::String)) => {
                let text = event.text(value).unwrap_or_default().into_owned();
                let Some(pieces) = pieces(&text, &self.terminator) else {
                    return Applied::NotMatched;
                };
                let put = |made: &mut Event, piece: &&str, _: &Event| made.new_text(piece);
                self.make(event, value, &pieces, put, context)
            }
            _ => fail(event, &FAILURE_TAGS),
        }
    }
}

impl Split {
    /// Makes an event for each part; the event itself ends, even if there is no part.
    fn make<T>(
        &self,
        event: &mut Event,
        value: NodeId,
        parts: &[T],
        put: impl Fn(&mut Event, &T, &Event) -> NodeId,
        context: &mut FilterContext<'_>,
    ) -> Applied {
        let size = event.size_bytes(value);
        // What is split does not go along, unless it is wanted beside the target.
        let others = event.size_bytes(event.root()) - if self.target.is_some() { 0 } else { size };
        let bytes = parts.len().saturating_mul(others).saturating_add(size);
        if !context.spawned.reserve(parts.len(), bytes) {
            return fail(event, &[TOO_MANY_TAG]);
        }
        let target = self.target.as_ref().unwrap_or(&self.field);
        if self.target.is_none() {
            let gap = event.new_null();
            event.replace(value, gap);
        }
        let mut base = event.duplicate();
        if !base.set_null(target) {
            return fail(event, &FAILURE_TAGS);
        }
        // Texts that were changed before are packed by this.
        let base = base.duplicate();
        for part in parts {
            let mut made = base.duplicate();
            let part = put(&mut made, part, event);
            made.place(target, part);
            context.spawned.push(made);
        }
        Applied::Dropped
    }
}

fn fail(event: &mut Event, tags: &[&str]) -> Applied {
    tags.iter().for_each(|tag| event.add_tag(tag));
    Applied::NotMatched
}

/// Whether an element makes no event.
fn is_nothing(event: &Event, id: NodeId) -> bool {
    event.kind(id) == Kind::Null || event.text_is(id, "")
}

/// The pieces of a text that are not empty; `None` if it is not divided at all. A terminator of one blank stands for
/// any blanks.
fn pieces<'t>(text: &'t str, terminator: &str) -> Option<Vec<&'t str>> {
    if terminator == " " {
        let pieces: Vec<_> = text.split_ascii_whitespace().collect();
        let is_divided = pieces.len() > 1
            || pieces.len() == 1 && text.ends_with(|last: char| last.is_ascii_whitespace())
            || text.is_empty();
        return is_divided.then_some(pieces);
    }
    // An empty text has no piece, not even an empty one.
    let is_divided = text.is_empty() || text.contains(terminator);
    is_divided.then(|| text.split(terminator).filter(|piece| !piece.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::filter::{MADE_BYTES_MAX, MADE_EVENTS_MAX};
    use crate::filters::trial::Trial;

    /// What stands in a field of the events that come out.
    fn split(options: &str, event: Value, field: &str) -> Vec<Value> {
        let mut trial = Trial::new(&format!("split {{ {options} }}"));
        trial.run_all(event).into_iter().map(|mut out| out[field].take()).collect()
    }

    #[test]
    fn each_piece_of_a_text_is_an_event() {
        for (terminator, text, pieces) in [
            ("\n", "big\nbird\n\nstreet", vec!["big", "bird", "street"]),
            ("\n", "big\n", vec!["big"]),
            ("\n", "big", vec!["big"]),
            ("\n", "\n\n", vec![]),
            ("\n", "", vec![]),
            ("--", "a-b--c\"\\", vec!["a-b", "c\"\\"]),
            (" ", " a \t b\nc ", vec!["a", "b", "c"]),
            (" ", "a ", vec!["a"]),
            ("é", "1é2éé3", vec!["1", "2", "3"]),
        ] {
            let options = format!("terminator => '{terminator}'");
            assert_eq!(split(&options, json!({"message": text}), "message"), pieces, "{text:?}");
        }
    }

    #[test]
    fn each_element_of_an_array_is_an_event() {
        let event = json!({"a": ["x", null, 1, "", {"b": [2]}, [], false], "message": "m\nn", "z": {"y": 1}});
        let values = [json!("x"), json!(1), json!({"b": [2]}), json!([]), json!(false)];
        let mut trial = Trial::new(r#"split { field => "a" add_tag => "ok" }"#);
        let out = trial.run_all(event.clone());
        assert_eq!(out.len(), values.len());
        for (out, value) in out.iter().zip(&values) {
            assert_eq!((&out["a"], &out["message"]), (value, &json!("m\nn")));
            assert_eq!((&out["z"], &out["tags"]), (&json!({"y": 1}), &json!(["ok"])));
        }
        assert_eq!(split(r#"field => "a" target => "[z][b]""#, event.clone(), "a")[4], event["a"]);
        let split_to_z = split(r#"field => "a" target => "[z][b]""#, event, "z");
        assert_eq!(split_to_z[2], json!({"y": 1, "b": {"b": [2]}}));
        assert_eq!(
            split(r#"field => "[a][1]""#, json!({"a": ["x", [1, 2], "y"]}), "a"),
            [json!(["x", 1, "y"]), json!(["x", 2, "y"]),]
        );
        assert_eq!(split(r#"field => "a""#, json!({"a": ["one"]}), "a"), ["one"]);
        assert!(split(r#"field => "a""#, json!({"a": []}), "a").is_empty());
    }

    #[test]
    fn what_was_changed_before_goes_along() {
        let mut trial = Trial::new(r#"split { field => "a" add_field => { "[b][d]" => "new" } }"#);
        let out = trial.run_all(json!({"a": [{"x": "1"}, {"x": "2"}], "b": {"c": [1]}}));
        assert_eq!(out[0]["b"], json!({"c": [1], "d": "new"}));
        assert_eq!((&out[0]["a"]["x"], &out[1]["a"]["x"]), (&json!("1"), &json!("2")));
        assert_eq!(out[0]["@timestamp"], "2024-06-15T12:00:00.000Z");
    }

    #[test]
    fn what_cannot_be_split_goes_on_tagged() {
        let failed = || json!(["_split_type_failure", "_splitparsefailure"]);
        for value in [json!(10), json!({"a": 1}), json!(null), json!(true)] {
            let event = json!({"field": value});
            assert_eq!(split(r#"field => "field""#, event, "tags"), [failed()], "{value}");
        }
        assert_eq!(split("", json!({}), "tags"), [failed()]);
        let event = json!({"message": "a\nb", "x": "text"});
        assert_eq!(split(r#"target => "[x][y]""#, event, "tags"), [failed()]);
    }

    #[test]
    fn an_event_that_would_become_too_many_goes_on_whole() {
        let lines = |count: usize| "a\n".repeat(count);
        let out = split("", json!({"message": lines(MADE_EVENTS_MAX)}), "message");
        assert_eq!(out.len(), MADE_EVENTS_MAX);
        let text = lines(MADE_EVENTS_MAX + 1);
        let mut trial = Trial::new("split { }");
        let out = trial.run_all(json!({"message": text}));
        assert_eq!((out.len(), &out[0]["tags"]), (1, &json!(["_split_too_many"])));
        assert_eq!(out[0]["message"], text);
        // Few, but each of them large.
        let large = "x".repeat(500_000);
        let count = MADE_BYTES_MAX / large.len() + 1;
        let out = trial.run_all(json!({"message": lines(count), "large": large}));
        assert_eq!((out.len(), &out[0]["tags"]), (1, &json!(["_split_too_many"])));
    }

    #[test]
    fn mistakes_are_refused() {
        for (options, said) in [
            (r#"terminator => """#, "empty `terminator`"),
            (r#"field => "@timestamp""#, "cannot be `@timestamp`"),
            (r#"target => "@timestamp""#, "cannot be `@timestamp`"),
            (r#"field => "[a""#, "not a field reference"),
        ] {
            let refusal = Trial::refusal(&format!("split {{ {options} }}"));
            assert!(refusal.contains(said), "{options}: {refusal}");
        }
    }
}
