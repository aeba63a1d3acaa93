//! Output: copies slices, and walks only what was changed. A document is one line, however its
//! payload was laid out.

use crate::document::Event;
use crate::node::{CHANGED, KEY_ESCAPED, Kind, NONE, Node, NodeId, TEXT_ESCAPED};
use crate::text::{escape, unescape};
use crate::timestamp::format_timestamp;

impl Event {
    /// Appends the document: `@timestamp` first, then every field but `@metadata`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        out.reserve(self.payload.len() + self.scratch.len() + 64);
        out.extend_from_slice(b"{\"@timestamp\":\"");
        format_timestamp(self.timestamp_ns, out);
        out.push(b'"');
        let mut at = self.node(self.root()).first_child;
        while at != NONE {
            let node = &self.nodes[at as usize];
            if !self.is_named(node, "@metadata") && !self.is_named(node, "@timestamp") {
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

    fn write_member(&self, node: &Node, out: &mut Vec<u8>) {
        self.write_string(self.key_slice(node), node.has(KEY_ESCAPED), out);
        out.push(b':');
        self.write(node, out);
    }

    fn write_string(&self, content: &[u8], escaped: bool, out: &mut Vec<u8>) {
        out.push(b'"');
        if escaped && self.is_rough {
            escape(&unescape(content), out);
        } else {
            out.extend_from_slice(content);
        }
        out.push(b'"');
    }

    /// Depth is bounded: by the scan's limit and by the paths of the configuration.
    fn write(&self, node: &Node, out: &mut Vec<u8>) {
        match node.kind {
            Kind::String => {
                self.write_string(self.text_slice(node), node.has(TEXT_ESCAPED), out);
            }
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
