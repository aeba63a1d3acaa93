//! Output: copies slices, and walks only what was changed. A document is one line, however its
//! payload was laid out.

use std::ops::Range;

use crate::document::Event;
use crate::names;
use crate::node::{
    CHANGED, KEY_ESCAPED, KEY_IN_SCRATCH, Kind, NONE, Node, NodeId, TEXT_ESCAPED, TEXT_IN_SCRATCH,
};
use crate::text::{escape, unescape};
use crate::timestamp::format_timestamp;

/// Names that are not written with the fields: `@timestamp` is an event's own.
const HIDDEN: [&str; 2] = ["@metadata", "@timestamp"];

impl Event {
    /// Appends the document: `@timestamp` first, then every field but `@metadata`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.reserve(self.payload.len() + self.scratch.len() + 64);
        out.extend_from_slice(b"{\"@timestamp\":\"");
        format_timestamp(self.timestamp_ns, out);
        out.push(b'"');
        let hidden = HIDDEN.map(|name| names::hash(name.as_bytes()));
        let is_hidden = |node: &Node| {
            hidden.contains(&node.name_hash)
                && HIDDEN.iter().any(|name| self.is_named(node, name.as_bytes()))
        };
        self.write_members(self.node(self.root()).first_child, false, is_hidden, out);
        out.push(b'}');
    }

    /// Appends a value as JSON.
    pub fn raw(&self, id: NodeId, out: &mut Vec<u8>) {
        self.write(self.node(id), out);
    }

    /// Appends the members from one on, with a comma before each, also before the first one unless nothing stands
    /// before it. Those that still stand side by side in the payload are copied as a whole.
    fn write_members(
        &self,
        from: u32,
        is_beginning: bool,
        is_hidden: impl Fn(&Node) -> bool,
        out: &mut Vec<u8>,
    ) {
        let mut at = from;
        let mut is_first = is_beginning;
        let mut whole = 0..0;
        let mut separate = |out: &mut Vec<u8>| {
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
        };
        while at != NONE {
            let node = &self.nodes[at as usize];
            at = node.next;
            if is_hidden(node) {
                continue;
            }
            let member = self.untouched_member(node);
            let follows = member.start == whole.end + 1 && !whole.is_empty();
            if follows && self.payload[whole.end] == b',' {
                whole.end = member.end;
                continue;
            }
            if !whole.is_empty() {
                separate(out);
                out.extend_from_slice(&self.payload[whole]);
            }
            if member.is_empty() {
                separate(out);
                self.write_member(node, out);
            }
            whole = member;
        }
        if !whole.is_empty() {
            separate(out);
            out.extend_from_slice(&self.payload[whole]);
        }
    }

    /// Appends `"name":value`. Names and strings stand in their buffers with their quotes, and names
    /// with their colon, nearly always: then they are copied as wholes.
    #[inline]
    fn write_member(&self, node: &Node, out: &mut Vec<u8>) {
        if let Some(whole) = self.added_member(node) {
            out.extend_from_slice(whole);
            return;
        }
        let escaped = node.has(KEY_ESCAPED) && self.is_rough;
        let buffer = self.buffer(node.has(KEY_IN_SCRATCH));
        let (start, end) = (node.key_start as usize, node.key_end as usize);
        match buffer.get(start.wrapping_sub(1)..end + 2) {
            Some([b'"', .., b'"', b':']) if !escaped => push_short(buffer, start - 1..end + 2, out),
            _ => {
                out.push(b'"');
                self.write_content(&buffer[start..end], escaped, out);
                out.extend_from_slice(b"\":");
            }
        }
        self.write(node, out);
    }

    /// Where name and value still stand side by side in the payload; empty if they do not.
    #[inline]
    fn untouched_member(&self, node: &Node) -> Range<usize> {
        let touched = node.flags & (KEY_IN_SCRATCH | TEXT_IN_SCRATCH | CHANGED) != 0;
        let quote = u32::from(node.kind == Kind::String);
        if touched || self.is_rough || node.key_end + 2 + quote != node.start || node.key_start == 0
        {
            return 0..0;
        }
        let member = node.key_start as usize - 1..(node.end + quote) as usize;
        // A string that was cut short ends elsewhere.
        let is_whole = quote == 0 || self.payload.get(node.end as usize) == Some(&b'"');
        let has_colon = self.payload.get(node.key_end as usize + 1) == Some(&b':');
        if is_whole && has_colon { member } else { 0..0 }
    }

    /// The name and the text of a string that were added side by side.
    #[inline]
    fn added_member(&self, node: &Node) -> Option<&[u8]> {
        const ADDED: u8 = KEY_IN_SCRATCH | TEXT_IN_SCRATCH;
        if node.kind != Kind::String
            || node.flags & ADDED != ADDED
            || node.key_end.wrapping_add(3) != node.start
            || self.is_rough
        {
            return None;
        }
        let (name_end, end) = (node.key_end as usize, node.end as usize);
        let whole = self.scratch.get((node.key_start as usize).checked_sub(1)?..=end)?;
        // A string that was cut short ends elsewhere.
        let are_between = self.scratch.get(name_end..name_end + 3)? == b"\":\"";
        (are_between && whole.starts_with(b"\"") && whole.ends_with(b"\"")).then_some(whole)
    }

    #[inline]
    fn write_string(&self, node: &Node, out: &mut Vec<u8>) {
        let escaped = node.has(TEXT_ESCAPED) && self.is_rough;
        let buffer = self.buffer(node.has(TEXT_IN_SCRATCH));
        let (start, end) = (node.start as usize, node.end as usize);
        match buffer.get(start.wrapping_sub(1)..end + 1) {
            Some([b'"', .., b'"']) if !escaped => push_short(buffer, start - 1..end + 1, out),
            _ => {
                out.push(b'"');
                self.write_content(&buffer[start..end], escaped, out);
                out.push(b'"');
            }
        }
    }

    #[cold]
    fn write_content(&self, content: &[u8], escaped: bool, out: &mut Vec<u8>) {
        if escaped {
            escape(&unescape(content), out);
        } else {
            out.extend_from_slice(content);
        }
    }

    #[inline]
    fn write(&self, node: &Node, out: &mut Vec<u8>) {
        match node.kind {
            Kind::String => self.write_string(node, out),
            Kind::Object if node.has(CHANGED) || self.is_rough => self.write_object(node, out),
            Kind::Array if node.has(CHANGED) || self.is_rough => {
                self.write_elements(node.first_child, out);
            }
            _ => {
                let buffer = self.buffer(node.has(TEXT_IN_SCRATCH));
                push_short(buffer, node.start as usize..node.end as usize, out);
            }
        }
    }

    /// Depth is bounded: by the scan's limit and by the paths of the configuration.
    #[inline(never)]
    fn write_object(&self, node: &Node, out: &mut Vec<u8>) {
        out.push(b'{');
        self.write_members(node.first_child, true, |_| false, out);
        out.push(b'}');
    }

    #[inline(never)]
    fn write_elements(&self, from: u32, out: &mut Vec<u8>) {
        out.push(b'[');
        let mut at = from;
        while at != NONE {
            if at != from {
                out.push(b',');
            }
            let element = &self.nodes[at as usize];
            self.write(element, out);
            at = element.next;
        }
        out.push(b']');
    }
}

/// Appends bytes of which there are mostly few. As many are copied always as two registers hold, and what is too much is
/// cut off: that costs less than to copy as many as there are.
#[inline]
fn push_short(buffer: &[u8], range: Range<usize>, out: &mut Vec<u8>) {
    const FEW_BYTES: usize = 32;
    let end = out.len() + range.len();
    match buffer.get(range.start..).and_then(<[u8]>::first_chunk::<FEW_BYTES>) {
        Some(few) if range.len() <= FEW_BYTES => {
            out.extend_from_slice(few);
            out.truncate(end);
        }
        _ => out.extend_from_slice(&buffer[range]),
    }
}
