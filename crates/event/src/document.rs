//! An event: nodes, the payload they point into, and the text that was added. Reading only.

use std::borrow::Cow;

use bytes::Bytes;

use crate::names::{self, Known, Names};
use crate::node::{
    CHANGED, KEY_ESCAPED, KEY_IN_SCRATCH, Kind, NONE, Node, NodeId, TEXT_ESCAPED, TEXT_IN_SCRATCH,
    TEXT_IS_LINE,
};
use crate::path::FieldPath;
use crate::refusal::{Limits, Refusal};
use crate::scan::scan_filing;
use crate::shared_text::KeptText;
use crate::text::{as_text, unescape, unescape_into};
use crate::timestamp::parse_iso8601;

/// A decoded event. One is used again and again by a worker, so that an event costs no allocation.
#[derive(Debug)]
pub struct Event {
    pub(crate) nodes: Vec<Node>,
    pub(crate) payload: Bytes,
    /// The line of plain text that it was started with.
    pub(crate) line: Bytes,
    pub(crate) scratch: Vec<u8>,
    /// What stands at the beginning of `scratch` for all events.
    pub(crate) kept: KeptText,
    pub(crate) names: Names,
    /// Whether slices may hold ends of lines between values, or halves of surrogate pairs: they are
    /// written value by value then, without either.
    pub(crate) is_rough: bool,
    /// `@timestamp`, nanoseconds since 1970 UTC.
    pub timestamp_ns: i64,
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl Event {
    /// An event without fields.
    #[must_use]
    pub fn new() -> Self {
        let mut event = Self {
            nodes: Vec::with_capacity(256),
            payload: Bytes::new(),
            line: Bytes::new(),
            scratch: Vec::with_capacity(2048),
            kept: KeptText::default(),
            names: Names::new(),
            is_rough: false,
            timestamp_ns: 0,
        };
        event.clear();
        event
    }

    /// Takes all fields away.
    pub fn clear(&mut self) {
        self.payload = Bytes::new();
        self.line = Bytes::new();
        self.kept.clear_behind(&mut self.scratch);
        self.nodes.clear();
        self.nodes.push(Node::new(Kind::Object, 0, 0, CHANGED));
        self.names.clear();
        self.is_rough = false;
        self.timestamp_ns = 0;
    }

    /// Decodes a payload that must be one JSON object. `@timestamp` is the object's own where it has
    /// a usable one, else the time of receipt. Halves of surrogate pairs become U+FFFD and tag the
    /// event `_lone_surrogate`.
    ///
    /// # Errors
    /// What is wrong with the payload; the event has no fields then.
    pub fn decode_json(
        &mut self,
        payload: &Bytes,
        received_at_ns: i64,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        self.kept.clear_behind(&mut self.scratch);
        self.names.start();
        self.timestamp_ns = received_at_ns;
        let scanned = match scan_filing(payload, limits, &mut self.nodes, &mut self.names) {
            Ok(scanned) => scanned,
            Err(refusal) => {
                self.clear();
                return Err(refusal);
            }
        };
        self.payload = payload.clone();
        self.line = Bytes::new();
        self.is_rough = scanned.is_rough();
        if scanned.has_at_names {
            self.take_own_timestamp();
        }
        if scanned.has_lone_surrogates {
            self.add_tag("_lone_surrogate");
        }
        Ok(())
    }

    pub(crate) fn take_own_timestamp(&mut self) {
        let Some(found) = self.child(self.root(), "@timestamp") else {
            return;
        };
        let own = self.text(found).as_deref().and_then(parse_iso8601);
        self.detach(found);
        if let Some(timestamp_ns) = own {
            self.timestamp_ns = timestamp_ns;
        } else if self.kind(found) != Kind::Null {
            self.place(&FieldPath::key("_@timestamp"), found);
            self.add_tag("_timestampparsefailure");
        }
    }

    /// Takes the payload as the text of `message`. Bytes that are not UTF-8 become U+FFFD and tag the
    /// event `_invalid_utf8`.
    pub fn start_plain(&mut self, payload: &Bytes, received_at_ns: i64) {
        self.clear();
        self.names.start();
        self.timestamp_ns = received_at_ns;
        let text = as_text(payload);
        let message = self.new_text(&text);
        if matches!(text, Cow::Borrowed(_)) {
            self.line = payload.clone();
            self.nodes[message.0 as usize].flags |= TEXT_IS_LINE;
        }
        self.attach(self.root(), "message", message);
        if matches!(text, Cow::Owned(_)) {
            self.add_tag("_invalid_utf8");
        }
    }

    /// The event itself.
    #[must_use]
    #[inline]
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    #[inline]
    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// What a value is.
    #[must_use]
    #[inline]
    pub fn kind(&self, id: NodeId) -> Kind {
        self.node(id).kind
    }

    #[inline]
    pub(crate) fn buffer(&self, scratch: bool) -> &[u8] {
        if scratch { &self.scratch } else { &self.payload }
    }

    #[inline]
    pub(crate) fn key_slice(&self, node: &Node) -> &[u8] {
        &self.buffer(node.has(KEY_IN_SCRATCH))[node.key_start as usize..node.key_end as usize]
    }

    #[inline]
    pub(crate) fn text_slice(&self, node: &Node) -> &[u8] {
        &self.buffer(node.has(TEXT_IN_SCRATCH))[node.start as usize..node.end as usize]
    }

    /// The name of a value within its object; empty in an array.
    #[must_use]
    pub fn key(&self, id: NodeId) -> Cow<'_, str> {
        self.key_of(self.node(id))
    }

