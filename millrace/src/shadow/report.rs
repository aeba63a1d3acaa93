//! What came of a comparison: sums by field, each with a few examples.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::field::{Comparison, Ignored, Sides, compare};

/// Examples of each kind that are kept of a field.
const EXAMPLES_MAX: usize = 3;
/// Most bytes of a value that is kept as an example.
const EXAMPLE_BYTES_MAX: usize = 512;
/// Fields that are told apart: an event's text can make names.
const FIELDS_MAX: usize = 10_000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Events that were compared.
    pub compared: u64,
    /// Those of them whose every field is equal.
    pub equal: u64,
    /// Events of the reference beside which we have none: dropped or refused by us.
    pub only_theirs: Sum,
    /// Events of ours beside which the reference has none.
    pub only_ours: Sum,
    /// Events of the reference whose line is not known.
    pub without_line: Sum,
    /// Lines of the input of which neither has an event.
    pub no_events_of_both: u64,
    /// Lines that we refused, by kind.
    pub refused: BTreeMap<&'static str, u64>,
    /// Events were put beside each other by their order, since they do not name their lines.
    pub is_by_order: bool,
    /// By name.
    pub fields: BTreeMap<String, FieldReport>,
    /// Differences in fields beyond the first 10,000 names.
    pub differences_in_other_fields: u64,
}

/// How often a field is equal and is not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FieldReport {
    /// Both have it with the same value.
    pub equal: u64,
    /// Both have it.
    pub different: Sum,
    /// Only the reference has it.
    pub missing: Sum,
    /// Only we have it.
    pub extra: Sum,
}

/// A number of events, and some of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// The first ones.
    pub examples: Vec<Example>,
}

/// An example of a difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Example {
    /// Line in the reference, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What the reference has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Value>,
    /// What we have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ours: Option<Value>,
}

impl FieldReport {
    /// How often it is not equal.
    #[must_use]
    pub fn differences(&self) -> u64 {
        self.different.count + self.missing.count + self.extra.count
    }
}

impl Sum {
    fn add(&mut self, example: impl FnOnce() -> Example) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example());
        }
    }
}

impl Report {
    /// Whether both made the same of everything.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.equal == self.compared
            && self.only_theirs.count + self.only_ours.count + self.without_line.count == 0
    }

    /// Adds a pair of events.
    pub(super) fn compare(&mut self, line: u64, theirs: &Value, ours: &Value, ignored: &[Ignored]) {
        let mut is_equal = true;
        compare(theirs, ours, ignored, &mut |field, found, sides| {
            is_equal &= found == Comparison::Equal;
            self.add_field(field, found, line, sides);
        });
        self.compared += 1;
        self.equal += u64::from(is_equal);
    }

    fn add_field(&mut self, name: String, found: Comparison, line: u64, sides: Sides<'_>) {
        if self.fields.len() >= FIELDS_MAX && !self.fields.contains_key(&name) {
            self.differences_in_other_fields += u64::from(found != Comparison::Equal);
            return;
        }
        let field = self.fields.entry(name).or_default();
        let example = || Example {
            line: Some(line),
            theirs: sides.0.map(shortened),
            ours: sides.1.map(shortened),
        };
        match found {
            Comparison::Equal => field.equal += 1,
            Comparison::Different => field.different.add(example),
            Comparison::Missing => field.missing.add(example),
            Comparison::Extra => field.extra.add(example),
        }
    }

    pub(super) fn only_theirs(&mut self, line: u64) {
        self.only_theirs.add(|| Example { line: Some(line), ..Example::default() });
    }

    pub(super) fn only_ours(&mut self, ours: &Value) {
        self.only_ours.add(|| Example { ours: Some(shortened(ours)), ..Example::default() });
    }

    pub(super) fn without_line(&mut self, line: u64) {
        self.without_line.add(|| Example { line: Some(line), ..Example::default() });
    }

    pub(super) fn refused(&mut self, kind: &'static str) {
        *self.refused.entry(kind).or_default() += 1;
    }
}

/// A value as it is kept for an example: of a large one the beginning of its text.
fn shortened(value: &Value) -> Value {
    let text = value.to_string();
    if text.len() <= EXAMPLE_BYTES_MAX {
        return value.clone();
    }
    Value::String(format!("{}...", &text[..text.floor_char_boundary(EXAMPLE_BYTES_MAX)]))
}
