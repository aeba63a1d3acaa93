//! How brackets that belong to a field's name are written in references, as Logstash's
//! `config.field_reference.escape_style`.

use event::{FieldPath, FieldPathError};
use serde::{Deserialize, Serialize};

/// How a name with brackets in it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EscapeStyle {
    /// Not at all: no such field can be named.
    #[default]
    None,
    /// `%5B` is `[`, `%5D` is `]`, as in URLs.
    Percent,
    /// `&#91;` is `[`, `&#93;` is `]`, as in HTML.
    Ampersand,
}

impl EscapeStyle {
    /// Reads a reference to a field.
    ///
    /// # Errors
    /// For what is none.
    pub fn parse(self, text: &str) -> Result<FieldPath, FieldPathError> {
        let path = FieldPath::parse(text)?;
        let unescape: fn(&str) -> String = match self {
            Self::None => return Ok(path),
            Self::Percent => unescape_percent,
            Self::Ampersand => unescape_ampersand,
        };
        let names: Vec<String> =
            path.segments().iter().map(|segment| unescape(&segment.key)).collect();
        Ok(FieldPath::keys(&names.iter().map(String::as_str).collect::<Vec<_>>()))
    }
}

/// `%` with two digits in capitals is a byte; any other `%` is one.
fn unescape_percent(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digit = |at: usize| match behind.get(at) {
            Some(digit @ b'0'..=b'9') => Some(digit - b'0'),
            Some(digit @ b'A'..=b'F') => Some(digit - b'A' + 10),
            _ => None,
        };
        match digit(0).zip(digit(1)) {
            Some((high, low)) if *first == b'%' => {
                bytes.push(high << 4 | low);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `&#`, two digits or more and `;` are the character of that number; any other `&` is one.
fn unescape_ampersand(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, behind)) = rest.split_once("&#") {
        out.push_str(before);
        let escaped = behind.split_once(';').and_then(|(digits, behind)| {
            let is_number = digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.parse().ok().filter(|_| is_number)?;
            Some((char::from_u32(number)?, behind))
        });
        match escaped {
            Some((character, behind)) => {
                out.push(character);
                rest = behind;
            }
            None => {
                out.push_str("&#");
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::EscapeStyle;

    fn names(style: EscapeStyle, text: &str) -> Vec<String> {
        let path = style.parse(text).unwrap();
        path.segments().iter().map(|segment| segment.key.to_string()).collect()
    }

    #[test]
    fn brackets_in_names_are_escaped() {
        use EscapeStyle::{Ampersand, None, Percent};
        for (style, text, expected) in [
            (None, "[a%5Bb%5D]", vec!["a%5Bb%5D"]),
            (Percent, "[foo][bar%5Bbingo%5D]", vec!["foo", "bar[bingo]"]),
            (Percent, "a%5B0%5D", vec!["a[0]"]),
            (Percent, "[foo][95%]", vec!["foo", "95%"]),
            (Percent, "[100%%C3%A9%5b%]", vec!["100%é%5b%"]),
            (Ampersand, "[foo][bar&#91;bingo&#93;]", vec!["foo", "bar[bingo]"]),
            (Ampersand, "[this&that][&#38;#91;][&#9;]", vec!["this&that", "&#91;", "&#9;"]),
            (Ampersand, "&#x;&#99999999999;&#233;", vec!["&#x;&#99999999999;é"]),
        ] {
            assert_eq!(names(style, text), expected, "{style:?} {text}");
        }
        assert!(Percent.parse("[a").is_err());
    }
}
