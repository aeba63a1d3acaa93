//! Secrets in text: `password=hunter2`, `?access_token=abc&x=1`. What stands behind the `=` of a secret's
//! name is replaced, up to a blank, a separator or the closing quote.
//!
//! Only `=` is looked for: `password: x` and JSON within a text are not.

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
    // The name's last letters tell most of them apart before its begin is looked for.
    memchr::memchr_iter(b'=', text)
        .any(|at| at >= 3 && is_secret(&text[at.saturating_sub(NAME_BYTES)..at]))
}

/// As much of a name as tells that of a secret.
const NAME_BYTES: usize = 16;

/// The text with its secrets replaced; `None` if it has none.
pub(super) fn mask(text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut copied = 0;
    for at in memchr::memchr_iter(b'=', text.as_bytes()) {
        if at < copied || !is_secret(name_before(text.as_bytes(), at)) {
            continue;
        }
        let (begin, length) = value(&text[at + 1..]);
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

/// Where a value begins in what follows its `=`, and how long it is.
fn value(text: &str) -> (usize, usize) {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        let quoted = &text[1..];
        return (1, quoted.find(quote).unwrap_or(quoted.len()));
    }
    let ends = |character: char| {
        character.is_whitespace() || matches!(character, '&' | ';' | ',' | '"' | '\'' | '<' | '>')
    };
    (0, text.find(ends).unwrap_or(text.len()))
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
            "key=",
            "?q=a&page=2",
        ] {
            assert_eq!(mask(text), None, "{text}");
        }
        assert!(!may_be_in(b"GET /shop?page=2&sort=price HTTP/1.1"));
    }
}
