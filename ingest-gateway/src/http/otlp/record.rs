//! A log record of OpenTelemetry as one JSON object with the names of the Elastic Common Schema.
//!
//! Where both have a name for a thing the names are alike since they were merged, and an attribute keeps
//! its own. A name that stands twice counts where it stands last: what the record says of itself wins over
//! its attributes, these over the members of its body, and these over its scope and its resource.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::Rejection;

use super::model::{AnyValue, Described, KeyValue, LogRecord, rejection};

/// Attributes that have another name in the Elastic Common Schema, or here.
const RENAMED: [(&str, &str); 7] = [
    ("deployment.environment", "service.environment"),
    ("deployment.environment.name", "service.environment"),
    ("enduser.id", "user.id"),
    ("exception.message", "error.message"),
    ("exception.stacktrace", "error.stack_trace"),
    ("exception.type", "error.type"),
    ("session.id", "shop.session.id"),
];

/// What describes a record, written as members of its object behind so many bytes. Empty, or ends in a
/// comma.
pub(super) fn members_of(
    described: &Described<'_>,
    before_bytes: usize,
    bytes_max: usize,
) -> Result<Vec<u8>, Rejection> {
    let mut object = Object { json: Vec::new(), before_bytes, bytes_max };
    object.attributes(&described.attributes)?;
    if !described.name.is_empty() {
        object.text("log.logger", &described.name)?;
    }
    Ok(object.json)
}

/// The whole object.
pub(super) fn json(
    members: &[u8],
    record: &LogRecord<'_>,
    bytes_max: usize,
) -> Result<Vec<u8>, Rejection> {
    let json = Vec::with_capacity(members.len() + 256);
    let mut object = Object { json, before_bytes: 0, bytes_max };
    object.json.push(b'{');
    object.json.extend_from_slice(members);
    match &record.body {
        AnyValue::Empty => {}
        AnyValue::Object(pairs) => object.attributes(pairs)?,
        AnyValue::Text(text) => object.text("message", text)?,
        other => {
            let mut written = Object { json: Vec::new(), before_bytes: 0, bytes_max };
            written.value(other)?;
            object.text("message", &String::from_utf8_lossy(&written.json))?;
        }
    }
    object.attributes(&record.attributes)?;
    let level = match record.severity_text.trim() {
        "" => level(record.severity_number).unwrap_or_default().to_owned(),
        text => text.to_lowercase(),
    };
    let time = match (record.time_ns, record.observed_time_ns) {
        (0, 0) => String::new(),
        (0, observed) => iso8601(observed),
        (time, _) => iso8601(time),
    };
    let own = [
        ("log.level", level.as_str()),
        ("event.action", &record.event_name),
        ("trace.id", &record.trace_id),
        ("span.id", &record.span_id),
        ("@timestamp", &time),
    ];
    for (name, text) in own {
        if !text.is_empty() {
            object.text(name, text)?;
        }
    }
    if record.severity_number != 0 {
        object.member("event.severity", &AnyValue::Int(record.severity_number))?;
    }
    object.check()?;
    Ok(object.finish())
}

/// The name of a severity ("Displaying Severity" of the logs data model).
fn level(number: i64) -> Option<&'static str> {
    Some(match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => return None,
    })
}

/// The instant in ISO 8601; empty where it has none.
fn iso8601(time_ns: u64) -> String {
    let mut text = Vec::new();
    if let Ok(time_ns) = i64::try_from(time_ns) {
        event::format_timestamp(time_ns, &mut text);
    }
    String::from_utf8(text).unwrap_or_default()
}

/// An object that is written, within a size.
struct Object {
    json: Vec<u8>,
    /// What stands before it and counts too.
    before_bytes: usize,
    bytes_max: usize,
}

impl Object {
    fn attributes(&mut self, attributes: &[KeyValue<'_>]) -> Result<(), Rejection> {
        for KeyValue { key, value } in attributes {
            let renamed = RENAMED.iter().find(|(name, _)| name == key);
            self.member(renamed.map_or(key, |(_, name)| name), value)?;
        }
        Ok(())
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), Rejection> {
        self.string(name);
        self.json.push(b':');
        self.string(text);
        self.end_member()
    }

    fn member(&mut self, name: &str, value: &AnyValue<'_>) -> Result<(), Rejection> {
        self.string(name);
        self.json.push(b':');
        self.value(value)?;
        self.end_member()
    }

    fn end_member(&mut self) -> Result<(), Rejection> {
        self.json.push(b',');
        self.check()
    }

    fn check(&self) -> Result<(), Rejection> {
        if self.before_bytes + self.json.len() <= self.bytes_max {
            return Ok(());
        }
        let message = format!("the record has more than {} bytes as JSON", self.bytes_max);
        Err(rejection("too_large", message))
    }

    fn string(&mut self, text: &str) {
        self.json.push(b'"');
        event::escape(text, &mut self.json);
        self.json.push(b'"');
    }

    /// Its depth was bounded when it was decoded.
    fn value(&mut self, value: &AnyValue<'_>) -> Result<(), Rejection> {
        match value {
            AnyValue::Empty => self.json.extend_from_slice(b"null"),
            AnyValue::Text(text) => self.string(text),
            AnyValue::Bool(flag) => self.json.extend_from_slice(flag.to_string().as_bytes()),
            AnyValue::Int(number) => self.json.extend_from_slice(number.to_string().as_bytes()),
            AnyValue::Double(number) => self.double(*number),
            AnyValue::Bytes(bytes) => self.string(&STANDARD.encode(bytes)),
            AnyValue::Array(values) => {
                self.json.push(b'[');
                for value in values {
                    self.value(value)?;
                    self.json.push(b',');
                }
                self.close(b']');
            }
            AnyValue::Object(pairs) => {
                self.json.push(b'{');
                for KeyValue { key, value } in pairs {
                    self.member(key, value)?;
                }
                self.close(b'}');
            }
        }
        self.check()
    }

    /// JSON has no infinities: these are texts.
    fn double(&mut self, number: f64) {
        match serde_json::Number::from_f64(number) {
            Some(number) => self.json.extend_from_slice(number.to_string().as_bytes()),
            None => {
                let mut text = String::new();
                write!(text, "{number}").expect("writing into a string cannot fail");
                self.string(&text);
            }
        }
    }

    fn close(&mut self, bracket: u8) {
        if self.json.last() == Some(&b',') {
            self.json.pop();
        }
        self.json.push(bracket);
    }

    fn finish(mut self) -> Vec<u8> {
        self.close(b'}');
        self.json
    }
}

#[cfg(test)]
mod tests;
