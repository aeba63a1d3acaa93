//! Changes: new nodes whose text lies in the scratch buffer. Nothing that was scanned is overwritten.

use crate::document::Event;
use crate::node::{
    CHANGED, KEY_ESCAPED, KEY_IN_SCRATCH, Kind, NONE, Node, NodeId, TEXT_ESCAPED, TEXT_IN_SCRATCH,
    link, mark_changed, unlink,
};
use crate::path::{FieldPath, Segment};
use crate::refusal::Limits;
use crate::scan::scan;
use crate::text::escape;

impl Event {
    fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    fn add_text_node(&mut self, kind: Kind, text: &str) -> NodeId {
        let start = self.scratch.len() as u32;
        let mut flags = TEXT_IN_SCRATCH;
        if kind == Kind::String {
            if escape(text, &mut self.scratch) {
                flags |= TEXT_ESCAPED;
            }
        } else {
            self.scratch.extend_from_slice(text.as_bytes());
        }
        self.add(Node::new(kind, start, self.scratch.len() as u32, flags))
    }

    /// A new object that stands nowhere yet.
    pub fn new_object(&mut self) -> NodeId {
        self.add(Node::new(Kind::Object, 0, 0, CHANGED))
    }

    /// A new array that stands nowhere yet.
    pub fn new_array(&mut self) -> NodeId {
        self.add(Node::new(Kind::Array, 0, 0, CHANGED))
    }

    /// A new string that stands nowhere yet.
    pub fn new_text(&mut self, text: &str) -> NodeId {
        self.add_text_node(Kind::String, text)
    }

    /// A new number, given as valid JSON, that stands nowhere yet.
    pub fn new_number(&mut self, text: &str) -> NodeId {
        self.add_text_node(Kind::Number, text)
    }

    /// A new truth value that stands nowhere yet.
    pub fn new_bool(&mut self, value: bool) -> NodeId {
        let (kind, text) = if value { (Kind::True, "true") } else { (Kind::False, "false") };
        self.add_text_node(kind, text)
    }

    /// A new null that stands nowhere yet.
    pub fn new_null(&mut self) -> NodeId {
        self.add_text_node(Kind::Null, "null")
    }

    /// Copies a value with all that it holds; the copy stands nowhere yet.
    pub fn new_copy(&mut self, of: NodeId) -> NodeId {
        let mut copy = *self.node(of);
        copy.parent = NONE;
        copy.next = NONE;
        copy.first_child = NONE;
        copy.last_child = NONE;
        let top = self.add(copy);
        let mut at = self.node(of).first_child;
        while at != NONE {
            let child = self.new_copy(NodeId(at));
            link(&mut self.nodes, top.0, child.0);
            at = self.node(NodeId(at)).next;
        }
        top
    }

    /// Builds nodes from JSON text that this program made; `None` if it is not one JSON value.
    pub fn new_json(&mut self, json: &[u8]) -> Option<NodeId> {
        let mut wrapped = Vec::with_capacity(json.len() + 6);
        wrapped.extend_from_slice(b"{\"\":");
        wrapped.extend_from_slice(json);
        wrapped.push(b'}');
        let mut nodes = Vec::new();
        scan(&wrapped, &Limits { payload_bytes_max: usize::MAX, ..Limits::default() }, &mut nodes)
            .ok()?;
        let text_base = self.scratch.len() as u32;
        let node_base = self.nodes.len() as u32;
        let moved = |id: u32| if id == NONE { NONE } else { id + node_base };
        self.scratch.extend_from_slice(&wrapped);
        for mut node in nodes {
            node.key_start += text_base;
            node.key_end += text_base;
            node.start += text_base;
            node.end += text_base;
            node.parent = moved(node.parent);
            node.first_child = moved(node.first_child);
            node.last_child = moved(node.last_child);
            node.next = moved(node.next);
            node.flags |= KEY_IN_SCRATCH | TEXT_IN_SCRATCH;
            self.nodes.push(node);
        }
        let value = self.nodes[node_base as usize].first_child;
        unlink(&mut self.nodes, value);
        Some(NodeId(value))
    }

