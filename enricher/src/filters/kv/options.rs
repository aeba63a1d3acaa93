//! The options of `kv`.

use std::sync::Arc;

use event::{FieldPath, Fragment};
use regex::Regex;
use serde_json::Value as Json;

use super::scan::Scanner;
use super::separator::Separator;
use super::{DefaultPair, Edits, Kv, KvPlan};
use crate::filter::{EcsCompatibility, Environment, FilterPlan};
use crate::filters::mutate::edit::Edit;
use crate::language::{Number, Value, ValueKind};
use crate::options::{Options, Pairs, filter_options};
use crate::ruby_pattern::{LinearPattern, PatternError};
use crate::template::Template;

filter_options! {
    /// Makes fields of keys and values in a text, as in `ip=192.0.2.7 error="not found"`.
    ///
    /// It runs in linear time. Keys in a text are names: `[a][b]=1` makes a field of that name, no
    /// path. Look-ahead works at the end of an alternative of `field_split_pattern`. Without a
    /// `target` no key sets `@metadata`, where the platform's words stand.
    struct KvOptions {
        /// The field that holds the text, or an array of texts.
        source: FieldPath = "message",
        /// The field that gets the pairs.
        target: FieldPath => "default: the event itself",
        /// Characters that part pairs.
        field_split: String = " ",
        /// Characters that part a key from its value.
        value_split: String = "=",
        /// An expression of what parts pairs, in place of `field_split`.
        field_split_pattern: String,
        /// An expression of what parts a key from its value, in place of `value_split`.
        value_split_pattern: String,
        /// Whether blanks around `value_split` belong to it.
        whitespace: bool { "lenient" => false, "strict" => true } = first,
        /// Whether `(...)`, `[...]` and `<...>` hold a value together, as quotes do.
        include_brackets: bool = true,
        /// Whether pairs in a value are a field's own.
        recursive: bool = false,
        /// What begins each key.
        prefix: Template = "",
        /// The keys that are taken.
        include_keys: Vec<Template> => "default: all",
        /// Keys that are left out.
        exclude_keys: Vec<Template>,
        /// Keys with a value where the text has no such key.
        default_keys: Pairs,
        /// Whether a value that a key has twice stands there twice.
        allow_duplicate_values: bool = true,
        /// Whether a key without a value gets an empty one; else it is left out.
        allow_empty_values: bool = false,
        /// Characters that are taken away at both ends of keys.
        trim_key: Regex [String, trimming],
        /// Characters that are taken away at both ends of values.
        trim_value: Regex [String, trimming],
        /// Characters that are taken out of keys.
        remove_char_key: Regex [String, removing],
        /// Characters that are taken out of values.
        remove_char_value: Regex [String, removing],
        /// What becomes of the letters of keys.
        transform_key: Edit {
            "lowercase" => Edit::Lowercase, "uppercase" => Edit::Uppercase, "capitalize" => Edit::Capitalize,
        },
        /// What becomes of the letters of values.
        transform_value: Edit {
            "lowercase" => Edit::Lowercase, "uppercase" => Edit::Uppercase, "capitalize" => Edit::Capitalize,
        },
        /// Tags of an event that cannot be taken apart.
        tag_on_failure: Vec<String> = ["_kv_filter_error"],
        /// 0 or more. Reading never takes long, so it is never needed.
        timeout_millis: f64,
    }
    without_effect {
        /// Texts are read in linear time: there is nothing to break off.
        tag_on_timeout: String,
        /// Nothing that this filter does has another name in another mode.
        ecs_compatibility: EcsCompatibility,
    }
    refused {
        trim => "write `trim_value => ...`",
        trimkey => "write `trim_key => ...`",
    }
    tags {
        "_kv_filter_error" => "there are more pairs than an event may have values, or something is in a field's way",
    }
    example r#"kv { source => "[url][query]" target => "[url][parameters]" field_split => "&" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = KvOptions::read(options);
    let separators = Separators {
        field_class: given.field_split,
        split_class: given.value_split,
        field_pattern: given.field_split_pattern,
        split_pattern: given.value_split_pattern,
        is_strict: given.whitespace,
        include_brackets: given.include_brackets,
    };
    let scanner = scanner(options, separators);
    let defaults = defaults(options, given.default_keys.unwrap_or_default());
    if given.timeout_millis.is_some_and(|timeout| timeout < 0.0) {
        let message = "`timeout_millis` cannot be negative";
        options.refuse("timeout_millis", message, "leave it out: reading never takes long");
    }
    if environment.wants_warnings {
        warn_of_timeouts(options);
    }
    let kv = Kv {
        source: given.source,
        target: given.target,
        prefix: given.prefix,
        include_keys: given.include_keys.unwrap_or_default(),
        exclude_keys: given.exclude_keys.unwrap_or_default(),
        keys: Edits {
            trim: given.trim_key,
            remove: given.remove_char_key,
            transform: given.transform_key,
        },
        values: Edits {
            trim: given.trim_value,
            remove: given.remove_char_value,
            transform: given.transform_value,
        },
        defaults: defaults?,
        allow_duplicate_values: given.allow_duplicate_values,
        allow_empty_values: given.allow_empty_values,
        recursive: given.recursive,
        tag_on_failure: given.tag_on_failure,
        limits: environment.limits.clone(),
    };
    Some(Arc::new(KvPlan { kv: Arc::new(kv), scanner: scanner? }))
}

