//! What is done to the events of a door before the first filter: as Logstash's inputs and codecs do it, so
//! that filters which were written behind them find what they look for.
//!
//! Pure: what a record says of its sender is all that is known of it.

mod request;
mod settings;

use std::collections::BTreeMap;
use std::net::IpAddr;

use bus::{Codec, JoinLimit, Joined, Record, inputs};
use bytes::Bytes;
use event::{Event, FieldPath, Kind, Limits, Refusal, RefusalKind};

use crate::charset::Charset;
use crate::field_reference::EscapeStyle;
use crate::plan::CommonOptions;
use crate::template::{FieldTemplate, Template};

use request::RequestFields;

pub(crate) use request::LastRequest;
pub use settings::InputConfig;
pub(crate) use settings::{DOORS, is_door};

/// The door whose events are objects already, of which `message` is the text.
const BEATS_DOOR: &str = "beats";
/// The door that tells of requests.
const HTTP_DOOR: &str = "http";
/// Doors whose JSON is UTF-8, whatever encoding their text has: their protocols say so, or they write it themselves.
const UTF8_JSON_DOORS: [&str; 3] = [BEATS_DOOR, HTTP_DOOR, "syslog"];
/// Tags of events of Beats with a `message`, and without one.
const BEATS_TEXT_TAG: &str = "beats_input_codec_plain_applied";
const BEATS_RAW_TAG: &str = "beats_input_raw_event";
/// Tags of events that a limit ended before a line of another one came.
const BYTES_TAG: &str = "multiline_codec_max_bytes_reached";
const LINES_TAG: &str = "multiline_codec_max_lines_reached";

/// What is done to the events of all doors.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    by_door: Vec<(String, Input)>,
}

/// What is done to the events of one door.
#[derive(Debug)]
pub(crate) struct Input {
    charset: Option<Charset>,
    target: Option<FieldPath>,
    original: Option<FieldPath>,
    multiline_tag: Option<String>,
    has_codec_tags: bool,
    request: Option<RequestFields>,
    sender_fields: Vec<FieldPath>,
    kind: Option<String>,
    added: CommonOptions,
    message_field: FieldPath,
    kind_field: FieldPath,
}

impl Inputs {
    /// Of settings that were checked. What only `[@metadata]` would show is left out where nobody looks at it.
    pub(crate) fn new(
        settings: &BTreeMap<String, InputConfig>,
        style: EscapeStyle,
        reads_metadata: bool,
    ) -> Self {
        let input = |(door, config): (&String, &InputConfig)| {
            (door.clone(), Input::new(door, config, style, reads_metadata))
        };
        Self { by_door: settings.iter().map(input).collect() }
    }

    /// What is done to the events of this door, or of this input of it, if anything is.
    pub(crate) fn of(&self, door: &str) -> Option<&Input> {
        self.by_door.iter().find(|(name, _)| name == door).map(|(_, input)| input)
    }
}

impl Input {
    fn new(door: &str, config: &InputConfig, style: EscapeStyle, reads_metadata: bool) -> Self {
        let is_seen = |path: &FieldPath| reads_metadata || !is_metadata(path);
        let fields = config.sender_fields.iter().filter_map(|text| style.parse(text).ok());
        let templates = |texts: &[String]| -> Vec<Template> {
            texts.iter().filter_map(|text| Template::parse_as(text, style).ok()).collect()
        };
        let add_field = config.add_field.iter().filter_map(|(name, values)| {
            Some((FieldTemplate::parse(name, style).ok()?, templates(values)))
        });
        // Elsewhere a sender may say anything of requests.
        let request = (inputs::door_of(door) == HTTP_DOOR)
            .then(|| RequestFields::new(config, style, is_seen))
            .flatten();
        Self {
            charset: config.charset,
            target: config.target.as_ref().and_then(|text| style.parse(text).ok()),
            original: config.original.then(|| FieldPath::dotted("event.original")),
            multiline_tag: config.multiline_tag.clone().filter(|tag| !tag.is_empty()),
            has_codec_tags: config.codec_tags,
            request,
            sender_fields: fields.filter(is_seen).collect(),
            kind: config.r#type.clone(),
            added: CommonOptions::adding(add_field.collect(), templates(&config.tags)),
            message_field: FieldPath::key("message"),
            kind_field: FieldPath::key("type"),
        }
    }

