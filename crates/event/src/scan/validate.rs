//! The strict scan of who only asks whether a payload is an event: the same refusals at the same places, in less time,
//! since nothing is kept.

use super::lexeme::{literal, number, skip_blanks, string};
use super::{closed, invalid, opened};
use crate::refusal::{Limits, Refusal, RefusalKind};

/// Whether a payload is one JSON object within these limits, as [`super::scan`] says it.
///
/// # Errors
/// The first refusal by precedence, with its position.
pub fn validate(payload: &[u8], limits: &Limits) -> Result<(), Refusal> {
    let (start, depth_max) = opened(payload, limits)?;
    let mut values = Values { payload, depth_max, left: limits.nodes_max as usize };
    closed(payload, start, values.run(start))
}

struct Values<'a> {
    payload: &'a [u8],
    depth_max: usize,
    /// How many more values there may be.
    left: usize,
}

impl Values<'_> {
    /// Goes through the object that begins at `start`; gives the position after it.
    fn run(&mut self, start: usize) -> Result<usize, Refusal> {
        self.count(start)?;
        // A bit for each container around, the innermost one lowest: whether it is an object.
        let mut objects: u128 = 1;
        let mut depth = 1;
        let mut is_empty = true;
        let mut at = skip_blanks(self.payload, start + 1);
        loop {
            let in_object = objects & 1 == 1;
            if !(is_empty && self.payload.get(at) == Some(&closing(in_object))) {
                if in_object {
                    self.key(&mut at)?;
                }
                if let Some(is_object) = self.value(&mut at, depth)? {
                    objects = objects << 1 | u128::from(is_object);
                    depth += 1;
                    is_empty = true;
                    at = skip_blanks(self.payload, at);
                    continue;
                }
                at = skip_blanks(self.payload, at);
            }
            is_empty = false;
            // After a value: a comma, or the end of this container and perhaps of those around it.
            loop {
                match self.payload.get(at) {
                    Some(b',') => break,
                    Some(byte) if *byte == closing(objects & 1 == 1) => {}
                    _ => return Err(invalid(at)),
                }
                depth -= 1;
                if depth == 0 {
                    return Ok(at + 1);
                }
                objects >>= 1;
                at = skip_blanks(self.payload, at + 1);
            }
            at = skip_blanks(self.payload, at + 1);
        }
    }

    /// A key, its colon and the blanks around; leaves `at` at the value.
    fn key(&self, at: &mut usize) -> Result<(), Refusal> {
        if self.payload.get(*at) != Some(&b'"') {
            return Err(invalid(*at));
        }
        let (end, _) = string(self.payload, *at + 1)?;
        *at = skip_blanks(self.payload, end + 1);
        if self.payload.get(*at) != Some(&b':') {
            return Err(invalid(*at));
        }
        *at = skip_blanks(self.payload, *at + 1);
        Ok(())
    }

    /// A scalar, or the opening of a container: then whether that is an object.
    fn value(&mut self, at: &mut usize, depth: usize) -> Result<Option<bool>, Refusal> {
        let start = *at;
        let first = self.payload.get(start).copied();
        match first {
            Some(b'"') => *at = string(self.payload, start + 1)?.0 + 1,
            Some(b'{' | b'[') => {
                if depth >= self.depth_max {
                    return Err(Refusal { kind: RefusalKind::TooDeep, position_bytes: start });
                }
                *at = start + 1;
            }
            Some(b'-' | b'0'..=b'9') => *at = number(self.payload, start)?,
            _ => {
                let word: &[u8] = match first {
                    Some(b't') => b"true",
                    Some(b'f') => b"false",
                    Some(b'n') => b"null",
                    _ => return Err(invalid(start)),
                };
                literal(self.payload, at, word)?;
            }
        }
        self.count(start + usize::from(first == Some(b'"')))?;
        Ok(matches!(first, Some(b'{' | b'[')).then_some(first == Some(b'{')))
    }

    fn count(&mut self, position_bytes: usize) -> Result<(), Refusal> {
        let too_many = Refusal { kind: RefusalKind::TooManyFields, position_bytes };
        self.left = self.left.checked_sub(1).ok_or(too_many)?;
        Ok(())
    }
}

fn closing(is_object: bool) -> u8 {
    if is_object { b'}' } else { b']' }
}
