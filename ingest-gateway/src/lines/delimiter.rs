//! A delimiter that the settings name: what ends a line in place of a line feed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Most bytes of a delimiter.
const BYTES_MAX: usize = 16;

/// What ends a line: a text of 1 to 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Delimiter {
    bytes: [u8; BYTES_MAX],
    length: usize,
}

/// A text that cannot end a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a delimiter has 1 to {BYTES_MAX} bytes, and not {0}")]
pub struct NotADelimiter(usize);

impl Delimiter {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Where the first delimiter ends in `chunk`: one that lies in it, or one that began in the bytes before
    /// it, of which the last ones are `before`.
    pub(super) fn find_end(self, before: &[u8], chunk: &[u8]) -> Option<usize> {
        let delimiter = self.as_bytes();
        let longest = before.len().min(delimiter.len() - 1);
        // The one that began first ends first.
        let begun = (1..=longest).rev().find(|begun_bytes| {
            let (beginning, rest) = delimiter.split_at(*begun_bytes);
            before.ends_with(beginning) && chunk.starts_with(rest)
        });
        match begun {
            Some(begun_bytes) => Some(delimiter.len() - begun_bytes),
            None => memchr::memmem::find(chunk, delimiter).map(|start| start + delimiter.len()),
        }
    }

    /// Keeps the last bytes, in which a delimiter may have begun, of those that were kept and these.
    pub(super) fn keep_last(self, before: &mut Vec<u8>, chunk: &[u8]) {
        let kept_bytes = self.length - 1;
        let from_chunk = &chunk[chunk.len().saturating_sub(kept_bytes)..];
        let from_before = before.len().min(kept_bytes - from_chunk.len());
        before.drain(..before.len() - from_before);
        before.extend_from_slice(from_chunk);
    }
}

impl FromStr for Delimiter {
    type Err = NotADelimiter;

    fn from_str(text: &str) -> Result<Self, NotADelimiter> {
        let length = text.len();
        let mut bytes = [0; BYTES_MAX];
        match bytes.get_mut(..length) {
            Some(place) if length > 0 => place.copy_from_slice(text.as_bytes()),
            _ => return Err(NotADelimiter(length)),
        }
        Ok(Self { bytes, length })
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It was a text when it came in.
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl fmt::Debug for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

impl Serialize for Delimiter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Delimiter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
