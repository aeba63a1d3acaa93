//! Field references: `name` or `[outer][inner][-1]`, by Logstash's rules.

use std::fmt;

use crate::names;
use crate::text::escape;

/// Most segments in one reference.
const SEGMENTS_MAX: usize = 32;

/// One step of a reference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// The key in an object.
    pub key: Box<str>,
    /// The key as it is written: with quotes, escapes and the colon.
    pub(crate) written: Box<[u8]>,
    /// Whether anything in it is escaped.
    pub(crate) is_escaped: bool,
    pub(crate) name_hash: u16,
    /// The key as an index into an array, where it is one; negative counts from the end.
    pub index: Option<i64>,
}

/// A reference to a field, read once and used for every event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    pub(crate) segments: Box<[Segment]>,
}

/// Why a text is not a reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a field reference: write `name` or `[outer][inner]`")]
pub struct FieldPathError {
    /// The text.
    pub text: String,
}

impl FieldPath {
    /// Reads a reference. Brackets may be nested around a whole: `[[a][b]][c]` is `[a][b][c]`.
    ///
    /// # Errors
    /// For an empty text, brackets that do not match, and text beside brackets.
    pub fn parse(text: &str) -> Result<Self, FieldPathError> {
        let error = || FieldPathError { text: text.to_owned() };
        if text.is_empty() {
            return Err(error());
        }
        if !text.contains(['[', ']']) {
            return Ok(Self::key(text));
        }
        let mut segments = Vec::new();
        let mut depth = 0usize;
        let mut name = String::new();
        let mut closed_inner = false;
        for character in text.chars() {
            match character {
                '[' if name.is_empty() => {
                    depth += 1;
                    closed_inner = false;
                }
                ']' if depth > 0 => {
                    depth -= 1;
                    if !name.is_empty() {
                        segments.push(segment(&std::mem::take(&mut name)));
                    } else if !closed_inner {
                        return Err(error());
                    }
                    closed_inner = true;
                }
                '[' | ']' => return Err(error()),
                // Beside a part that is closed nothing but another bracket may stand.
                _ if depth == 0 || closed_inner => return Err(error()),
                other => name.push(other),
            }
        }
        if depth != 0 || segments.is_empty() || segments.len() > SEGMENTS_MAX {
            return Err(error());
        }
        Ok(Self { segments: segments.into() })
    }

    /// The top-level field of this name, whatever characters it holds.
    #[must_use]
    pub fn key(name: &str) -> Self {
        Self { segments: Box::new([segment(name)]) }
    }

    /// The field under these keys.
    #[must_use]
    pub fn keys(names: &[&str]) -> Self {
        Self { segments: names.iter().map(|name| segment(name)).collect() }
    }

    /// The field under the keys of a dotted name: `client.geo` is `[client][geo]`.
    #[must_use]
    pub fn dotted(name: &str) -> Self {
        Self { segments: name.split('.').map(segment).collect() }
    }

    /// The field that `inner` names within this one.
    #[must_use]
    pub fn join(&self, inner: &Self) -> Self {
        Self { segments: self.segments.iter().chain(&inner.segments).cloned().collect() }
    }

    /// The steps.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether this field lies within the other, or is it.
    #[must_use]
    pub fn starts_with(&self, other: &Self) -> bool {
        self.segments.starts_with(&other.segments)
    }

    /// Whether this is the event's own time.
    #[must_use]
    pub fn is_timestamp(&self) -> bool {
        self.segments.len() == 1 && &*self.segments[0].key == "@timestamp"
    }
}

fn segment(name: &str) -> Segment {
    let mut written = vec![b'"'];
    let is_escaped = escape(name, &mut written);
    written.extend_from_slice(b"\":");
    Segment {
        key: name.into(),
        written: written.into(),
        is_escaped,
        name_hash: names::hash(name.as_bytes()),
        index: name.parse().ok(),
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            write!(f, "[{}]", segment.key)?;
        }
        Ok(())
    }
}
