//! Pairs of keys and values in a text, found as Logstash's expression finds them, in time that is linear in its length.
//!
//! A backslash takes away the meaning of a separator or a closing quote behind it, and both stay in the key or the
//! value. Where a text can be a pair in no other way, the backslash is one like other characters, as in an engine
//! that goes back and tries again: the last such place wins.

use super::places::Places;
use super::separator::Separator;

/// What a value may be wrapped in.
const WRAPPERS: [(u8, u8); 5] =
    [(b'"', b'"'), (b'\'', b'\''), (b'(', b')'), (b'[', b']'), (b'<', b'>')];
/// How many of them are quotes, not brackets.
const QUOTES: usize = 2;

/// What is a pair.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    /// Between pairs.
    pub(super) fields: Separator,
    /// Between a key and its value; a pattern takes the blanks around it with it, where it may.
    pub(super) splits: Separator,
    /// Blanks around `splits` belong to it.
    pub(super) skips_blanks: bool,
    /// Keys are separated by a pattern, and so end with a line.
    pub(super) keys_end_with_lines: bool,
    /// The same of values.
    pub(super) values_end_with_lines: bool,
    pub(super) include_brackets: bool,
}

/// Where what begins in one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    fields: Places,
    splits: Places,
    /// What ends a key, and a value without quotes, unless there is a backslash in front.
    key_ends: Places,
    value_ends: Places,
}

/// How far a text was read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Position {
    at: usize,
    /// Of each wrapper, up to where it is known that it is not closed.
    open_until: [usize; WRAPPERS.len()],
}

/// A key and its value, which may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair<'t> {
    pub(super) key: &'t str,
    pub(super) value: &'t str,
}

impl Scanner {
    /// Finds all separators of a text.
    pub(super) fn mark(&mut self, text: &str, marks: &mut Marks) {
        let Marks { fields, splits, key_ends, value_ends } = marks;
        for places in [&mut *fields, &mut *splits, &mut *key_ends, &mut *value_ends] {
            places.clear(text.len());
        }
        self.splits.mark(text, splits);
        // Without one there is no pair.
        if splits.next(0).is_none() {
            return;
        }
        self.fields.mark(text, fields);
        if self.keys_end_with_lines {
            memchr::memchr_iter(b'\n', text.as_bytes()).for_each(|line| key_ends.insert(line));
        }
        if self.values_end_with_lines {
            value_ends.join(key_ends);
        }
        value_ends.join(fields);
        key_ends.join(fields);
        key_ends.join(splits);
    }

    /// The next pair of a text whose marks these are.
    pub(super) fn next<'t>(
        &self,
        text: &'t str,
        marks: &Marks,
        position: &mut Position,
    ) -> Option<Pair<'t>> {
        while position.at < text.len() {
            let start = position.at;
            match self.key(text, marks, start) {
                Ok((end, value)) => {
                    let (value, end_of_value) = self.value(text, marks, value, position);
                    position.at = self.after_field(text, marks, end_of_value);
                    return Some(Pair { key: &text[start..end], value });
                }
                // No key begins before the place where this one came to nothing.
                Err(stop) => position.at = after_character(text, stop),
            }
        }
        None
    }

    /// Where the key that begins at `start` ends and its value begins, else where the search for them ended.
    fn key(&self, text: &str, marks: &Marks, start: usize) -> Result<(usize, usize), usize> {
        let bytes = text.as_bytes();
        let mut fallback = None;
        let mut from = start;
        let stop = loop {
            let stop = marks.key_ends.next(from).unwrap_or(text.len());
            if stop >= text.len() {
                break text.len();
            }
            let escapes = backslashes(bytes, start..stop, Some(&marks.key_ends));
            let split = if stop > start { self.after_split(text, marks, stop) } else { None };
            let can_pass = escapes > 0 && bytes[stop] != b'\n';
            match split {
                Some(split) if escapes.is_multiple_of(2) || !can_pass => return Ok((stop, split)),
                Some(split) => fallback = Some((stop, split)),
                None if !can_pass => break stop,
                None => {}
            }
            from = stop + 1;
        };
        fallback.ok_or(stop)
    }

    /// The value that begins at `start`, and where it ends with what it is wrapped in.
    fn value<'t>(
        &self,
        text: &'t str,
        marks: &Marks,
        start: usize,
        position: &mut Position,
    ) -> (&'t str, usize) {
        let bytes = text.as_bytes();
        let count = if self.include_brackets { WRAPPERS.len() } else { QUOTES };
        let wrapper = WRAPPERS[..count].iter().position(|(open, _)| bytes.get(start) == Some(open));
        if let Some(kind) = wrapper
            && let Some(end) = wrapped(text, marks, start + 1, kind, position)
        {
            return (&text[start + 1..end], end + 1);
        }
        let mut from = start;
        let end = loop {
            let Some(end) = marks.value_ends.next(from).filter(|end| *end < text.len()) else {
                break text.len();
            };
            let escapes = backslashes(bytes, start..end, Some(&marks.value_ends));
            if escapes.is_multiple_of(2) || bytes[end] == b'\n' {
                break end;
            }
            from = end + 1;
        };
        (&text[start..end], end)
    }

    /// Where a value begins if a key ends at this place.
    fn after_split(&self, text: &str, marks: &Marks, place: usize) -> Option<usize> {
        if !self.skips_blanks {
            return if marks.splits.contains(place) { self.splits.end(text, place) } else { None };
        }
        let split = after_blanks(text, place);
        if marks.splits.contains(split) {
            return Some(after_blanks(text, self.splits.end(text, split)?));
        }
        // The last of the blanks may be what separates.
        (split > place && marks.splits.contains(split - 1)).then_some(split)
    }

    fn after_field(&self, text: &str, marks: &Marks, place: usize) -> usize {
        let end = if marks.fields.contains(place) { self.fields.end(text, place) } else { None };
        end.unwrap_or(place)
    }
}

/// Where what begins behind an opening quote or bracket is closed: there a pair must end.
fn wrapped(
    text: &str,
    marks: &Marks,
    start: usize,
    kind: usize,
    position: &mut Position,
) -> Option<usize> {
    if start < position.open_until[kind] {
        return None;
    }
    let bytes = text.as_bytes();
    let mut fallback = None;
    let mut from = start;
    let stop = loop {
        let Some(close) = memchr::memchr(WRAPPERS[kind].1, &bytes[from..]) else {
            break text.len();
        };
        let close = from + close;
        let escapes = backslashes(bytes, start..close, None);
        let after = close + 1;
        let ends =
            bytes.get(after).is_none_or(|next| *next == b'\n') || marks.fields.contains(after);
        if ends && escapes.is_multiple_of(2) {
            return Some(close);
        }
        if ends {
            fallback = Some(close);
        } else if escapes == 0 {
            break close;
        }
        from = after;
    };
    // Behind the fallback nothing closed it, and so nothing will where less is in front.
    position.open_until[kind] = stop + 1;
    fallback
}

/// How many backslashes stand right before the end of a range; those that separate do not count.
fn backslashes(bytes: &[u8], range: std::ops::Range<usize>, separators: Option<&Places>) -> usize {
    let separates = |place: usize| separators.is_some_and(|places| places.contains(place));
    range.rev().take_while(|place| bytes[*place] == b'\\' && !separates(*place)).count()
}

fn after_blanks(text: &str, place: usize) -> usize {
    place + text.as_bytes()[place..].iter().take_while(|byte| **byte == b' ').count()
}

fn after_character(text: &str, place: usize) -> usize {
    (place + 1..text.len()).find(|next| text.is_char_boundary(*next)).unwrap_or(text.len())
}
