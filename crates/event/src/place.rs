//! Putting values at field references: objects on the way are made, and what is in the way stays.

use std::ops::Range;

use crate::document::Event;
use crate::node::{Kind, Node, NodeId, TEXT_ESCAPED, TEXT_IN_SCRATCH};
use crate::path::{FieldPath, Segment};
use crate::timestamp::parse_iso8601;

/// Where a reference leads.
enum Slot<'p> {
    /// To a value.
    Taken(NodeId),
    /// To a field that the object does not have.
    Field(NodeId, &'p Segment),
    /// To an element that the array does not have.
    Element(NodeId, i64),
    /// To nothing that can be: something else stands in the way.
    Nowhere,
}

impl Event {
    /// Puts a value that stands nowhere at a path, in place of what is there. Objects on the way are
    /// made; false, with nothing changed, where something else stands in the way. At `@timestamp`
    /// only the text of an instant can be put: it becomes the event's time.
    pub fn place(&mut self, path: &FieldPath, id: NodeId) -> bool {
        if path.is_timestamp() {
            return self.take_timestamp(id);
        }
        self.place_within(self.root(), path, id)
    }

    /// As [`Event::place`], at a path that begins at a container: no name is special there.
    pub fn place_within(&mut self, container: NodeId, path: &FieldPath, id: NodeId) -> bool {
        match self.slot(container, path) {
            Slot::Taken(old) => {
                self.replace(old, id);
                true
            }
            free => self.fill(&free, id),
        }
    }

    /// As [`Event::place`], but what is there stays.
    ///
    /// # Errors
    /// The value that is there; nothing was changed.
    pub fn place_if_free(&mut self, path: &FieldPath, id: NodeId) -> Result<bool, NodeId> {
        if path.is_timestamp() {
            return Ok(self.take_timestamp(id));
        }
        match self.slot(self.root(), path) {
            Slot::Taken(old) => Err(old),
            free => Ok(self.fill(&free, id)),
        }
    }

    /// As [`Event::place_if_free`], of a string. Its name and its text stand side by side then, so that both are
    /// written at once.
    ///
    /// # Errors
    /// The value that is there; nothing was changed.
    pub fn place_text_if_free(&mut self, path: &FieldPath, text: &str) -> Result<bool, NodeId> {
        if path.is_timestamp() {
            let id = self.new_text(text);
            return Ok(self.take_timestamp(id));
        }
        match self.slot(self.root(), path) {
            Slot::Taken(old) => Err(old),
            Slot::Field(object, step) => {
                let name = self.write_name(step);
                let (span, escaped) = self.write_scratch(text, b"\"");
                let flags = TEXT_IN_SCRATCH | if escaped { TEXT_ESCAPED } else { 0 };
                let (start, end) = (span.start as u32, span.end as u32);
                let id = self.add(Node::new(Kind::String, start, end, flags));
                self.name_at(id, name, step.is_escaped, step.name_hash);
                self.attach_as_is(object, id);
                Ok(true)
            }
            free => {
                let id = self.new_text(text);
                Ok(self.fill(&free, id))
            }
        }
    }

    /// Objects on the way are made, unless something stands in the way: then nothing is changed.
    fn slot<'p>(&mut self, container: NodeId, path: &'p FieldPath) -> Slot<'p> {
        let Some((last, way)) = path.segments.split_last() else { return Slot::Nowhere };
        let mut at = container;
        for step in way {
            let inner = match self.kind(at) {
                Kind::Object => match self.named_child(at, step.key.as_bytes(), step.name_hash) {
                    None => {
                        let inner = self.new_object();
                        self.attach_step(at, step, inner);
                        Some(inner)
                    }
                    found => found,
                },
                Kind::Array => step.index.and_then(|index| self.element(at, index)),
                _ => None,
            };
            match inner {
                Some(inner) => at = inner,
                None => return Slot::Nowhere,
            }
        }
        match (self.kind(at), last.index) {
            (Kind::Object, _) => self
                .named_child(at, last.key.as_bytes(), last.name_hash)
                .map_or(Slot::Field(at, last), Slot::Taken),
            (Kind::Array, Some(index)) => {
                self.element(at, index).map_or(Slot::Element(at, index), Slot::Taken)
            }
            _ => Slot::Nowhere,
        }
    }

    /// Puts a value that stands nowhere where nothing stands.
    fn fill(&mut self, slot: &Slot<'_>, id: NodeId) -> bool {
        match *slot {
            Slot::Field(object, step) => {
                self.attach_step(object, step, id);
                true
            }
            Slot::Element(array, index) => {
                // Right after the end is an append; further away there is nothing to stand on.
                let at_end = i64::try_from(self.elements(array).count()) == Ok(index);
                if at_end {
                    self.push(array, id);
                }
                at_end
            }
            Slot::Taken(_) | Slot::Nowhere => false,
        }
    }

    /// As [`Event::attach`], under the name of a step.
    fn attach_step(&mut self, object: NodeId, step: &Segment, id: NodeId) {
        let name = self.write_name(step);
        self.name_at(id, name, step.is_escaped, step.name_hash);
        self.attach_as_is(object, id);
    }

    /// Writes the name of a step into the scratch buffer; gives where it stands.
    fn write_name(&mut self, step: &Segment) -> Range<usize> {
        let start = self.scratch.len() + 1;
        self.scratch.extend_from_slice(&step.written);
        start..self.scratch.len() - 2
    }

    fn take_timestamp(&mut self, id: NodeId) -> bool {
        match self.text(id).as_deref().and_then(parse_iso8601) {
            Some(timestamp_ns) => {
                self.timestamp_ns = timestamp_ns;
                true
            }
            None => false,
        }
    }
}
