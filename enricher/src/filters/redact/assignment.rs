//! Secrets in text: `password=hunter2`, `?access_token=abc&x=1`, `password: hunter2`. What stands behind a
//! secret's name and its `=` or `:` is replaced, up to a blank, a separator or the closing quote; behind
//! the name of a header with `:` up to the end of the line.
//!
//! Names in quotes, as in JSON within a text, are not looked for.

use super::REDACTED;
use super::secret::is_secret;

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The name that ends before this place.
fn name_before(text: &[u8], end: usize) -> &[u8] {
    let start = text[..end].iter().rposition(|byte| !in_name(*byte)).map_or(0, |place| place + 1);
    &text[start..end]
}

/// Whether a text may hold a secret behind its name.
#[inline]
pub(super) fn may_be_in(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'=', b':', text).any(|at| is_sign(text, at))
}

/// Whether a `=` or `:` may stand behind the name of a secret.
#[inline]
pub(super) fn is_sign(text: &[u8], at: usize) -> bool {
    // The name's last letters tell most of them apart before its begin is looked for.
    at >= 3 && is_secret(&text[at.saturating_sub(NAME_BYTES)..at])
}

/// As much of a name as tells that of a secret.
const NAME_BYTES: usize = 16;

/// The text with its secrets replaced; `None` if it has none.
pub(super) fn mask(text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut copied = 0;
    for at in memchr::memchr2_iter(b'=', b':', text.as_bytes()) {
        let name = name_before(text.as_bytes(), at);
        if at < copied || !is_secret(name) {
            continue;
        }
        let (begin, length) = value(name, text.as_bytes()[at], &text[at + 1..]);
        let begin = at + 1 + begin;
        let found = &text[begin..begin + length];
        if found.is_empty() || text[begin..].starts_with(REDACTED) {
            continue;
        }
        masked.push_str(&text[copied..begin]);
        masked.push_str(REDACTED);
        copied = begin + length;
    }
    if copied == 0 {
        return None;
    }
    masked.push_str(&text[copied..]);
    Some(masked)
}

/// Where a value begins in what follows its name and sign, and how long it is.
fn value(name: &[u8], sign: u8, text: &str) -> (usize, usize) {
    let blanks = match sign {
        b':' => text.len() - text.trim_start_matches([' ', '\t']).len(),
        _ => 0,
    };
    let rest = &text[blanks..];
    if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
        let quoted = &rest[1..];
        return (blanks + 1, quoted.find(quote).unwrap_or(quoted.len()));
    }
    // `Token::new` is a path of a program.
    if sign == b':' && rest.starts_with(':') {
        return (0, 0);
    }
    let is_header = sign == b':' && is_header(name);
    let ends = |character: char| match character {
        '\r' | '\n' | '"' | '\'' => true,
        '&' | ';' | ',' | '<' | '>' => !is_header,
        character => character.is_whitespace() && !is_header,
    };
    (blanks, rest.find(ends).unwrap_or(rest.len()))
}

/// Whether a name is that of a header whose value has several words: `Authorization: Bearer abc`.
fn is_header(name: &[u8]) -> bool {
    let ends_so = |end: &[u8]| {
        name.len().checked_sub(end.len()).is_some_and(|at| name[at..].eq_ignore_ascii_case(end))
    };
    ends_so(b"authorization") || ends_so(b"cookie")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_behind_names_of_secrets_are_replaced() {
        for (text, expected) in [
            ("login password=hunter2 ok", "login password=[redacted] ok"),
            ("passwd=x;user=y", "passwd=[redacted];user=y"),
            ("/a?access_token=abc%20d&x=1#f", "/a?access_token=[redacted]&x=1#f"),
            (
                "API_KEY='a b', client-secret=\"c\" end",
                "API_KEY='[redacted]', client-secret=\"[redacted]\" end",
            ),
            ("password=a=b token=c", "password=[redacted] token=[redacted]"),
            ("secret=\"open", "secret=\"[redacted]"),
            ("é password=ü", "é password=[redacted]"),
            ("login, password: hunter2, user: 7", "login, password: [redacted], user: 7"),
            ("pwd:x\nuser:y", "pwd:[redacted]\nuser:y"),
            ("api-key:\t'a b' end", "api-key:\t'[redacted]' end"),
            ("password: a:b=c token: d", "password: [redacted] token: [redacted]"),
            (
                "Authorization: Bearer a.b, c\r\nHost: x\nset-cookie: a=1; b=2",
                "Authorization: [redacted]\r\nHost: x\nset-cookie: [redacted]",
            ),
            (
                "curl -H 'Authorization: Basic x=' http://h",
                "curl -H 'Authorization: [redacted]' http://h",
            ),
        ] {
            assert!(may_be_in(text.as_bytes()), "{text}");
            assert_eq!(mask(text).as_deref(), Some(expected));
            assert_eq!(mask(expected), None, "once is enough");
        }
    }

    #[test]
    fn other_texts_stay() {
        for text in [
            "",
            "=",
            "a=b",
            "token_count=3",
            "password=",
            "password= x",
            "sort_key=4",
            "x == y",
            "the password is hunter2",
            "password:",
            "password: ",
            "wrong password:\nat x",
            "shop::Token::new",
            "tokens: 3, http://h:80",
            "key=",
            "?q=a&page=2",
        ] {
            assert_eq!(mask(text), None, "{text}");
        }
        assert!(!may_be_in(b"GET /shop?page=2&sort=price HTTP/1.1"));
    }
}
