//! The lexemes of JSON: blanks, strings, numbers, literals. Each checks strictly and decodes nothing.

use super::invalid;
use crate::refusal::Refusal;

/// The first byte from `at` that is not a blank.
#[inline]
pub(super) fn skip_blanks(payload: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = payload.get(at) {
        at += 1;
    }
    at
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Eight bytes at once: a mask with a high bit at each quote, backslash or control byte. Bits above
/// the first one may be wrong, so only the lowest is used.
#[inline]
const fn specials(word: u64) -> u64 {
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGHS
    }
    let quote = zeros(word ^ (ONES * b'"' as u64));
    let backslash = zeros(word ^ (ONES * b'\\' as u64));
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    quote | backslash | control
}

/// A string whose content begins at `at`: the position of its closing quote, and whether it holds
/// escapes.
#[inline]
pub(super) fn string(payload: &[u8], mut at: usize) -> Result<(usize, bool), Refusal> {
    let mut escaped = false;
    loop {
        while let Some(chunk) = payload.get(at..at + 8) {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(chunk);
            let found = specials(u64::from_le_bytes(bytes));
            if found != 0 {
                at += (found.trailing_zeros() / 8) as usize;
                break;
            }
            at += 8;
        }
        match payload.get(at) {
            Some(b'"') => return Ok((at, escaped)),
            Some(b'\\') => {
                escaped = true;
                at = escape(payload, at)?;
            }
            Some(0..=0x1f) | None => return Err(invalid(at.min(payload.len()))),
            Some(_) => at += 1,
        }
    }
}

fn escape(payload: &[u8], at: usize) -> Result<usize, Refusal> {
    match payload.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match payload.get(at + 2..at + 6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
            _ => Err(invalid(at)),
        },
        _ => Err(invalid(at)),
    }
}

/// A number that begins at `at`: the position after it.
#[inline]
pub(super) fn number(payload: &[u8], start: usize) -> Result<usize, Refusal> {
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
pub(super) fn literal(payload: &[u8], at: &mut usize, word: &[u8]) -> Result<usize, Refusal> {
    if payload.get(*at..*at + word.len()) != Some(word) {
        return Err(invalid(*at));
    }
    *at += word.len();
    Ok(*at)
}
