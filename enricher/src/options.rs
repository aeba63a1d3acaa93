//! A filter's options as it asks for them: typed, checked, each mistake at its place.
//!
//! Every getter marks its option as read, and what nobody asked for is refused as unknown: an option
//! is never read and ignored. A filter asks for all its options before it gives up, so that a user
//! sees all mistakes at once.

mod declaration;
mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

use event::FieldPath;
use service::suggest::nearest;

use crate::field_reference::EscapeStyle;
use crate::filters::aggregate::{TaskGroup, TaskGroups};
use crate::language::{Attribute, Diagnostic, Key, Number, Plugin, Source, Span, Value, ValueKind};
use crate::ruby_pattern::slow_pattern;
use crate::template::{FieldTemplate, Template};

pub(crate) use declaration::filter_options;
pub(crate) use value::{DefaultFor, OptionValue, Pairs, TextPairs};

/// One option, merged from all times it was written.
#[derive(Debug)]
struct Given {
    name: String,
    span: Span,
    value: Value,
    read: bool,
}

/// The options of one plugin.
#[derive(Debug)]
pub struct Options<'a> {
    plugin: &'a str,
    plugin_span: Span,
    source: &'a Source,
    given: Vec<Given>,
    asked: Vec<&'static str>,
    /// Those that were missed together with the one that would do in their place.
    lacking: Vec<&'static str>,
    diagnostics: &'a mut Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    task_groups: Option<&'a mut TaskGroups>,
    escape_style: EscapeStyle,
}

impl<'a> Options<'a> {
    /// Takes a plugin's options: repeated ones are merged, `${NAME}` is replaced from `variables`.
    #[must_use]
    pub fn new(
        plugin: &'a Plugin,
        source: &'a Source,
        variables: &BTreeMap<String, String>,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        let mut given = Vec::new();
        for Attribute { name, span, mut value } in plugin.options() {
            if let Err(mistake) = value.substitute(source, variables) {
                diagnostics.push(mistake);
            }
            given.push(Given { name, span, value, read: false });
        }
        Self {
            plugin: &plugin.name,
            plugin_span: plugin.span,
            source,
            given,
            asked: Vec::new(),
            lacking: Vec::new(),
            diagnostics,
            warnings: Vec::new(),
            task_groups: None,
            escape_style: EscapeStyle::None,
        }
    }

    /// Knows which filters `aggregate` stand in the same pipeline.
    pub(crate) fn in_pipeline_with(self, task_groups: &'a mut TaskGroups) -> Self {
        Self { task_groups: Some(task_groups), ..self }
    }

    /// Reads references to fields in a style.
    pub(crate) fn with_fields_as(self, escape_style: EscapeStyle) -> Self {
        Self { escape_style, ..self }
    }

    /// How brackets in names of fields are written.
    #[must_use]
    pub fn escape_style(&self) -> EscapeStyle {
        self.escape_style
    }

    /// The filters `aggregate` that share maps with one of this `task_id`; one alone where no others are known.
    pub(crate) fn task_group(&mut self, task_id: &str) -> Arc<TaskGroup> {
        match &mut self.task_groups {
            Some(groups) => groups.of(task_id),
            None => TaskGroups::default().of(task_id),
        }
    }

    /// The plugin's name in the configuration.
    #[must_use]
    pub fn plugin(&self) -> &str {
        self.plugin
    }

    /// Whether a text stands anywhere in the pipeline: what it never names need not be made.
    #[must_use]
    pub fn pipeline_mentions(&self, text: &str) -> bool {
        self.source.text().contains(text)
    }

