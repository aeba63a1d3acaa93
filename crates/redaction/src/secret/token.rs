//! Secrets that are known by their own shape, wherever they stand: credentials behind `Bearer` and `Basic`, passwords
//! in addresses, private keys in PEM, JSON Web Tokens, and tokens with the prefix of whoever gives them out.
//!
//! What tells the kind stays: the prefix, the scheme, the user of an address, the lines around a key.
//!
//! Sources: RFC 6750 and RFC 7617 (schemes), RFC 3986 (addresses), RFC 7468 (PEM), RFC 7519 (JSON Web Tokens), and
//! what the services say of their own tokens.

use std::ops::Range;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Secret;
use super::fragments::Fragments;
use crate::text::{Text, begins_word};

/// How far a password is looked for in an address, in bytes.
const CREDENTIALS_BYTES_MAX: usize = 1 << 10;
/// How long the line before a key may be, in bytes.
const LABEL_BYTES_MAX: usize = 64;
/// Shortest token behind `Bearer` with a digit, and without one: a word behind it may be prose.
const BEARER_BYTES_MIN: usize = 8;
const WORDY_BEARER_BYTES_MIN: usize = 24;
/// Shortest head of a JSON Web Token behind its first three letters.
const HEAD_BYTES_MIN: usize = 7;
/// With or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What tells that there may be something, beside the prefixes of [`SHAPES`].
const SIGNS: [&str; 8] =
    ["://", ":\\/\\/", "---BEGIN", "eyJ", "earer ", "EARER ", "asic ", "ASIC "];
/// Tokens with a prefix.
const SHAPES: [Shape; 17] = [
    // AWS: ids of access keys.
    Shape::new("AKIA", 0, 16, is_capital),
    Shape::new("ASIA", 0, 16, is_capital),
    Shape::new("AIza", 0, 35, in_token),
    // GitHub.
    Shape::new("ghp_", 0, 20, is_alphanumeric),
    Shape::new("gho_", 0, 20, is_alphanumeric),
    Shape::new("ghu_", 0, 20, is_alphanumeric),
    Shape::new("ghs_", 0, 20, is_alphanumeric),
    Shape::new("ghr_", 0, 20, is_alphanumeric),
    Shape::new("github_pat_", 4, 20, in_token),
    // Slack.
    Shape::new("xoxa-", 0, 10, in_token),
    Shape::new("xoxb-", 0, 10, in_token),
    Shape::new("xoxp-", 0, 10, in_token),
    Shape::new("xoxr-", 0, 10, in_token),
    Shape::new("xoxs-", 0, 10, in_token),
    // Stripe; the two have the same piece.
    Shape::new("sk_live_", 1, 16, is_alphanumeric),
    Shape::new("rk_live_", 1, 16, is_alphanumeric),
    // Ours, of shops.
    Shape::new("mrt_", 0, 43, in_token),
];

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

/// The letters of base64 as addresses take it.
fn in_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Whether a token may begin here: no other one goes on.
fn begins_token(bytes: &[u8], at: usize) -> bool {
    let goes_on = at > 0 && matches!(bytes[at - 1], b'_' | b'-');
    !goes_on && begins_word(bytes, at)
}

/// A token that is known by its prefix.
struct Shape {
    prefix: &'static str,
    /// Where in the prefix the piece begins that is looked for.
    piece_at: usize,
    /// Least bytes behind the prefix.
    bytes_min: usize,
    /// What these bytes are.
    is_of_kind: fn(u8) -> bool,
}

impl Shape {
    const fn new(
        prefix: &'static str,
        piece_at: usize,
        bytes_min: usize,
        is_of_kind: fn(u8) -> bool,
    ) -> Self {
        Self { prefix, piece_at, bytes_min, is_of_kind }
    }

    /// What stands behind the prefix whose piece was found here.
    fn find(&self, text: &Text<'_>, hit: usize) -> Option<Range<usize>> {
        let start = hit.checked_sub(self.piece_at)?;
        let begins = text.bytes[start..].starts_with(self.prefix.as_bytes());
        if !begins || !begins_token(text.bytes, start) {
            return None;
        }
        let from = start + self.prefix.len();
        let end = text.end_of(from, self.is_of_kind);
        let goes_on = text.bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
        let is_whole = end - from >= self.bytes_min || is_cut_at(text, from..end);
        (is_whole && !goes_on).then_some(from..end)
    }
}

/// Whether a token may go on behind the end of a line that is only the beginning of what was sent.
fn is_cut_at(text: &Text<'_>, range: Range<usize>) -> bool {
    text.is_cut && range.end == text.bytes.len() && !range.is_empty()
}

/// What secrets look like.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    fragments: Fragments,
}

impl Tokens {
    pub(super) fn new() -> Self {
        let mut fragments: Vec<&str> = SIGNS.to_vec();
        fragments.extend(SHAPES.iter().map(|shape| &shape.prefix[shape.piece_at..]));
        fragments.sort_unstable();
        fragments.dedup();
        Self { fragments: Fragments::new(&fragments) }
    }

    /// Adds what has the shape of a secret, in order.
    pub(super) fn find(&self, text: &Text<'_>, secrets: &mut Vec<Secret>) {
        let mut at = 0;
        while let Some(hit) = self.fragments.find(text.bytes, at) {
            at = hit + 1;
            if let Some(range) = token(text, hit) {
                at = range.end.max(at);
                secrets.push(Secret { range, is_number: false });
            }
        }
    }
}