    /// Takes a value out of its container. It can be attached elsewhere.
    pub fn detach(&mut self, id: NodeId) {
        let parent = self.node(id).parent;
        unlink(&mut self.nodes, id.0);
        mark_changed(&mut self.nodes, parent);
    }

    /// Takes all values out of a container at once, and gives the first: the others follow by
    /// [`Event::next_sibling`], to be asked before one of them is attached elsewhere.
    pub fn detach_all(&mut self, container: NodeId) -> Option<NodeId> {
        let first = self.first_child(container);
        mark_changed(&mut self.nodes, container.0);
        let node = &mut self.nodes[container.0 as usize];
        node.first_child = NONE;
        node.last_child = NONE;
        first
    }

    fn name(&mut self, id: NodeId, key: &str) {
        let start = self.scratch.len() as u32;
        let escaped = escape(key, &mut self.scratch);
        let end = self.scratch.len() as u32;
        let node = &mut self.nodes[id.0 as usize];
        node.key_start = start;
        node.key_end = end;
        node.flags &= !KEY_ESCAPED;
        node.flags |= KEY_IN_SCRATCH | if escaped { KEY_ESCAPED } else { 0 };
    }

    /// Puts a value that stands nowhere at the end of an object, under a name that the object does
    /// not have.
    pub fn attach(&mut self, object: NodeId, key: &str, id: NodeId) {
        self.name(id, key);
        self.attach_as_is(object, id);
    }

    /// Puts a value that stands nowhere at the end of an object, under the name it had.
    pub fn attach_as_is(&mut self, object: NodeId, id: NodeId) {
        link(&mut self.nodes, object.0, id.0);
        mark_changed(&mut self.nodes, object.0);
    }

    /// Puts a value that stands nowhere at the end of an array.
    pub fn push(&mut self, array: NodeId, id: NodeId) {
        link(&mut self.nodes, array.0, id.0);
        mark_changed(&mut self.nodes, array.0);
    }

