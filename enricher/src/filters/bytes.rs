//! `bytes`: reads a size such as `5.6 GB` and sets how many bytes that is.

use std::sync::Arc;

use event::{Event, FieldPath};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Debug)]
struct Bytes {
    source: FieldPath,
    target: FieldPath,
    /// How many of a unit the next one is.
    base: f64,
    decimal_separator: char,
    tag_on_failure: Vec<String>,
}

struct BytesPlan(Arc<Bytes>);

filter_options! {
    /// Reads a size such as `5.6 GB` and sets how many bytes that is.
    ///
    /// A number, perhaps with a unit (`40`, `40 B`, `1_000.5kB`, `10 M`); letters mean the same in
    /// both cases.
    struct BytesOptions {
        /// The field that holds the size.
        source: FieldPath = "message",
        /// The field that gets the number of bytes.
        target: FieldPath = required,
        /// Whether a kilobyte has 1024 bytes or 1000.
        conversion_method: f64 { "binary" => 1024.0, "metric" => 1000.0 } = first,
        /// What stands before a fraction. The other sign, blanks and `_` between digits are passed
        /// over.
        decimal_separator: char { "." => '.', "," => ',' } = first,
        /// Tags of an event whose field holds no size.
        tag_on_failure: Vec<String> = ["_bytesparsefailure"],
    }
    tags {
        "_bytesparsefailure" => "the field is missing or holds no size, or something stands in the way of the target",
    }
    example r#"bytes { source => "[file][size]" target => "[file][size_bytes]" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let BytesOptions { source, target, conversion_method: base, decimal_separator, tag_on_failure } =
        BytesOptions::read(options);
    let target = target?;
    Some(Arc::new(BytesPlan(Arc::new(Bytes {
        source,
        target,
        base,
        decimal_separator,
        tag_on_failure,
    }))))
}

impl FilterPlan for BytesPlan {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(Worker(Arc::clone(&self.0)))
    }
}

/// One worker's instance.
struct Worker(Arc<Bytes>);

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let plan = &*self.0;
        let text = event.get(&plan.source).and_then(|source| event.scalar_text(source));
        let bytes = text.and_then(|text| plan.read(text.trim()));
        if bytes.is_some_and(|bytes| event.set_number(&plan.target, &format!("{bytes:.0}"))) {
            return Applied::Matched;
        }
        plan.tag_on_failure.iter().for_each(|tag| event.add_tag(tag));
        Applied::NotMatched
    }
}

impl Bytes {
    /// A number, perhaps a unit: `40`, `40 B`, `1_000.5kB`, `10 M`. Letters mean the same in both cases.
    fn read(&self, text: &str) -> Option<f64> {
        let text = text.strip_suffix(['b', 'B']).unwrap_or(text);
        let (power, number) = match text.char_indices().next_back() {
            Some((at, letter)) if letter.is_ascii_alphabetic() => {
                let power = "kmgtpe".find(letter.to_ascii_lowercase())?;
                (power as i32 + 1, text.get(..at)?)
            }
            _ => (0, text),
        };
        let mut digits = String::with_capacity(number.len());
        let mut has_point = false;
        for character in number.trim().chars() {
            match character {
                '0'..='9' => digits.push(character),
                point if point == self.decimal_separator => {
                    if std::mem::replace(&mut has_point, true) {
                        return None;
                    }
                    digits.push('.');
                }
                ' ' | '_' | ',' | '.' => {}
                _ => return None,
            }
        }
        let number: f64 = digits.parse().ok()?;
        let bytes = (number * self.base.powi(power)).round();
        bytes.is_finite().then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::filters::trial::Trial;

    /// What a text is in bytes.
    fn read(options: &str, value: impl Into<Value>) -> Value {
        let mut trial = Trial::new(&format!(r#"bytes {{ target => "[n][b]" {options} }}"#));
        let out = trial.run(json!({"message": value.into()}));
        assert_eq!(out.get("tags").is_some(), out.get("n").is_none(), "{out}");
        out["n"]["b"].clone()
    }

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("40", 40_i64),
            ("40B", 40),
            (" 40 b\n", 40),
            ("40KB", 40_960),
            ("40k", 40_960),
            ("40.5\tkB", 41_472),
            ("32 mb", 32 << 20),
            ("32G", 32 << 30),
            ("32tB", 32 << 40),
            ("32 PB", 32 << 50),
            ("1 EB", 1 << 60),
            ("1_234 567,8 B", 12_345_678),
            ("1,500.5", 1_501),
            ("12.3", 12),
            ("7. k", 7_168),
            (".5k", 512),
            ("0", 0),
        ] {
            assert_eq!(read("", text), json!(bytes), "{text}");
        }
        assert_eq!(read("", 123), json!(123));
        assert_eq!(read(r#"conversion_method => "metric""#, "40 kb"), json!(40_000));
        let comma = r#"decimal_separator => ",""#;
        assert_eq!(read(comma, "3 215,5 kb"), json!(3_292_672));
        assert_eq!(read(comma, "1.987 kb"), json!(1_987 * 1_024));
    }

    #[test]
    fn what_is_no_size_is_tagged() {
        let long = "9".repeat(100_000);
        for text in
            ["", "abc", "mb", ".", "1.2.3 kb", "-5", "5 xb", "5 kbb", "0x10", "é", "5é", &long]
        {
            assert_eq!(read("", text), Value::Null, "{text:.20}");
        }
        for value in [json!(null), json!([1]), json!({"a": 1}), json!(true)] {
            assert_eq!(read("", value.clone()), Value::Null, "{value}");
        }
        let mut trial =
            Trial::new(r#"bytes { source => "a" target => "b" tag_on_failure => ["x", "y"] }"#);
        assert_eq!(trial.run(json!({"message": "1"}))["tags"], json!(["x", "y"]));
        let mut trial = Trial::new(r#"bytes { target => "[message][x]" }"#);
        assert_eq!(trial.run(json!({"message": "1"}))["tags"], json!(["_bytesparsefailure"]));
    }

    #[test]
    fn mistakes_are_refused() {
        assert!(Trial::refusal("bytes { }").contains("needs the option `target`"));
        for option in ["conversion_method", "decimal_separator"] {
            let refusal = Trial::refusal(&format!(r#"bytes {{ target => "b" {option} => "x" }}"#));
            assert!(refusal.contains(option), "{refusal}");
        }
    }
}