/// The secret whose sign was found here.
fn token(text: &Text<'_>, hit: usize) -> Option<Range<usize>> {
    match &text.bytes[hit..] {
        [b':', ..] => password(text, hit),
        [b'-', ..] => private_key(text, hit),
        [b'e', b'y', ..] => web_token(text, hit),
        [b'e' | b'E', ..] => credentials(text, hit, b"earer ", is_bearer),
        [b'a', ..] | [b'A', b'S', b'I', b'C', ..] => credentials(text, hit, b"asic ", is_basic),
        _ => SHAPES.iter().find_map(|shape| shape.find(text, hit)),
    }
}

/// The password of an address: what stands between `:` and the last `@` before its path.
fn password(text: &Text<'_>, hit: usize) -> Option<Range<usize>> {
    let start = hit + if text.bytes[hit..].starts_with(b"://") { 3 } else { 5 };
    let rest = &text.bytes[start..];
    let last = memchr::memrchr(b'@', &rest[..rest.len().min(CREDENTIALS_BYTES_MAX)])?;
    let (mut at, mut colon, mut sign) = (start, None, None);
    while at <= start + last {
        let (character, length_bytes) = text.character(at);
        match character {
            b':' if colon.is_none() => colon = Some(at + length_bytes),
            b'@' => sign = Some(at),
            b'/' | b'?' | b'#' | b'\\' | b'"' | b'\'' | b'<' | b'>' | b'(' | b')' | b',' | b'`' => {
                break;
            }
            other if other.is_ascii_whitespace() || other.is_ascii_control() => break,
            _ => {}
        }
        at += length_bytes;
    }
    let range = colon?..sign?;
    let is_shown = !range.is_empty() && !text.bytes[range.clone()].iter().all(|byte| *byte == b'*');
    is_shown.then_some(range)
}

/// The body of a private key, up to its last line or the end of the text that it stands in.
fn private_key(text: &Text<'_>, hit: usize) -> Option<Range<usize>> {
    const BEGIN: &[u8] = b"---BEGIN ";
    let behind = text.bytes[hit..].strip_prefix(BEGIN)?;
    let label = &behind[..behind.len().min(LABEL_BYTES_MAX)];
    let label = &label[..memchr::memmem::find(label, b"-----")?];
    memchr::memmem::find(label, b"PRIVATE KEY")?;
    let from = hit + BEGIN.len() + label.len() + 5;
    let rest = &text.bytes[from..];
    let end = memchr::memchr3_iter(b'"', b'\'', b'-', rest)
        .find(|at| rest[*at] != b'-' || rest[*at..].starts_with(b"-----END"))
        .unwrap_or(rest.len());
    let mut body = &rest[..end];
    if matches!(rest.get(end), Some(b'"' | b'\'')) {
        // They belong to the quote.
        while let Some(shorter) = body.strip_suffix(b"\\") {
            body = shorter;
        }
    }
    let is_shown = !body.iter().all(|byte| *byte == b'*');
    is_shown.then_some(from..from + body.len())
}

/// A JSON Web Token: at least two parts of base64 with points between them, the first of which is an object.
fn web_token(text: &Text<'_>, hit: usize) -> Option<Range<usize>> {
    if !begins_token(text.bytes, hit) {
        return None;
    }
    let from = hit + 3;
    let mut end = text.end_of(from, in_token);
    if end - from < HEAD_BYTES_MIN {
        return None;
    }
    let mut points = 0;
    while text.bytes.get(end) == Some(&b'.') {
        let part_end = text.end_of(end + 1, in_token);
        // A point behind the last part ends a sentence; the signature of an unsigned token is empty.
        if part_end == end + 1 && points != 1 {
            break;
        }
        points += 1;
        end = part_end;
    }
    let is_whole = points >= 2 || is_cut_at(text, from..end);
    is_whole.then_some(from..end)
}

/// What stands behind a scheme of authentication whose name was found but for its first letter.
fn credentials(
    text: &Text<'_>,
    hit: usize,
    scheme: &[u8],
    is_secret: fn(&[u8]) -> bool,
) -> Option<Range<usize>> {
    let start = hit.checked_sub(1)?;
    let begins = text.bytes[start].eq_ignore_ascii_case(&b'b') && begins_word(text.bytes, start);
    let has_scheme = text.bytes[hit..].get(..scheme.len())?.eq_ignore_ascii_case(scheme);
    if !begins || !has_scheme {
        return None;
    }
    let from = text.end_of(hit + scheme.len(), |byte| byte == b' ');
    let mut end = from;
    let mut letters = Vec::new();
    while end < text.bytes.len() {
        let (character, length_bytes) = text.character(end);
        if !in_token(character) && !matches!(character, b'.' | b'~' | b'+' | b'/' | b'=') {
            break;
        }
        letters.push(character);
        end += length_bytes;
    }
    let is_whole = is_secret(&letters) || is_cut_at(text, from..end);
    is_whole.then_some(from..end)
}

fn is_bearer(letters: &[u8]) -> bool {
    let has_digit = letters.iter().any(u8::is_ascii_digit);
    letters.len() >= if has_digit { BEARER_BYTES_MIN } else { WORDY_BEARER_BYTES_MIN }
}

/// Whether this is a user and a password in base64, and not the word behind `basic`.
fn is_basic(letters: &[u8]) -> bool {
    let whole = if letters.len() % 4 == 1 { letters.len() - 1 } else { letters.len() };
    let Ok(decoded) = BASE64.decode(&letters[..whole]) else { return false };
    decoded.contains(&b':') && !decoded.iter().any(u8::is_ascii_control)
}
