//! The options of `mutate`, put into the order in which they run.

use std::sync::Arc;

use event::FieldPath;
use service::suggest::nearest;

use super::convert::ConvertTo;
use super::edit::Edit;
use super::gsub::Substitution;
use super::{Mutate, MutatePlan, Operation};
use crate::filter::{Environment, FilterPlan};
use crate::language::{Span, Value};
use crate::options::{Options, Pairs, TextPairs, filter_options};
use crate::template::Template;

filter_options! {
    /// Renames, sets, converts and edits fields.
    ///
    /// Operations run in Logstash's order, in which they stand here, whatever the pipeline's is:
    /// for another one write several `mutate`. One that fails ends the filter: what was done stays,
    /// the rest is not done, and the event is tagged.
    struct MutateOptions {
        /// Fields with a value for those that are null; `%{field}` is replaced.
        coerce: TextPairs,
        /// Fields with their new names; `%{field}` is replaced in both.
        rename: TextPairs,
        /// Fields with a new value for those that are there; `%{field}` is replaced.
        update: TextPairs,
        /// Fields with a new value; `%{field}` is replaced.
        replace: TextPairs,
        /// Fields with what becomes of their values: `integer`, `float`, `string`, `boolean`,
        /// `integer_eu`, `float_eu`.
        convert: TextPairs,
        /// Threes of field, pattern and replacement. The replacement may hold `\1` and `%{field}`,
        /// and may make the field at most 4 MiB longer. A pattern with look-around or `\1` in it is
        /// searched within a limit of about a second.
        gsub: Value [Strings, Options::value],
        /// Fields that get upper case.
        uppercase: Vec<FieldPath>,
        /// Fields that get an upper case letter first, and lower case behind it.
        capitalize: Vec<FieldPath>,
        /// Fields that get lower case.
        lowercase: Vec<FieldPath>,
        /// Fields of which white space at both ends is taken away.
        strip: Vec<FieldPath>,
        /// Fields with the separator at which their text becomes an array.
        split: TextPairs,
        /// Fields with the separator with which their array becomes a text.
        join: TextPairs,
        /// Fields with the fields that are added to them: elements to an array, pairs to an object.
        merge: Pairs,
        /// Fields with the name of their copy.
        copy: TextPairs,
        /// The tag of an event on which an operation failed.
        tag_on_failure: String = "_mutate_error",
    }
    refused {
        remove => "write `remove_field => [ ... ]`",
    }
    tags {
        "_mutate_error" => "an operation failed: a text is no number, a value is in the way, a text would become too long or takes too long",
    }
    example r#"mutate {
  rename => { "msg" => "message" }
  convert => { "price" => "float" "quantity" => "integer" }
  gsub => ["message", "[\t ]+", " "]
}"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = MutateOptions::read(options);
    let warns = environment.wants_warnings;
    let mut reader = Reader { options, operations: Vec::new(), warns };
    reader.values(given.coerce, Operation::Coerce);
    reader.rename(given.rename);
    reader.values(given.update, Operation::Update);
    reader.values(given.replace, Operation::Replace);
    reader.convert(given.convert);
    reader.gsub(given.gsub);
    reader.edits(given.uppercase, Edit::Uppercase);
    reader.edits(given.capitalize, Edit::Capitalize);
    reader.edits(given.lowercase, Edit::Lowercase);
    reader.edits(given.strip, Edit::Strip);
    reader.separators(given.split, Operation::Split);
    reader.separators(given.join, Operation::Join);
    reader.merge(given.merge);
    reader.copy(given.copy);
    let Reader { operations, .. } = reader;
    Some(Arc::new(MutatePlan(Arc::new(Mutate {
        operations,
        tag_on_failure: given.tag_on_failure,
    }))))
}

/// Makes operations of what was given. Of what cannot be one a mistake is recorded, with which no pipeline is run.
struct Reader<'r, 'o> {
    options: &'r mut Options<'o>,
    operations: Vec<Operation>,
    /// Whether what can be slow is named.
    warns: bool,
}

impl Reader<'_, '_> {
    fn field(&mut self, text: &str, span: Span) -> Option<FieldPath> {
        self.options.parse_field_at(text, span)
    }

    fn values(&mut self, pairs: Option<TextPairs>, make: fn(FieldPath, Template) -> Operation) {
        for (key, value) in pairs.unwrap_or_default() {
            let field = self.field(&key.text, key.span);
            let value = self.options.parse_template(&value, key.span);
            self.operations.extend(field.zip(value).map(|(field, value)| make(field, value)));
        }
    }

    fn rename(&mut self, pairs: Option<TextPairs>) {
        for (key, to) in pairs.unwrap_or_default() {
            let from = self.options.parse_field_template(&key.text, key.span);
            let to = self.options.parse_field_template(&to, key.span);
            self.operations.extend(from.zip(to).map(|(from, to)| Operation::Rename(from, to)));
        }
    }

    fn convert(&mut self, pairs: Option<TextPairs>) {
        for (key, to) in pairs.unwrap_or_default() {
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
            let operation = field.zip(found).map(|(field, to)| Operation::Convert(field, to));
            self.operations.extend(operation);
        }
    }

    fn gsub(&mut self, value: Option<Value>) {
        let Some(value) = value else { return };
        let texts = value.as_texts().filter(|texts| texts.len() % 3 == 0);
        let Some(texts) = texts else {
            let message = "`gsub` is a list of threes: field, pattern, replacement";
            self.options.refuse_at(
                value.span,
                message,
                "write `gsub => [ \"field\", \"pattern\", \"replacement\" ]`",
            );
            return;
        };
        for three in texts.chunks_exact(3) {
            let field = self.field(&three[0], value.span);
            if self.warns {
                self.options.warn_of_slow_pattern(value.span, &three[1]);
            }
            let style = self.options.escape_style();
            let substitution = match Substitution::parse(&three[1], &three[2], style) {
                Ok(substitution) => Some(substitution),
                Err(error) => {
                    self.options.refuse_at(value.span, error.message, error.way_out);
                    None
                }
            };
            let operation = field.zip(substitution).map(|(field, by)| Operation::Gsub(field, by));
            self.operations.extend(operation);
        }
    }

    fn edits(&mut self, fields: Option<Vec<FieldPath>>, edit: Edit) {
        for field in fields.unwrap_or_default() {
            self.operations.push(Operation::Edit(field, edit));
        }
    }

    fn separators(&mut self, pairs: Option<TextPairs>, make: fn(FieldPath, String) -> Operation) {
        for (key, separator) in pairs.unwrap_or_default() {
            let field = self.field(&key.text, key.span);
            self.operations.extend(field.map(|field| make(field, separator)));
        }
    }

    fn merge(&mut self, pairs: Option<Pairs>) {
        for (key, value) in pairs.unwrap_or_default() {
            let into = self.field(&key.text, key.span);
            let Some(added) = value.as_texts() else {
                let message = "`merge` takes the names of fields";
                self.options.refuse_at(value.span, message, "write `\"into\" => \"added\"`");
                continue;
            };
            for added in added {
                let added = self.field(&added, value.span);
                let both = into.clone().zip(added);
                self.operations.extend(both.map(|(into, added)| Operation::Merge(into, added)));
            }
        }
    }

    fn copy(&mut self, pairs: Option<TextPairs>) {
        for (key, to) in pairs.unwrap_or_default() {
            let from = self.field(&key.text, key.span);
            let to = self.field(&to, key.span);
            self.operations.extend(from.zip(to).map(|(from, to)| Operation::Copy(from, to)));
        }
    }
}