    /// Marks an event that was decoded, with what the platform says of it.
    fn mark(&self, event: &mut Event, record: &Record, last: &mut LastRequest) {
        let is_beats = is_of_beats(record);
        let message = event.get(&self.message_field);
        let has_text = message.is_some_and(|message| event.kind(message) == Kind::String);
        if let Some(original) = &self.original
            && (is_beats || record.codec == Codec::Plain)
            && has_text
            && event.get(original).is_none()
        {
            event.copy(&self.message_field, original);
        }
        if let Some(fields) = &self.request
            && let Some(request) = last.of(&record.content_type)
        {
            fields.write(event, request);
        }
        // Doors that are no sockets have other sources.
        if !self.sender_fields.is_empty() && record.source.parse::<IpAddr>().is_ok() {
            for field in &self.sender_fields {
                // Among the platform's words stands nothing that the sender says of itself.
                if is_metadata(field) || event.get(field).is_none() {
                    event.set_text(field, &record.source);
                }
            }
        }
        if let Some(kind) = &self.kind
            && event.get(&self.kind_field).is_none()
        {
            event.set_text(&self.kind_field, kind);
        }
        self.added.run(event, record.received_at_ns);
        if self.has_codec_tags && is_beats {
            event.add_tag(if has_text { BEATS_TEXT_TAG } else { BEATS_RAW_TAG });
        }
    }
}

/// Whether a record is of Beats, by whichever door of that kind.
pub(crate) fn is_of_beats(record: &Record) -> bool {
    inputs::door_of(&record.listener) == BEATS_DOOR
}

/// Whether a field is one of the platform's words, which are no part of what is written.
fn is_metadata(path: &FieldPath) -> bool {
    path.segments().first().is_some_and(|step| &*step.key == "@metadata")
}

/// Decodes a record, as the input of its door says.
///
/// # Errors
/// Why the payload is no event.
pub(crate) fn decode(
    event: &mut Event,
    record: &Record,
    input: Option<&Input>,
    limits: &Limits,
) -> Result<(), Refusal> {
    let decoded;
    let door = inputs::door_of(&record.listener);
    let is_utf8 = record.codec == Codec::Json && UTF8_JSON_DOORS.contains(&door);
    let payload = match input.and_then(|input| input.charset).filter(|_| !is_utf8) {
        None => &record.payload,
        Some(charset) => {
            decoded = charset.decode(&record.payload);
            &decoded
        }
    };
    match (record.codec, input.and_then(|input| input.target.as_ref())) {
        (Codec::Json, None) => event.decode_json(payload, record.received_at_ns, limits),
        (Codec::Json, Some(target)) => decode_into(event, target, payload, record, limits),
        (Codec::Plain, _) => {
            let position_bytes = limits.payload_bytes_max;
            if payload.len() > position_bytes {
                return Err(Refusal { kind: RefusalKind::TooLarge, position_bytes });
            }
            event.start_plain(payload, record.received_at_ns);
            Ok(())
        }
    }
}

/// Decodes a payload that must be one JSON object as the value of a field. Its `@timestamp` is no event's then.
fn decode_into(
    event: &mut Event,
    target: &FieldPath,
    payload: &Bytes,
    record: &Record,
    limits: &Limits,
) -> Result<(), Refusal> {
    event.clear();
    event.timestamp_ns = record.received_at_ns;
    let blank_bytes = payload.len() - payload.trim_ascii_start().len();
    if payload.get(blank_bytes).is_some_and(|first| *first != b'{') {
        return Err(Refusal { kind: RefusalKind::NotAnObject, position_bytes: blank_bytes });
    }
    let object = event.new_json_within(payload, limits)?;
    event.place(target, object);
    Ok(())
}

/// Marks an event that was decoded: with what its door tells of it, and what the input of the door says. The last
/// request is that of the event before, if one was told of.
pub(crate) fn mark(
    event: &mut Event,
    record: &Record,
    input: Option<&Input>,
    last: &mut LastRequest,
) {
    if let Some(joined) = Joined::of(&record.content_type) {
        let tag = input.and_then(|input| input.multiline_tag.as_deref());
        if let Some(tag) = tag.filter(|_| joined.is_several) {
            event.add_tag(tag);
        }
        match joined.limit {
            Some(JoinLimit::Bytes) => event.add_tag(BYTES_TAG),
            Some(JoinLimit::Lines) => event.add_tag(LINES_TAG),
            None => {}
        }
    }
    if let Some(input) = input {
        input.mark(event, record, last);
    }
}

#[cfg(test)]
mod tests;
