//! The options of `translate`, by their new names and by their old ones.

use std::path::PathBuf;
use std::sync::Arc;

use event::FieldPath;
use serde_json::Value;

use super::dictionary::{Comparison, Dictionary, Entries, Entry};
use super::file::{Behaviour, Format, Reading, open};
use super::yaml::Rules;
use super::{Reach, Source, Translate, TranslatePlan};
use crate::filter::{EcsCompatibility, Environment, FilterPlan};
use crate::language::{self, ValueKind};
use crate::options::Options;

/// `refresh_interval` where it is not given, in seconds.
const REFRESH_DEFAULT_S: f64 = 300.0;
/// `yaml_dictionary_code_point_limit` where it is not given.
const CODE_POINTS_DEFAULT: i64 = 128 << 20;

/// Checks the options; reads the file.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let source = renamed(options, "source", "field");
    if !options.has("source") && !options.has("field") {
        options.require("source");
    }
    let has_target = options.has("target") || options.has("destination");
    let target = renamed(options, "target", "destination");
    let ecs = options.ecs_compatibility(environment.ecs_compatibility);
    let target = match ecs {
        _ if has_target => target,
        EcsCompatibility::Disabled => Some(FieldPath::key("translation")),
        EcsCompatibility::V1 | EcsCompatibility::V8 => source.clone(),
    };
    let overrides = options.has("override");
    let overrides_given = options.flag("override", false);
    let fallback = options.template("fallback");
    let iterate_on = options.field("iterate_on");
    let comparison = comparison(options);
    let dictionary = dictionary(options, comparison)?;
    let (source, target) = (source?, target?);
    let reach = match iterate_on {
        None => Reach::One,
        Some(array) if array == source => Reach::Values,
        Some(array) => Reach::Objects(array),
    };
    let overrides = match reach {
        _ if overrides => overrides_given,
        Reach::One | Reach::Values => source == target,
        Reach::Objects(_) => true,
    };
    Some(Arc::new(TranslatePlan(Arc::new(Translate {
        source,
        target,
        reach,
        overrides,
        fallback,
        dictionary,
    }))))
}

/// A field that may be given by the option's old name.
fn renamed(
    options: &mut Options<'_>,
    name: &'static str,
    old_name: &'static str,
) -> Option<FieldPath> {
    let field = options.field(name);
    let by_old_name = options.field(old_name);
    if options.has(name) && options.has(old_name) {
        let message = format!("`{old_name}` is the old name of `{name}`: only one can be given");
        options.refuse(old_name, message, format!("remove `{old_name} => ...`"));
    }
    field.or(by_old_name)
}

fn comparison(options: &mut Options<'_>) -> Comparison {
    let is_exact = options.flag("exact", true);
    let is_pattern = options.flag("regex", false);
    match (is_exact, is_pattern) {
        (true, false) => Comparison::Exact,
        (true, true) => Comparison::Pattern,
        (false, false) => Comparison::Part,
        (false, true) => {
            let way_out =
                "remove one of them; mutate { gsub => ... } replaces what a pattern finds";
            options.refuse("regex", "`regex` works with `exact => true` only", way_out);
            Comparison::Pattern
        }
    }
}

/// The dictionary of the pipeline, or the file.
fn dictionary(options: &mut Options<'_>, comparison: Comparison) -> Option<Source> {
    let inline = options.pairs("dictionary").unwrap_or_default();
    let path = options.text("dictionary_path");
    let refresh_ns = refresh_interval(options);
    let behaviour = match options.choice("refresh_behaviour", &["merge", "replace"]) {
        Some("replace") => Behaviour::Replace,
        _ => Behaviour::Merge,
    };
    let yaml = yaml_rules(options);
    let Some(path) = path.map(PathBuf::from) else {
        let entries: Entries =
            inline.into_iter().map(|(key, value)| (key.text, entry(value))).collect();
        return match Dictionary::new(entries, comparison) {
            Ok(dictionary) => Some(Source::Pipeline(Arc::new(dictionary))),
            Err(reason) => {
                options.refuse("dictionary", reason, "correct this entry");
                None
            }
        };
    };
    if !inline.is_empty() {
        let message = "`dictionary` and `dictionary_path` are mutually exclusive";
        options.refuse("dictionary_path", message, "leave one of them out");
        return None;
    }
    let Some(format) = Format::of(&path) else {
        let message = format!("the dictionary {} has a non valid format", path.display());
        let way_out = "let its name end in .yml, .yaml, .json or .csv";
        options.refuse("dictionary_path", message, way_out);
        return None;
    };
    for name in ["yaml_dictionary_code_point_limit", "yaml_load_strategy"] {
        if format != Format::Yaml && options.has(name) {
            let message = format!("`{name}` is for dictionaries in YAML");
            options.refuse(name, message, format!("remove `{name}`"));
        }
    }
    match open(path, Reading { format, yaml, comparison, behaviour }, refresh_ns) {
        Ok(file) => Some(Source::File(Arc::new(file))),
        Err(reason) => {
            let message = format!("{reason} when loading the dictionary file");
            options.refuse("dictionary_path", message, "name a file of names and translations");
            None
        }
    }
}

/// None: the file is not read again.
fn refresh_interval(options: &mut Options<'_>) -> Option<i64> {
    let interval_s = options.number("refresh_interval").unwrap_or(REFRESH_DEFAULT_S);
    (interval_s > 0.0).then_some((interval_s * 1e9) as i64)
}

fn yaml_rules(options: &mut Options<'_>) -> Rules {
    let name = "yaml_dictionary_code_point_limit";
    let limit = options.integer(name).unwrap_or(CODE_POINTS_DEFAULT);
    if limit <= 0 {
        let message = format!("`{name}` cannot be {limit}");
        options.refuse(name, message, "set a positive number");
    }
    let strategy = options.choice("yaml_load_strategy", &["one_shot", "streaming"]);
    Rules {
        characters_max: usize::try_from(limit).unwrap_or_default(),
        is_streaming: strategy == Some("streaming"),
    }
}

fn entry(value: language::Value) -> Entry {
    Entry::from(json(value))
}

fn json(value: language::Value) -> Value {
    match value.kind {
        ValueKind::Text(text) => Value::String(text),
        ValueKind::Number(language::Number::Integer(number)) => number.into(),
        ValueKind::Number(language::Number::Float(number)) => number.into(),
        ValueKind::Array(elements) => elements.into_iter().map(json).collect(),
        ValueKind::Hash(pairs) => {
            pairs.into_iter().map(|(key, value)| (key.text, json(value))).collect()
        }
        ValueKind::Plugin(plugin) => Value::String(plugin.name),
    }
}