/// Says of the options of a time-out that nothing comes of them.
fn warn_of_timeouts(options: &mut Options<'_>) {
    for name in ["timeout_millis", "tag_on_timeout"] {
        if options.has(name) {
            let span = options.span(name);
            let message = format!("`{name}` has no effect: texts are read in linear time");
            options.warn_at(span, message, "leave it out");
        }
    }
}

/// What separates, as the options say it.
struct Separators {
    field_class: String,
    split_class: String,
    field_pattern: Option<String>,
    split_pattern: Option<String>,
    is_strict: bool,
    include_brackets: bool,
}

/// What separates; patterns go before sets of characters.
fn scanner(options: &mut Options<'_>, given: Separators) -> Option<Scanner> {
    let Separators { field_class, split_class, field_pattern, split_pattern, is_strict, .. } =
        given;
    for (name, pattern) in
        [("field_split_pattern", &field_pattern), ("value_split_pattern", &split_pattern)]
    {
        if pattern.as_deref() == Some("") {
            let message = format!("`{name}` is empty");
            options.refuse(name, message, "write what separates, or leave it out");
            return None;
        }
    }
    let values_end_with_lines = field_pattern.is_some();
    let keys_end_with_lines = values_end_with_lines || split_pattern.is_some();
    let fields = match field_pattern {
        Some(pattern) => {
            let separator = Separator::pattern(&pattern);
            accepted(options, "field_split_pattern", separator)
        }
        None => accepted(options, "field_split", Separator::one_of(&field_class)),
    };
    let splits = if keys_end_with_lines {
        let (name, pattern) = match split_pattern {
            Some(pattern) => ("value_split_pattern", pattern),
            None => ("value_split", format!("[{split_class}]")),
        };
        let blanks = if is_strict { "" } else { " *" };
        let separator = Separator::pattern(&format!("{blanks}(?:{pattern}){blanks}"));
        accepted(options, name, separator)
    } else {
        accepted(options, "value_split", Separator::one_of(&split_class))
    };
    Some(Scanner {
        fields: fields?,
        splits: splits?,
        skips_blanks: !is_strict && !keys_end_with_lines,
        keys_end_with_lines,
        values_end_with_lines,
        include_brackets: given.include_brackets,
    })
}

fn accepted<T>(options: &mut Options<'_>, name: &str, made: Result<T, PatternError>) -> Option<T> {
    made.map_err(|error| options.refuse(name, error.message, error.way_out)).ok()
}

/// The expression for characters at both ends of a text.
fn trimming(options: &mut Options<'_>, name: &'static str) -> Option<Regex> {
    characters(options, name, |class| format!("^[{class}]+|[{class}]+$"))
}

/// The expression for characters anywhere in a text.
fn removing(options: &mut Options<'_>, name: &'static str) -> Option<Regex> {
    characters(options, name, |class| format!("[{class}]"))
}

/// The pattern of an option that names characters.
fn characters(
    options: &mut Options<'_>,
    name: &'static str,
    pattern: impl Fn(&str) -> String,
) -> Option<Regex> {
    let class = options.text(name)?;
    if class.is_empty() {
        options.refuse(name, format!("`{name}` is empty"), "leave it out");
        return None;
    }
    let compiled = LinearPattern::compile(&pattern(&class));
    accepted(options, name, compiled).map(|compiled| compiled.regex)
}

fn defaults(options: &mut Options<'_>, pairs: Pairs) -> Option<Vec<DefaultPair>> {
    let mut defaults = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let path = options.parse_field_at(&key.text, key.span)?;
        let path = key.text.contains('[').then_some(path);
        let Some(value) = Fragment::constant(json(&value).to_string().as_bytes()) else {
            options.refuse_at(value.span, "this is no value of a field", "write a string");
            return None;
        };
        defaults.push(DefaultPair { key: key.text, path, value });
    }
    Some(defaults)
}

fn json(value: &Value) -> Json {
    match &value.kind {
        ValueKind::Text(text) => Json::from(text.as_str()),
        ValueKind::Number(Number::Integer(number)) => Json::from(*number),
        ValueKind::Number(Number::Float(number)) => Json::from(*number),
        ValueKind::Array(elements) => elements.iter().map(json).collect(),
        ValueKind::Hash(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| (key.text.clone(), json(value)));
            Json::Object(pairs.collect())
        }
        ValueKind::Plugin(_) => Json::Null,
    }
}
