//! Names and values that every event gets: their text is copied into the scratch buffer once an event,
//! as a whole, and nodes point into it.

use std::ops::Range;

use crate::document::Event;
use crate::names;
use crate::node::{
    KEY_ESCAPED, KEY_IN_SCRATCH, KEY_SHARED, Kind, Node, NodeId, TEXT_IN_SCRATCH, TEXT_SHARED,
};

/// Texts one after another, to be used by many events.
#[derive(Clone, Debug, Default)]
pub struct SharedText {
    text: String,
}

/// One of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextSpan {
    start: u32,
    end: u32,
    /// As the name of a value.
    hash: u16,
}

/// The texts, as one event has them.
#[derive(Clone, Copy, Debug)]
pub struct SharedTextBase(u32);

impl SharedText {
    /// Adds a text; one that JSON would have to escape is not taken.
    pub fn add(&mut self, text: &str) -> Option<TextSpan> {
        let plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
        let start = u32::try_from(self.text.len() + 1).ok()?;
        let end = start.checked_add(u32::try_from(text.len()).ok()?)?;
        // With quotes and colon, so that it is output as a whole, be it a name or a value.
        plain.then(|| self.text.extend(["\"", text, "\":"]))?;
        Some(TextSpan { start, end, hash: names::hash(text.as_bytes()) })
    }
}

impl SharedTextBase {
    fn range(self, span: TextSpan) -> Range<u32> {
        self.0 + span.start..self.0 + span.end
    }
}

impl Event {
    /// Copies the texts into this event. What is named by them becomes stale when the event is decoded
    /// anew, as nodes do.
    pub fn share(&mut self, texts: &SharedText) -> SharedTextBase {
        let base = self.scratch.len() as u32;
        self.scratch.extend_from_slice(texts.text.as_bytes());
        SharedTextBase(base)
    }

    /// As [`Event::attach`], under a shared name.
    #[inline]
    pub fn attach_shared(
        &mut self,
        object: NodeId,
        base: SharedTextBase,
        name: TextSpan,
        id: NodeId,
    ) {
        let Range { start, end } = base.range(name);
        let node = &mut self.nodes[id.0 as usize];
        node.name_hash = name.hash;
        node.key_start = start;
        node.key_end = end;
        node.flags = node.flags & !KEY_ESCAPED | KEY_IN_SCRATCH | KEY_SHARED;
        self.attach_as_is(object, id);
    }

    /// As [`Event::new_text`], of a shared text.
    #[inline]
    pub fn new_shared_text(&mut self, base: SharedTextBase, text: TextSpan) -> NodeId {
        let Range { start, end } = base.range(text);
        let id = NodeId(self.nodes.len() as u32);
        let flags = TEXT_IN_SCRATCH | TEXT_SHARED;
        self.nodes.push(Node::new(Kind::String, start, end, flags));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_names_and_values_are_those_that_were_added() {
        let mut texts = SharedText::default();
        let [name, value] = ["kind", "metric \u{e9}"].map(|text| texts.add(text).unwrap());
        assert_eq!(texts.add("say \"no\""), None);
        assert_eq!(texts.add("two\nlines"), None);
        let mut event = Event::new();
        event.set_text(&crate::FieldPath::key("before"), "x");
        let base = event.share(&texts);
        let node = event.new_shared_text(base, value);
        event.attach_shared(event.root(), base, name, node);
        let mut out = Vec::new();
        event.write_json(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with(r#""before":"x","kind":"metric é"}"#), "{text}");
    }
}
