//! What stands behind the name of a secret: `"password":"…"` in JSON and in JSON within a string, `password=…`,
//! `password: …`, `?api_key=…&`, `"password"=>"…"`, and headers up to the end of their line.
//!
//! Values without quotes end at a blank, a quote, or one of `&;,<>`. Truth values and nothing at all hide nothing.
//! In JSON a value is a string, a number, or an array of strings; what is nested deeper is looked at for its own
//! names.

use std::ops::Range;

use super::Secret;
use super::name::Kind;
use super::quoted::Quote;
use crate::text::Text;

/// Values that hide nothing: `(using password: YES)`, and what PAM calls a change of a password
/// (`pam_unix(passwd:chauthtok): …`).
const NOTHING: [&str; 11] =
    ["chauthtok", "false", "nil", "no", "none", "null", "off", "on", "true", "undefined", "yes"];
/// What may stand behind such a value, or be all of it.
const PUNCTUATION: &[u8] = b" *-.:!?()[]{}";
/// Schemes of HTTP authentication: what stands behind one is its line's.
const SCHEMES: [&str; 12] = [
    "apikey",
    "aws4-hmac-sha256",
    "basic",
    "bearer",
    "digest",
    "dpop",
    "hawk",
    "hmac",
    "negotiate",
    "ntlm",
    "oauth",
    "token",
];
/// A cookie's value without a name is one if it has so many bytes.
const COOKIE_BYTES_MIN: usize = 16;

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Colon,
    Equals,
    /// `=` as addresses within addresses hold it: `%3D`.
    Encoded,
}

/// Adds what stands behind the name that ends at a place. Gives where to look on: never before that place.
pub(super) fn find(text: &Text<'_>, end: usize, kind: Kind, secrets: &mut Vec<Secret>) -> usize {
    let key = Quote::at(text.bytes, end);
    let behind = end + key.map_or(0, Quote::length);
    let Some((sign, at)) = sign(text.bytes, behind, key.is_some()) else { return end };
    let mut value = Value { text, kind, secrets };
    match (Quote::at(text.bytes, at), key) {
        (Some(quote), Some(key)) if is_value_of_key(text, quote, key) => value.quoted(quote, at),
        (Some(quote), None) if is_value_of_word(text, quote, at) => value.quoted(quote, at),
        (Some(_), _) => at,
        (None, Some(key)) if text.bytes.get(at) == Some(&b'[') => value.array(key, at + 1),
        (None, Some(key)) => value.unquoted_of_key(key, at),
        (None, None) => value.unquoted(sign, at),
    }
}

