//! The option `index` of a store: which index a document goes to, `enricher.index`, and that its beginning is allowed,
//! `search.index_prefixes`.

use enricher::{EscapeStyle, IndexOutline};

use crate::logstash_settings::carried::{SettingValue, Spot};
use crate::logstash_settings::plugin::PluginReader;

/// The option, and the setting of the pipeline.
pub(super) const OPTION: &str = "index";
const ALLOWED: [&str; 2] = ["search", "index_prefixes"];
const VARIABLE: &str = "the value of a variable is never printed: write the text in `enricher.index`, and its \
                        beginning in `search.index_prefixes`";
const OWN: &str =
    "documents go to an index of their log type and day, ecommerce-logs-TYPE-YYYY.MM.DD";

/// Lets the text of the first output stand for the settings, whatever store the configuration names.
pub(super) fn carry(reader: &mut PluginReader<'_>, text: Option<String>) {
    let Some(text) = text else { return };
    match beginning(reader, &text) {
        Err(reason) => reader.leave(OPTION, reason),
        Ok(beginning) => {
            reader.carry_of_pipeline(OPTION, OPTION, SettingValue::Text(text));
            allow(reader, beginning);
        }
    }
}

/// What all names begin with, or why the text cannot be the setting.
fn beginning(reader: &PluginReader<'_>, text: &str) -> Result<String, String> {
    if reader.has_variables(OPTION) {
        return Err(VARIABLE.to_owned());
    }
    let outline = IndexOutline::parse(text, EscapeStyle::None)
        .map_err(|error| format!("{error}: {OWN}; {}", error.way_out))?;
    if schema::INDEX_PREFIX.starts_with(&outline.beginning) {
        return Err(format!(
            "the platform's own indices begin with `{}` too: {OWN}; write a longer beginning, as `shop-%{{+YYYY.MM.dd}}`",
            outline.beginning
        ));
    }
    Ok(outline.beginning)
}

/// Adds a beginning to those that are allowed, as far as none of them allows it.
fn allow(reader: &mut PluginReader<'_>, beginning: String) {
    let path = ALLOWED.join(".");
    let known = reader.carried.settings.iter_mut().find(|setting| setting.name() == path);
    match known.map(|setting| &mut setting.value) {
        Some(SettingValue::List(known)) => {
            if !known.iter().any(|known| beginning.starts_with(known)) {
                known.retain(|known| !known.starts_with(&beginning));
                known.push(beginning);
            }
        }
        _ => reader.carry(OPTION, &ALLOWED, SettingValue::List(vec![beginning])),
    }
}

/// Tells of a further output of the same store that it says otherwise than the first one of its pipeline; also
/// where it says nothing: the text of the first one is for its events too.
pub(super) fn compare(reader: &mut PluginReader<'_>, text: Option<&str>, first: &Spot) {
    let (first, earlier) = (reader.place_of(first), reader.carried_of_pipeline(OPTION));
    if earlier.as_deref() == text {
        return;
    }
    let way_out = "set a field such as `[@metadata][index]` in the filters, under the conditions of the outputs, and \
                   name it there behind a fixed beginning, as `shop-%{[@metadata][index]}-%{+YYYY.MM.dd}`";
    let reason = match (earlier, text) {
        (Some(_), _) => {
            format!("what the output of {first} says of indices is for all events: {way_out}")
        }
        // It would not be carried over from there either.
        (None, Some(text)) => match beginning(reader, text) {
            Err(unfit) => unfit,
            Ok(_) => format!(
                "only that of the output of {first} would be for all events, and none is carried over from there, so \
                 that {OWN}: {way_out}"
            ),
        },
        (None, None) => return,
    };
    reader.leave(OPTION, reason);
}
