//! Names and values that every event gets: their text is copied into the scratch buffer as a whole, and nodes point into
//! it. At its beginning it stays for the next event.

use std::ops::Range;
use std::sync::Arc;

use crate::document::Event;
use crate::names;
use crate::node::{
    KEY_ESCAPED, KEY_IN_SCRATCH, KEY_SHARED, Kind, Node, NodeId, TEXT_IN_SCRATCH, TEXT_SHARED,
};

/// Texts one after another, to be used by many events.
#[derive(Clone, Debug, Default)]
pub struct SharedText {
    text: Arc<String>,
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

/// The texts that an event had first, and has at the beginning of its scratch buffer from the next one on.
#[derive(Debug, Default)]
pub(crate) struct KeptText {
    text: Option<Arc<String>>,
    is_there: bool,
}

impl KeptText {
    /// Takes away what was added for an event.
    #[inline]
    pub(crate) fn clear_behind(&mut self, scratch: &mut Vec<u8>) {
        let Some(text) = &self.text else { return scratch.clear() };
        if self.is_there {
            return scratch.truncate(text.len());
        }
        scratch.clear();
        scratch.extend_from_slice(text.as_bytes());
        self.is_there = true;
    }

    /// Whether these texts are at the beginning; where there are none, they will be.
    #[inline]
    fn has(&mut self, text: &Arc<String>) -> bool {
        let kept = self.text.get_or_insert_with(|| Arc::clone(text));
        self.is_there && Arc::ptr_eq(kept, text)
    }
}

impl SharedText {
    /// Adds a text; one that JSON would have to escape is not taken.
    pub fn add(&mut self, text: &str) -> Option<TextSpan> {
        let plain = text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
        let start = u32::try_from(self.text.len() + 1).ok()?;
        let end = start.checked_add(u32::try_from(text.len()).ok()?)?;
        // With quotes and colon, so that it is output as a whole, be it a name or a value.
        plain.then(|| Arc::make_mut(&mut self.text).extend(["\"", text, "\":"]))?;
        Some(TextSpan { start, end, hash: names::hash(text.as_bytes()) })
    }
}

impl SharedTextBase {
    fn range(self, span: TextSpan) -> Range<u32> {
        self.0 + span.start..self.0 + span.end
    }
}

impl Event {
    /// Copies the texts into this event, unless it has them from the one before. What is named by them becomes stale when the event is decoded
    /// anew, as nodes do.
    pub fn share(&mut self, texts: &SharedText) -> SharedTextBase {
        if self.kept.has(&texts.text) {
            return SharedTextBase(0);
        }
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

    #[test]
    fn what_one_event_shares_the_next_ones_have() {
        let [first, second] = ["kind", "level"].map(|word| {
            let mut texts = SharedText::default();
            let span = texts.add(word).unwrap();
            (texts, span)
        });
        let mut event = Event::new();
        for (number, texts) in [&first, &second, &first, &first, &second].into_iter().enumerate() {
            let payload = bytes::Bytes::from(format!(r#"{{"number":{number}}}"#));
            event.decode_json(&payload, 0, &crate::Limits::default()).unwrap();
            event.set_text(&crate::FieldPath::key("added"), "x");
            for (texts, span) in [texts, &first] {
                let base = event.share(texts);
                let node = event.new_shared_text(base, *span);
                event.attach_shared(event.root(), base, *span, node);
            }
            let mut out = Vec::new();
            event.write_json(&mut out);
            let text = String::from_utf8(out).unwrap();
            let [one, kind] = [texts, &first]
                .map(|(texts, span)| &texts.text[span.start as usize..span.end as usize]);
            let end =
                format!(r#","number":{number},"added":"x","{one}":"{one}","{kind}":"{kind}"}}"#);
            assert!(text.ends_with(&end), "{text}");
        }
        event.clear();
        let mut out = Vec::new();
        event.write_json(&mut out);
        assert_eq!(out, br#"{"@timestamp":"1970-01-01T00:00:00.000Z"}"#);
    }
}