/// The sign behind a name, and where the value begins.
fn sign(bytes: &[u8], behind: usize, has_quotes: bool) -> Option<(Sign, usize)> {
    let in_line = |at: usize| skip(bytes, at, |byte| matches!(byte, b' ' | b'\t'));
    let blanks = |at: usize| match has_quotes {
        true => skip(bytes, at, |byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')),
        false => in_line(at),
    };
    let at = blanks(behind);
    match &bytes[at..] {
        [b'=', b'>', ..] | [b':', b'=', ..] => Some((Sign::Colon, blanks(at + 2))),
        // A path of a program, and a comparison.
        [b':', b':', ..] | [b'=', b'=' | b'~', ..] => None,
        [b':', ..] => Some((Sign::Colon, blanks(at + 1))),
        // `password= user=x` has no password.
        [b'=', ..] if at == behind && !has_quotes => Some((Sign::Equals, at + 1)),
        [b'=', ..] => Some((Sign::Equals, blanks(at + 1))),
        [b'%', b'3', b'D' | b'd', ..] if at == behind => Some((Sign::Encoded, at + 3)),
        _ => None,
    }
}

fn skip(bytes: &[u8], from: usize, is_blank: impl Fn(u8) -> bool) -> usize {
    from + bytes[from..].iter().take_while(|byte| is_blank(**byte)).count()
}

/// Whether the quote behind a name in quotes begins a value: it must be of the same level.
fn is_value_of_key(text: &Text<'_>, quote: Quote, key: Quote) -> bool {
    match (key.mark, quote.mark) {
        (b'"', b'"') => key.slashes == quote.slashes,
        (_, b'"') => !text.is_json || quote.slashes > 0,
        _ => true,
    }
}

/// Whether the quote behind a name without quotes begins a value, and does not end the string that the name is the
/// end of: `{"message":"enter password:","next":""}`.
fn is_value_of_word(text: &Text<'_>, quote: Quote, at: usize) -> bool {
    if text.is_json && quote.mark == b'"' && quote.slashes == 0 {
        return false;
    }
    let behind = text.bytes[at + quote.length()..].trim_ascii_start();
    !matches!(behind.first(), None | Some(b',' | b'}' | b']' | b')'))
}

/// The value of a name.
struct Value<'v, 't> {
    text: &'v Text<'t>,
    kind: Kind,
    secrets: &'v mut Vec<Secret>,
}

impl Value<'_, '_> {
    fn add(&mut self, range: Range<usize>, is_number: bool) {
        self.secrets.push(Secret { range, is_number });
    }

    /// A value in quotes, the first of which stands at this place.
    fn quoted(&mut self, quote: Quote, at: usize) -> usize {
        let from = at + quote.length();
        let end = quote.end_of_text(self.text, from);
        if self.is_secret(from..end) {
            self.add(from..end, false);
        }
        end
    }

    /// The strings of an array, whose bracket stands before this place.
    fn array(&mut self, key: Quote, from: usize) -> usize {
        let bytes = self.text.bytes;
        let mut at = from;
        loop {
            at = skip(bytes, at, |byte| byte.is_ascii_whitespace());
            if Quote::at(bytes, at) != Some(key) {
                return at;
            }
            let end = self.quoted(key, at);
            if Quote::at(bytes, end) != Some(key) {
                return end;
            }
            at = skip(bytes, end + key.length(), |byte| byte.is_ascii_whitespace());
            if bytes.get(at) != Some(&b',') {
                return at;
            }
            at += 1;
        }
    }

    /// The value of a name in quotes that has none itself: a number, or a word of what is not JSON.
    fn unquoted_of_key(&mut self, key: Quote, at: usize) -> usize {
        let in_number =
            |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        let end = self.text.end_of(at, in_number);
        let number = &self.text.bytes[at..end];
        let begins = matches!(number, [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..]);
        let ends = match self.text.bytes.get(end) {
            Some(byte) => matches!(byte, b',' | b'}' | b']' | b'\\') || byte.is_ascii_whitespace(),
            None => true,
        };
        if begins && ends {
            if number != b"0" && self.kind != Kind::Cookie {
                self.add(at..end, true);
            }
            return end;
        }
        let is_word = self.text.bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        if !is_word || self.text.is_json && key == (Quote { mark: b'"', slashes: 0 }) {
            return at;
        }
        let ends = |character: u8| ends_value(character) || matches!(character, b'}' | b']' | b')');
        let end = self.end(at, ends);
        if self.is_secret(at..end) {
            self.add(at..end, false);
        }
        end
    }

    /// A value without quotes, of a name without them.
    fn unquoted(&mut self, sign: Sign, at: usize) -> usize {
        let bytes = self.text.bytes;
        let mut end = match sign {
            Sign::Encoded => self.end_of_encoded(at),
            Sign::Colon | Sign::Equals => self.end(at, ends_value),
        };
        let first = &bytes[at..end];
        let is_scheme = self.kind == Kind::Authorization
            && bytes.get(end) == Some(&b' ')
            && SCHEMES.iter().any(|scheme| first.eq_ignore_ascii_case(scheme.as_bytes()));
        let is_pair = self.kind == Kind::Cookie && first.contains(&b'=');
        if sign == Sign::Colon && (is_scheme || is_pair) {
            end = self.end(at, |character| matches!(character, b'\r' | b'\n' | b'"' | b'\''));
        } else if is_scheme {
            end = self.end(end + 1, ends_value);
        }
        if self.is_secret(at..end) {
            self.add(at..end, false);
        }
        end
    }

    /// Where the first character stands that ends a value.
    fn end(&self, from: usize, ends: impl Fn(u8) -> bool) -> usize {
        let mut at = from;
        while at < self.text.bytes.len() {
            let (character, length_bytes) = self.text.character(at);
            if ends(character) {
                return at;
            }
            at += length_bytes;
        }
        self.text.bytes.len()
    }

    /// Where a value ends in an address within an address: at its `&`, which is `%26` there. Not a byte behind that is
    /// looked at, or many values in one address would take the square of their time.
    fn end_of_encoded(&self, from: usize) -> usize {
        let bytes = self.text.bytes;
        let mut at = from;
        while at < bytes.len() && !bytes[at..].starts_with(b"%26") {
            let (character, length_bytes) = self.text.character(at);
            if ends_value(character) {
                return at;
            }
            at += length_bytes;
        }
        at.min(bytes.len())
    }

    /// Whether a value hides anything.
    fn is_secret(&self, range: Range<usize>) -> bool {
        let value = &self.text.bytes[range];
        let last = value.iter().rposition(|byte| !PUNCTUATION.contains(byte));
        let word = &value[..last.map_or(0, |last| last + 1)];
        let says_nothing = word.is_empty()
            || NOTHING.iter().any(|nothing| word.eq_ignore_ascii_case(nothing.as_bytes()));
        let is_cookie = || value.contains(&b'=') || value.len() >= COOKIE_BYTES_MIN;
        !says_nothing && (self.kind != Kind::Cookie || is_cookie())
    }
}

/// Whether a character ends a value without quotes.
fn ends_value(character: u8) -> bool {
    character.is_ascii_whitespace()
        || character.is_ascii_control()
        || matches!(character, b'"' | b'\'' | b'&' | b';' | b',' | b'<' | b'>')
}
