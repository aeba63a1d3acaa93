//! The options of `grok`, checked at load.

use std::path::Path;
use std::sync::Arc;

use event::FieldPath;

use super::capture::{Capture, Conversion};
use super::definitions::Definitions;
use super::expansion::expand;
use super::program::Program;
use super::ruby_syntax::{Translation, translate};
use super::warnings::{self, WrittenPattern};
use super::{FieldPatterns, Grok, GrokPlan, Pattern};
use crate::field_reference::EscapeStyle;
use crate::filter::{EcsCompatibility, Environment, FilterPlan};
use crate::language::{Key, Span, Value, ValueKind};
use crate::options::Options;

/// Steps of the automaton that stand for a millisecond: one takes about 10 ns.
pub(super) const STEPS_PER_MILLISECOND: u64 = 100_000;
/// `timeout_millis` where it is not given.
const TIMEOUT_DEFAULT_MILLISECONDS: i64 = 1_000;

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    options.require("match");
    let pairs = options.pairs("match");
    let ecs = options.ecs_compatibility(environment.ecs_compatibility);
    let definitions = definitions(options, ecs != EcsCompatibility::Disabled);
    let setting = Setting {
        definitions: &definitions,
        escape_style: options.escape_style(),
        name_all: !options.flag("named_captures_only", true),
        target: options.field("target"),
        overwrite: options.fields("overwrite").unwrap_or_default(),
    };
    let timeout = options.integer("timeout_millis").unwrap_or(TIMEOUT_DEFAULT_MILLISECONDS);
    if timeout < 0 {
        let way_out = "write a number of milliseconds, or 0 for no end";
        options.refuse("timeout_millis", "`timeout_millis` cannot be negative", way_out);
    }
    let scope = options.choice("timeout_scope", &["pattern", "event"]);
    let tag_on_failure = options.texts("tag_on_failure");
    let tag_on_timeout = options.text("tag_on_timeout");
    let break_on_match = options.flag("break_on_match", true);
    let keep_empty_captures = options.flag("keep_empty_captures", false);
    let fields = pairs?
        .into_iter()
        .map(|(key, value)| field_patterns(options, &setting, &key, &value))
        .collect::<Vec<_>>();
    let fields = fields.into_iter().collect::<Option<Vec<_>>>()?;
    if environment.wants_warnings {
        let patterns: Vec<_> = fields.iter().map(|(_, written)| written.as_slice()).collect();
        warnings::warn(options, &patterns, break_on_match);
    }
    Some(Arc::new(GrokPlan(Arc::new(Grok {
        fields: fields.into_iter().map(|(field, _)| field).collect(),
        break_on_match,
        keep_empty_captures,
        tag_on_failure: tag_on_failure.unwrap_or_else(|| vec!["_grokparsefailure".to_owned()]),
        tag_on_timeout: tag_on_timeout.unwrap_or_else(|| "_groktimeout".to_owned()),
        // 0 means without end in Logstash.
        steps_max: match u64::try_from(timeout) {
            Ok(0) | Err(_) => u64::MAX,
            Ok(milliseconds) => milliseconds.saturating_mul(STEPS_PER_MILLISECOND),
        },
        steps_for_event: scope == Some("event"),
    }))))
}

/// What holds for all patterns of a filter.
struct Setting<'a> {
    definitions: &'a Definitions,
    escape_style: EscapeStyle,
    name_all: bool,
    target: Option<FieldPath>,
    overwrite: Vec<FieldPath>,
}

/// The shipped patterns, those of files, then those of the filter itself.
fn definitions(options: &mut Options<'_>, ecs: bool) -> Definitions {
    let mut definitions = Definitions::shipped(ecs);
    let glob = options.text("patterns_files_glob").unwrap_or_else(|| "*".to_owned());
    for folder in options.texts("patterns_dir").unwrap_or_default() {
        if let Err(error) = definitions.add_path(Path::new(&folder), &glob) {
            options.refuse("patterns_dir", error.to_string(), "name a folder of pattern files");
        }
    }
    if options.has("pattern_definitions") {
        for (name, pattern) in options.text_pairs("pattern_definitions").unwrap_or_default() {
            definitions.add(&name.text, &pattern);
        }
    }
    definitions
}

