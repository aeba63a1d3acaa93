//! `${NAME}` and `${NAME:default}` in values, replaced once when a configuration is loaded.
//!
//! Text of events never comes here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::diagnostic::Diagnostic;
use super::source::{Source, Span};
use super::tree::{Value, ValueKind};

impl Value {
    /// Replaces variables in every string of this value.
    ///
    /// # Errors
    /// For a variable that is not set and has no default.
    pub(crate) fn substitute(
        &mut self,
        source: &Source,
        variables: &BTreeMap<String, String>,
    ) -> Result<(), Diagnostic> {
        match &mut self.kind {
            ValueKind::Text(text) => {
                if let Cow::Owned(replaced) = substitute(text, self.span, source, variables)? {
                    *text = replaced;
                }
                Ok(())
            }
            ValueKind::Array(elements) => {
                elements.iter_mut().try_for_each(|value| value.substitute(source, variables))
            }
            ValueKind::Hash(pairs) => {
                pairs.iter_mut().try_for_each(|(_, value)| value.substitute(source, variables))
            }
            ValueKind::Plugin(plugin) => plugin
                .attributes
                .iter_mut()
                .try_for_each(|attribute| attribute.value.substitute(source, variables)),
            ValueKind::Number(_) => Ok(()),
        }
    }

    /// Whether a string of this value, as it is written, has this variable in it.
    pub(crate) fn names_variable(&self, name: &str) -> bool {
        match &self.kind {
            ValueKind::Text(text) => text
                .match_indices("${")
                .any(|(at, _)| variable(&text[at..]).is_some_and(|(named, _, _)| named == name)),
            ValueKind::Array(elements) => elements.iter().any(|value| value.names_variable(name)),
            ValueKind::Hash(pairs) => pairs.iter().any(|(_, value)| value.names_variable(name)),
            ValueKind::Plugin(plugin) => {
                plugin.attributes.iter().any(|attribute| attribute.value.names_variable(name))
            }
            ValueKind::Number(_) => false,
        }
    }
}

/// Replaces variables in one text.
///
/// # Errors
/// For a variable that is not set and has no default.
pub(crate) fn substitute<'t>(
    text: &'t str,
    span: Span,
    source: &Source,
    variables: &BTreeMap<String, String>,
) -> Result<Cow<'t, str>, Diagnostic> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        replaced.push_str(before);
        let Some((name, default, after)) = variable(from) else {
            replaced.push_str("${");
            rest = &from[2..];
            continue;
        };
        match variables.get(name).map(String::as_str).or(default) {
            Some(value) => replaced.push_str(value),
            None => {
                let message = format!("the environment variable `{name}` is not set");
                let way_out = format!("set it, or give a default: `${{{name}:value}}`");
                return Err(source.mistake(span, message, way_out));
            }
        }
        rest = after;
    }
    replaced.push_str(rest);
    Ok(Cow::Owned(replaced))
}

/// Reads `${NAME}` or `${NAME:default}` at the start: the name, the default, what follows.
fn variable(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let (inside, after) = text.strip_prefix("${")?.split_once('}')?;
    let (name, default) = match inside.split_once(':') {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '.';
    let legal = name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit());
    legal.then_some((name, default, after))
}
