//! The strict scan: RFC 8259 over bytes, iterative, into nodes. Decodes nothing.
//!
//! Of keys that an object has twice the last stays, at every level.

mod keys;
pub(crate) mod lexeme;
mod validate;

use crate::names::{Names, hash, hash_within};
use crate::node::{
    CHANGED, KEY_ESCAPED, Kind, NONE, Node, TEXT_ESCAPED, link, mark_changed, unlink,
};
use crate::refusal::{Limits, Refusal, RefusalKind};
use crate::text::unescape;
use keys::Keys;
use lexeme::{Escapes, is_blank, literal, number, skip_blanks, string};
pub use validate::validate;

/// The deepest nesting that any limit may allow.
pub(crate) const DEPTH_CAP: usize = 128;

/// What was noticed of a text beside its nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Strings hold halves of surrogate pairs, which are no characters.
    pub has_lone_surrogates: bool,
    /// Ends of lines stand between values.
    pub has_line_ends: bool,
    /// A name begins with `@`, or with an escape that may be one.
    pub has_at_names: bool,
}

impl Scanned {
    /// Whether slices of the text cannot be output as they are.
    pub(crate) fn is_rough(self) -> bool {
        self.has_lone_surrogates || self.has_line_ends
    }
}

/// Scans one JSON object into `nodes`, which is cleared first; node 0 is the object.
///
/// A byte order mark at the very start is skipped. Escapes of lone surrogates are accepted, as the
/// grammar does.
///
/// # Errors
/// The first refusal by precedence, with its position.
pub fn scan(payload: &[u8], limits: &Limits, nodes: &mut Vec<Node>) -> Result<Scanned, Refusal> {
    scan_with(payload, limits, nodes, None)
}

/// As [`scan`]; the object's own fields are filed by their names. After a refusal some may be.
///
/// # Errors
/// The same.
pub(crate) fn scan_filing(
    payload: &[u8],
    limits: &Limits,
    nodes: &mut Vec<Node>,
    names: &mut Names,
) -> Result<Scanned, Refusal> {
    scan_with(payload, limits, nodes, Some(names))
}

fn scan_with(
    payload: &[u8],
    limits: &Limits,
    nodes: &mut Vec<Node>,
    names: Option<&mut Names>,
) -> Result<Scanned, Refusal> {
    nodes.clear();
    let (start, depth_max) = opened(payload, limits)?;
    let nodes_max = limits.nodes_max as usize;
    let scanned = Scanned::default();
    let mut scanner = Scanner { payload, nodes, names, depth_max, nodes_max, flags: 0, scanned };
    let end = scanner.run(start);
    let scanned = scanner.scanned;
    closed(payload, start, end)?;
    Ok(scanned)
}

/// Where the object begins that a payload must be, and how deep it may be.
fn opened(payload: &[u8], limits: &Limits) -> Result<(usize, usize), Refusal> {
    let refuse = |kind, position_bytes| Err(Refusal { kind, position_bytes });
    if payload.len() > limits.payload_bytes_max.min(NONE as usize) {
        return refuse(RefusalKind::TooLarge, limits.payload_bytes_max);
    }
    if let Err(error) = simdutf8::compat::from_utf8(payload) {
        return refuse(RefusalKind::InvalidUtf8, error.valid_up_to());
    }
    let mark = if payload.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let start = skip_blanks(payload, mark);
    if payload.get(start) != Some(&b'{') {
        return refuse(RefusalKind::NotAnObject, start);
    }
    Ok((start, (limits.depth_max as usize).clamp(1, DEPTH_CAP)))
}

/// Whether the object that begins at `start` is good and is all, where it ends there, or is refused so.
fn closed(payload: &[u8], start: usize, end: Result<usize, Refusal>) -> Result<(), Refusal> {
    let end = match end {
        Ok(end) => end,
        Err(refusal) if refusal.kind == RefusalKind::TooDeep => {
            return Err(deeper_than_allowed(payload, start, refusal));
        }
        Err(refusal) => return Err(refusal),
    };
    let rest = skip_blanks(payload, end);
    if rest < payload.len() {
        return Err(Refusal { kind: RefusalKind::TrailingData, position_bytes: rest });
    }
    Ok(())
}

