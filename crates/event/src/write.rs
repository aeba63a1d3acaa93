//! Output: copies slices, and walks only what was changed. A document is one line, however its
//! payload was laid out.

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
        let [metadata, timestamp] = HIDDEN.map(|name| names::hash(name.as_bytes()));
        let mut at = self.node(self.root()).first_child;
        while at != NONE {
            let node = &self.nodes[at as usize];
            let maybe = node.name_hash == metadata || node.name_hash == timestamp;
            if !maybe || !HIDDEN.iter().any(|name| self.is_named(node, name)) {
                out.push(b',');
                self.write_member(node, out);
            }
            at = node.next;
        }
        out.push(b'}');
    }

    /// Appends a value as JSON.
    pub fn raw(&self, id: NodeId, out: &mut Vec<u8>) {
        self.write(self.node(id), out);
    }

    /// Appends `"name":value`. Names and strings stand in their buffers with their quotes, and names
    /// with their colon, nearly always: then they are copied as wholes.
    fn write_member(&self, node: &Node, out: &mut Vec<u8>) {
        if let Some(member) = self.untouched_member(node) {
            return out.extend_from_slice(member);
        }
        let escaped = node.has(KEY_ESCAPED) && self.is_rough;
        let buffer = self.buffer(node.has(KEY_IN_SCRATCH));
        let (start, end) = (node.key_start as usize, node.key_end as usize);
        match buffer.get(start.wrapping_sub(1)..end + 2) {
            Some(whole) if !escaped && whole.starts_with(b"\"") && whole.ends_with(b"\":") => {
                out.extend_from_slice(whole);
            }
            _ => {
                out.push(b'"');
                self.write_content(&buffer[start..end], escaped, out);
                out.extend_from_slice(b"\":");
            }
        }
        self.write(node, out);
    }

    /// Name and value where they still stand side by side in the payload.
    fn untouched_member(&self, node: &Node) -> Option<&[u8]> {
        let touched = node.flags & (KEY_IN_SCRATCH | TEXT_IN_SCRATCH | CHANGED) != 0;
        let quote = u32::from(node.kind == Kind::String);
        if touched || self.is_rough || node.key_end + 2 + quote != node.start {
            return None;
        }
        let start = (node.key_start as usize).checked_sub(1)?;
        let member = self.payload.get(start..(node.end + quote) as usize)?;
        // A string that was cut short ends elsewhere.
        let whole = quote == 0 || member.ends_with(b"\"");
        (whole && self.payload.get(node.key_end as usize + 1) == Some(&b':')).then_some(member)
    }

    fn write_string(&self, node: &Node, out: &mut Vec<u8>) {
        let escaped = node.has(TEXT_ESCAPED) && self.is_rough;
        let buffer = self.buffer(node.has(TEXT_IN_SCRATCH));
        let (start, end) = (node.start as usize, node.end as usize);
        match buffer.get(start.wrapping_sub(1)..end + 1) {
            Some(whole) if !escaped && whole.starts_with(b"\"") && whole.ends_with(b"\"") => {
                out.extend_from_slice(whole);
            }
            _ => {
                out.push(b'"');
                self.write_content(&buffer[start..end], escaped, out);
                out.push(b'"');
            }
        }
    }

    fn write_content(&self, content: &[u8], escaped: bool, out: &mut Vec<u8>) {
        if escaped {
            escape(&unescape(content), out);
        } else {
            out.extend_from_slice(content);
        }
    }

    /// Depth is bounded: by the scan's limit and by the paths of the configuration.
    fn write(&self, node: &Node, out: &mut Vec<u8>) {
        match node.kind {
            Kind::String => self.write_string(node, out),
            Kind::Object | Kind::Array if node.has(CHANGED) || self.is_rough => {
                let object = node.kind == Kind::Object;
                out.push(if object { b'{' } else { b'[' });
                let mut at = node.first_child;
                while at != NONE {
                    let child = &self.nodes[at as usize];
                    if at != node.first_child {
                        out.push(b',');
                    }
                    if object {
                        self.write_member(child, out);
                    } else {
                        self.write(child, out);
                    }
                    at = child.next;
                }
                out.push(if object { b'}' } else { b']' });
            }
            _ => out.extend_from_slice(self.text_slice(node)),
        }
    }
}
