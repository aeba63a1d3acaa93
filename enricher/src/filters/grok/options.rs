//! The options of `grok`, checked at load.

use std::path::PathBuf;
use std::sync::Arc;

use event::FieldPath;

use super::capture::{Capture, Conversion};
use super::definitions::Definitions;
use super::engine::{self, Compiled};
use super::expansion::expand;
use super::warnings::{self, WrittenPattern};
use super::{FieldPatterns, Grok, GrokPlan, Pattern};
use crate::field_reference::EscapeStyle;
use crate::filter::{EcsCompatibility, Environment, FilterPlan};
use crate::language::{Key, Span, Value, ValueKind};
use crate::options::{Options, Pairs, TextPairs, filter_options};

/// Steps that stand for a millisecond: one takes about 10 ns.
pub(super) const STEPS_PER_MILLISECOND: u64 = 100_000;

filter_options! {
    /// Takes a text apart by named patterns.
    ///
    /// Most patterns run in linear time: they can be slow, never endless. Look-around over one
    /// character costs nothing. Wider look-around, references (`\k<name>`) and `(?(<name>)...)` are
    /// searched by going back and trying again, as Logstash does, until `timeout_millis` ends it;
    /// `(?>...)` and possessive counts (`*+`) give nothing back there. In all other patterns they are
    /// read as plain ones, so a text may fit that Logstash does not take. The patterns are those of
    /// Logstash, `legacy` with `ecs_compatibility => disabled` and `ecs-v1` else. `.` matches a
    /// newline, `^` and `$` are edges of lines, and a second capture of a name makes an array.
    /// `millrace check` warns of slow patterns and of those that are never tried.
    struct GrokOptions {
        /// Fields with a pattern, or with an array of them that are tried in turn: `%{NAME}`,
        /// `%{NAME:field}`, `%{NAME:field:int}` (or `float`), `(?<field>...)`. A field is written
        /// `name` or `[outer][inner]`.
        r#match: Pairs = required,
        /// Fields that a capture overwrites; to others it is added.
        overwrite: Vec<FieldPath>,
        /// The field that gets all captures.
        target: FieldPath => "default: the event itself",
        /// Whether the first pattern that fits is the last that is tried.
        break_on_match: bool = true,
        /// Whether `%{NAME}` without a field sets none.
        named_captures_only: bool = true,
        /// Whether captures of nothing set a field too.
        keep_empty_captures: bool = false,
        /// Names with patterns of this filter alone.
        pattern_definitions: TextPairs,
        /// Folders of files with patterns, a name and its pattern on each line.
        patterns_dir: Vec<PathBuf>,
        /// Which files of these folders are read.
        patterns_files_glob: String = "*",
        /// Tags of an event that no pattern fits.
        tag_on_failure: Vec<String> = ["_grokparsefailure"],
        /// The tag of an event that takes too long.
        tag_on_timeout: String = "_groktimeout",
        /// How many milliseconds it may take, 0 for no end. It is counted in steps, 100,000 for a
        /// millisecond, not by a clock, so that a replay ends the same. A search that goes back and
        /// tries again ends after 30,000 in any case.
        timeout_millis: i64 = 1_000,
        /// Whether each pattern may take so long, or all of the event together.
        timeout_scope: bool { "pattern" => false, "event" => true } = first,
        /// Which set of patterns is used.
        ecs_compatibility: EcsCompatibility => "default: the pipeline's",
    }
    refused {
        pattern => "write `match => { \"message\" => \"...\" }`",
        singles => "leave it out: a single capture is a value of its own, several of one name are an array",
    }
    tags {
        "_grokparsefailure" => "no pattern fits",
        "_groktimeout" => "the patterns took too long",
    }
    example r#"grok { match => { "message" => "%{IP:[client][ip]} %{WORD:method} %{GREEDYDATA:rest}" } }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = GrokOptions::read(options);
    let ecs = given.ecs_compatibility.unwrap_or(environment.ecs_compatibility);
    let mut definitions = Definitions::shipped(ecs != EcsCompatibility::Disabled);
    for folder in given.patterns_dir.unwrap_or_default() {
        if let Err(error) = definitions.add_path(&folder, &given.patterns_files_glob) {
            options.refuse("patterns_dir", error.to_string(), "name a folder of pattern files");
        }
    }
    for (name, pattern) in given.pattern_definitions.unwrap_or_default() {
        definitions.add(&name.text, &pattern);
    }
    let setting = Setting {
        definitions: &definitions,
        escape_style: options.escape_style(),
        name_all: !given.named_captures_only,
        target: given.target,
        overwrite: given.overwrite.unwrap_or_default(),
    };
    if given.timeout_millis < 0 {
        let way_out = "write a number of milliseconds, or 0 for no end";
        options.refuse("timeout_millis", "`timeout_millis` cannot be negative", way_out);
    }
    let fields = given
        .r#match?
        .into_iter()
        .map(|(key, value)| field_patterns(options, &setting, &key, &value))
        .collect::<Vec<_>>();
    let fields = fields.into_iter().collect::<Option<Vec<_>>>()?;
    if environment.wants_warnings {
        let patterns: Vec<_> = fields.iter().map(|(_, written)| written.as_slice()).collect();
        warnings::warn(options, &patterns, given.break_on_match);
    }
    Some(Arc::new(GrokPlan(Arc::new(Grok {
        fields: fields.into_iter().map(|(field, _)| field).collect(),
        break_on_match: given.break_on_match,
        keep_empty_captures: given.keep_empty_captures,
        tag_on_failure: given.tag_on_failure,
        tag_on_timeout: given.tag_on_timeout,
        // 0 means without end in Logstash.
        steps_max: match u64::try_from(given.timeout_millis) {
            Ok(0) | Err(_) => u64::MAX,
            Ok(milliseconds) => milliseconds.saturating_mul(STEPS_PER_MILLISECOND),
        },
        steps_for_event: given.timeout_scope,
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
    let Compiled { engine, names, translation } =
        engine::compile(&expression).map_err(|error| refuse(&error, error.way_out())).ok()?;
    let captures = captures(&names, setting)
        .map_err(|alias| {
            let what = format!("`{alias}` is not a field reference");
            refuse(&what, "write an alias as `name` or `[outer][inner]`");
        })
        .ok()?;
    Some((Pattern { engine, captures }, WrittenPattern { text, span, expression, translation }))
}

/// The fields of the groups; the error is the alias that is none.
fn captures(names: &[String], setting: &Setting<'_>) -> Result<Vec<Capture>, String> {
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
    names.iter().map(capture).collect()
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
        let names = ["a%5B0%5D:int", "[b][c%5D]"].map(ToOwned::to_owned);
        let name = FieldPath::keys(&["a[0]"]);
        let setting = Setting {
            definitions: &definitions,
            escape_style: EscapeStyle::Percent,
            name_all: false,
            target: None,
            overwrite: vec![name.clone()],
        };
        let [first, second] = &captures(&names, &setting).unwrap()[..] else { panic!("two") };
        assert_eq!((&first.field, first.overwrite), (&name, true));
        assert_eq!(first.conversion, Conversion::Integer);
        assert_eq!((&second.field, second.overwrite), (&FieldPath::keys(&["b", "c]"]), false));
    }
}
