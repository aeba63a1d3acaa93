//! STRUCTURED-DATA of RFC 5424 (6.3): elements in brackets with parameters in quotes.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The elements in order, each with its parameters in order. What has the same id is one element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StructuredData<'a> {
    elements: Vec<(&'a str, Parameters<'a>)>,
}

/// Parameters by name, each with its values in order: the RFC lets a name come again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parameters<'a>(Vec<(&'a str, Vec<Cow<'a, str>>)>);

impl Serialize for StructuredData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.elements.iter().map(|(id, parameters)| (id, parameters)))
    }
}

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in &self.0 {
            match &values[..] {
                [value] => map.serialize_entry(name, value)?,
                values => map.serialize_entry(name, values)?,
            }
        }
        map.end()
    }
}

/// Where to find or add what has this name. Lists are as short as a message, and names rarely many.
fn entry<'l, 'a, V: Default>(list: &'l mut Vec<(&'a str, V)>, name: &'a str) -> &'l mut V {
    let place = list.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
        list.push((name, V::default()));
        list.len() - 1
    });
    &mut list[place].1
}

/// Most elements and parameters of one message, so that looking for names that came before stays cheap.
const NAMES_MAX: usize = 1_000;

/// Reads elements up to the first character that begins none; `None` if one breaks the rules.
pub(super) fn read(text: &str) -> Option<(StructuredData<'_>, &str)> {
    let mut data = StructuredData::default();
    let mut text = text.strip_prefix('[')?;
    let mut names = 0;
    loop {
        let id;
        (id, text) = name(text)?;
        let parameters = entry(&mut data.elements, id);
        names += 1;
        while let Some(rest) = text.strip_prefix(' ') {
            let (name, rest) = name(rest)?;
            let (value, rest) = value(rest.strip_prefix("=\"")?)?;
            entry(&mut parameters.0, name).push(value);
            names += 1;
            text = rest;
            if names > NAMES_MAX {
                return None;
            }
        }
        text = text.strip_prefix(']')?;
        if names > NAMES_MAX {
            return None;
        }
        match text.strip_prefix('[') {
            Some(next) => text = next,
            None => return Some((data, text)),
        }
    }
}

/// SD-NAME: printable ASCII without `=`, blank, `]` and `"`.
fn name(text: &str) -> Option<(&str, &str)> {
    let is_allowed = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b']' | b'"');
    let length = text.bytes().take_while(is_allowed).count();
    (length > 0).then(|| text.split_at(length))
}

/// PARAM-VALUE up to and with its quote. `"`, `\` and `]` stand behind a backslash; a backslash before
/// anything else is itself (6.3.3).
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut value = Cow::Borrowed("");
    let mut rest = text;
    loop {
        let (plain, after) = rest.split_at(rest.find(['"', '\\', ']'])?);
        let escaped = after.strip_prefix('\\').filter(|next| next.starts_with(['"', '\\', ']']));
        let (piece, next) = match (escaped, after.as_bytes()[0]) {
            (Some(escaped), _) => (&escaped[..1], &escaped[1..]),
            (None, b'\\') => (&after[..1], &after[1..]),
            (None, b'"') => ("", &after[1..]),
            // An end of the element within a value: nobody can say where the value ends.
            (None, _) => return None,
        };
        if value.is_empty() && piece.is_empty() {
            value = Cow::Borrowed(plain);
        } else {
            value.to_mut().push_str(plain);
            value.to_mut().push_str(piece);
        }
        if after.starts_with('"') {
            return Some((value, next));
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::read;

    fn seen(text: &str) -> Option<(Value, &str)> {
        read(text).map(|(data, rest)| (serde_json::to_value(data).unwrap(), rest))
    }

    #[test]
    fn elements_parameters_and_escapes() {
        assert_eq!(
            seen("[a@1 x=\"1\" y=\"\"][b] m"),
            Some((json!({"a@1": {"x": "1", "y": ""}, "b": {}}), " m"))
        );
        assert_eq!(
            seen(r#"[a x="\"\\\]" y="\n\"z"]"#),
            Some((json!({"a": {"x": "\"\\]", "y": "\\n\"z"}}), ""))
        );
        assert_eq!(
            seen(r#"[a x="1" x="2" x="3"]"#),
            Some((json!({"a": {"x": ["1", "2", "3"]}}), ""))
        );
        assert_eq!(seen(r#"[a x="1"][a x="2"]"#), Some((json!({"a": {"x": ["1", "2"]}}), "")));
    }

    #[test]
    fn what_breaks_the_rules_is_none() {
        for broken in [
            "",
            "a",
            "[",
            "[]",
            "[a",
            "[a x]",
            "[a x=1]",
            "[a x=\"1\"",
            "[a x=\"1]",
            "[a x=\"]\"]",
            "[a  x=\"1\"]",
            "[a x=\"1\" ]",
            "[a=b]",
            "[ä]",
            "[a x=\"\\",
        ] {
            assert_eq!(seen(broken), None, "{broken}");
        }
    }

    #[test]
    fn many_names_end_early() {
        let many: String = (0..100_000).map(|n| format!("[a{n}]")).collect();
        assert_eq!(seen(&many), None);
    }

    #[test]
    fn many_parameters_of_one_element_end_early() {
        let element = |count: usize| {
            let parameters: String = (0..count).map(|n| format!(" p{n}=\"\"")).collect();
            format!("[a{parameters}]")
        };
        assert!(seen(&element(999)).is_some(), "the element is one name of the thousand");
        assert_eq!(seen(&element(1_000)), None);
        // Looked through as a whole it would take minutes.
        assert_eq!(seen(&element(1_000_000)), None);
    }
}
