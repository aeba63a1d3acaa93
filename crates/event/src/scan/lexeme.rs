//! The lexemes of JSON: blanks, strings, numbers, literals. Each checks strictly and decodes nothing.

use super::invalid;
use crate::refusal::Refusal;
use crate::text::skip_plain;

/// The first byte from `at` that is not a blank.
#[inline]
pub(crate) fn skip_blanks(payload: &[u8], mut at: usize) -> usize {
    while payload.get(at).is_some_and(|byte| is_blank(*byte)) {
        at += 1;
    }
    at
}

#[inline]
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// What a string holds beside plain text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Escapes {
    /// Any escape.
    pub(crate) any: bool,
    /// Half of a surrogate pair without the other: no character.
    pub(crate) lone_surrogate: bool,
}

/// A string whose content begins at `at`: the position of its closing quote, and its escapes.
#[inline(always)]
pub(crate) fn string(payload: &[u8], at: usize) -> Result<(usize, Escapes), Refusal> {
    let end = skip_plain(payload, at);
    if payload.get(end) == Some(&b'"') {
        return Ok((end, Escapes::default()));
    }
    string_on(payload, end)
}

/// As [`string`], from a place in it that is no quote, or one of the last bytes.
#[inline(never)]
fn string_on(payload: &[u8], mut at: usize) -> Result<(usize, Escapes), Refusal> {
    let mut escapes = Escapes::default();
    loop {
        match payload.get(at) {
            Some(b'"') => return Ok((at, escapes)),
            Some(b'\\') => {
                escapes.any = true;
                at = escape(payload, at, &mut escapes)?;
            }
            Some(0..=0x1f) | None => return Err(invalid(at.min(payload.len()))),
            Some(_) => at += 1,
        }
        at = skip_plain(payload, at);
    }
}

fn escape(payload: &[u8], at: usize, escapes: &mut Escapes) -> Result<usize, Refusal> {
    match payload.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match code_unit(payload, at) {
            Some(0xd800..=0xdbff)
                if matches!(code_unit(payload, at + 6), Some(0xdc00..=0xdfff)) =>
            {
                Ok(at + 12)
            }
            Some(0xd800..=0xdfff) => {
                escapes.lone_surrogate = true;
                Ok(at + 6)
            }
            Some(_) => Ok(at + 6),
            None => Err(invalid(at)),
        },
        _ => Err(invalid(at)),
    }
}

/// The number in `\u` and four digits.
fn code_unit(payload: &[u8], at: usize) -> Option<u32> {
    let digits = payload.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
}

/// A number that begins at `at`: the position after it.
#[inline]
pub(crate) fn number(payload: &[u8], start: usize) -> Result<usize, Refusal> {
    let digits = |mut at: usize| {
        while let Some(b'0'..=b'9') = payload.get(at) {
            at += 1;
        }
        at
    };
    let whole = if payload[start] == b'-' { start + 1 } else { start };
    let mut at = match payload.get(whole) {
        Some(b'0') => whole + 1,
        Some(b'1'..=b'9') => digits(whole + 1),
        _ => return Err(invalid(whole)),
    };
    if payload.get(at) == Some(&b'.') {
        let end = digits(at + 1);
        if end == at + 1 {
            return Err(invalid(end));
        }
        at = end;
    }
    if let Some(b'e' | b'E') = payload.get(at) {
        let sign = matches!(payload.get(at + 1), Some(b'+' | b'-'));
        let from = at + 1 + usize::from(sign);
        let end = digits(from);
        if end == from {
            return Err(invalid(end));
        }
        at = end;
    }
    Ok(at)
}

/// One of the three words; moves `at` behind it and gives that position.
pub(crate) fn literal(payload: &[u8], at: &mut usize, word: &[u8]) -> Result<usize, Refusal> {
    if payload.get(*at..*at + word.len()) != Some(word) {
        return Err(invalid(*at));
    }
    *at += word.len();
    Ok(*at)
}
