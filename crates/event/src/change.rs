//! Changes: new nodes whose text lies in the scratch buffer. Nothing that was scanned is overwritten.

use std::ops::Range;

use hashbrown::HashMap;

use crate::document::Event;
use crate::names;
use crate::node::{
    CHANGED, KEY_ESCAPED, KEY_IN_SCRATCH, KEY_SHARED, Kind, NONE, Node, NodeId, TEXT_ESCAPED,
    TEXT_IN_SCRATCH, link, link_after, mark_changed, replace, unlink,
};
use crate::path::FieldPath;
use crate::refusal::{Limits, Refusal};
use crate::scan::scan_wrapped;
use crate::text::escape;
use crate::timestamp::format_timestamp;

/// From this many values on, names are looked up in a hash map, so that no input is quadratic.
const LINEAR_NAMES_MAX: usize = 64;

impl Event {
    pub(crate) fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        id
    }

    fn add_text_node(&mut self, kind: Kind, text: &str) -> NodeId {
        let mut flags = TEXT_IN_SCRATCH;
        let span = if kind == Kind::String {
            let (span, escaped) = self.write_scratch(text, b"\"");
            if escaped {
                flags |= TEXT_ESCAPED;
            }
            span
        } else {
            let start = self.scratch.len();
            self.scratch.extend_from_slice(text.as_bytes());
            start..self.scratch.len()
        };
        self.add(Node::new(kind, span.start as u32, span.end as u32, flags))
    }

    /// Writes a text between a quote and `end` into the scratch buffer, so that it is output as a
    /// whole; gives where its content stands, and whether anything was escaped.
    pub(crate) fn write_scratch(&mut self, text: &str, end: &[u8]) -> (Range<usize>, bool) {
        self.scratch.push(b'"');
        let start = self.scratch.len();
        let escaped = escape(text, &mut self.scratch);
        let span = start..self.scratch.len();
        self.scratch.extend_from_slice(end);
        (span, escaped)
    }

    /// A new object that stands nowhere yet. Its fields will be filed by their names, which is what the beginning
    /// of its span says: it has no bytes that the span could be of.
    pub fn new_object(&mut self) -> NodeId {
        self.add(Node::new(Kind::Object, self.names.generation(), 0, CHANGED))
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
        let top = self.add(self.node(of).alone());
        let mut at = self.node(of).first_child;
        while at != NONE {
            let child = self.new_copy(NodeId(at));
            link(&mut self.nodes, top.0, child.0);
            self.note_field(child);
            at = self.node(NodeId(at)).next;
        }
        top
    }

    /// Builds nodes from JSON text of whatever origin.
    ///
    /// # Errors
    /// For what is not one JSON value within these limits.
    pub fn new_json_within(&mut self, json: &[u8], limits: &Limits) -> Result<NodeId, Refusal> {
        const OPENING: &[u8] = b"{\"\":";
        let from = self.scratch.len();
        let nodes_before = self.nodes.len();
        self.scratch.extend_from_slice(OPENING);
        self.scratch.extend_from_slice(json);
        self.scratch.push(b'}');
        let flags = KEY_IN_SCRATCH | TEXT_IN_SCRATCH;
        let scanned = scan_wrapped(&self.scratch, from, limits, &mut self.nodes, flags);
        match scanned {
            Ok((wrapper, scanned)) => {
                let value = self.nodes[wrapper as usize].first_child;
                unlink(&mut self.nodes, value);
                self.is_rough |= scanned.is_rough();
                Ok(NodeId(value))
            }
            Err(refusal) => {
                self.scratch.truncate(from);
                self.nodes.truncate(nodes_before);
                let position_bytes = refusal.position_bytes.saturating_sub(from + OPENING.len());
                Err(Refusal { position_bytes, ..refusal })
            }
        }
    }

    /// Takes a value out of its container. It can be attached elsewhere.
    pub fn detach(&mut self, id: NodeId) {
        let parent = self.node(id).parent;
        self.forget_field(id);
        unlink(&mut self.nodes, id.0);
        mark_changed(&mut self.nodes, parent);
    }

    /// Takes all values out of a container at once, and gives the first: the others follow by
    /// [`Event::next_sibling`], to be asked before one of them is attached elsewhere.
    pub fn detach_all(&mut self, container: NodeId) -> Option<NodeId> {
        let first = self.first_child(container);
        mark_changed(&mut self.nodes, container.0);
        if container == self.root() {
            self.names.clear();
            // None is filed as the event's own again, as one that gets another name would be.
            let mut at = first.map_or(NONE, |field| field.0);
            while at != NONE {
                let field = &mut self.nodes[at as usize];
                field.parent = NONE;
                at = field.next;
            }
        }
        let node = &mut self.nodes[container.0 as usize];
        node.first_child = NONE;
        node.last_child = NONE;
        if node.kind == Kind::Object && node.end == 0 {
            // What was filed of it says no longer where anything stands.
            node.start = 0;
        }
        first
    }

    /// Moves an object's members to another object, in place of those that are there.
    pub fn merge_members(&mut self, into: NodeId, from: NodeId) {
        let mut next = self.detach_all(from);
        while let Some(member) = next {
            next = self.next_sibling(member);
            if let Some(old) = self.namesake(into, member) {
                self.detach(old);
            }
            self.attach_as_is(into, member);
        }
    }

    /// Puts values that stand nowhere into an object under the names they have, each in place of
    /// what has its name there.
    pub fn put_members(&mut self, object: NodeId, members: &[NodeId]) {
        let mut names = (members.len() > LINEAR_NAMES_MAX).then(|| {
            let there = self.children(object).map(|(name, id)| (name.into_owned(), id));
            there.collect::<HashMap<_, _>>()
        });
        for id in members {
            let old = match &mut names {
                Some(names) => names.insert(self.key(*id).into_owned(), *id),
                None => self.namesake(object, *id),
            };
            match old {
                Some(old) => self.replace(old, *id),
                None => self.attach_as_is(object, *id),
            }
        }
    }

    /// Moves the fields of an object that stands nowhere to the event, in place of those that have
    /// the same names. A usable `@timestamp` among them becomes the event's time; `@metadata` is not
    /// taken: what it says are the platform's words.
    pub fn take_fields(&mut self, object: NodeId) {
        let fields: Vec<_> = self
            .children(object)
            .filter_map(|(name, id)| (name != "@metadata").then_some(id))
            .collect();
        self.detach_all(object);
        self.put_members(self.root(), &fields);
        self.take_own_timestamp();
    }

    pub(crate) fn name(&mut self, id: NodeId, key: &str) {
        let (span, escaped) = self.write_scratch(key, b"\":");
        self.name_at(id, span, escaped, names::hash(key.as_bytes()));
    }

    pub(crate) fn name_at(&mut self, id: NodeId, span: Range<usize>, escaped: bool, hash: u16) {
        let node = &mut self.nodes[id.0 as usize];
        node.key_start = span.start as u32;
        node.key_end = span.end as u32;
        node.name_hash = hash;
        node.flags &= !(KEY_ESCAPED | KEY_SHARED);
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
        self.note_field(id);
        mark_changed(&mut self.nodes, object.0);
    }

    /// Says where a field stands, if it is one of the event's own or of an object whose fields are filed.
    #[inline]
    pub(crate) fn note_field(&mut self, id: NodeId) {
        if let Some(hash) = self.filed_hash(id) {
            self.names.put(hash, id.0);
        }
    }

    /// Says that a field will stand there no longer, or not under its name.
    #[inline]
    pub(crate) fn forget_field(&mut self, id: NodeId) {
        if let Some(hash) = self.filed_hash(id) {
            self.names.forget(hash, id.0);
        }
    }

    /// The hash that a field is filed by: of the event's own, and of objects whose fields are filed.
    #[inline]
    fn filed_hash(&self, id: NodeId) -> Option<u16> {
        let Node { parent, name_hash, .. } = self.nodes[id.0 as usize];
        let is_filed = |object: &Node| object.kind == Kind::Object && self.is_filed(object);
        let has_files =
            parent == self.root().0 || self.nodes.get(parent as usize).is_some_and(is_filed);
        has_files.then(|| names::within_object(name_hash, parent))
    }

    /// Puts a value that stands nowhere at the end of an array.
    pub fn push(&mut self, array: NodeId, id: NodeId) {
        link(&mut self.nodes, array.0, id.0);
        mark_changed(&mut self.nodes, array.0);
    }

    /// Puts a value that stands nowhere where another stands, under the same name. The other then
    /// stands nowhere.
    pub fn replace(&mut self, old: NodeId, new: NodeId) {
        let parent = self.node(old).parent;
        if parent != NONE {
            self.forget_field(old);
            replace(&mut self.nodes, old.0, new.0);
            self.note_field(new);
            mark_changed(&mut self.nodes, parent);
        }
    }

    /// Puts a value that stands nowhere into the event under a name, in place of what has it.
    pub fn put_field(&mut self, name: &str, id: NodeId) {
        match self.child(self.root(), name) {
            Some(old) => self.replace(old, id),
            None => self.attach(self.root(), name, id),
        }
    }

    /// Sets a string. Objects on the way are made; false where something else stands in the way.
    pub fn set_text(&mut self, path: &FieldPath, text: &str) -> bool {
        self.place_text_if_free(path, text).unwrap_or_else(|old| {
            let id = self.new_text(text);
            self.replace(old, id);
            true
        })
    }

    /// Sets a number, given as valid JSON, as exact as it is written.
    pub fn set_number(&mut self, path: &FieldPath, text: &str) -> bool {
        let id = self.new_number(text);
        self.place(path, id)
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

    /// Removes a field; false if there is none.
    pub fn remove(&mut self, path: &FieldPath) -> bool {
        let Some(id) = self.get(path).filter(|id| *id != self.root()) else {
            return false;
        };
        self.detach(id);
        true
    }

    /// Moves a field, in place of what is there; false, with nothing changed, if there is none or
    /// the way is blocked.
    pub fn rename(&mut self, from: &FieldPath, to: &FieldPath) -> bool {
        let Some(id) = self.get(from).filter(|id| *id != self.root()) else {
            return from.is_timestamp() && self.copy(from, to);
        };
        if from == to {
            return true;
        }
        let Node { parent, previous, .. } = *self.node(id);
        // A field that moves into itself is out of its own way, but not out of an array's.
        if to.starts_with(from) && self.kind(NodeId(parent)) != Kind::Object {
            return false;
        }
        // The way is that of the event without the field: an array is shorter by then.
        self.detach(id);
        let placed = self.place(to, id);
        if !placed {
            link_after(&mut self.nodes, parent, previous, id.0);
            self.note_field(id);
        }
        placed
    }

    /// Copies a field, in place of what is there; false, with nothing changed, if there is none or
    /// the way is blocked. `@timestamp` is copied as text.
    pub fn copy(&mut self, from: &FieldPath, to: &FieldPath) -> bool {
        if from.is_timestamp() {
            let mut text = Vec::with_capacity(30);
            format_timestamp(self.timestamp_ns, &mut text);
            return self.set_text(to, &String::from_utf8_lossy(&text));
        }
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
        self.replace(old, array);
        self.push(array, old);
        self.push(array, added);
        true
    }
}

#[cfg(test)]
mod tests;
