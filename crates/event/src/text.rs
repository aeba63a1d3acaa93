//! JSON's escapes, both ways.

use std::borrow::Cow;

/// Bytes as text. They were checked when they came in, or were text then.
#[inline]
pub(crate) fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// The text of a string's content, which must be valid JSON. A lone surrogate becomes U+FFFD.
#[must_use]
pub fn unescape(content: &[u8]) -> Cow<'_, str> {
    if !content.contains(&b'\\') {
        return as_text(content);
    }
    let mut text = String::with_capacity(content.len());
    unescape_into(content, &mut text);
    Cow::Owned(text)
}

/// As [`unescape`], to the end of a text.
pub(crate) fn unescape_into(content: &[u8], text: &mut String) {
    let mut rest = content;
    while let Some(at) = backslash(rest) {
        text.push_str(&as_text(&rest[..at]));
        rest = &rest[at + 1..];
        let Some((&letter, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        match letter {
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => rest = unicode(rest, text),
            other => text.push(char::from(other)),
        }
    }
    text.push_str(&as_text(rest));
}

/// The first backslash. Content has no other byte that the search stops at before its end.
fn backslash(content: &[u8]) -> Option<usize> {
    let from = skip_plain(content, 0);
    content.get(from..)?.iter().position(|&byte| byte == b'\\').map(|at| from + at)
}

/// Four digits, and four more after `\u` where they make a pair.
fn unicode<'a>(rest: &'a [u8], text: &mut String) -> &'a [u8] {
    let Some((first, mut rest)) = hex(rest) else {
        text.push(char::REPLACEMENT_CHARACTER);
        return &[];
    };
    let mut code = first;
    if (0xd800..0xdc00).contains(&first)
        && let Some(low) = rest.strip_prefix(b"\\u")
        && let Some((second, after)) = hex(low)
        && (0xdc00..0xe000).contains(&second)
    {
        code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        rest = after;
    }
    text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn hex(rest: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = rest.split_at_checked(4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Eight bytes at once: a mask with a high bit at each quote, backslash or control byte. Bits above
/// the first one may be wrong, so only the lowest is used.
#[inline]
const fn specials(word: u64) -> u64 {
    let backslash = word ^ (ONES * b'\\' as u64);
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    // With this bit turned a quote is the number behind the control bytes, which stay among themselves.
    let quote_or_control = (word ^ (ONES * 0x02)).wrapping_sub(ONES * (b'"' as u64 - 1)) & !word;
    (backslash | quote_or_control) & HIGHS
}

/// The first quote, backslash or control byte from `at` on, or a place in the last seven bytes that
/// has none before it.
#[inline]
pub(crate) fn skip_plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..at + 8) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        let found = specials(u64::from_le_bytes(word));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at
}

/// Appends text as the content of a JSON string, without quotes. Says whether anything was escaped.
pub fn escape(text: &str, out: &mut Vec<u8>) -> bool {
    escape_bytes(text.as_bytes(), out)
}

/// As [`escape`], of bytes that may be no UTF-8: all but those that must be escaped stay as they are.
pub fn escape_bytes(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut from = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..=0x1f => b'u',
            _ => {
                at = skip_plain(bytes, at + 1);
                continue;
            }
        };
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"00");
            out.extend_from_slice(&digits);
        }
        at += 1;
        from = at;
    }
    out.extend_from_slice(&bytes[from..]);
    from > 0
}

#[cfg(test)]
mod tests {
    use super::escape_bytes;

    #[test]
    fn bytes_that_are_no_text_stay_and_the_others_are_escaped() {
        let mut escaped = Vec::new();
        let bytes = b"\xff\x80\"caf\xc3\xa9\\\x01\n\xfe words of eight bytes and more\x1f\xff";
        assert!(escape_bytes(bytes, &mut escaped));
        assert_eq!(
            escaped,
            b"\xff\x80\\\"caf\xc3\xa9\\\\\\u0001\\n\xfe words of eight bytes and more\\u001f\xff"
        );
    }
}
