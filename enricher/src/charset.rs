//! Encodings of text other than UTF-8, by the names that Logstash's codecs give them (`charset`).
//!
//! Only those in which ASCII is ASCII: lines are told apart before they are decoded. What an encoding has no
//! character for becomes U+FFFD.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8, mem};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Names of bytes without any meaning beyond ASCII.
const ASCII_NAMES: [&str; 5] = ["ASCII-8BIT", "BINARY", "US-ASCII", "ASCII", "ANSI_X3.4-1968"];
/// Names of ISO 8859-1, whose bytes are the first characters of Unicode. The web's `iso-8859-1` is another one.
const LATIN1_NAMES: [&str; 3] = ["ISO-8859-1", "ISO8859-1", "LATIN1"];

/// An encoding in which ASCII is ASCII, and which is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ascii,
    Latin1,
    Other(&'static Encoding),
}

/// A name of no encoding that is known here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no encoding that is known here: write a name as ISO-8859-1, windows-1252 or Shift_JIS, and none \
     for UTF-8"
)]
pub struct UnknownCharset {
    name: String,
}

impl Charset {
    /// The text in UTF-8. What is ASCII is shared.
    #[must_use]
    pub fn decode(self, bytes: &Bytes) -> Bytes {
        if bytes.is_ascii() {
            return bytes.clone();
        }
        let text: String = match self.0 {
            Kind::Ascii => bytes.iter().map(|byte| ascii(*byte)).collect(),
            Kind::Latin1 => mem::decode_latin1(bytes).into_owned(),
            Kind::Other(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        };
        Bytes::from(text)
    }
}

fn ascii(byte: u8) -> char {
    if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER }
}

impl FromStr for Charset {
    type Err = UnknownCharset;

    fn from_str(name: &str) -> Result<Self, UnknownCharset> {
        let is_one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if is_one_of(&ASCII_NAMES) {
            return Ok(Self(Kind::Ascii));
        }
        if is_one_of(&LATIN1_NAMES) {
            return Ok(Self(Kind::Latin1));
        }
        let found = Encoding::for_label(name.as_bytes());
        match found.filter(|encoding| *encoding != UTF_8 && encoding.is_ascii_compatible()) {
            Some(encoding) => Ok(Self(Kind::Other(encoding))),
            None => Err(UnknownCharset { name: name.to_owned() }),
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Ascii => "US-ASCII",
            Kind::Latin1 => "ISO-8859-1",
            Kind::Other(encoding) => encoding.name(),
        })
    }
}

impl Serialize for Charset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Charset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Charset;

    fn decoded(name: &str, bytes: &'static [u8]) -> String {
        let charset: Charset = name.parse().unwrap();
        String::from_utf8(charset.decode(&Bytes::from_static(bytes)).to_vec()).unwrap()
    }

    #[test]
    fn text_of_other_encodings_is_read() {
        for (name, bytes, text) in [
            ("ISO-8859-1", &b"\xe0 Montr\xe9al \x80"[..], "à Montréal \u{80}"),
            ("iso-8859-15", b"5 \xa4", "5 €"),
            ("CP1252", b"\x805", "€5"),
            ("windows-1251", b"\xcf\xf0\xe8", "При"),
            ("Shift_JIS", b"\x93\xfa\x96{", "日本"),
            ("KOI8-R", b"\xd2\xc1\xda", "раз"),
            ("ASCII-8BIT", b"\xe0 Montr\xe9al", "\u{fffd} Montr\u{fffd}al"),
            ("US-ASCII", "κό".as_bytes(), "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            ("EUC-JP", b"a\xff", "a\u{fffd}"),
        ] {
            assert_eq!(decoded(name, bytes), text, "{name}");
        }
        let plain = Bytes::from_static(b"plain");
        let charset: Charset = "latin1".parse().unwrap();
        assert_eq!(charset.decode(&plain).as_ptr(), plain.as_ptr(), "nothing is copied");
    }

    #[test]
    fn what_lines_cannot_be_told_apart_in_is_no_charset_here() {
        for name in ["UTF-8", "UTF-16LE", "UTF-16", "ISO-2022-JP", "CP437", "", "none"] {
            assert!(name.parse::<Charset>().is_err(), "{name}");
        }
        for name in ["ISO-8859-1", "US-ASCII", "windows-1252", "Big5"] {
            assert_eq!(name.parse::<Charset>().unwrap().to_string(), name);
        }
    }
}