    /// The object that should hold the last step of a path; objects on the way are made. `None` where
    /// something that is not an object stands in the way.
    fn holder<'p>(&mut self, path: &'p FieldPath) -> Option<(NodeId, &'p Segment)> {
        let (last, way) = path.segments.split_last()?;
        let mut at = self.root();
        for step in way {
            at = match self.kind(at) {
                Kind::Object => match self.child(at, &step.key) {
                    Some(inner) => inner,
                    None => {
                        let inner = self.new_object();
                        self.attach(at, &step.key, inner);
                        inner
                    }
                },
                Kind::Array => self.element(at, step.index?)?,
                _ => return None,
            };
        }
        matches!(self.kind(at), Kind::Object | Kind::Array).then_some((at, last))
    }

    /// Puts a value that stands nowhere at a path, in place of what is there.
    pub fn place(&mut self, path: &FieldPath, id: NodeId) -> bool {
        let Some((holder, last)) = self.holder(path) else {
            return false;
        };
        if self.kind(holder) == Kind::Array {
            let Some(index) = last.index else {
                return false;
            };
            return self.place_element(holder, index, id);
        }
        if let Some(old) = self.child(holder, &last.key) {
            self.detach(old);
        }
        self.attach(holder, &last.key, id);
        true
    }

    fn place_element(&mut self, array: NodeId, index: i64, id: NodeId) -> bool {
        let Some(old) = self.element(array, index) else {
            // Right after the end is an append; further away there is nothing to stand on.
            let at_end = i64::try_from(self.elements(array).count()) == Ok(index);
            if at_end {
                self.push(array, id);
            }
            return at_end;
        };
        let mut at = self.detach_all(array);
        while let Some(element) = at {
            at = self.next_sibling(element);
            self.push(array, if element == old { id } else { element });
        }
        true
    }

    /// Sets a string. Objects on the way are made; false where something else stands in the way.
    pub fn set_text(&mut self, path: &FieldPath, text: &str) -> bool {
        let id = self.new_text(text);
        self.place(path, id)
    }

    /// Sets a number, given as valid JSON, as exact as it is written.
    pub fn set_number(&mut self, path: &FieldPath, text: &str) -> bool {
        let id = self.new_number(text);
        self.place(path, id)
    }

    /// Sets an integer.
    pub fn set_i64(&mut self, path: &FieldPath, value: i64) -> bool {
        self.set_number(path, &value.to_string())
    }

    /// Sets a floating-point number; false if it is not finite.
    pub fn set_f64(&mut self, path: &FieldPath, value: f64) -> bool {
        value.is_finite() && self.set_number(path, &float_text(value))
    }

    /// Sets a truth value.
    pub fn set_bool(&mut self, path: &FieldPath, value: bool) -> bool {
        let id = self.new_bool(value);
        self.place(path, id)
    }

    /// Sets null.
    pub fn set_null(&mut self, path: &FieldPath) -> bool {
        let id = self.new_null();
        self.place(path, id)
    }

    /// Sets what this JSON text says; false if it is not one JSON value.
    pub fn set_json(&mut self, path: &FieldPath, json: &[u8]) -> bool {
        match self.new_json(json) {
            Some(id) => self.place(path, id),
            None => false,
        }
    }

    /// Removes a field; false if there is none.
    pub fn remove(&mut self, path: &FieldPath) -> bool {
        let Some(id) = self.get(path).filter(|id| *id != self.root()) else {
            return false;
        };
        self.detach(id);
        true
    }

    /// Moves a field, in place of what is there; false if there is none or the way is blocked.
    pub fn rename(&mut self, from: &FieldPath, to: &FieldPath) -> bool {
        let Some(id) = self.get(from).filter(|id| *id != self.root()) else {
            return false;
        };
        if from == to {
            return true;
        }
        self.detach(id);
        self.place(to, id)
    }

    /// Copies a field, in place of what is there; false if there is none or the way is blocked.
    pub fn copy(&mut self, from: &FieldPath, to: &FieldPath) -> bool {
        let Some(id) = self.get(from) else {
            return false;
        };
        let copy = self.new_copy(id);
        self.place(to, copy)
    }

    /// Adds a string to a field as Logstash's `add_field` does: a field that is not there becomes the
    /// string, an array gets one more element, anything else becomes an array of both.
    pub fn append(&mut self, path: &FieldPath, text: &str) -> bool {
        let added = self.new_text(text);
        self.append_node(path, added)
    }

    /// Adds a value that stands nowhere to a field, in the way of [`Event::append`].
    pub fn append_node(&mut self, path: &FieldPath, added: NodeId) -> bool {
        let Some(old) = self.get(path) else {
            return self.place(path, added);
        };
        if self.kind(old) == Kind::Array {
            self.push(old, added);
            return true;
        }
        let array = self.new_array();
        let copy = self.new_copy(old);
        self.push(array, copy);
        self.push(array, added);
        self.place(path, array)
    }

    /// Adds a tag; one that the event has already is not added again.
    pub fn add_tag(&mut self, tag: &str) {
        if self.has_tag(tag) {
            return;
        }
        let added = self.new_text(tag);
        let root = self.root();
        let array = match self.child(root, "tags") {
            Some(tags) if self.kind(tags) == Kind::Array => tags,
            found => {
                let array = self.new_array();
                if let Some(old) = found {
                    self.detach(old);
                    if self.kind(old) != Kind::Null {
                        self.push(array, old);
                    }
                }
                self.attach(root, "tags", array);
                array
            }
        };
        self.push(array, added);
    }

    /// Removes every tag of this name.
    pub fn remove_tag(&mut self, tag: &str) {
        let Some(tags) = self.child(self.root(), "tags") else {
            return;
        };
        if self.text(tags).is_some_and(|text| text == tag) {
            self.detach(tags);
            return;
        }
        let found: Vec<_> = self
            .elements(tags)
            .filter(|id| self.text(*id).is_some_and(|text| text == tag))
            .collect();
        for id in found {
            self.detach(id);
        }
    }
}

/// A finite number as JSON: whole ones keep their point, as Ruby and Java write them.
fn float_text(value: f64) -> String {
    format!("{value:?}")
}

#[cfg(test)]
mod tests;