    /// Whether an option is given; does not mark it as read.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|given| given.name == name)
    }

    /// An option as it is written.
    pub fn value(&mut self, name: &'static str) -> Option<Value> {
        self.asked.push(name);
        let given = self.given.iter_mut().find(|given| given.name == name)?;
        given.read = true;
        Some(given.value.clone())
    }

    /// A string; a number is taken as it prints.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let value = self.value(name)?;
        let text = value.single().and_then(Value::as_text);
        self.or_refuse(name, text, value.span, "a string", "\"...\"")
    }

    /// A string that must be given.
    pub fn required_text(&mut self, name: &'static str) -> Option<String> {
        self.require(name);
        self.text(name)
    }

    /// Strings: an array of them, or one alone.
    pub fn texts(&mut self, name: &'static str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        self.or_refuse(
            name,
            value.as_texts(),
            value.span,
            "a list of strings",
            "[\"...\", \"...\"]",
        )
    }

    /// A reference to a field.
    pub fn field(&mut self, name: &'static str) -> Option<FieldPath> {
        let text = self.text(name)?;
        self.parse_field(name, &text)
    }

    /// References to fields: an array of them, or one alone.
    pub fn fields(&mut self, name: &'static str) -> Option<Vec<FieldPath>> {
        let texts = self.texts(name)?;
        texts.iter().map(|text| self.parse_field(name, text)).collect()
    }

    /// A string in which `%{field}` is replaced for each event.
    pub fn template(&mut self, name: &'static str) -> Option<Template> {
        let text = self.text(name)?;
        let span = self.span(name);
        self.parse_template(&text, span)
    }

    /// Strings in which `%{field}` is replaced for each event.
    pub fn templates(&mut self, name: &'static str) -> Option<Vec<Template>> {
        let texts = self.texts(name)?;
        let span = self.span(name);
        texts.iter().map(|text| self.parse_template(text, span)).collect()
    }

    /// References to fields in which `%{field}` is replaced for each event.
    pub fn field_templates(&mut self, name: &'static str) -> Option<Vec<FieldTemplate>> {
        let texts = self.texts(name)?;
        let span = self.span(name);
        texts.iter().map(|text| self.parse_field_template(text, span)).collect()
    }

    /// Reads a text as a template; a mistake is recorded at `span`.
    pub fn parse_template(&mut self, text: &str, span: Span) -> Option<Template> {
        Template::parse_as(text, self.escape_style)
            .map_err(|error| self.refuse_at(span, error.message, error.way_out))
            .ok()
    }

    /// Reads a text as a reference that may hold templates; a mistake is recorded at `span`.
    pub fn parse_field_template(&mut self, text: &str, span: Span) -> Option<FieldTemplate> {
        FieldTemplate::parse(text, self.escape_style)
            .map_err(|error| self.refuse_at(span, error.message, error.way_out))
            .ok()
    }

    fn parse_field(&mut self, name: &'static str, text: &str) -> Option<FieldPath> {
        let span = self.span(name);
        self.parse_field_at(text, span)
    }

    /// Reads a text as a reference to a field; a mistake is recorded at `span`.
    pub fn parse_field_at(&mut self, text: &str, span: Span) -> Option<FieldPath> {
        self.escape_style
            .parse(text)
            .map_err(|error| {
                let way_out = "a field is written `name` or `[outer][inner]`";
                self.refuse_at(span, format!("`{}` is not a field reference", error.text), way_out);
            })
            .ok()
    }

    /// Pairs in order: a hash, or a flat array of keys and values as Logstash takes it. A key that
    /// stands twice in an array or over repeated options has an array of its values.
    pub fn pairs(&mut self, name: &'static str) -> Option<Vec<(Key, Value)>> {
        let value = self.value(name)?;
        let span = value.span;
        self.or_refuse(name, value.into_pairs(), span, "a hash", "{ \"key\" => \"value\" }")
    }

    /// Pairs whose values are strings.
    pub fn text_pairs(&mut self, name: &'static str) -> Option<Vec<(Key, String)>> {
        let pairs = self.pairs(name)?;
        pairs
            .into_iter()
            .map(|(key, value)| {
                let text = value.as_text();
                let text =
                    self.or_refuse(name, text, value.span, "strings as values", "\"...\"")?;
                Some((key, text))
            })
            .collect()
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.choice(name, &["true", "false"]).map(|word| word == "true")
    }

    /// `true` or `false`, or what holds where neither is given.
    pub fn flag(&mut self, name: &'static str, default: bool) -> bool {
        self.boolean(name).unwrap_or(default)
    }

    /// A whole number.
    pub fn integer(&mut self, name: &'static str) -> Option<i64> {
        let value = self.value(name)?;
        let number = match value.single().map(|value| &value.kind) {
            Some(ValueKind::Number(Number::Integer(number))) => Some(*number),
            Some(ValueKind::Text(text)) => text.parse().ok(),
            _ => None,
        };
        self.or_refuse(name, number, value.span, "a whole number", "10")
    }

    /// A number.
    pub fn number(&mut self, name: &'static str) -> Option<f64> {
        let value = self.value(name)?;
        let number = match value.single().map(|value| &value.kind) {
            Some(ValueKind::Number(Number::Integer(number))) => Some(*number as f64),
            Some(ValueKind::Number(Number::Float(number))) => Some(*number),
            Some(ValueKind::Text(text)) => text.parse().ok().filter(|n: &f64| n.is_finite()),
            _ => None,
        };
        self.or_refuse(name, number, value.span, "a number", "0.5")
    }

    /// One of these words.
    pub fn choice(&mut self, name: &'static str, choices: &[&'static str]) -> Option<&'static str> {
        let text = self.text(name)?;
        let found = choices.iter().copied().find(|choice| *choice == text);
        if found.is_none() {
            let way_out = match nearest(&text, choices.iter().copied()) {
                Some(near) => format!("did you mean `{near}`? It is one of {}", choices.join(", ")),
                None => format!("it is one of {}", choices.join(", ")),
            };
            self.refuse(name, format!("`{name}` cannot be `{text}`"), way_out);
        }
        found
    }

    /// Refuses options that Logstash has and that do not run here, each with its way out.
    pub fn not_supported(&mut self, names: &[(&'static str, &str)]) {
        for (name, way_out) in names {
            if self.value(name).is_some() {
                let message = format!("`{name}` of `{}` is not supported", self.plugin);
                self.refuse(name, message, *way_out);
            }
        }
    }

    /// Records a mistake at an option, or at the filter where the option is not given.
    pub fn refuse(&mut self, name: &str, message: impl Into<String>, way_out: impl Into<String>) {
        let span = self.span(name);
        self.refuse_at(span, message, way_out);
    }

    /// Records a mistake at a place.
    pub fn refuse_at(
        &mut self,
        span: Span,
        message: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        self.diagnostics.push(self.source.mistake(span, message, way_out));
    }

    /// Records what is no mistake and probably not meant.
    pub fn warn_at(&mut self, span: Span, message: impl Into<String>, way_out: impl Into<String>) {
        self.warnings.push(self.source.warning(span, message, way_out));
    }

    /// Refuses the filter if this option is missing.
    pub fn require(&mut self, name: &'static str) {
        if !self.has(name) {
            let message = format!("`{}` needs the option `{name}`", self.plugin);
            self.refuse_at(self.plugin_span, message, format!("add `{name} => ...`"));
        }
    }

    /// Refuses the filter if this option is missing, and the other one that would do in its place.
    pub fn require_unless(&mut self, name: &'static str, other: &'static str) {
        if self.lacks(name, other) {
            self.require(name);
        }
    }

    /// Whether an option is missing, and the other one that would do in its place. Of two that would do in place of
    /// each other one is missed.
    pub(crate) fn lacks(&mut self, name: &'static str, other: &'static str) -> bool {
        let is_lacking = !self.has(name) && !self.has(other) && !self.lacking.contains(&other);
        if is_lacking {
            self.lacking.push(name);
        }
        is_lacking
    }

    /// Place of an option's value, or of the filter where the option is not given.
    #[must_use]
    pub fn span(&self, name: &str) -> Span {
        let given = self.given.iter().find(|given| given.name == name);
        given.map_or(self.plugin_span, |given| given.value.span)
    }

    /// The place of a byte of an option's text, as far as the text stands in the pipeline as it is read.
    #[must_use]
    pub(crate) fn span_within(&self, name: &str, text: &str, at: usize) -> Span {
        let span = self.span(name);
        let written = self.source.slice(span);
        match written.find(text) {
            Some(before) if before <= 1 && text.is_char_boundary(at) => {
                let rest = text.get(at..).unwrap_or_default();
                let length = rest.lines().next().unwrap_or_default().trim_end().len();
                let start = span.start + before + at;
                Span { start, end: start + length }
            }
            _ => span,
        }
    }

    /// The place of a part of the text at a span; the span itself where the part does not stand there letter by letter.
    #[must_use]
    pub(crate) fn span_of(&self, span: Span, part: &str) -> Span {
        self.source.part(span, part)
    }

    /// Warns of a pattern, other than grok's, that no engine of linear time runs; `span` is where it stands.
    pub(crate) fn warn_of_slow_pattern(&mut self, span: Span, pattern: &str) {
        self.warnings.extend(slow_pattern(self.source, span, pattern));
    }

    fn or_refuse<T>(
        &mut self,
        name: &str,
        value: Option<T>,
        span: Span,
        wanted: &str,
        example: &str,
    ) -> Option<T> {
        if value.is_none() {
            let message = format!("`{name}` of `{}` must be {wanted}", self.plugin);
            self.refuse_at(span, message, format!("write `{name} => {example}`"));
        }
        value
    }

    /// Every option that was asked for.
    #[cfg(test)]
    pub(crate) fn asked(&self) -> &[&'static str] {
        &self.asked
    }

    /// Refuses what nobody asked for. Gives the warnings.
    pub fn finish(self) -> Vec<Diagnostic> {
        for given in self.given.iter().filter(|given| !given.read) {
            let message = format!("`{}` has no option `{}`", self.plugin, given.name);
            let way_out = match nearest(&given.name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "remove it".to_owned(),
            };
            self.diagnostics.push(self.source.mistake(given.span, message, way_out));
        }
        self.warnings
    }
}