    fn key_of(&self, node: &Node) -> Cow<'_, str> {
        let slice = self.key_slice(node);
        if node.has(KEY_ESCAPED) { unescape(slice) } else { as_text(slice) }
    }

    /// The value of this name in an object.
    #[must_use]
    #[inline]
    pub fn child(&self, object: NodeId, key: &str) -> Option<NodeId> {
        self.named_child(object, key.as_bytes(), names::hash(key.as_bytes()))
    }

    /// As [`Event::child`], where the hash of the name is known.
    #[inline]
    pub(crate) fn named_child(&self, object: NodeId, key: &[u8], hash: u16) -> Option<NodeId> {
        let container = self.node(object);
        if container.kind != Kind::Object {
            return None;
        }
        if object == self.root() || self.is_filed(container) {
            match self.names.known(names::within_object(hash, object.0)) {
                Known::Never => return None,
                Known::Among(newest, may_be_elsewhere) => {
                    for id in newest {
                        let Some(node) = self.nodes.get(id as usize) else { continue };
                        if node.parent == object.0
                            && node.name_hash == hash
                            && self.is_named(node, key)
                        {
                            return Some(NodeId(id));
                        }
                    }
                    if !may_be_elsewhere {
                        return None;
                    }
                }
                Known::Nothing => {}
            }
        }
        self.named_sibling(container.first_child, key, hash)
    }

    /// Whether all fields of an object are filed by their names: one that was made for the event, see
    /// [`Event::new_object`]. Only those have a span that ends at 0, and begins at a number.
    #[inline]
    pub(crate) fn is_filed(&self, object: &Node) -> bool {
        object.end == 0 && object.start == self.names.generation()
    }

    /// The first of this name, from a value on.
    fn named_sibling(&self, first: u32, key: &[u8], hash: u16) -> Option<NodeId> {
        let mut at = first;
        while at != NONE {
            let node = &self.nodes[at as usize];
            if node.name_hash == hash && self.is_named(node, key) {
                return Some(NodeId(at));
            }
            at = node.next;
        }
        None
    }

    #[inline]
    pub(crate) fn is_named(&self, node: &Node, key: &[u8]) -> bool {
        if node.has(KEY_ESCAPED) {
            return self.key_of(node).as_bytes() == key;
        }
        names::is_same(self.key_slice(node), key)
    }

    /// The value in an object that has the same name as another value.
    pub(crate) fn namesake(&self, object: NodeId, of: NodeId) -> Option<NodeId> {
        let node = self.node(of);
        if node.has(KEY_ESCAPED) {
            return self.child(object, &self.key_of(node));
        }
        self.named_child(object, self.key_slice(node), node.name_hash)
    }

    /// The values of an object or an array, in order.
    #[must_use]
    #[inline]
    pub fn children(&self, id: NodeId) -> Children<'_> {
        Children { event: self, at: self.node(id).first_child }
    }

    /// The event's fields, in order, without `@metadata`, which is never output.
    pub fn fields(&self) -> impl Iterator<Item = (Cow<'_, str>, NodeId)> {
        self.children(self.root()).filter(|(name, _)| name != "@metadata")
    }

    /// The elements of an array, in order; nothing for another kind.
    pub fn elements(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let first = if self.kind(id) == Kind::Array { self.node(id).first_child } else { NONE };
        Children { event: self, at: first }.map(|(_, element)| element)
    }

    /// The first value of a container.
    #[must_use]
    #[inline]
    pub fn first_child(&self, id: NodeId) -> Option<NodeId> {
        some(self.node(id).first_child)
    }

    /// The value after this one in its container.
    #[must_use]
    #[inline]
    pub fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        some(self.node(id).next)
    }

    /// The value at a reference.
    #[must_use]
    #[inline]
    pub fn get(&self, path: &FieldPath) -> Option<NodeId> {
        match &*path.segments {
            [only] => self.named_child(self.root(), only.key.as_bytes(), only.name_hash),
            _ => self.get_within(self.root(), path),
        }
    }

    /// The value at a reference that begins at a container.
    #[must_use]
    pub fn get_within(&self, container: NodeId, path: &FieldPath) -> Option<NodeId> {
        let mut at = container;
        for segment in &path.segments {
            at = match self.kind(at) {
                Kind::Object => self.named_child(at, segment.key.as_bytes(), segment.name_hash)?,
                Kind::Array => self.element(at, segment.index?)?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// An element of an array; negative counts from the end.
    #[must_use]
    pub fn element(&self, array: NodeId, index: i64) -> Option<NodeId> {
        let place = if index < 0 {
            let count = self.elements(array).count() as i64;
            usize::try_from(count + index).ok()?
        } else {
            usize::try_from(index).ok()?
        };
        self.elements(array).nth(place)
    }

    /// A string's text; `None` for another kind.
    #[must_use]
    pub fn text(&self, id: NodeId) -> Option<Cow<'_, str>> {
        let node = self.node(id);
        if node.kind != Kind::String {
            return None;
        }
        if node.has(TEXT_IS_LINE) {
            return Some(as_text(&self.line));
        }
        let slice = self.text_slice(node);
        Some(if node.has(TEXT_ESCAPED) { unescape(slice) } else { as_text(slice) })
    }

    /// Whether a value is this string.
    #[must_use]
    #[inline]
    pub fn text_is(&self, id: NodeId, text: &str) -> bool {
        let node = self.node(id);
        if node.kind != Kind::String {
            return false;
        }
        if node.has(TEXT_ESCAPED) {
            return unescape(self.text_slice(node)) == text;
        }
        names::is_same(self.text_slice(node), text.as_bytes())
    }

    /// A scalar's text: strings without escapes, numbers as written, `true` and `false`. `None` for
    /// null and containers.
    #[must_use]
    pub fn scalar_text(&self, id: NodeId) -> Option<Cow<'_, str>> {
        match self.kind(id) {
            Kind::String => self.text(id),
            Kind::Number => Some(as_text(self.text_slice(self.node(id)))),
            Kind::True => Some(Cow::Borrowed("true")),
            Kind::False => Some(Cow::Borrowed("false")),
            Kind::Null | Kind::Object | Kind::Array => None,
        }
    }

    /// As [`Event::scalar_text`], to the end of a text; false, with nothing added, for null and containers.
    pub fn push_scalar_text(&self, id: NodeId, out: &mut String) -> bool {
        let node = self.node(id);
        if node.kind == Kind::String && node.flags & (TEXT_ESCAPED | TEXT_IS_LINE) == TEXT_ESCAPED {
            unescape_into(self.text_slice(node), out);
            return true;
        }
        self.scalar_text(id).inspect(|text| out.push_str(text)).is_some()
    }

    /// The bytes of a string's content or a scalar as they stand, escapes and all, without quotes.
    /// `None` for containers.
    #[must_use]
    #[inline]
    pub fn content(&self, id: NodeId) -> Option<&[u8]> {
        let node = self.node(id);
        (!node.is_container()).then(|| self.text_slice(node))
    }

    /// Whether a string's content holds escapes.
    #[must_use]
    #[inline]
    pub fn has_escapes(&self, id: NodeId) -> bool {
        self.node(id).has(TEXT_ESCAPED)
    }
}

fn some(id: u32) -> Option<NodeId> {
    (id != NONE).then_some(NodeId(id))
}

/// The values of a container with their names, in order.
#[derive(Debug)]
pub struct Children<'a> {
    event: &'a Event,
    at: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = (Cow<'a, str>, NodeId);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at == NONE {
            return None;
        }
        let id = NodeId(self.at);
        let node = self.event.node(id);
        self.at = node.next;
        Some((self.event.key_of(node), id))
    }
}
