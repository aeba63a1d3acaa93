//! `convert_datatype`: texts that become numbers where they stand; what is none stays and tags the event.

use event::{Event, FieldPath};

use crate::filters::mutate::decimal::truncated;

#[derive(Debug)]
pub(super) struct Conversion {
    field: FieldPath,
    is_integer: bool,
    tag_missing: String,
    tag_failed: String,
}

impl Conversion {
    /// The conversion of a field that could be read; `None` for a type that there is not.
    pub(super) fn new(name: &str, field: Option<FieldPath>, kind: &str) -> Option<Option<Self>> {
        let is_integer = match kind.to_ascii_lowercase().as_str() {
            "int" => true,
            "float" => false,
            _ => return None,
        };
        Some(field.map(|field| Self {
            field,
            is_integer,
            tag_missing: format!("_dataconversionnullvalue_{name}_{kind}"),
            tag_failed: format!("_dataconversionuncoercible_{name}_{kind}"),
        }))
    }

    /// Converts; false where the event was tagged.
    pub(super) fn run(&self, event: &mut Event) -> bool {
        let value = event.get(&self.field).filter(|value| event.kind(*value) != event::Kind::Null);
        let Some(value) = value else {
            event.add_tag(&self.tag_missing);
            return false;
        };
        let number = event.scalar_text(value).and_then(|text| match self.is_integer {
            true => truncated(&text),
            false => float(&text),
        });
        match number {
            Some(number) => event.rewrite_number(value, &number),
            None => event.add_tag(&self.tag_failed),
        }
        event.kind(value) == event::Kind::Number
    }
}

/// A decimal number as JSON has it; `None` for anything else, and for what no float can hold.
fn float(text: &str) -> Option<String> {
    let is_decimal =
        text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    let value: f64 = text.parse().ok().filter(|_| is_decimal)?;
    value.is_finite().then(|| format!("{value:?}"))
}
