//! Dictionaries in YAML, by the rules of YAML 1.1 for values without quotes, as Ruby has them.
//!
//! A name is taken as it is written: `404: gone` is looked up as `404`, although it is no string. Aliases
//! are copied, a bounded number of times.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Number, Value};

use super::dictionary::{Entries, Entry};

/// Most values that the anchors and aliases of one file copy.
const COPIES_MAX: usize = 1_000_000;
/// Most lists and mappings within each other.
const DEPTH_MAX: usize = 64;

/// How a file is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Most characters of the file.
    pub(super) characters_max: usize,
    /// `yaml_load_strategy => "streaming"`: fewer texts mean something else than themselves.
    pub(super) is_streaming: bool,
}

/// # Errors
/// Why it is no dictionary, in words.
pub(super) fn entries(text: &str, rules: Rules) -> Result<Entries, String> {
    let characters_max = rules.characters_max;
    if text.len() > characters_max && text.chars().count() > characters_max {
        return Err(format!("the YAML document exceeds the limit of {characters_max} code points"));
    }
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        rules,
        anchors: HashMap::new(),
        copies_left: COPIES_MAX,
    };
    loop {
        match reader.next()? {
            Event::StreamEnd | Event::DocumentEnd => return Ok(Entries::new()),
            Event::StreamStart | Event::DocumentStart(..) => {}
            event => match reader.value(event, 0)? {
                Value::Object(members) => {
                    reader.reach_end()?;
                    return Ok(members
                        .into_iter()
                        .map(|(name, value)| (name, Entry::from(value)))
                        .collect());
                }
                Value::Null => return Ok(Entries::new()),
                _ => return Err("it holds no names with values".to_owned()),
            },
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    rules: Rules,
    anchors: HashMap<usize, Value>,
    copies_left: usize,
}

impl<'t> Reader<'t> {
    /// The next event that is a value, or an end.
    fn next(&mut self) -> Result<Event<'t>, String> {
        loop {
            match self.parser.next_event() {
                // What some features of the parser tell beside the values.
                Some(Ok((Event::Comment(..) | Event::Anchor(..), _))) => {}
                Some(Ok((event, _))) => return Ok(event),
                Some(Err(error)) => return Err(error.to_string()),
                None => return Ok(Event::StreamEnd),
            }
        }
    }

    /// What follows on the dictionary must be YAML too.
    fn reach_end(&mut self) -> Result<(), String> {
        while !matches!(self.next()?, Event::StreamEnd | Event::DocumentEnd) {}
        Ok(())
    }

    fn value(&mut self, event: Event<'t>, depth: usize) -> Result<Value, String> {
        if depth > DEPTH_MAX {
            return Err(format!("it is nested deeper than {DEPTH_MAX}"));
        }
        let (anchor, value) = match event {
            Event::Alias(id) => {
                let size = self.anchors.get(&id).map_or(0, size);
                self.count(size)?;
                (0, self.anchors.get(&id).cloned().unwrap_or_default())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                let value = match style {
                    ScalarStyle::Plain if !is_text && self.rules.is_streaming => {
                        plain_streaming(&text)
                    }
                    ScalarStyle::Plain if !is_text => plain(&text),
                    _ => Value::String(text.into_owned()),
                };
                (anchor, value)
            }
            Event::SequenceStart(_, anchor, _) => {
                let mut elements = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => elements.push(self.value(event, depth + 1)?),
                    }
                }
                (anchor, Value::Array(elements))
            }
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(depth)?),
            other => return Err(format!("it ends within a value, at {other:?}")),
        };
        if anchor != 0 {
            self.count(size(&value))?;
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, String> {
        let mut members = Map::new();
        loop {
            let (name, is_merge) = match self.next()? {
                Event::MappingEnd => return Ok(Value::Object(members)),
                Event::Scalar(text, style, anchor, _) => {
                    let is_merge = style == ScalarStyle::Plain && text == "<<";
                    let text = text.into_owned();
                    if anchor != 0 {
                        self.anchors.insert(anchor, Value::String(text.clone()));
                    }
                    (text, is_merge)
                }
                event => match self.value(event, depth + 1)? {
                    Value::String(text) => (text, false),
                    other => (other.to_string(), false),
                },
            };
            let event = self.next()?;
            match self.value(event, depth + 1)? {
                Value::Object(merged) if is_merge => members.extend(merged),
                Value::Array(list) if is_merge && list.iter().all(Value::is_object) => {
                    // The first of the list wins.
                    let merged = list.into_iter().rev().filter_map(|one| match one {
                        Value::Object(merged) => Some(merged),
                        _ => None,
                    });
                    members.extend(merged.flatten());
                }
                value => {
                    members.insert(name, value);
                }
            }
        }
    }

    fn count(&mut self, copies: usize) -> Result<(), String> {
        let left = self.copies_left.checked_sub(copies);
        self.copies_left =
            left.ok_or_else(|| format!("its aliases copy more than {COPIES_MAX} values"))?;
        Ok(())
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(size).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(size).sum::<usize>(),
        // Long texts weigh more than one.
        Value::String(text) => 1 + text.len() / 64,
        _ => 1,
    }
}

/// What a text without quotes means.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" => return Value::Null,
        _ if text.eq_ignore_ascii_case("null") => return Value::Null,
        _ => {}
    }
    let is_one_of = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(["yes", "true", "on"]) {
        return Value::Bool(true);
    }
    if is_one_of(["no", "false", "off"]) {
        return Value::Bool(false);
    }
    integer(text)
        .or_else(|| decimal(text))
        .map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn plain_streaming(text: &str) -> Value {
    match text {
        "" | "~" | "null" => return Value::Null,
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = match unsigned.split_once('.') {
        Some((whole, fraction)) if is_number(whole) && is_number(fraction) => decimal(text),
        None if is_number(unsigned) => {
            let digits = unsigned.trim_start_matches('0');
            let sign = if digits.is_empty() || unsigned == text { "" } else { "-" };
            format!("{sign}{}", if digits.is_empty() { "0" } else { digits }).parse().ok()
        }
        _ => None,
    };
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// `12`, `1_000`, `1,000`, `017`, `0x1f`, `0b101`, each with a sign.
fn integer(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x', ..] => (16, unsigned.get(2..)?),
        [b'0', b'b', ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let mut out = String::with_capacity(digits.len() + 1);
    if text.starts_with('-') {
        out.push('-');
    }
    let mut is_after_separator = false;
    for character in digits.chars() {
        is_after_separator = match character {
            '_' | ',' if !is_after_separator => true,
            digit if digit.is_digit(radix) => {
                out.push(digit);
                false
            }
            _ => return None,
        };
    }
    if is_after_separator {
        return None;
    }
    match i64::from_str_radix(&out, radix) {
        Ok(number) => Some(number.into()),
        Err(_) if radix == 10 => out.parse().ok(),
        Err(_) => None,
    }
}

/// `1.5`, `.5`, `1.`, `1.5e+3`: with a point, or it is none.
fn decimal(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, rest) = unsigned.split_once('.')?;
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let whole: String = whole.chars().filter(|one| !matches!(one, '_' | ',')).collect();
    if whole.is_empty() && fraction.is_empty() || !is_digits(&whole) || !is_digits(fraction) {
        return None;
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+'])?;
        if digits.is_empty() || !is_digits(digits) {
            return None;
        }
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let exponent = exponent.unwrap_or("0");
    let value: f64 = format!("{sign}0{whole}.{fraction}0e{exponent}").parse().ok()?;
    Number::from_f64(value)
}
