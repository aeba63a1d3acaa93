//! Records out of a message in JSON: first where each stands, then one after the other.
//!
//! Source: "JSON Protobuf Encoding" of the OTLP specification: names in lowerCamelCase, ids in hexadecimal
//! digits, 64-bit numbers as numbers or texts, `null` for any member as if it were not there, unknown names
//! passed over.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use event::{Limits, scan};
use pipeline::Rejection;
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::model::{Allowance, AnyValue, Described, KeyValue, LogRecord, rejection};
use super::outline::{Outline, Unreadable};
use crate::http::json_error::told;

/// Values of JSON that one value of OpenTelemetry is written with: `{"key": …, "value": {"…Value": …}}`.
const VALUES_EACH: u32 = 5;
/// The same of levels.
const LEVELS_EACH: u32 = 4;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    resource_logs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    scope_logs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow)]
    scope: Option<&'a RawValue>,
    #[serde(borrow)]
    log_records: Option<&'a RawValue>,
}

/// Whether a body begins as an `ExportLogsServiceRequest` in JSON, and as hardly anything else would.
pub(super) fn begins(body: &[u8]) -> bool {
    let mut rest = body;
    for token in [&b"{"[..], b"\"resourceLogs\"", b":"] {
        let Some(behind) = rest.trim_ascii_start().strip_prefix(token) else { return false };
        rest = behind;
    }
    true
}

/// Finds the records of an `ExportLogsServiceRequest`. Nothing within a record is looked at but its end.
pub(super) fn outline(message: &[u8]) -> Result<Outline<'_>, Unreadable> {
    let request: Request<'_> = read(message)?;
    let mut outline = Outline::default();
    each(request.resource_logs, &mut |resource_logs| {
        let ResourceLogs { resource, scope_logs } = read(resource_logs.get().as_bytes())?;
        each(scope_logs, &mut |scope_logs| {
            let ScopeLogs { scope, log_records } = read(scope_logs.get().as_bytes())?;
            outline.begin_group(bytes(resource), bytes(scope));
            each(log_records, &mut |record| outline.push(record.get().as_bytes()))
        })
    })?;
    Ok(outline)
}

/// Reads an object. The parser would quote a text in its place, however long it is.
fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Unreadable> {
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(missing("an object"));
    }
    serde_json::from_slice(json).map_err(|error| Unreadable::Malformed(told(&error)))
}

fn missing(what: &str) -> Unreadable {
    Unreadable::Malformed(format!("something else stands where {what} should"))
}

fn bytes(json: Option<&RawValue>) -> &[u8] {
    json.map_or(&b""[..], |json| json.get().as_bytes())
}

/// Calls for each element of an array, which is held nowhere.
fn each<'a>(
    array: Option<&'a RawValue>,
    call: &mut dyn FnMut(&'a RawValue) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let Some(array) = array.filter(|array| array.get() != "null") else { return Ok(()) };
    if !array.get().starts_with('[') {
        return Err(missing("an array"));
    }
    let mut stopped = Ok(());
    let visitor = Each { call, stopped: &mut stopped, of: PhantomData };
    let read = serde_json::Deserializer::from_str(array.get()).deserialize_seq(visitor);
    stopped?;
    read.map_err(|error| Unreadable::Malformed(told(&error)))
}

struct Each<'a, 'c> {
    call: &'c mut dyn FnMut(&'a RawValue) -> Result<(), Unreadable>,
    stopped: &'c mut Result<(), Unreadable>,
    of: PhantomData<&'a RawValue>,
}

impl<'a> Visitor<'a> for Each<'a, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut array: A) -> Result<(), A::Error> {
        while let Some(element) = array.next_element::<&'a RawValue>()? {
            if let Err(unreadable) = (self.call)(element) {
                *self.stopped = Err(unreadable);
                return Err(de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Decodes a resource or an instrumentation scope.
pub(super) fn described<'a>(
    json: &'a [u8],
    limits: &Limits,
    allowance: &mut Allowance,
) -> Result<Described<'a>, Rejection> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Members<'a> {
        #[serde(borrow, deserialize_with = "text_or_empty")]
        name: Cow<'a, str>,
        #[serde(borrow, deserialize_with = "or_default")]
        attributes: Vec<Pair<'a>>,
    }
    if json.is_empty() || json == b"null" {
        return Ok(Described::default());
    }
    let Members { name, attributes } = decode(json, limits)?;
    Ok(Described { name, attributes: pairs(attributes, 1, allowance)? })
}

/// Decodes a log record.
pub(super) fn record<'a>(
    json: &'a [u8],
    limits: &Limits,
    allowance: &mut Allowance,
) -> Result<LogRecord<'a>, Rejection> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Members<'a> {
        #[serde(borrow, deserialize_with = "or_default")]
        time_unix_nano: Number<'a>,
        #[serde(borrow, deserialize_with = "or_default")]
        observed_time_unix_nano: Number<'a>,
        #[serde(deserialize_with = "or_default")]
        severity_number: i64,
        #[serde(borrow, deserialize_with = "text_or_empty")]
        severity_text: Cow<'a, str>,
        #[serde(borrow)]
        body: Option<Written<'a>>,
        #[serde(borrow, deserialize_with = "or_default")]
        attributes: Vec<Pair<'a>>,
        #[serde(borrow, deserialize_with = "text_or_empty")]
        trace_id: Cow<'a, str>,
        #[serde(borrow, deserialize_with = "text_or_empty")]
        span_id: Cow<'a, str>,
        #[serde(borrow, deserialize_with = "text_or_empty")]
        event_name: Cow<'a, str>,
    }
    let members: Members<'_> = decode(json, limits)?;
    Ok(LogRecord {
        time_ns: members.time_unix_nano.whole()?,
        observed_time_ns: members.observed_time_unix_nano.whole()?,
        severity_number: members.severity_number,
        severity_text: members.severity_text,
        body: value(members.body.unwrap_or_default(), 1, allowance)?,
        attributes: pairs(members.attributes, 1, allowance)?,
        trace_id: members.trace_id.to_ascii_lowercase(),
        span_id: members.span_id.to_ascii_lowercase(),
        event_name: members.event_name,
    })
}

