//! `pipelines.yml`: Logstash's list of pipelines, each with its files or its text and settings of its own.
//!
//! Reads a text and opens no file. Every key that Logstash knows is taken, or named as one that is not carried
//! over; any other is a mistake.

use std::collections::BTreeMap;

use serde_json::Value;
use service::suggest::nearest;

use crate::filter::EcsCompatibility;
use crate::language::{Source, Span, substitute};

/// The keys that are taken.
const TAKEN: [&str; 5] = [
    "pipeline.id",
    "path.config",
    "config.string",
    "pipeline.ecs_compatibility",
    "config.support_escapes",
];
const OF_ITS_PROCESS: &str = "it is of Logstash's own process";
const QUEUE: &str =
    "every event is on disk before it is acknowledged; `[bus.log]` says how long it stays";
const DEAD_LETTERS: &str = "what cannot be used is always kept: `millrace dead list`";
const THREADS: &str = "threads and batches are the platform's own: nothing has to be set";
const RELOAD: &str = "a pipeline that has changed is read again by itself";
/// The keys that are not carried over, and why.
const LEFT: [(&str, &str); 29] = [
    ("pipeline.workers", THREADS),
    ("pipeline.output.workers", THREADS),
    ("pipeline.batch.size", THREADS),
    ("pipeline.batch.delay", THREADS),
    ("pipeline.batch.output_chunking.growth_threshold_factor", THREADS),
    ("pipeline.batch.metrics.sampling_mode", OF_ITS_PROCESS),
    ("pipeline.ordered", "events of one connection always stay in their order"),
    ("pipeline.java_execution", OF_ITS_PROCESS),
    ("pipeline.plugin_classloaders", OF_ITS_PROCESS),
    ("pipeline.unsafe_shutdown", OF_ITS_PROCESS),
    ("pipeline.reloadable", RELOAD),
    ("pipeline.separate_logs", OF_ITS_PROCESS),
    ("pipeline.system", OF_ITS_PROCESS),
    ("config.debug", OF_ITS_PROCESS),
    ("config.reload.automatic", RELOAD),
    ("config.reload.interval", RELOAD),
    ("metric.collect", "metrics are always served on the metrics port"),
    ("queue.type", QUEUE),
    ("queue.page_capacity", QUEUE),
    ("queue.max_events", QUEUE),
    ("queue.max_bytes", QUEUE),
    ("queue.checkpoint.acks", QUEUE),
    ("queue.checkpoint.writes", QUEUE),
    ("queue.checkpoint.retry", QUEUE),
    ("queue.drain", QUEUE),
    ("path.queue", QUEUE),
    ("dead_letter_queue", DEAD_LETTERS),
    ("path.dead_letter_queue", DEAD_LETTERS),
    ("queue.checkpoint.interval", QUEUE),
];

/// What is wrong with a list.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ListMistakes(Vec<String>);

/// One pipeline of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPipeline {
    /// `pipeline.id`.
    pub id: String,
    /// Where its text is.
    pub text: ListedText,
    /// `pipeline.ecs_compatibility`.
    pub ecs_compatibility: Option<EcsCompatibility>,
    /// `config.support_escapes`.
    pub support_escapes: Option<bool>,
    /// The keys that are not carried over, each with the reason.
    pub left: Vec<(String, &'static str)>,
}

/// Where a listed pipeline's text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedText {
    /// `path.config`: a file, a folder or a pattern.
    Path(String),
    /// `config.string`: the text itself.
    Here(String),
}

/// Reads a list; `name` is what messages call it, and `${NAME}` is replaced from `variables`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(
    name: &str,
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<Vec<ListedPipeline>, ListMistakes> {
    let written: Vec<BTreeMap<String, Value>> = serde_saphyr::from_str(text).map_err(|error| {
        let wanted = "a list of pipelines is written `- pipeline.id: ...` and so on";
        ListMistakes(vec![format!("{name}: {error}; {wanted}")])
    })?;
    let mut mistakes = Vec::new();
    let mut pipelines: Vec<ListedPipeline> = Vec::new();
    for (place, keys) in written.into_iter().enumerate() {
        let mut entry = Entry { keys: BTreeMap::new(), variables, mistakes: Vec::new() };
        entry.flatten("", keys);
        let id = entry.keys.get("pipeline.id").cloned().unwrap_or_else(|| "main".to_owned());
        if pipelines.iter().any(|earlier| earlier.id == id) {
            entry.mistakes.push("the id stands twice: give each its own `pipeline.id`".to_owned());
        }
        let pipeline = entry.pipeline(&id);
        let number = place + 1;
        let named = |said: String| format!("{name}: pipeline {number} (`{id}`): {said}");
        mistakes.extend(std::mem::take(&mut entry.mistakes).into_iter().map(named));
        pipelines.extend(pipeline);
    }
    if pipelines.is_empty() && mistakes.is_empty() {
        mistakes.push(format!("{name}: there are no pipelines in it"));
    }
    if mistakes.is_empty() { Ok(pipelines) } else { Err(ListMistakes(mistakes)) }
}

/// One entry's keys, dotted, with their values as texts.
struct Entry<'v> {
    keys: BTreeMap<String, String>,
    variables: &'v BTreeMap<String, String>,
    mistakes: Vec<String>,
}

