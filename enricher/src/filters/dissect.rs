//! `dissect`: takes a text apart at the delimiters that stand between its fields, without any expression.
//!
//! Either every delimiter is found in its order or the event stays as it is and is tagged. A name that comes out of
//! the text (`%{&key}`) is a name as it stands, never a path, and never `@metadata`.

mod conversion;
mod mapping;

use std::ops::Range;
use std::sync::Arc;

use event::{Event, FieldPath};

use self::conversion::Conversion;
use self::mapping::Mapping;
use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, TextPairs, filter_options};

#[derive(Debug)]
struct Dissect {
    mappings: Vec<(FieldPath, Mapping)>,
    conversions: Vec<Conversion>,
    tag_on_failure: Vec<String>,
}

struct DissectPlan(Arc<Dissect>);

filter_options! {
    /// Takes a text apart at the delimiters that stand between its fields, without any expression.
    ///
    /// Every delimiter is found in its order, or nothing is set and the event is tagged. A text
    /// before the first field must stand at the very beginning, and one behind the last must be
    /// found too. An empty part is an empty text, also the first one.
    struct DissectOptions {
        /// Fields with how their texts are made up: `%{name}`, `%{}` and `%{?skipped}` (left out),
        /// `%{+name}` (put behind what `name` has, `%{+name/2}` as the second), `%{?key}=%{&key}`
        /// (the text's word is the name, as it stands, never a path), `%{padded->}` (the delimiter
        /// may stand there again and again).
        mapping: TextPairs = required_unless("convert_datatype"),
        /// Fields with what they become then: `int` or `float`.
        convert_datatype: TextPairs,
        /// Tags of an event whose field is made up otherwise.
        tag_on_failure: Vec<String> = ["_dissectfailure"],
    }
    tags {
        "_dissectfailure" => "a delimiter is not found, or something stands in the way of a field",
    }
    example r#"dissect { mapping => { "message" => "%{time} %{level} %{text}" } }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let DissectOptions { mapping, convert_datatype, tag_on_failure } =
        DissectOptions::read(options);
    let mappings = mappings(options, mapping.unwrap_or_default());
    let conversions = conversions(options, convert_datatype.unwrap_or_default());
    Some(Arc::new(DissectPlan(Arc::new(Dissect { mappings, conversions, tag_on_failure }))))
}

fn mappings(options: &mut Options<'_>, pairs: TextPairs) -> Vec<(FieldPath, Mapping)> {
    let mut mappings = Vec::new();
    for (key, text) in pairs {
        let field = options.parse_field_at(&key.text, key.span);
        match Mapping::parse(&text, options.escape_style()) {
            Ok(mapping) => mappings.extend(field.zip(Some(mapping))),
            Err(mistake) => options.refuse_at(key.span, mistake.message, mistake.way_out),
        }
    }
    mappings
}

fn conversions(options: &mut Options<'_>, pairs: TextPairs) -> Vec<Conversion> {
    let mut conversions = Vec::new();
    for (key, kind) in pairs {
        let field = options.parse_field_at(&key.text, key.span);
        match Conversion::new(&key.text, field, &kind) {
            Some(conversion) => conversions.extend(conversion),
            None => {
                let message = format!("`dissect` converts to no `{kind}`");
                options.refuse_at(key.span, message, "write `int` or `float`");
            }
        }
    }
    conversions
}

impl FilterPlan for DissectPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let plan = Arc::clone(&self.0);
        Box::new(Worker { plan, text: String::new(), parts: Vec::new() })
    }
}

/// One worker's instance; what it holds beside the plan is used again for every event.
struct Worker {
    plan: Arc<Dissect>,
    text: String,
    parts: Vec<Range<usize>>,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let Self { plan, text, parts } = self;
        let (mut some_matched, mut all_converted) = (false, true);
        for (source, mapping) in &plan.mappings {
            let Some(source) = event.get(source) else { continue };
            text.clear();
            text.push_str(&event.scalar_text(source).unwrap_or_default());
            if mapping.find(text, parts) && mapping.write(text, parts, event) {
                some_matched = true;
            } else {
                plan.tag_on_failure.iter().for_each(|tag| event.add_tag(tag));
            }
        }
        for conversion in &plan.conversions {
            all_converted &= conversion.run(event);
        }
        // What only converts has done its work when nothing was in the way.
        if some_matched || plan.mappings.is_empty() && all_converted {
            Applied::Matched
        } else {
            Applied::NotMatched
        }
    }
}

#[cfg(test)]
mod tests;
