//! Records out of a protobuf message: first where each stands, then one after the other.
//!
//! Source: `opentelemetry/proto/collector/logs/v1/logs_service.proto` and what it names, version 1.

use std::borrow::Cow;
use std::fmt::Write;

use pipeline::Rejection;

use super::model::{Allowance, AnyValue, Described, KeyValue, LogRecord, rejection};
use super::outline::{Outline, Unreadable};
use super::wire::{Fields, Malformed, Value};

/// Finds the records of an `ExportLogsServiceRequest`. Nothing within a record is looked at.
pub(super) fn outline(message: &[u8]) -> Result<Outline<'_>, Unreadable> {
    let mut outline = Outline::default();
    for resource_logs in messages(message, 1) {
        let resource_logs = resource_logs?;
        let mut resource = &b""[..];
        // The resource may stand behind what it describes.
        for found in messages(resource_logs, 1) {
            resource = found?;
        }
        for scope_logs in messages(resource_logs, 2) {
            let scope_logs = scope_logs?;
            let mut scope = &b""[..];
            for found in messages(scope_logs, 1) {
                scope = found?;
            }
            outline.begin_group(resource, scope);
            for record in messages(scope_logs, 2) {
                outline.push(record?)?;
            }
        }
    }
    Ok(outline)
}

/// The messages in the fields of this number; an error where the whole cannot be read.
fn messages(message: &[u8], number: u64) -> impl Iterator<Item = Result<&[u8], Unreadable>> {
    Fields::of(message).filter_map(move |field| match field {
        Ok((found, Value::Bytes(bytes))) if found == number => Some(Ok(bytes)),
        Ok(_) => None,
        Err(Malformed) => Some(Err(Unreadable::Malformed(Malformed.to_string()))),
    })
}

/// Decodes a `Resource`, which has no name.
pub(super) fn resource<'a>(
    message: &'a [u8],
    allowance: &mut Allowance,
) -> Result<Described<'a>, Rejection> {
    let mut resource = Described::default();
    for field in Fields::of(message) {
        if let (1, Value::Bytes(bytes)) = field.map_err(broken)? {
            resource.attributes.push(key_value(bytes, 1, allowance)?);
        }
    }
    Ok(resource)
}

/// Decodes an `InstrumentationScope`.
pub(super) fn scope<'a>(
    message: &'a [u8],
    allowance: &mut Allowance,
) -> Result<Described<'a>, Rejection> {
    let mut scope = Described::default();
    for field in Fields::of(message) {
        match field.map_err(broken)? {
            (1, Value::Bytes(bytes)) => scope.name = text(bytes)?,
            (3, Value::Bytes(bytes)) => scope.attributes.push(key_value(bytes, 1, allowance)?),
            _ => {}
        }
    }
    Ok(scope)
}

/// Decodes a `LogRecord`.
pub(super) fn record<'a>(
    message: &'a [u8],
    allowance: &mut Allowance,
) -> Result<LogRecord<'a>, Rejection> {
    let mut record = LogRecord::default();
    for field in Fields::of(message) {
        match field.map_err(broken)? {
            (1, Value::Fixed64(time)) => record.time_ns = time,
            (11, Value::Fixed64(time)) => record.observed_time_ns = time,
            (2, Value::Varint(number)) => record.severity_number = number.cast_signed(),
            (3, Value::Bytes(bytes)) => record.severity_text = text(bytes)?,
            (5, Value::Bytes(bytes)) => record.body = any_value(bytes, 1, allowance)?,
            (6, Value::Bytes(bytes)) => record.attributes.push(key_value(bytes, 1, allowance)?),
            (9, Value::Bytes(bytes)) => record.trace_id = hexadecimal(bytes),
            (10, Value::Bytes(bytes)) => record.span_id = hexadecimal(bytes),
            (12, Value::Bytes(bytes)) => record.event_name = text(bytes)?,
            _ => {}
        }
    }
    Ok(record)
}

fn key_value<'a>(
    message: &'a [u8],
    depth: u32,
    allowance: &mut Allowance,
) -> Result<KeyValue<'a>, Rejection> {
    allowance.value(depth)?;
    let mut pair = KeyValue::default();
    for field in Fields::of(message) {
        match field.map_err(broken)? {
            (1, Value::Bytes(bytes)) => pair.key = text(bytes)?,
            (2, Value::Bytes(bytes)) => pair.value = any_value(bytes, depth, allowance)?,
            _ => {}
        }
    }
    Ok(pair)
}

fn any_value<'a>(
    message: &'a [u8],
    depth: u32,
    allowance: &mut Allowance,
) -> Result<AnyValue<'a>, Rejection> {
    allowance.value(depth)?;
    let mut value = AnyValue::Empty;
    for field in Fields::of(message) {
        value = match field.map_err(broken)? {
            (1, Value::Bytes(bytes)) => AnyValue::Text(text(bytes)?),
            (2, Value::Varint(flag)) => AnyValue::Bool(flag != 0),
            (3, Value::Varint(number)) => AnyValue::Int(number.cast_signed()),
            (4, Value::Fixed64(bits)) => AnyValue::Double(f64::from_bits(bits)),
            (5, Value::Bytes(list)) => {
                let mut values = Vec::new();
                for field in Fields::of(list) {
                    if let (1, Value::Bytes(bytes)) = field.map_err(broken)? {
                        values.push(any_value(bytes, depth + 1, allowance)?);
                    }
                }
                AnyValue::Array(values)
            }
            (6, Value::Bytes(list)) => {
                let mut pairs = Vec::new();
                for field in Fields::of(list) {
                    if let (1, Value::Bytes(bytes)) = field.map_err(broken)? {
                        pairs.push(key_value(bytes, depth + 1, allowance)?);
                    }
                }
                AnyValue::Object(pairs)
            }
            (7, Value::Bytes(bytes)) => AnyValue::Bytes(Cow::Borrowed(bytes)),
            _ => value,
        };
    }
    Ok(value)
}

fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Rejection> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|_| rejection("invalid_utf8", "a text is not UTF-8"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("writing into a string cannot fail");
    }
    digits
}

fn broken(malformed: Malformed) -> Rejection {
    rejection("invalid_protobuf", malformed.to_string())
}
