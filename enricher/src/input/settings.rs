//! Settings of `[enricher.inputs.DOOR]`: what is done to the events of a door before the first filter, as
//! Logstash's inputs and codecs do it.

use std::collections::BTreeMap;

use bus::inputs;
use event::FieldPath;
use serde::{Deserialize, Serialize};
use service::config::Findings;

use crate::charset::Charset;
use crate::field_reference::EscapeStyle;
use crate::template::{FieldTemplate, Template};

/// The doors whose events may be asked for, by the names that records have for them. Further inputs of them have
/// names that [`inputs::door_of`] knows.
pub(crate) const DOORS: [&str; 8] =
    ["beats", inputs::FILE, "http", "kafka", "syslog", "tcp", "udp", "unix"];

/// Whether records may have this name of a door, or of a further input of one.
pub(crate) fn is_door(listener: &str) -> bool {
    DOORS.contains(&inputs::door_of(listener))
}

/// What is done to the events of a door.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputConfig {
    /// `[type]` of the events that have none.
    pub r#type: Option<String>,
    /// Tags that every event gets; `%{field}` is replaced.
    pub tags: Vec<String>,
    /// Fields that every event gets, each with its values; `%{field}` is replaced.
    pub add_field: BTreeMap<String, Vec<String>>,
    /// Fields that get the sender's address, where they are not there yet. Those in `[@metadata]` get it always.
    pub sender_fields: Vec<String>,
    /// Field that gets the headers of the HTTP request, with its method, path and version, as one object. The door has
    /// to be asked for them (`ingest_gateway.http.request_headers`).
    pub request_headers: Option<String>,
    /// Whether fields of ECS tell of the HTTP request: `[http][method]`, `[url][path]` and the like. The door has to be
    /// asked for it too.
    pub request_fields: bool,
    /// Encoding of lines, where it is not UTF-8. JSON over HTTP and of Beats is UTF-8 all the same.
    pub charset: Option<Charset>,
    /// Field that gets what a line of JSON holds, in place of the event itself.
    pub target: Option<String>,
    /// Whether `[message]` of text and of Beats is kept in `[event][original]` too.
    pub original: bool,
    /// Tag of an event that was joined out of several lines.
    pub multiline_tag: Option<String>,
    /// Whether events of Beats are tagged by whether they have a `message`.
    pub codec_tags: bool,
}

impl InputConfig {
    /// Whether it speaks of the words of the platform and of the sender's own.
    pub(crate) fn reads_metadata(&self) -> bool {
        let templates = self.add_field.values().flatten().chain(&self.tags);
        templates.chain(self.add_field.keys()).any(|text| text.contains("@metadata"))
    }

    /// Notes what is wrong with it.
    pub(crate) fn check(&self, style: EscapeStyle, findings: &mut Findings) {
        let single = [("target", &self.target), ("request_headers", &self.request_headers)];
        let single = single.into_iter().filter_map(|(name, field)| Some((name, field.as_ref()?)));
        let fields = self.sender_fields.iter().map(|field| ("sender_fields", field)).chain(single);
        for (setting, text) in fields {
            if !style.parse(text).is_ok_and(|path| is_field(&path)) {
                let message = format!(
                    "`{text}` is no field that can be set: write `name` or `[outer][inner]`"
                );
                findings.add(&[setting], message);
            }
        }
        for (key, values) in &self.add_field {
            let key = FieldTemplate::parse(key, style).err();
            let values = values.iter().filter_map(|value| Template::parse_as(value, style).err());
            for error in key.into_iter().chain(values) {
                findings.add(&["add_field"], format!("{error}; {}", error.way_out));
            }
        }
        for error in self.tags.iter().filter_map(|tag| Template::parse_as(tag, style).err()) {
            findings.add(&["tags"], format!("{error}; {}", error.way_out));
        }
    }
}

/// The event itself and its time are no fields.
fn is_field(path: &FieldPath) -> bool {
    !path.segments().is_empty() && !path.is_timestamp()
}