/// A field's patterns, and how they are written.
fn field_patterns(
    options: &mut Options<'_>,
    setting: &Setting<'_>,
    key: &Key,
    value: &Value,
) -> Option<(FieldPatterns, Vec<WrittenPattern>)> {
    let source = options.escape_style().parse(&key.text).map_err(|error| {
        options.refuse_at(key.span, error.to_string(), "name the field that is taken apart");
    });
    let elements = match &value.kind {
        ValueKind::Array(elements) => elements.as_slice(),
        _ => std::slice::from_ref(value),
    };
    let patterns = elements.iter().map(|element| {
        let Some(text) = element.as_text() else {
            let way_out = "write a pattern or an array of patterns";
            options.refuse_at(element.span, "a pattern must be a string", way_out);
            return None;
        };
        pattern(options, setting, element.span, text)
    });
    let patterns = patterns.collect::<Vec<_>>().into_iter().collect::<Option<Vec<_>>>();
    let (patterns, written) = patterns?.into_iter().unzip();
    Some((FieldPatterns { source: source.ok()?, patterns }, written))
}

fn pattern(
    options: &mut Options<'_>,
    setting: &Setting<'_>,
    span: Span,
    text: String,
) -> Option<(Pattern, WrittenPattern)> {
    let mut refuse = |what: &dyn std::fmt::Display, way_out: &str| {
        options.refuse_at(span, format!("`{}`: {what}", shortened(&text)), way_out);
    };
    let expression = expand(&text, setting.definitions, setting.name_all)
        .map_err(|error| refuse(&error, &error.way_out()))
        .ok()?;
    let translation =
        translate(&expression).map_err(|error| refuse(&error, error.way_out())).ok()?;
    let program = Program::compile(&translation)
        .map_err(|error| refuse(&error, "correct the pattern, or split it into several"))
        .ok()?;
    let captures = captures(&translation, setting)
        .map_err(|alias| {
            let what = format!("`{alias}` is not a field reference");
            refuse(&what, "write an alias as `name` or `[outer][inner]`");
        })
        .ok()?;
    Some((Pattern { program, captures }, WrittenPattern { text, span, expression, translation }))
}

/// The fields of the groups; the error is the alias that is none.
fn captures(translation: &Translation, setting: &Setting<'_>) -> Result<Vec<Capture>, String> {
    let capture = |name: &String| {
        let (alias, conversion) = match name.split_once(':') {
            Some((alias, "int")) => (alias, Conversion::Integer),
            Some((alias, "float")) => (alias, Conversion::Float),
            // There are no other types: the value stays a string.
            Some((alias, _)) => (alias, Conversion::Text),
            None => (name.as_str(), Conversion::Text),
        };
        let field = setting.escape_style.parse(alias).map_err(|_| alias.to_owned())?;
        let overwrite = setting.overwrite.contains(&field);
        let field = setting.target.as_ref().map_or(field.clone(), |target| target.join(&field));
        Ok(Capture { field, conversion, overwrite })
    };
    translation.names.iter().map(capture).collect()
}

pub(super) fn shortened(pattern: &str) -> String {
    const LENGTH: usize = 60;
    match pattern.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}...", &pattern[..end]),
        None => pattern.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups_are_fields_as_the_setting_writes_them() {
        let definitions = Definitions::shipped(true);
        let translation = translate("(?<a%5B0%5D:int>[0-9]+) (?<[b][c%5D]>.)").unwrap();
        let name = FieldPath::keys(&["a[0]"]);
        let setting = Setting {
            definitions: &definitions,
            escape_style: EscapeStyle::Percent,
            name_all: false,
            target: None,
            overwrite: vec![name.clone()],
        };
        let [first, second] = &captures(&translation, &setting).unwrap()[..] else { panic!("two") };
        assert_eq!((&first.field, first.overwrite), (&name, true));
        assert_eq!(first.conversion, Conversion::Integer);
        assert_eq!((&second.field, second.overwrite), (&FieldPath::keys(&["b", "c]"]), false));
    }
}
