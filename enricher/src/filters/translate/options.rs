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
use crate::options::{Options, Pairs, filter_options};
use crate::template::Template;

filter_options! {
    /// Looks a value up in a dictionary, and sets what stands there.
    ///
    /// A value is looked up by its text, and names are taken as they are written: `404: gone` in
    /// YAML is found for 404 without quotes. What stands in a dictionary is a value: it is never
    /// read as a template or as a field reference.
    struct TranslateOptions {
        /// The field that holds the value; of an array its first one is looked up.
        source: FieldPath = required_unless("field"),
        /// The old name of `source`.
        field: FieldPath,
        /// The field that gets what was found.
        target: FieldPath => "default: the source, with `ecs_compatibility => disabled` `translation`",
        /// The old name of `target`.
        destination: FieldPath,
        /// The dictionary: values with what stands for them.
        dictionary: Pairs,
        /// A file with the dictionary, in place of it: its name ends in `.yml`, `.yaml`, `.json` or
        /// `.csv`.
        dictionary_path: PathBuf,
        /// After how many seconds the file is read again, by the records' time of receipt; 0 for
        /// never.
        refresh_interval: f64 = 300.0,
        /// Whether what a file does not hold any more is forgotten.
        refresh_behaviour: Behaviour { "merge" => Behaviour::Merge, "replace" => Behaviour::Replace } = first,
        /// Whether the whole value is looked up, else each part of it is translated. A text may
        /// become at most 4 MiB longer by it; beyond that it is not translated.
        exact: bool = true,
        /// Whether the names of the dictionary are expressions that the value has to fit, with
        /// `exact` only. Look-around and references (`\1`) in them, in 100 of them at most, are
        /// searched within a limit of about a second for an event, beyond which nothing is found.
        regex: bool = false,
        /// Whether a target that is there is overwritten.
        r#override: bool =>
            "default: whether source and target are the same field, with `iterate_on` of objects `true`",
        /// What is set where nothing was found.
        fallback: Template,
        /// An array: of values, if it is the source; else of objects, of which source and target
        /// are fields.
        iterate_on: FieldPath,
        /// How many characters a dictionary in YAML may have. Refused with a file that is not YAML.
        yaml_dictionary_code_point_limit: i64 = 134_217_728,
        /// How a dictionary in YAML is read: with `streaming` fewer texts mean something else than
        /// themselves. Refused with a file that is not YAML.
        yaml_load_strategy: bool { "one_shot" => false, "streaming" => true } = first,
        /// Which target is taken by default.
        ecs_compatibility: EcsCompatibility => "default: the pipeline's",
    }
    example r#"translate {
  source => "[http][status]"
  target => "[http][says]"
  dictionary => { "404" => "it is gone" "500" => "it failed" }
  fallback => "it is fine"
}"#
}

/// Checks the options; reads the file.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = TranslateOptions::read(options);
    let source = renamed(options, ("source", given.source), ("field", given.field));
    let has_target = options.has("target") || options.has("destination");
    let target = renamed(options, ("target", given.target), ("destination", given.destination));
    let ecs = given.ecs_compatibility.unwrap_or(environment.ecs_compatibility);
    let target = match ecs {
        _ if has_target => target,
        EcsCompatibility::Disabled => Some(FieldPath::key("translation")),
        EcsCompatibility::V1 | EcsCompatibility::V8 => source.clone(),
    };
    if environment.wants_warnings && given.regex {
        for (name, _) in given.dictionary.iter().flatten() {
            options.warn_of_slow_pattern(name.span, &name.text);
        }
    }
    let reading = Given {
        inline: given.dictionary.unwrap_or_default(),
        path: given.dictionary_path,
        refresh_interval_s: given.refresh_interval,
        behaviour: given.refresh_behaviour,
        comparison: comparison(options, given.exact, given.regex),
        yaml: Rules {
            characters_max: characters_max(options, given.yaml_dictionary_code_point_limit),
            is_streaming: given.yaml_load_strategy,
        },
    };
    let dictionary = dictionary(options, reading)?;
    let (source, target) = (source?, target?);
    let reach = match given.iterate_on {
        None => Reach::One,
        Some(array) if array == source => Reach::Values,
        Some(array) => Reach::Objects(array),
    };
    let overrides = given.r#override.unwrap_or_else(|| match reach {
        Reach::One | Reach::Values => source == target,
        Reach::Objects(_) => true,
    });
    Some(Arc::new(TranslatePlan(Arc::new(Translate {
        source,
        target,
        reach,
        overrides,
        fallback: given.fallback,
        dictionary,
    }))))
}

/// A field that may be given by the option's old name.
fn renamed(
    options: &mut Options<'_>,
    (name, field): (&str, Option<FieldPath>),
    (old_name, by_old_name): (&str, Option<FieldPath>),
) -> Option<FieldPath> {
    if options.has(name) && options.has(old_name) {
        let message = format!("`{old_name}` is the old name of `{name}`: only one can be given");
        options.refuse(old_name, message, format!("remove `{old_name} => ...`"));
    }
    field.or(by_old_name)
}

fn comparison(options: &mut Options<'_>, is_exact: bool, is_pattern: bool) -> Comparison {
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

/// What the options say of the dictionary.
struct Given {
    inline: Pairs,
    path: Option<PathBuf>,
    refresh_interval_s: f64,
    behaviour: Behaviour,
    comparison: Comparison,
    yaml: Rules,
}

/// The dictionary of the pipeline, or the file.
fn dictionary(options: &mut Options<'_>, given: Given) -> Option<Source> {
    let Given { inline, path, refresh_interval_s, behaviour, comparison, yaml } = given;
    // Without one the file is not read again.
    let refresh_ns = (refresh_interval_s > 0.0).then_some((refresh_interval_s * 1e9) as i64);
    let Some(path) = path else {
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

fn characters_max(options: &mut Options<'_>, limit: i64) -> usize {
    if limit <= 0 {
        let name = "yaml_dictionary_code_point_limit";
        let message = format!("`{name}` cannot be {limit}");
        options.refuse(name, message, "set a positive number");
    }
    usize::try_from(limit).unwrap_or_default()
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
