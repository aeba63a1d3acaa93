//! A file of Logstash with one input, as a platform takes it: the settings of its doors, and the events that come out of
//! its pipeline.

use bus::Record;
use enricher::{EcsCompatibility, PipelineText, Plan, Processor, Source};
use millrace::config::PlatformConfig;
use millrace::logstash_settings::{Reach, carry_over};
use serde_json::{Map, Value};
use service::config::{Flag, load_over};

use crate::assertion;

/// A pipeline with the configuration that its input makes.
pub(crate) struct PipelineFile {
    pub(crate) config: PlatformConfig,
    plan: Plan,
    /// What of the input is not carried over.
    left: String,
}

/// The modes in which a vector may hold: the one that it names, else any of both.
pub(crate) fn modes(vector: &Value) -> Vec<EcsCompatibility> {
    match vector["settings"]["ecs_compatibility"].as_str() {
        Some("disabled") => vec![EcsCompatibility::Disabled],
        Some("v1") => vec![EcsCompatibility::V1],
        Some(_) => vec![EcsCompatibility::V8],
        None => vec![EcsCompatibility::V8, EcsCompatibility::Disabled],
    }
}

impl PipelineFile {
    /// Reads the file with this input; without a port of its own it has one.
    pub(crate) fn new(plugin: &str, options: &str, mode: EcsCompatibility) -> Result<Self, String> {
        // What no pipeline reads of the platform's words is not made.
        let text = format!(
            "input {{ {plugin} {{ host => \"127.0.0.1\" port => 5999\n{options} }} }}\n# [@metadata]\n"
        );
        let source = Source::new("vector.conf", text);
        let text = PipelineText { source, not_read: Vec::new(), listed: None };
        let config = enricher::Config { ecs_compatibility: mode, ..enricher::Config::default() };
        let carried = carry_over(&text, &config, Reach::default())
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<String>())?;
        let (word, _) = EcsCompatibility::WORDS
            .into_iter()
            .find(|(_, known)| *known == mode)
            .ok_or("a mode without a word")?;
        let flags = [Flag::new("--set", "enricher.ecs_compatibility", word)];
        let config = load_over::<PlatformConfig>(&carried.presets(), None, [], &flags)
            .map_err(|mistakes| mistakes.to_string())?
            .value;
        let environment = config.enricher.environment("conformance");
        let plan = text
            .compile(&config.enricher, environment)
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<String>())?;
        Ok(Self { config, plan, left: carried.left_lines() })
    }

    /// Whether the events that these records become are those that are expected.
    pub(crate) fn check(&self, records: &[Record], expect: &Value) -> Result<(), String> {
        let mut processor = Processor::new(&self.plan, self.config.enricher.limits());
        let mut events = Vec::new();
        let mut dead = String::new();
        for record in records {
            let ran = processor.run(record, |event, _| events.push(assertion::written(event)));
            if let Err(refusal) = ran {
                dead.push_str(&format!("\n  a dead letter: {refusal}"));
            }
        }
        assertion::check(expect, &events, &[]).map_err(|why| {
            let left = &self.left;
            format!("{why}\n  got {}{dead}\n  not carried over:\n{left}", Value::from(events))
        })
    }
}

/// Options as Logstash's language writes them. Strings know no escapes.
pub(crate) fn options(options: &Value) -> String {
    let pairs = options.as_object().into_iter().flatten();
    pairs.map(|(name, value)| format!("{name} => {}\n", written(value))).collect()
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) if text.contains('"') => format!("'{text}'"),
        Value::String(text) => format!("\"{text}\""),
        Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(written).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Object(members) => hash(members),
        other => other.to_string(),
    }
}

fn hash(members: &Map<String, Value>) -> String {
    let pairs = members.iter().map(|(key, value)| {
        let key = written(&Value::from(key.as_str()));
        format!("{key} => {}", written(value))
    });
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(" "))
}
