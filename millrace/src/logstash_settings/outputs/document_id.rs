//! The option `document_id` of a store: which events are one document, `enricher.document_id`.

use enricher::template::Template;

use crate::logstash_settings::carried::{SettingValue, Spot};
use crate::logstash_settings::plugin::PluginReader;

/// The option, and the setting of the pipeline.
pub(super) const OPTION: &str = "document_id";
const VARIABLE: &str =
    "the value of a variable is never printed: write the text in `enricher.document_id`";
const CONSTANT: &str = "it names no field, so that all events of a shop would be one document: write \
                        `%{name}` or `%{[outer][inner]}`";

/// Lets the text of the first output stand for the setting, whatever store the configuration names.
pub(super) fn carry(reader: &mut PluginReader<'_>, text: Option<String>) {
    let Some(text) = text else { return };
    match unfit(reader, &text) {
        Some(reason) => reader.leave(OPTION, reason),
        None => reader.carry_of_pipeline(OPTION, OPTION, SettingValue::Text(text)),
    }
}

/// Why a text cannot be the setting. Whether it can be read is looked at where settings are checked.
fn unfit(reader: &PluginReader<'_>, text: &str) -> Option<&'static str> {
    if reader.has_variables(OPTION) {
        return Some(VARIABLE);
    }
    let is_constant = Template::parse(text).is_ok_and(|template| template.literal().is_some());
    is_constant.then_some(CONSTANT)
}

/// Tells of a further output of the same store that it says otherwise than the first one of its pipeline; also
/// where it says nothing: the text of the first one is for its events too.
pub(super) fn compare(reader: &mut PluginReader<'_>, text: Option<&str>, first: &Spot) {
    let (first, earlier) = (reader.place_of(first), reader.carried_of_pipeline(OPTION));
    if earlier.as_deref() == text {
        return;
    }
    let way_out = "set a field such as `[@metadata][id]` in the filters, under the conditions of the outputs, and \
                   name it there; an event without the field keeps an id of its own";
    let reason = match (earlier, text.and_then(|text| unfit(reader, text))) {
        (Some(_), _) => {
            format!("what the output of {first} says of ids is for all events: {way_out}")
        }
        // It would not be carried over from there either.
        (None, Some(unfit)) => unfit.to_owned(),
        (None, None) => format!(
            "only that of the output of {first} would be for all events, and none is carried over from there, so \
             that every event keeps an id of its own: {way_out}"
        ),
    };
    reader.leave(OPTION, reason);
}
