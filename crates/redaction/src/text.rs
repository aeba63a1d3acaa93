//! A line as those see it who look for what must not be stored: its bytes, and whether they are JSON.
//!
//! Knows escapes as far as they say where a word or a value ends. Decodes nothing for anybody else, and takes
//! any bytes.

/// What some writers put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Stands for a character that is not ASCII.
const OTHER: u8 = 0x80;

/// A line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'t> {
    pub(crate) bytes: &'t [u8],
    /// Whether it begins as JSON does: then a quote without a backslash begins or ends a string, and nothing
    /// that is replaced may reach over it.
    pub(crate) is_json: bool,
    /// Whether it is only the beginning of what was sent.
    pub(crate) is_cut: bool,
}

impl<'t> Text<'t> {
    pub(crate) fn new(bytes: &'t [u8], is_cut: bool) -> Self {
        let content = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes).trim_ascii_start();
        let is_json = matches!(content.first(), Some(b'{' | b'[' | b'"'));
        Self { bytes, is_json, is_cut }
    }

    /// The character at a place before the end, as far as it is ASCII, and how many bytes it takes: an escape
    /// within JSON is one character.
    pub(crate) fn character(&self, at: usize) -> (u8, usize) {
        match &self.bytes[at..] {
            [b'\\', escape, rest @ ..] if self.is_json => match escape {
                b'n' => (b'\n', 2),
                b'r' => (b'\r', 2),
                b't' => (b'\t', 2),
                b'b' | b'f' => (b' ', 2),
                b'u' => coded(rest),
                other => (*other, 2),
            },
            [byte, ..] => (*byte, 1),
            [] => (OTHER, 1),
        }
    }

    /// Where the bytes end that are of a kind, from a place on.
    pub(crate) fn end_of(&self, from: usize, is_of_kind: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|byte| is_of_kind(**byte)).count()
    }
}

/// The character whose code stands behind `\u`, and how many bytes the escape takes.
fn coded(digits: &[u8]) -> (u8, usize) {
    let digits = digits.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let code = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    match code.and_then(|code| u16::from_str_radix(code, 16).ok()) {
        Some(code) => (u8::try_from(code).ok().filter(u8::is_ascii).unwrap_or(OTHER), 6),
        None => (OTHER, 2),
    }
}

/// Whether what stands before a place is no part of a word that begins there: it is no letter or digit, or it
/// is the end of an escape (`\n`, `\u0026`, `%20`).
pub(crate) fn begins_word(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    !before.last().is_some_and(u8::is_ascii_alphanumeric)
        || matches!(before, [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'])
        || ends_coded(before)
}

/// Whether this ends in a character that is written by its code: `\u0026`, `%20`.
fn ends_coded(before: &[u8]) -> bool {
    let ends_so = |sign: &[u8], digits: usize| {
        let Some(start) = before.len().checked_sub(digits) else { return false };
        before[..start].ends_with(sign) && before[start..].iter().all(u8::is_ascii_hexdigit)
    };
    ends_so(b"%", 2) || ends_so(b"\\u", 4)
}
