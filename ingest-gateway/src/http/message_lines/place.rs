//! The place of the next byte in what a connection of HTTP/1 brings: in a head, in a body, or between them.
//!
//! Pure: the same for any split of the bytes. Changes none of them, and reads nothing of a head but where its lines
//! end.

use memchr::memchr_iter;

use super::BodyEnd;
use super::chunks::Chunks;

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a head, or before one.
    Head(Head),
    /// Behind a head. Where its body ends is still to be said.
    HeadEnded,
    /// In a body of which so many bytes are left.
    Length(u64),
    /// In a body of chunks.
    Chunks(Chunks),
    /// Before a line feed that has no carriage return before it.
    Refused,
    /// In what is not HTTP/1, or is not read as such any more.
    Unfollowed,
}

/// How far lines were followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Followed {
    /// Over all bytes that there are.
    All,
    /// To the end of what they belong to, which is behind so many bytes.
    ToEnd(usize),
    /// To a line feed without a carriage return, which is behind so many bytes.
    ToLineFeed(usize),
}

/// A head that has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Whether a line has ended that is not empty: before the request line empty ones may stand (RFC 9112, 2.2).
    has_begun: bool,
    /// Bytes of the line that has not ended.
    line_bytes: usize,
    /// Whether the last one of these is a carriage return.
    is_behind_return: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Place {
    /// Behind a head whose body ends so. Nothing is said of what was no head of HTTP/1: the preface of HTTP/2, and what
    /// the library could not read, which it refuses.
    pub(super) fn behind_head(end: Option<BodyEnd>) -> Self {
        match end {
            Some(BodyEnd::Length(bytes)) => Self::Length(bytes),
            Some(BodyEnd::Chunks) => Self::Chunks(Chunks::default()),
            None => Self::Unfollowed,
        }
    }

    /// Goes on over these bytes, and gives over how many of them: all, or those up to the end of a head, or up to a
    /// line feed that ends no line, which may be none.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while passed < bytes.len() {
            let rest = &bytes[passed..];
            let (followed, behind) = match self {
                Self::Head(head) => (head.follow(rest), Self::HeadEnded),
                Self::Chunks(chunks) => (chunks.follow(rest), Self::default()),
                Self::Length(left) => (follow_length(left, rest), Self::default()),
                Self::HeadEnded | Self::Refused | Self::Unfollowed => return bytes.len(),
            };
            match followed {
                Followed::All => return bytes.len(),
                Followed::ToEnd(at) => {
                    passed += at;
                    *self = behind;
                    if behind == Self::HeadEnded {
                        return passed;
                    }
                }
                Followed::ToLineFeed(at) => {
                    *self = Self::Refused;
                    return passed + at;
                }
            }
        }
        passed
    }
}

/// Goes on in a body of which so many bytes are left.
fn follow_length(left: &mut u64, bytes: &[u8]) -> Followed {
    match usize::try_from(*left) {
        Ok(left) if left <= bytes.len() => Followed::ToEnd(left),
        _ => {
            *left -= bytes.len() as u64;
            Followed::All
        }
    }
}

impl Head {
    fn follow(&mut self, bytes: &[u8]) -> Followed {
        let mut begin = 0;
        for at in memchr_iter(b'\n', bytes) {
            let line = &bytes[begin..at];
            let last = line.last();
            if !last.map_or(self.is_behind_return, |last| *last == b'\r') {
                return Followed::ToLineFeed(at);
            }
            let is_empty = self.line_bytes.saturating_add(line.len()) == 1;
            if is_empty && self.has_begun {
                return Followed::ToEnd(at + 1);
            }
            *self = Self { has_begun: self.has_begun || !is_empty, ..Self::default() };
            begin = at + 1;
        }
        let line = &bytes[begin..];
        self.line_bytes = self.line_bytes.saturating_add(line.len());
        if let Some(last) = line.last() {
            self.is_behind_return = *last == b'\r';
        }
        Followed::All
    }
}
