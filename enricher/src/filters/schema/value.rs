//! One value, converted where it stands to what its field's values are. What cannot be converted is
//! left as it was.

use std::net::IpAddr;

use event::{Event, Kind, NodeId};
use schema::{Conversion, FieldKind, LetterCase};

use super::instant;
use super::number::{self, Fitting};

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Converted {
    /// It is of its field's kind now.
    Fits,
    /// It says that there is no value.
    Absent,
    /// It is none of the field's values.
    Fails,
}

use Converted::{Absent, Fails, Fits};

/// Converts a single value.
#[inline]
pub(super) fn convert(event: &mut Event, node: NodeId, conversion: &Conversion) -> Converted {
    match event.kind(node) {
        Kind::Null => return Absent,
        Kind::String if conversion.takes_any_string() => {
            let empty = event.content(node).is_none_or(<[u8]>::is_empty);
            return if empty { Absent } else { Fits };
        }
        Kind::String => {
            let content = event.content(node).unwrap_or_default();
            if conversion.means_absent(content) {
                return Absent;
            }
        }
        Kind::Number | Kind::True | Kind::False => {}
        Kind::Object => return container(event, node, conversion.kind),
        Kind::Array => return Fails,
    }
    match conversion.kind {
        FieldKind::Keyword | FieldKind::Text => {
            event.quote(node);
            if let Some(letter_case) = conversion.letter_case {
                change_letters(event, node, letter_case);
            }
            Fits
        }
        FieldKind::Long | FieldKind::Double | FieldKind::Decimal { .. } => {
            number(event, node, conversion)
        }
        FieldKind::Boolean => boolean(event, node),
        FieldKind::Date => date(event, node),
        FieldKind::Ip => address(event, node),
        FieldKind::GeoPoint | FieldKind::Flattened | FieldKind::Nested => Fails,
    }
}

fn container(event: &Event, node: NodeId, kind: FieldKind) -> Converted {
    let fits = match kind {
        FieldKind::Flattened => true,
        FieldKind::GeoPoint => {
            let degrees = |name: &str, max: f64| {
                let number = event.child(node, name).filter(|id| event.kind(*id) == Kind::Number);
                let number = number.and_then(|id| event.scalar_text(id)?.parse::<f64>().ok());
                number.is_some_and(|degrees| degrees.abs() <= max)
            };
            degrees("lat", 90.0) && degrees("lon", 180.0) && event.children(node).count() == 2
        }
        _ => false,
    };
    if fits { Fits } else { Fails }
}

/// A string with only the escapes that it needs.
pub(super) fn plain(event: &mut Event, node: NodeId) {
    if event.has_escapes(node) {
        let text = event.text(node).unwrap_or_default().into_owned();
        event.rewrite_text(node, &text);
    }
}

/// The part of a text without blanks around, in bytes.
fn trimmed(text: &[u8]) -> std::ops::Range<usize> {
    let start = text.len() - text.trim_ascii_start().len();
    start..start + text.trim_ascii().len()
}

fn number(event: &mut Event, node: NodeId, conversion: &Conversion) -> Converted {
    let is_json = event.kind(node) == Kind::Number;
    let Some(content) = event.content(node) else { return Fails };
    let mut part = trimmed(content);
    let signed = conversion.suffix.is_some_and(|sign| content[part.clone()].last() == Some(&sign));
    if signed && !is_json {
        part.end -= 1;
    }
    let text = &content[part.clone()];
    let shift = conversion.decimal_shift;
    let fitting = match conversion.kind {
        FieldKind::Long => number::long(text, shift),
        FieldKind::Decimal { scale } => number::decimal(text, shift, scale),
        _ => number::double(text, shift, is_json),
    };
    match fitting {
        Some(Fitting::AsWritten) => {
            event.narrow(node, part);
            event.unquote(node);
            Fits
        }
        Some(Fitting::Rewritten(text)) => {
            event.rewrite_number(node, std::str::from_utf8(&text).unwrap_or("0"));
            Fits
        }
        None => Fails,
    }
}

/// The words that Logstash's `mutate { convert => { "x" => "boolean" } }` takes, in any case.
fn boolean(event: &mut Event, node: NodeId) -> Converted {
    if matches!(event.kind(node), Kind::True | Kind::False) {
        return Fits;
    }
    let word = event.content(node).unwrap_or_default().trim_ascii();
    let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()));
    let value = if is(&["true", "1", "yes", "t", "y"]) {
        true
    } else if is(&["false", "0", "no", "f", "n"]) {
        false
    } else {
        return Fails;
    };
    event.rewrite_bool(node, value);
    Fits
}

fn date(event: &mut Event, node: NodeId) -> Converted {
    if matches!(event.kind(node), Kind::True | Kind::False) {
        return Fails;
    }
    let Some(nanos) = instant::parse(event.content(node).unwrap_or_default()) else {
        return Fails;
    };
    let mut text = Vec::with_capacity(30);
    event::format_timestamp(nanos, &mut text);
    event.rewrite_text(node, std::str::from_utf8(&text).unwrap_or_default());
    Fits
}

fn address(event: &mut Event, node: NodeId) -> Converted {
    if event.kind(node) != Kind::String {
        return Fails;
    }
    let content = event.content(node).unwrap_or_default();
    let part = trimmed(content);
    let text = std::str::from_utf8(&content[part.clone()]).unwrap_or_default();
    if text.parse::<IpAddr>().is_err() {
        return Fails;
    }
    if part.len() < content.len() {
        event.narrow(node, part);
    }
    Fits
}

fn change_letters(event: &mut Event, node: NodeId, letter_case: LetterCase) {
    let content = event.content(node).unwrap_or_default();
    let other = |byte: &u8| match letter_case {
        LetterCase::Upper => byte.is_ascii_lowercase() || !byte.is_ascii() || *byte == b'\\',
        LetterCase::Lower => byte.is_ascii_uppercase() || !byte.is_ascii() || *byte == b'\\',
    };
    if !content.iter().any(other) {
        return;
    }
    let text = event.text(node).unwrap_or_default();
    let changed = match letter_case {
        LetterCase::Upper => text.to_uppercase(),
        LetterCase::Lower => text.to_lowercase(),
    };
    event.rewrite_text(node, &changed);
}
