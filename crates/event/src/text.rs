//! JSON's escapes, both ways.

use std::borrow::Cow;

use memchr::memchr2_iter;

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

/// Whether nothing of it must be escaped. Pieces are looked at whole, and may overlap at the end.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let (chunks, _) = bytes.as_chunks::<16>();
    if let Some(last) = bytes.last_chunk::<16>() {
        return !chunks.iter().any(has_special) && !has_special(last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return specials(u64::from_le_bytes(*first)) | specials(u64::from_le_bytes(*last)) == 0;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let word = u64::from(u32::from_le_bytes(*first)) << 32;
        return specials(word | u64::from(u32::from_le_bytes(*last))) == 0;
    }
    !bytes.iter().any(is_special)
}

#[inline]
fn is_special(byte: &u8) -> bool {
    *byte < b' ' || *byte == b'"' || *byte == b'\\'
}

/// Without a way out half-way: then the compiler looks at all bytes in one go.
#[inline]
fn has_special(chunk: &[u8; 16]) -> bool {
    chunk.iter().fold(0, |found, byte| found | u8::from(is_special(byte))) != 0
}

/// Appends text as the content of a JSON string, without quotes. Says whether anything was escaped.
pub fn escape(text: &str, out: &mut Vec<u8>) -> bool {
    escape_bytes(text.as_bytes(), out)
}

/// As [`escape`], of bytes that may be no UTF-8: all but those that must be escaped stay as they are.
pub fn escape_bytes(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    if is_plain(bytes) {
        out.extend_from_slice(bytes);
        return false;
    }
    // Nearly always only quotes are escaped, and backslashes: these are found faster alone.
    let has_control = bytes.iter().fold(0, |found, byte| found | u8::from(*byte < b' ')) != 0;
    if has_control {
        let specials = bytes.iter().enumerate().filter(|(_, byte)| is_special(byte));
        escape_at(bytes, specials.map(|(at, _)| at), out);
    } else {
        escape_at(bytes, memchr2_iter(b'"', b'\\', bytes), out);
    }
    true
}

/// Escapes the bytes at these places.
fn escape_at(bytes: &[u8], places: impl Iterator<Item = usize>, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut from = 0;
    for at in places {
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        let short = match bytes[at] {
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            control @ 0..=0x1f => {
                let digits = [control >> 4, control & 15].map(|digit| HEX[usize::from(digit)]);
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
                continue;
            }
            itself => itself,
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.extend_from_slice(&bytes[from..]);
}

#[cfg(test)]
mod tests {
    use super::escape_bytes;

    #[test]
    fn what_must_be_escaped_is_found_wherever_it_stands() {
        for length in 0..70 {
            let plain = vec![b'a'; length];
            let mut escaped = Vec::new();
            assert!(!escape_bytes(&plain, &mut escaped));
            assert_eq!(escaped, plain);
            for at in 0..length {
                for special in [b'"', b'\\', b'\0', b'\x1f'] {
                    let mut text = plain.clone();
                    text[at] = special;
                    escaped.clear();
                    assert!(escape_bytes(&text, &mut escaped), "{special} at {at} of {length}");
                    let json = [b"\"", escaped.as_slice(), b"\""].concat();
                    let read: String = serde_json::from_slice(&json).unwrap();
                    assert_eq!(read.as_bytes(), text);
                }
            }
        }
    }

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
