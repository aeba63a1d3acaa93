//! `urldecode`: `%C3%A9` becomes `é` in a field, with all that it holds, or in all fields. `+` stays as it is.
//!
//! Bytes that are no UTF-8 once decoded are shown as Ruby shows them, `\xD3`, as in Logstash.

use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Clone, Debug)]
struct UrlDecode {
    /// None is the whole event.
    field: Option<FieldPath>,
}

filter_options! {
    /// Decodes what is written as in an address: `%C3%A9` becomes `é`.
    ///
    /// It decodes a text, or all texts that the field holds. `+` stays as it is. Bytes that are no
    /// UTF-8 once decoded are shown as Ruby shows them, `\xD3`, as in Logstash.
    struct UrlDecodeOptions {
        /// The field that is decoded.
        field: FieldPath = "message",
        /// Whether all fields are decoded.
        all_fields: bool = false,
        /// `UTF-8`; any other is refused.
        charset: String = "UTF-8",
    }
    without_effect {
        /// There are no texts that cannot be decoded.
        tag_on_failure: Vec<String>,
    }
    example r#"urldecode { field => "[url][query]" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let UrlDecodeOptions { field, all_fields, charset } = UrlDecodeOptions::read(options);
    if !charset.eq_ignore_ascii_case("UTF-8") {
        let message = format!("`urldecode` reads UTF-8, not {charset}");
        options.refuse("charset", message, "let the shop's links be written in UTF-8");
    }
    Some(Arc::new(UrlDecode { field: (!all_fields).then_some(field) }))
}

impl FilterPlan for UrlDecode {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Filter for UrlDecode {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let values: Vec<_> = match &self.field {
            Some(field) => event.get(field).into_iter().collect(),
            None => event.fields().map(|(_, value)| value).collect(),
        };
        values.into_iter().for_each(|value| decode_within(event, value));
        Applied::Matched
    }
}

/// Decodes a text, or all texts that a container holds. Depth is bounded by what an event may hold.
fn decode_within(event: &mut Event, value: NodeId) {
    match event.kind(value) {
        Kind::String => {
            if event.content(value).is_some_and(|content| memchr::memchr(b'%', content).is_some())
                && let Some(decoded) = event.text(value).and_then(|text| decode(&text))
            {
                event.rewrite_text(value, &decoded);
            }
        }
        Kind::Array | Kind::Object => {
            let mut at = event.first_child(value);
            while let Some(inner) = at {
                decode_within(event, inner);
                at = event.next_sibling(inner);
            }
        }
        _ => {}
    }
}

/// A text without its escapes; `None` if it has none.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let decoded = match (first, others) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match decoded {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &rest[3..];
            }
            None => {
                bytes.push(first);
                rest = others;
            }
        }
    }
    if bytes.len() == text.len() {
        return None;
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|error| inspect(error.as_bytes())))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Bytes as Ruby's `inspect` shows a string of them, without its quotes.
fn inspect(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len() * 2);
    for chunk in bytes.utf8_chunks() {
        let mut characters = chunk.valid().chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '"' | '\\' => shown.extend(['\\', character]),
                '#' if matches!(characters.peek(), Some('{' | '$' | '@')) => shown.push_str("\\#"),
                '\n' => shown.push_str("\\n"),
                '\r' => shown.push_str("\\r"),
                '\t' => shown.push_str("\\t"),
                '\u{7}' => shown.push_str("\\a"),
                '\u{8}' => shown.push_str("\\b"),
                '\u{b}' => shown.push_str("\\v"),
                '\u{c}' => shown.push_str("\\f"),
                '\u{1b}' => shown.push_str("\\e"),
                _ if character.is_control() => {
                    shown.push_str(&format!("\\u{:04X}", character as u32));
                }
                _ => shown.push(character),
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02X}"));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::filters::trial::Trial;

    fn run(options: &str, event: Value) -> Value {
        Trial::new(&format!("urldecode {{ {options} }}")).run(event)
    }

    #[test]
    fn escapes_become_what_they_stand_for() {
        for (text, decoded) in [
            ("http%3A%2F%2Fshop.example%2fa%20b", "http://shop.example/a b"),
            ("europ%C3%A9enne européenne", "européenne européenne"),
            ("a+b%2Bc 100% %zz %4", "a+b+c 100% %zz %4"),
            ("%25%32%30", "%20"),
            ("%F0%9F%82%A1", "🂡"),
            ("", ""),
        ] {
            assert_eq!(run("", json!({"message": text}))["message"], decoded, "{text}");
        }
    }

    #[test]
    fn what_is_no_utf_8_is_shown_as_ruby_shows_it() {
        let out = run("", json!({"message": "%C3%BB%D3%D0%D5%D2%B5%BD=\"\\%0A#{%01"}));
        assert_eq!(out["message"], "û\\xD3\\xD0\\xD5ҵ\\xBD=\\\"\\\\\\n\\#{\\u0001");
        assert_eq!(out.get("tags"), None);
    }

    #[test]
    fn a_field_with_all_it_holds_or_all_fields() {
        let event = json!({"message": "%41", "a": {"b": ["%42", 5, {"c%20": "%43"}]}, "d": "%44"});
        let out = run(r#"field => "a" add_tag => "ok""#, event.clone());
        assert_eq!(out["a"], json!({"b": ["B", 5, {"c%20": "C"}]}));
        assert_eq!((&out["message"], &out["d"]), (&json!("%41"), &json!("%44")));
        assert_eq!(out["tags"], json!(["ok"]));
        let out = run("all_fields => true", event);
        assert_eq!([&out["message"], &out["d"], &out["a"]["b"][0]], ["A", "D", "B"]);
        assert_eq!(run(r#"field => "none""#, json!({})).get("none"), None);
    }

    #[test]
    fn other_character_sets_are_refused() {
        assert!(Trial::refusal(r#"urldecode { charset => "cp1252" }"#).contains("not cp1252"));
        assert!(
            Trial::build(
                r#"urldecode { charset => "utf-8" tag_on_failure => [] }"#,
                &Default::default()
            )
            .is_ok()
        );
    }
}