/// Decodes within limits: what has too many values is refused before they are built. Why it is refused is said of each
/// record that it describes.
fn decode<'a, T: Deserialize<'a>>(json: &'a [u8], limits: &Limits) -> Result<T, Rejection> {
    let written = Limits {
        depth_max: limits.depth_max.saturating_mul(LEVELS_EACH).min(120),
        nodes_max: limits.nodes_max.saturating_mul(VALUES_EACH),
        payload_bytes_max: limits.payload_bytes_max,
    };
    scan(json, &written, &mut Vec::new()).map_err(Rejection::from)?;
    serde_json::from_slice(json).map_err(|error| rejection("invalid_otlp", told(&error)))
}

/// A member whose `null` is its default.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value: Option<T> = Option::deserialize(deserializer)?;
    Ok(value.unwrap_or_default())
}

/// A text whose `null` is the empty one; borrowed where it can be.
fn text_or_empty<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Cow<'a, str>, D::Error> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let text: Option<Text<'a>> = Option::deserialize(deserializer)?;
    Ok(text.map(|Text(text)| text).unwrap_or_default())
}

/// A number of 64 bits, which is a text where the sender keeps to protobuf's rules.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number<'a> {
    Whole(u64),
    Text(#[serde(borrow)] Cow<'a, str>),
}

impl Default for Number<'_> {
    fn default() -> Self {
        Self::Whole(0)
    }
}

impl Number<'_> {
    fn whole(&self) -> Result<u64, Rejection> {
        match self {
            Self::Whole(number) => Ok(*number),
            Self::Text(text) => text.parse().map_err(|_| {
                rejection("invalid_otlp", "a time is not a number of nanoseconds since 1970")
            }),
        }
    }
}

#[derive(Deserialize)]
struct Pair<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_empty")]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<Written<'a>>,
}

/// A value as it is written: one of these members.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written<'a> {
    #[serde(borrow)]
    string_value: Option<Cow<'a, str>>,
    bool_value: Option<bool>,
    #[serde(borrow)]
    int_value: Option<Integer<'a>>,
    #[serde(borrow)]
    double_value: Option<Float<'a>>,
    #[serde(borrow)]
    bytes_value: Option<Cow<'a, str>>,
    #[serde(borrow)]
    array_value: Option<List<'a>>,
    #[serde(borrow)]
    kvlist_value: Option<Pairs<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Integer<'a> {
    Whole(i64),
    Text(#[serde(borrow)] Cow<'a, str>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Float<'a> {
    Number(f64),
    Text(#[serde(borrow)] Cow<'a, str>),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct List<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    values: Vec<Written<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pairs<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    values: Vec<Pair<'a>>,
}

fn pairs<'a>(
    written: Vec<Pair<'a>>,
    depth: u32,
    allowance: &mut Allowance,
) -> Result<Vec<KeyValue<'a>>, Rejection> {
    let mut pairs = Vec::with_capacity(written.len());
    for Pair { key, value: inner } in written {
        allowance.value(depth)?;
        let value = value(inner.unwrap_or_default(), depth, allowance)?;
        pairs.push(KeyValue { key, value });
    }
    Ok(pairs)
}

fn value<'a>(
    written: Written<'a>,
    depth: u32,
    allowance: &mut Allowance,
) -> Result<AnyValue<'a>, Rejection> {
    allowance.value(depth)?;
    let not = |what: &str| rejection("invalid_otlp", format!("a value is not {what}"));
    Ok(match written {
        Written { string_value: Some(text), .. } => AnyValue::Text(text),
        Written { bool_value: Some(flag), .. } => AnyValue::Bool(flag),
        Written { int_value: Some(Integer::Whole(number)), .. } => AnyValue::Int(number),
        Written { int_value: Some(Integer::Text(text)), .. } => {
            AnyValue::Int(text.parse().map_err(|_| not("a whole number"))?)
        }
        Written { double_value: Some(Float::Number(number)), .. } => AnyValue::Double(number),
        Written { double_value: Some(Float::Text(text)), .. } => {
            AnyValue::Double(text.parse().map_err(|_| not("a number"))?)
        }
        Written { bytes_value: Some(text), .. } => {
            let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| not("bytes in base64"))?;
            AnyValue::Bytes(Cow::Owned(bytes))
        }
        Written { array_value: Some(list), .. } => {
            let mut values = Vec::with_capacity(list.values.len());
            for written in list.values {
                values.push(value(written, depth + 1, allowance)?);
            }
            AnyValue::Array(values)
        }
        Written { kvlist_value: Some(list), .. } => {
            AnyValue::Object(pairs(list.values, depth + 1, allowance)?)
        }
        _ => AnyValue::Empty,
    })
}