impl Entry<'_> {
    /// Takes keys, of which `pipeline: { id: a }` says the same as `pipeline.id: a`.
    fn flatten(&mut self, before: &str, keys: impl IntoIterator<Item = (String, Value)>) {
        for (key, value) in keys {
            let key = if before.is_empty() { key } else { format!("{before}.{key}") };
            let text = match value {
                Value::Object(inner) => {
                    self.flatten(&key, inner);
                    continue;
                }
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                Value::Null => continue,
                Value::Array(_) => {
                    self.mistakes.push(format!("`{key}` cannot be a list: write one value"));
                    continue;
                }
            };
            // Those of the text are replaced when it is compiled.
            if key == "config.string" {
                self.keys.insert(key, text);
                continue;
            }
            let source = Source::new(&key, &text);
            let span = Span { start: 0, end: text.len() };
            match substitute(&text, span, &source, self.variables) {
                Ok(replaced) => {
                    self.keys.insert(key, replaced.into_owned());
                }
                Err(mistake) => {
                    self.mistakes.push(format!("`{key}`: {}; {}", mistake.message, mistake.way_out))
                }
            }
        }
    }

    fn pipeline(&mut self, id: &str) -> Option<ListedPipeline> {
        let left = self.left();
        let path = self.keys.remove("path.config");
        let text = self.keys.remove("config.string");
        let text = match (path, text) {
            (Some(path), None) => Some(ListedText::Path(path)),
            (None, Some(text)) => Some(ListedText::Here(text)),
            _ => {
                self.mistakes.push("write one of `path.config` and `config.string`".to_owned());
                None
            }
        };
        let ecs_compatibility = self.choice("pipeline.ecs_compatibility", &EcsCompatibility::WORDS);
        let support_escapes =
            self.choice("config.support_escapes", &[("true", true), ("false", false)]);
        Some(ListedPipeline {
            id: id.to_owned(),
            text: text?,
            ecs_compatibility,
            support_escapes,
            left,
        })
    }

    fn choice<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let given = self.keys.get(key)?;
        let found = words.iter().find(|(word, _)| word == given);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.mistakes
                .push(format!("`{key}` cannot be `{given}`: it is one of {}", words.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// The keys that are not carried over; what nobody knows is a mistake.
    fn left(&mut self) -> Vec<(String, &'static str)> {
        let mut left = Vec::new();
        for key in self.keys.keys().filter(|key| !TAKEN.contains(&key.as_str())) {
            let known = LEFT.iter().find(|(known, _)| {
                key == known || key.strip_prefix(known).is_some_and(|rest| rest.starts_with('.'))
            });
            if let Some((_, reason)) = known {
                left.push((key.clone(), *reason));
                continue;
            }
            let names = TAKEN.into_iter().chain(LEFT.map(|(name, _)| name));
            let way_out = match nearest(key, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "remove it".to_owned(),
            };
            self.mistakes.push(format!("there is no key `{key}`; {way_out}"));
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<ListedPipeline>, String> {
        let variables = BTreeMap::from([("CONF".to_owned(), "/etc/conf.d".to_owned())]);
        parse("p.yml", text, &variables).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn pipelines_have_files_or_a_text_and_say_what_is_left() {
        let text = "
- pipeline.id: shop
  path.config: \"${CONF}/*.conf\"
  pipeline.ecs_compatibility: disabled
  pipeline.workers: 4
  dead_letter_queue.max_bytes: 1024mb
- pipeline: { id: audit }
  config.string: 'filter { drop { } }'
  config.support_escapes: true
";
        let [shop, audit] = &read(text).unwrap()[..] else { panic!("two") };
        assert_eq!(shop.text, ListedText::Path("/etc/conf.d/*.conf".to_owned()));
        assert_eq!(shop.ecs_compatibility, Some(EcsCompatibility::Disabled));
        let left: Vec<_> = shop.left.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(left, ["dead_letter_queue.max_bytes", "pipeline.workers"]);
        assert_eq!(audit.id, "audit");
        assert_eq!(audit.text, ListedText::Here("filter { drop { } }".to_owned()));
        assert_eq!(audit.support_escapes, Some(true));
    }

    #[test]
    fn every_mistake_is_told_with_its_pipeline() {
        let text = "
- { pipeline.id: a, path.config: x, config.string: y, pipeline.worker: 4 }
- { pipeline.id: a, path.config: \"${GONE}\", pipeline.ecs_compatibility: v9 }
";
        let said = read(text).unwrap_err();
        for part in [
            "p.yml: pipeline 1 (`a`): there is no key `pipeline.worker`; did you mean `pipeline.workers`?",
            "pipeline 1 (`a`): write one of",
            "pipeline 2 (`a`): `path.config`: the environment variable `GONE` is not set",
            "`pipeline.ecs_compatibility` cannot be `v9`: it is one of disabled, v1, v8",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        let said = read("a: 1").unwrap_err();
        assert!(said.starts_with("p.yml: ") && said.contains("- pipeline.id"), "{said}");
        assert!(read("[]").unwrap_err().contains("no pipelines"));
    }
}