/// Scans one JSON value that was put into a buffer from `from` to its end, between `{"":` and `}`,
/// and adds its nodes to `nodes`; gives the wrapping object, whose only child is the value. Every
/// node gets `flags`.
///
/// # Errors
/// For what is not one JSON value; positions are those of the buffer, and nodes may have been added.
pub(crate) fn scan_wrapped(
    buffer: &[u8],
    from: usize,
    limits: &Limits,
    nodes: &mut Vec<Node>,
    flags: u8,
) -> Result<(u32, Scanned), Refusal> {
    let refuse = |kind, position_bytes| Err(Refusal { kind, position_bytes });
    if buffer.len() - from > limits.payload_bytes_max || buffer.len() > NONE as usize {
        return refuse(RefusalKind::TooLarge, from);
    }
    if let Err(error) = simdutf8::compat::from_utf8(&buffer[from..]) {
        return refuse(RefusalKind::InvalidUtf8, from + error.valid_up_to());
    }
    let wrapper = nodes.len() as u32;
    // The wrapper is a level and a node of its own.
    let depth_max = (limits.depth_max as usize).clamp(1, DEPTH_CAP) + 1;
    let nodes_max = nodes.len() + limits.nodes_max as usize + 1;
    let scanned = Scanned::default();
    let mut scanner =
        Scanner { payload: buffer, nodes, names: None, depth_max, nodes_max, flags, scanned };
    let end = scanner.run(from)?;
    let scanned = scanner.scanned;
    // The value is the first node behind the wrapper, and there is no second.
    let Node { first_child, last_child, .. } = nodes[wrapper as usize];
    if end < buffer.len() || first_child != wrapper + 1 || last_child != first_child {
        return refuse(RefusalKind::TrailingData, end);
    }
    Ok((wrapper, scanned))
}

/// Trailing data comes before depth: looks for the object's end by its brackets alone.
fn deeper_than_allowed(payload: &[u8], start: usize, refusal: Refusal) -> Refusal {
    let mut depth = 0usize;
    let mut at = start;
    while let Some(&byte) = payload.get(at) {
        match byte {
            b'"' => match string(payload, at + 1) {
                Ok((end, _)) => at = end,
                Err(_) => return refusal,
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    let rest = skip_blanks(payload, at + 1);
                    if rest < payload.len() {
                        return Refusal { kind: RefusalKind::TrailingData, position_bytes: rest };
                    }
                    return refusal;
                }
            }
            _ => {}
        }
        at += 1;
    }
    refusal
}

/// Where a name stands; nowhere for an element of an array.
#[derive(Clone, Copy)]
struct Key {
    start: u32,
    end: u32,
    escaped: bool,
    hash: u16,
}

const NO_KEY: Key = Key { start: 0, end: 0, escaped: false, hash: 0 };

struct Scanner<'a> {
    payload: &'a [u8],
    nodes: &'a mut Vec<Node>,
    /// Where the fields of the outermost object are filed.
    names: Option<&'a mut Names>,
    depth_max: usize,
    nodes_max: usize,
    /// What every node is marked with.
    flags: u8,
    scanned: Scanned,
}

