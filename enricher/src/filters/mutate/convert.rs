//! `convert`: values of one type as values of another, as Logstash does since 8.14.
//!
//! Texts of numbers are read by value: `0x1A`, `-0x1.8p3` and `1.5e2` too. Digits are never lost
//! on the way to an integer, however many there are.

use event::{Event, FieldPath, Kind, NodeId};

use super::{Failed, decimal};

/// What a value is made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConvertTo {
    String,
    Boolean,
    /// European notation: points between thousands, a comma before decimals.
    Integer {
        european: bool,
    },
    Float {
        european: bool,
    },
}

impl ConvertTo {
    pub(super) const NAMES: [(&'static str, Self); 6] = [
        ("string", Self::String),
        ("boolean", Self::Boolean),
        ("integer", Self::Integer { european: false }),
        ("integer_eu", Self::Integer { european: true }),
        ("float", Self::Float { european: false }),
        ("float_eu", Self::Float { european: true }),
    ];

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, to)| *to)
    }

    /// What other languages call it.
    pub(super) fn meant_by(name: &str) -> Option<&'static str> {
        Some(match name {
            "int" | "long" | "short" | "number" => "integer",
            "double" | "decimal" => "float",
            "str" | "text" => "string",
            "bool" => "boolean",
            _ => return None,
        })
    }
}

/// Converts a field, or every element of an array. Objects and nulls stay as they are.
pub(super) fn convert(event: &mut Event, field: &FieldPath, to: ConvertTo) -> Result<(), Failed> {
    let Some(id) = event.get(field) else {
        return Ok(());
    };
    match event.kind(id) {
        Kind::Object => Ok(()),
        Kind::Array => {
            let mut at = event.first_child(id);
            while let Some(element) = at {
                at = event.next_sibling(element);
                convert_value(event, element, to)?;
            }
            Ok(())
        }
        _ => convert_value(event, id, to),
    }
}

fn convert_value(event: &mut Event, id: NodeId, to: ConvertTo) -> Result<(), Failed> {
    let kind = event.kind(id);
    match (to, kind) {
        (_, Kind::Null) | (ConvertTo::String, Kind::String) => Ok(()),
        (ConvertTo::Boolean, Kind::True | Kind::False | Kind::Object | Kind::Array) => Ok(()),
        (ConvertTo::String, Kind::Object | Kind::Array) => {
            let mut json = Vec::new();
            event.raw(id, &mut json);
            event.rewrite_text(id, &String::from_utf8_lossy(&json));
            Ok(())
        }
        (ConvertTo::String, _) => {
            event.quote(id);
            Ok(())
        }
        (_, Kind::Object | Kind::Array) => Err(Failed),
        (ConvertTo::Boolean, _) => {
            // What is no truth value stays as it is.
            if let Some(value) = event.scalar_text(id).as_deref().and_then(boolean) {
                event.rewrite_bool(id, value);
            }
            Ok(())
        }
        (ConvertTo::Integer { european }, _) => convert_to_integer(event, id, european),
        (ConvertTo::Float { european }, _) => convert_to_float(event, id, european),
    }
}

fn convert_to_integer(event: &mut Event, id: NodeId, european: bool) -> Result<(), Failed> {
    let number = match (event.kind(id), event.scalar_text(id)) {
        (Kind::True, _) => Some("1".to_owned()),
        (Kind::False, _) => Some("0".to_owned()),
        (Kind::Number, Some(text)) => decimal::truncated(&text),
        (_, Some(text)) => integer(&cleaned(&text, european)),
        (_, None) => None,
    };
    event.rewrite_number(id, &number.ok_or(Failed)?);
    Ok(())
}

fn convert_to_float(event: &mut Event, id: NodeId, european: bool) -> Result<(), Failed> {
    let value = match (event.kind(id), event.scalar_text(id)) {
        (Kind::True, _) => Some(1.0),
        (Kind::False, _) => Some(0.0),
        // A number with a point or an exponent is one already, as exact as it is written.
        (Kind::Number, Some(text)) if text.contains(['.', 'e', 'E']) => return Ok(()),
        (_, Some(text)) => float(&cleaned(&text, european)),
        (_, None) => None,
    };
    let value = value.filter(|value| value.is_finite()).ok_or(Failed)?;
    event.rewrite_number(id, &format!("{value:?}"));
    Ok(())
}

/// `true`, `t`, `yes`, `y`, `1`, `1.0` and their opposites in any case; nothing is false.
fn boolean(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["true", "t", "yes", "y", "1", "1.0"]) {
        return Some(true);
    }
    is(&["", "false", "f", "no", "n", "0", "0.0"]).then_some(false)
}

/// Without blanks around and without commas between thousands.
fn cleaned(text: &str, european: bool) -> String {
    let swapped = |character| match character {
        ',' if european => '.',
        '.' if european => ',',
        other => other,
    };
    text.trim().chars().map(swapped).filter(|character| *character != ',').collect()
}

/// A hexadecimal number or one with an exponent by its value; else the digits at the start, 0
/// where there are none.
fn integer(text: &str) -> Option<String> {
    if is_hexadecimal(text) {
        if text.contains(['.', 'p', 'P']) {
            return decimal::truncated(&format!("{:?}", hexadecimal(text)?));
        }
        let (negative, digits) = sign(text);
        let value = i128::from_str_radix(&digits[2..], 16).ok()?;
        return Some(if negative { -value } else { value }.to_string());
    }
    if text.contains(['e', 'E']) {
        return decimal::truncated(text);
    }
    let (negative, digits) = sign(text);
    let digits: String = digits
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '_')
        .filter(|c| *c != '_')
        .collect();
    Some(decimal::signed(negative, &digits))
}

fn float(text: &str) -> Option<f64> {
    if is_hexadecimal(text) {
        return hexadecimal(text);
    }
    // Names such as `inf` and `nan` are no numbers here.
    let starts = sign(text).1.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !starts || text.ends_with(['.', '_']) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn is_hexadecimal(text: &str) -> bool {
    sign(text).1.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"))
}

/// `-0x1.edcdp6`: digits, perhaps a fraction, perhaps a power of two.
fn hexadecimal(text: &str) -> Option<f64> {
    let (negative, rest) = sign(text);
    let rest = &rest[2..];
    let (mantissa, power) = match rest.split_once(['p', 'P']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() || mantissa.ends_with('.') {
        return None;
    }
    let mut value = 0f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let places = i32::try_from(fraction.len()).ok()?;
    let value = value * 2f64.powi(power.checked_sub(places.checked_mul(4)?)?);
    Some(if negative { -value } else { value })
}
