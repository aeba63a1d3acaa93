//! Where a capture goes, and as what.

use event::{Event, FieldPath, Kind};

use crate::ruby_number::{float, integer};

/// `:int`, `:float`, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conversion {
    Text,
    Integer,
    Float,
}

/// The field of a capture.
#[derive(Clone, Debug)]
pub(super) struct Capture {
    pub(super) field: FieldPath,
    pub(super) conversion: Conversion,
    /// It replaces what is there.
    pub(super) overwrite: bool,
}

impl Capture {
    /// Puts a captured text into the event; `None` for a group that took no part in the match.
    pub(super) fn put(&self, text: Option<&str>, keep_empty: bool, event: &mut Event) {
        let Some(text) = text.filter(|text| keep_empty || !text.is_empty()) else {
            if keep_empty && event.get(&self.field).is_none() {
                event.set_null(&self.field);
            }
            return;
        };
        let value = |event: &mut Event| match self.conversion {
            Conversion::Text => event.new_text(text),
            Conversion::Integer => event.new_number(&integer(text)),
            Conversion::Float => event.new_number(&float(text)),
        };
        if self.overwrite {
            let value = value(event);
            event.place(&self.field, value);
            return;
        }
        let placed = if self.conversion == Conversion::Text {
            event.place_text_if_free(&self.field, text)
        } else {
            let value = value(event);
            event.place_if_free(&self.field, value)
        };
        let Err(present) = placed else { return };
        match event.kind(present) {
            Kind::Null => {
                let value = value(event);
                event.replace(present, value);
            }
            Kind::String | Kind::Array => {
                let value = value(event);
                event.append_node(&self.field, value);
            }
            // Logstash leaves numbers, truth values and objects as they are.
            _ => {}
        }
    }
}
