//! Output: copies slices, and walks only what was changed.

use crate::document::Event;
use crate::node::{CHANGED, Kind, NONE, Node, NodeId};
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
        out.push(b'"');
        out.extend_from_slice(self.key_slice(node));
        out.extend_from_slice(b"\":");
        self.write(node, out);
    }

    /// Depth is bounded: by the scan's limit and by the paths of the configuration.
    fn write(&self, node: &Node, out: &mut Vec<u8>) {
        match node.kind {
            Kind::String => {
                out.push(b'"');
                out.extend_from_slice(self.text_slice(node));
                out.push(b'"');
            }
            Kind::Object | Kind::Array if node.has(CHANGED) => {
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
