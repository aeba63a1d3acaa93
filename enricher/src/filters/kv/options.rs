//! The options of `kv`.

use std::sync::Arc;

use event::{FieldPath, Fragment};
use regex::Regex;
use serde_json::Value as Json;

use super::scan::Scanner;
use super::separator::Separator;
use super::{DefaultPair, Edits, Kv, KvPlan};
use crate::filter::{Environment, FilterPlan};
use crate::filters::mutate::edit::Edit;
use crate::language::{Number, Value, ValueKind};
use crate::options::Options;
use crate::ruby_pattern::{PatternError, RubyPattern};
use crate::template::Template;

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let source = options.field("source").unwrap_or_else(|| FieldPath::key("message"));
    let target = options.field("target");
    let prefix = options.template("prefix").or_else(|| Template::parse("").ok());
    let include_keys = options.templates("include_keys").unwrap_or_default();
    let exclude_keys = options.templates("exclude_keys").unwrap_or_default();
    let scanner = scanner(options);
    let keys = edits(options, ["trim_key", "remove_char_key", "transform_key"]);
    let values = edits(options, ["trim_value", "remove_char_value", "transform_value"]);
    let defaults = defaults(options);
    let allow_duplicate_values = options.flag("allow_duplicate_values", true);
    let allow_empty_values = options.flag("allow_empty_values", false);
    let recursive = options.flag("recursive", false);
    let tag_on_failure = options.texts("tag_on_failure");
    // Texts are read in linear time: there is nothing to break off.
    options.text("tag_on_timeout");
    if options.number("timeout_millis").is_some_and(|timeout| timeout < 0.0) {
        let message = "`timeout_millis` cannot be negative";
        options.refuse("timeout_millis", message, "leave it out: reading never takes long");
    }
    // Nothing that this filter does has another name in another mode.
    options.ecs_compatibility(environment.ecs_compatibility);
    let kv = Kv {
        source,
        target,
        prefix: prefix?,
        include_keys,
        exclude_keys,
        keys: keys?,
        values: values?,
        defaults: defaults?,
        allow_duplicate_values,
        allow_empty_values,
        recursive,
        tag_on_failure: tag_on_failure.unwrap_or_else(|| vec!["_kv_filter_error".to_owned()]),
        limits: environment.limits.clone(),
    };
    Some(Arc::new(KvPlan { kv: Arc::new(kv), scanner: scanner? }))
}

/// What separates; patterns go before sets of characters.
fn scanner(options: &mut Options<'_>) -> Option<Scanner> {
    let field_class = options.text("field_split").unwrap_or_else(|| " ".to_owned());
    let split_class = options.text("value_split").unwrap_or_else(|| "=".to_owned());
    let field_pattern = options.text("field_split_pattern");
    let split_pattern = options.text("value_split_pattern");
    let is_strict = options.choice("whitespace", &["strict", "lenient"]) == Some("strict");
    let include_brackets = options.flag("include_brackets", true);
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
        include_brackets,
    })
}

fn accepted<T>(options: &mut Options<'_>, name: &str, made: Result<T, PatternError>) -> Option<T> {
    made.map_err(|error| options.refuse(name, error.message, error.way_out)).ok()
}

/// What is done to keys, or to values: the names are of the options to trim, remove and transform.
fn edits(options: &mut Options<'_>, names: [&'static str; 3]) -> Option<Edits> {
    let [trim, remove, transform] = names;
    let has = [trim, remove, transform].map(|name| options.has(name));
    let trim = characters(options, trim, |class| format!("^[{class}]+|[{class}]+$"));
    let remove = characters(options, remove, |class| format!("[{class}]"));
    let transform = options.choice(transform, &["lowercase", "uppercase", "capitalize"]);
    let transform = transform.map(|word| match word {
        "lowercase" => Edit::Lowercase,
        "uppercase" => Edit::Uppercase,
        _ => Edit::Capitalize,
    });
    let given = [trim.is_some(), remove.is_some(), transform.is_some()];
    (given == has).then_some(Edits { trim, remove, transform })
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
    let compiled = RubyPattern::compile(&pattern(&class));
    accepted(options, name, compiled).map(|compiled| compiled.regex)
}

fn defaults(options: &mut Options<'_>) -> Option<Vec<DefaultPair>> {
    let pairs = options.pairs("default_keys").unwrap_or_default();
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