impl Scanner<'_> {
    /// Scans the object that begins at `start`; gives the position after it.
    fn run(&mut self, start: usize) -> Result<usize, Refusal> {
        let mut keys = Keys::new();
        let mut container = self.open(Kind::Object, start, NONE, NO_KEY)?;
        let mut in_object = true;
        let mut depth = 1;
        keys.open(depth);
        let mut at = self.skip_blanks(start + 1);
        let mut is_empty = true;
        loop {
            // An empty container falls through to its end.
            if !is_empty || self.payload.get(at) != Some(&closing(in_object)) {
                let key = if in_object { self.key(&mut at)? } else { NO_KEY };
                let (node, kind) = self.value(&mut at, container, key, depth)?;
                if in_object {
                    self.keep_last(&mut keys, depth, container, node);
                } else {
                    link(self.nodes, container, node);
                }
                is_empty = matches!(kind, Kind::Object | Kind::Array);
                if is_empty {
                    depth += 1;
                    container = node;
                    in_object = kind == Kind::Object;
                    keys.open(depth);
                    at = self.skip_blanks(at);
                    continue;
                }
                at = self.skip_blanks(at);
            }
            // After a value: a comma, or the end of this container and perhaps of those around it.
            loop {
                match self.payload.get(at) {
                    Some(b',') if !is_empty => {
                        at = self.skip_blanks(at + 1);
                        break;
                    }
                    Some(&byte) if byte == closing(in_object) => {
                        at += 1;
                        self.nodes[container as usize].end = at as u32;
                        container = self.nodes[container as usize].parent;
                        if container == NONE {
                            return Ok(at);
                        }
                        in_object = self.nodes[container as usize].kind == Kind::Object;
                        depth -= 1;
                        is_empty = false;
                        at = self.skip_blanks(at);
                    }
                    _ => return Err(invalid(at)),
                }
            }
        }
    }

    /// A key, its colon and the blanks around; leaves `at` at the value.
    fn key(&mut self, at: &mut usize) -> Result<Key, Refusal> {
        if self.payload.get(*at) != Some(&b'"') {
            return Err(invalid(*at));
        }
        let start = *at + 1;
        let (end, escapes) = string(self.payload, start)?;
        let escaped = self.noted(escapes);
        self.scanned.has_at_names |= matches!(self.payload[start], b'@' | b'\\');
        *at = self.skip_blanks(end + 1);
        if self.payload.get(*at) != Some(&b':') {
            return Err(invalid(*at));
        }
        *at = self.skip_blanks(*at + 1);
        let hash = if escaped {
            self.hash_unescaped(start, end)
        } else {
            hash_within(self.payload, start, end)
        };
        Ok(Key { start: start as u32, end: end as u32, escaped, hash })
    }

    /// A scalar, or the opening of a container; not linked yet.
    fn value(
        &mut self,
        at: &mut usize,
        container: u32,
        key: Key,
        depth: usize,
    ) -> Result<(u32, Kind), Refusal> {
        let start = *at;
        let (kind, from, end, flags) = match self.payload.get(start) {
            Some(b'"') => {
                let (end, escapes) = string(self.payload, start + 1)?;
                let escaped = self.noted(escapes);
                *at = end + 1;
                (Kind::String, start + 1, end, if escaped { TEXT_ESCAPED } else { 0 })
            }
            Some(&byte @ (b'{' | b'[')) => {
                if depth >= self.depth_max {
                    return Err(Refusal { kind: RefusalKind::TooDeep, position_bytes: start });
                }
                *at = start + 1;
                let kind = if byte == b'{' { Kind::Object } else { Kind::Array };
                return Ok((self.open(kind, start, container, key)?, kind));
            }
            Some(b'-' | b'0'..=b'9') => {
                let end = number(self.payload, start)?;
                *at = end;
                (Kind::Number, start, end, 0)
            }
            Some(b't') => (Kind::True, start, literal(self.payload, at, b"true")?, 0),
            Some(b'f') => (Kind::False, start, literal(self.payload, at, b"false")?, 0),
            Some(b'n') => (Kind::Null, start, literal(self.payload, at, b"null")?, 0),
            _ => return Err(invalid(start)),
        };
        let node = self.push(Node::new(kind, from as u32, end as u32, flags), container, key)?;
        Ok((node, kind))
    }

    #[cold]
    fn hash_unescaped(&self, start: usize, end: usize) -> u16 {
        hash(unescape(&self.payload[start..end]).as_bytes())
    }

    #[inline]
    fn skip_blanks(&mut self, at: usize) -> usize {
        match self.payload.get(at) {
            // Mostly it is a single space.
            Some(b' ') if !self.payload.get(at + 1).is_some_and(|byte| is_blank(*byte)) => at + 1,
            Some(byte) if is_blank(*byte) => self.skip_some_blanks(at),
            _ => at,
        }
    }

    #[cold]
    fn skip_some_blanks(&mut self, at: usize) -> usize {
        let end = skip_blanks(self.payload, at);
        self.scanned.has_line_ends |=
            self.payload[at..end].iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        end
    }

    /// Says whether there are any.
    #[inline]
    fn noted(&mut self, escapes: Escapes) -> bool {
        self.scanned.has_lone_surrogates |= escapes.lone_surrogate;
        escapes.any
    }

    fn open(&mut self, kind: Kind, start: usize, container: u32, key: Key) -> Result<u32, Refusal> {
        self.push(Node::new(kind, start as u32, start as u32, 0), container, key)
    }

    fn push(&mut self, mut node: Node, container: u32, key: Key) -> Result<u32, Refusal> {
        if self.nodes.len() >= self.nodes_max {
            let position_bytes = node.start as usize;
            return Err(Refusal { kind: RefusalKind::TooManyFields, position_bytes });
        }
        node.parent = container;
        node.flags |= self.flags;
        node.key_start = key.start;
        node.key_end = key.end;
        node.name_hash = key.hash;
        if key.escaped {
            node.flags |= KEY_ESCAPED;
        }
        let id = self.nodes.len() as u32;
        self.nodes.push(node);
        Ok(id)
    }

    fn keep_last(&mut self, keys: &mut Keys, depth: usize, container: u32, node: u32) {
        if let Some(earlier) = keys.insert(depth, self.payload, self.nodes, container, node) {
            unlink(self.nodes, earlier);
            mark_changed(self.nodes, container);
            debug_assert!(
                self.nodes[container as usize].has(CHANGED),
                "a repeated key is rewritten"
            );
        }
        link(self.nodes, container, node);
        if depth == 1
            && let Some(names) = &mut self.names
        {
            names.put(self.nodes[node as usize].name_hash, node);
        }
    }
}

/// What ends an object, or an array.
#[inline]
fn closing(in_object: bool) -> u8 {
    if in_object { b'}' } else { b']' }
}

fn invalid(position_bytes: usize) -> Refusal {
    Refusal { kind: RefusalKind::InvalidJson, position_bytes }
}

#[cfg(test)]
mod tests;
