//! `clone`: a copy of the event for each name in a list. The event itself stays as it is.

use std::sync::Arc;

use event::{Event, FieldPath};

use crate::filter::{Applied, EcsCompatibility, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

/// Tag of an event of which too many would be made.
const TOO_MANY_TAG: &str = "_clone_too_many";

#[derive(Clone, Debug)]
struct Cloning {
    clones: Vec<String>,
    /// The field that says which copy it is; with field names of ECS a tag says it.
    field: Option<FieldPath>,
}

filter_options! {
    /// Makes a copy of the event for each name in a list; the event itself stays as it is.
    ///
    /// The copies go on behind the filter, with ids derived from the record's, and the common
    /// options are for them alone. One record becomes at most 10,000 events, of 64 MiB together.
    struct CloneOptions {
        /// The names: each copy gets its own as a tag, with `ecs_compatibility => disabled` as its
        /// `type`.
        clones: Vec<String> = required,
        /// Which of both holds the name.
        ecs_compatibility: EcsCompatibility => "default: the pipeline's",
    }
    tags {
        "_clone_too_many" => "the event would become too many, or too large; no copy is made",
    }
    example r#"clone { clones => ["archive"] }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let CloneOptions { clones, ecs_compatibility } = CloneOptions::read(options);
    if clones.as_ref().is_some_and(Vec::is_empty) {
        let message = "`clones` is empty: no copy would be made";
        options.refuse("clones", message, "name each copy, or remove the filter");
    }
    let names = ecs_compatibility.unwrap_or(environment.ecs_compatibility);
    let field = (names == EcsCompatibility::Disabled).then(|| FieldPath::key("type"));
    Some(Arc::new(Cloning { clones: clones?, field }))
}

impl FilterPlan for Cloning {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Filter for Cloning {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        let bytes = event.size_bytes(event.root()).saturating_mul(self.clones.len());
        if !context.spawned.reserve(self.clones.len(), bytes) {
            event.add_tag(TOO_MANY_TAG);
            return Applied::NotMatched;
        }
        for name in &self.clones {
            let mut copy = event.duplicate();
            match &self.field {
                Some(field) => {
                    copy.set_text(field, name);
                }
                None => copy.push_tag(name),
            }
            context.spawned.push(copy);
        }
        // Common options are for the copies only.
        Applied::NotMatched
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::filters::trial::Trial;

    #[test]
    fn copies_are_told_apart_by_a_tag_or_by_their_type() {
        let event = json!({"type": "original", "tags": ["a"], "deep": {"b": [1]}});
        let options = r#"clones => ["x", "y"] add_tag => "copy" remove_tag => "a""#;
        let mut trial = Trial::new(&format!("clone {{ {options} }}"));
        let out = trial.run_all(event.clone());
        assert_eq!(out.len(), 3);
        assert_eq!((&out[0]["tags"], &out[0]["type"]), (&json!(["a"]), &json!("original")));
        assert_eq!(
            (&out[1]["tags"], &out[2]["tags"]),
            (&json!(["x", "copy"]), &json!(["y", "copy"]))
        );
        assert!(
            out.iter().all(|out| out["deep"] == json!({"b": [1]}) && out["type"] == "original")
        );

        let legacy = format!(r#"clone {{ {options} ecs_compatibility => "disabled" }}"#);
        let out = Trial::new(&legacy).run_all(event);
        assert_eq!([&out[0]["type"], &out[1]["type"], &out[2]["type"]], ["original", "x", "y"]);
        assert_eq!(out[1]["tags"], json!(["copy"]));
    }

    #[test]
    fn a_tag_joins_what_stands_for_tags() {
        for (tags, joined) in [
            (json!("a"), json!(["a", "x"])),
            (json!(null), json!(["x"])),
            (json!(["x"]), json!(["x", "x"])),
        ] {
            let out = Trial::new(r#"clone { clones => "x" }"#).run_all(json!({"tags": tags}));
            assert_eq!(out[1]["tags"], joined);
        }
    }

    #[test]
    fn what_would_become_too_much_is_not_copied() {
        let names: Vec<_> = (0..200).map(|n| format!("\"{n}\"")).collect();
        let mut trial = Trial::new(&format!("clone {{ clones => [{}] }}", names.join(",")));
        assert_eq!(trial.run_all(json!({"small": 1})).len(), 201);
        let out = trial.run_all(json!({"large": "x".repeat(500_000)}));
        assert_eq!((out.len(), &out[0]["tags"]), (1, &json!(["_clone_too_many"])));
    }

    #[test]
    fn mistakes_are_refused() {
        assert!(Trial::refusal("clone { }").contains("needs the option `clones`"));
        assert!(Trial::refusal("clone { clones => [] }").contains("no copy would be made"));
    }
}
