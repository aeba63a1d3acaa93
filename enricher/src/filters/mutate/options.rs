//! The options of `mutate`, put into the order in which they run.

use std::sync::Arc;

use event::FieldPath;
use service::suggest::nearest;

use super::convert::ConvertTo;
use super::edit::Edit;
use super::gsub::Substitution;
use super::{Mutate, MutatePlan, Operation};
use crate::filter::{Environment, FilterPlan};
use crate::language::{Key, Span};
use crate::options::Options;
use crate::template::Template;

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let mut reader = Reader { options, operations: Vec::new(), refused: false };
    reader.values("coerce", Operation::Coerce);
    reader.rename();
    reader.values("update", Operation::Update);
    reader.values("replace", Operation::Replace);
    reader.convert();
    reader.gsub();
    reader.edits("uppercase", Edit::Uppercase);
    reader.edits("capitalize", Edit::Capitalize);
    reader.edits("lowercase", Edit::Lowercase);
    reader.edits("strip", Edit::Strip);
    reader.separators("split", Operation::Split);
    reader.separators("join", Operation::Join);
    reader.merge();
    reader.copy();
    let Reader { options, operations, refused } = reader;
    let tag_on_failure = options.text("tag_on_failure");
    let tag_on_failure = tag_on_failure.unwrap_or_else(|| "_mutate_error".to_owned());
    if refused {
        return None;
    }
    Some(Arc::new(MutatePlan(Arc::new(Mutate { operations, tag_on_failure }))))
}

struct Reader<'r, 'o> {
    options: &'r mut Options<'o>,
    operations: Vec<Operation>,
    refused: bool,
}

impl Reader<'_, '_> {
    /// Keeps an operation, or remembers that a mistake was recorded.
    fn keep(&mut self, operation: Option<Operation>) {
        match operation {
            Some(operation) => self.operations.push(operation),
            None => self.refused = true,
        }
    }

    fn text_pairs(&mut self, name: &'static str) -> Vec<(Key, String)> {
        if !self.options.has(name) {
            // Asked for all the same, so that a misspelt one is recognised.
            self.options.value(name);
            return Vec::new();
        }
        let pairs = self.options.text_pairs(name);
        self.refused |= pairs.is_none();
        pairs.unwrap_or_default()
    }

    fn field(&mut self, text: &str, span: Span) -> Option<FieldPath> {
        self.options.parse_field_at(text, span)
    }

    fn values(&mut self, name: &'static str, make: fn(FieldPath, Template) -> Operation) {
        for (key, value) in self.text_pairs(name) {
            let field = self.field(&key.text, key.span);
            let value = self.options.parse_template(&value, key.span);
            self.keep(field.zip(value).map(|(field, value)| make(field, value)));
        }
    }

    fn rename(&mut self) {
        for (key, to) in self.text_pairs("rename") {
            let from = self.options.parse_field_template(&key.text, key.span);
            let to = self.options.parse_field_template(&to, key.span);
            self.keep(from.zip(to).map(|(from, to)| Operation::Rename(from, to)));
        }
    }

    fn convert(&mut self) {
        for (key, to) in self.text_pairs("convert") {
            let field = self.field(&key.text, key.span);
            let found = ConvertTo::by_name(&to);
            if found.is_none() {
                let names = ConvertTo::NAMES.map(|(name, _)| name);
                let way_out = match nearest(&to, names).or_else(|| ConvertTo::meant_by(&to)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it is one of {}", names.join(", ")),
                };
                let message = format!("`convert` cannot make `{to}` of a field");
                self.options.refuse_at(key.span, message, way_out);
            }
            self.keep(field.zip(found).map(|(field, to)| Operation::Convert(field, to)));
        }
    }

    fn gsub(&mut self) {
        let Some(value) = self.options.value("gsub") else {
            return;
        };
        let texts = value.as_texts().filter(|texts| texts.len() % 3 == 0);
        let Some(texts) = texts else {
            let message = "`gsub` is a list of threes: field, pattern, replacement";
            self.options.refuse_at(
                value.span,
                message,
                "write `gsub => [ \"field\", \"pattern\", \"replacement\" ]`",
            );
            self.refused = true;
            return;
        };
        for three in texts.chunks_exact(3) {
            let field = self.field(&three[0], value.span);
            let style = self.options.escape_style();
            let substitution = match Substitution::parse(&three[1], &three[2], style) {
                Ok(substitution) => Some(substitution),
                Err(error) => {
                    self.options.refuse_at(value.span, error.message, error.way_out);
                    None
                }
            };
            self.keep(field.zip(substitution).map(|(field, by)| Operation::Gsub(field, by)));
        }
    }

    fn edits(&mut self, name: &'static str, edit: Edit) {
        let has = self.options.has(name);
        let fields = self.options.fields(name);
        self.refused |= has && fields.is_none();
        for field in fields.unwrap_or_default() {
            self.operations.push(Operation::Edit(field, edit));
        }
    }

    fn separators(&mut self, name: &'static str, make: fn(FieldPath, String) -> Operation) {
        for (key, separator) in self.text_pairs(name) {
            let field = self.field(&key.text, key.span);
            self.keep(field.map(|field| make(field, separator)));
        }
    }

    fn merge(&mut self) {
        let has = self.options.has("merge");
        let pairs = self.options.pairs("merge");
        self.refused |= has && pairs.is_none();
        for (key, value) in pairs.unwrap_or_default() {
            let into = self.field(&key.text, key.span);
            let Some(added) = value.as_texts() else {
                let message = "`merge` takes the names of fields";
                self.options.refuse_at(value.span, message, "write `\"into\" => \"added\"`");
                self.refused = true;
                continue;
            };
            for added in added {
                let added = self.field(&added, value.span);
                let both = into.clone().zip(added);
                self.keep(both.map(|(into, added)| Operation::Merge(into, added)));
            }
        }
    }

    fn copy(&mut self) {
        for (key, to) in self.text_pairs("copy") {
            let from = self.field(&key.text, key.span);
            let to = self.field(&to, key.span);
            self.keep(from.zip(to).map(|(from, to)| Operation::Copy(from, to)));
        }
    }
}
