//! STRUCTURED-DATA of RFC 5424 (6.3): elements in brackets with parameters in quotes.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The elements in order, each with its parameters in order. What has the same id is one element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StructuredData<'a> {
    elements: ByName<'a, Parameters<'a>>,
}

/// Parameters by name, each with its values in order: the RFC lets a name come again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parameters<'a>(ByName<'a, Vec<Cow<'a, str>>>);

impl Serialize for StructuredData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.elements.list.iter().map(|(id, parameters)| (id, parameters)))
    }
}

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.list.len()))?;
        for (name, values) in &self.0.list {
            match &values[..] {
                [value] => map.serialize_entry(name, value)?,
                values => map.serialize_entry(name, values)?,
            }
        }
        map.end()
    }
}

/// What has names, in the order in which these came first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ByName<'a, V> {
    list: Vec<(&'a str, V)>,
    /// Where each stands in the list, once that is long.
    places: HashMap<&'a str, usize>,
}

impl<V> Default for ByName<'_, V> {
    fn default() -> Self {
        Self { list: Vec::new(), places: HashMap::new() }
    }
}

impl<'a, V: Default> ByName<'a, V> {
    /// What has this name, which may be new.
    fn entry(&mut self, name: &'a str) -> &mut V {
        let place = self.place(name).unwrap_or_else(|| self.add(name));
        &mut self.list[place].1
    }

    fn place(&self, name: &str) -> Option<usize> {
        if self.places.is_empty() {
            return self.list.iter().position(|(known, _)| *known == name);
        }
        self.places.get(name).copied()
    }

    fn add(&mut self, name: &'a str) -> usize {
        let place = self.list.len();
        self.list.push((name, V::default()));
        if place >= LOOKED_THROUGH_MAX {
            // The first time it takes all those before it too.
            let first = if self.places.is_empty() { 0 } else { place };
            let names = self.list.iter().enumerate().skip(first);
            self.places.extend(names.map(|(place, (name, _))| (*name, place)));
        }
        place
    }
}

/// Most names that are looked through one by one: for these few that is quicker than a table.
const LOOKED_THROUGH_MAX: usize = 16;

/// Most elements and parameters of one message, so that an event has no more fields of it than anybody reads.
const NAMES_MAX: usize = 1_000;

/// Reads elements up to the first character that begins none; `None` if one breaks the rules.
pub(super) fn read(text: &str) -> Option<(StructuredData<'_>, &str)> {
    let mut data = StructuredData::default();
    let mut text = text.strip_prefix('[')?;
    let mut names = 0;
    loop {
        let id;
        (id, text) = name(text)?;
        let parameters = data.elements.entry(id);
        names += 1;
        while let Some(rest) = text.strip_prefix(' ') {
            let (name, rest) = name(rest)?;
            let (value, rest) = value(rest.strip_prefix("=\"")?)?;
            parameters.0.entry(name).push(value);
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
        assert_eq!(seen(&element(1_000_000)), None, "nor does it take long to say so");
    }

    #[test]
    fn of_many_names_each_is_found_again_and_all_keep_their_order() {
        let names: Vec<String> = (0..100).rev().map(|n| format!("p{n}")).collect();
        let parameters = |value: &str| -> String {
            names.iter().map(|name| format!(" {name}=\"{value}\"")).collect()
        };
        let (first, second) = (parameters("1"), parameters("2"));
        let text = format!("[a{first}][b][a{second}]");
        let (data, rest) = read(&text).unwrap();
        let values: Vec<String> =
            names.iter().map(|name| format!("\"{name}\":[\"1\",\"2\"]")).collect();
        let expected = format!("{{\"a\":{{{}}},\"b\":{{}}}}", values.join(","));
        assert_eq!((serde_json::to_string(&data).unwrap(), rest), (expected, ""));

        let elements: String =
            names.iter().chain(&names).map(|id| format!("[{id} x=\"1\"]")).collect();
        let (data, _) = read(&elements).unwrap();
        let values: Vec<String> =
            names.iter().map(|id| format!("\"{id}\":{{\"x\":[\"1\",\"1\"]}}")).collect();
        assert_eq!(serde_json::to_string(&data).unwrap(), format!("{{{}}}", values.join(",")));
    }
}
