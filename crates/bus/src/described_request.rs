//! What a door tells of the HTTP request that brought a record: as parameters behind the content type of its body,
//! in the record's content type, which frames and messages carry already. A door writes them where a setting asks for
//! it, and takes them out of what senders name as their content type, so that no sender writes any.
//!
//! `text/plain; request-method=POST; request-target=/app?a=1; http-version=HTTP/1.1; host=shop.example; accept=*/*`
//!
//! First stands the content type of the body, which may be empty, then method, target and version, and then headers by
//! their names. In values `;`, `%`, and each byte that is neither a blank nor visible ASCII are `%` and two digits, so
//! that any bytes of a header come through, and all of it is one line of ASCII.
//!
//! It knows nothing of what a header means, and never decides which ones are told.

use std::borrow::Cow;

use bytestring::ByteString;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};

/// Most bytes of a content type that tells of a request. Headers that would make it longer are left out.
pub const DESCRIPTION_BYTES_MAX: usize = 8 << 10;

/// Most bytes of its parts that cannot be left out, as they are written. They are cut, and leave room for headers.
const BODY_BYTES_MAX: usize = 512;
const METHOD_BYTES_MAX: usize = 64;
const TARGET_BYTES_MAX: usize = 2 << 10;
const VERSION_BYTES_MAX: usize = 64;

const METHOD: &str = "; request-method=";
const TARGET: &str = "; request-target=";
const VERSION: &str = "; http-version=";
/// What stands before a header.
const HEADER: &str = "; ";
/// What does not stand for itself in a value, beside bytes that are no ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b';');

/// The content type of the body alone: what it is of any record that is told of no request.
#[must_use]
pub fn content_type_of_body(content_type: &str) -> &str {
    // Most have no parameter at all, which is seen fast.
    let method = content_type.find(';').and_then(|first| {
        let at = content_type[first..].find(METHOD)?;
        Some(first + at)
    });
    method.map_or(content_type, |at| &content_type[..at])
}

/// Writes the content type of a request's records.
#[derive(Debug)]
pub struct DescriptionWriter {
    text: String,
}

impl DescriptionWriter {
    /// Begins with the content type of the body, of which parameters that tell of a request are left out, and with what
    /// the request line says.
    #[must_use]
    pub fn new(of_body: &str, method: &str, target: &str, version: &str) -> Self {
        let of_body = &of_body[..of_body.floor_char_boundary(BODY_BYTES_MAX)];
        let mut text = content_type_of_body(of_body).to_owned();
        for (name, value, bytes_max) in [
            (METHOD, method, METHOD_BYTES_MAX),
            (TARGET, target, TARGET_BYTES_MAX),
            (VERSION, version, VERSION_BYTES_MAX),
        ] {
            text.push_str(name);
            push_beginning(&mut text, value, bytes_max);
        }
        Self { text }
    }

    /// Adds a header; says whether it did. One that there is no room for is left out as a whole, and so is one whose
    /// name is none (RFC 9110, 5.1).
    pub fn header(&mut self, name: &str, value: &[u8]) -> bool {
        let is_of_name = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b'=');
        let bytes = HEADER.len() + name.len() + 1 + encoded_bytes(value);
        let is_name = !name.is_empty() && name.bytes().all(is_of_name);
        if !is_name || self.text.len() + bytes > DESCRIPTION_BYTES_MAX {
            return false;
        }
        self.text.push_str(HEADER);
        self.text.push_str(name);
        self.text.push('=');
        self.text.extend(percent_encode(value, ENCODED));
        true
    }

    /// The content type, in no more memory than it needs: it is kept as long as the records are on their way.
    #[must_use]
    pub fn finish(self) -> ByteString {
        self.text.into_boxed_str().into()
    }
}

/// A request as the content type of its records tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescribedRequest<'t> {
    method: &'t str,
    target: &'t str,
    version: &'t str,
    /// Each behind a semicolon and a blank.
    headers: &'t str,
}

impl<'t> DescribedRequest<'t> {
    /// What a record's content type tells; `None` of any other.
    #[must_use]
    pub fn of(content_type: &'t str) -> Option<Self> {
        let told = content_type.strip_prefix(content_type_of_body(content_type))?;
        let (method, told) = told.strip_prefix(METHOD)?.split_once(TARGET)?;
        let (target, told) = told.split_once(VERSION)?;
        let version_bytes = told.find(HEADER).unwrap_or(told.len());
        let (version, headers) = told.split_at(version_bytes);
        Some(Self { method, target, version, headers })
    }

    /// The method, as `POST`.
    #[must_use]
    pub fn method(self) -> Cow<'t, str> {
        text(self.method)
    }

    /// Path and query, as `/app?a=1`.
    #[must_use]
    pub fn target(self) -> Cow<'t, str> {
        text(self.target)
    }

    /// The version of HTTP, as `HTTP/1.1`.
    #[must_use]
    pub fn version(self) -> Cow<'t, str> {
        text(self.version)
    }

    /// The headers that are told, by their names, in the order in which they were written.
    pub fn headers(self) -> impl Iterator<Item = (&'t str, Cow<'t, str>)> {
        self.headers.split(HEADER).filter_map(|header| {
            let (name, value) = header.split_once('=')?;
            Some((name, text(value)))
        })
    }
}

/// As much of a text as has room, in whole characters.
fn push_beginning(out: &mut String, value: &str, bytes_max: usize) {
    let mut left = bytes_max;
    for character in value.chars() {
        let mut buffer = [0; 4];
        let bytes = character.encode_utf8(&mut buffer).as_bytes();
        let Some(rest) = left.checked_sub(encoded_bytes(bytes)) else { return };
        left = rest;
        out.extend(percent_encode(bytes, ENCODED));
    }
}

fn encoded_bytes(value: &[u8]) -> usize {
    percent_encode(value, ENCODED).map(str::len).sum()
}

/// The text of a value: its bytes are UTF-8, or else each is a character, as in ISO 8859-1.
fn text(encoded: &str) -> Cow<'_, str> {
    let bytes = percent_decode_str(encoded);
    bytes.clone().decode_utf8().unwrap_or_else(|_| bytes.map(char::from).collect())
}

#[cfg(test)]
mod tests;
