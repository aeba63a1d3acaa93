//! All of an event at once, without its structure: for questions whose answer is nearly always no.

use crate::document::Event;
use crate::node::{KEY_SHARED, Kind, NONE, NodeId, TEXT_ESCAPED, TEXT_IN_SCRATCH, TEXT_SHARED};

/// A value as a sweep meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// The value.
    pub id: NodeId,
    /// What it is.
    pub kind: Kind,
    /// Its name is the sender's or a configuration's: there is one, and it is not shared.
    pub has_own_name: bool,
    /// Its text is neither a part of the payload nor shared.
    pub is_added: bool,
    /// It is a string with escapes in its text.
    pub has_escapes: bool,
}

impl Event {
    /// Every value that stands somewhere, in no order. A few that stand nowhere may be among them, so
    /// a yes must be looked at again.
    pub fn sweep(&self) -> impl Iterator<Item = Swept> + '_ {
        let nodes = (0..).zip(&self.nodes).filter(|(_, node)| node.parent != NONE);
        nodes.map(|(number, node)| Swept {
            id: NodeId(number),
            kind: node.kind,
            has_own_name: !node.has(KEY_SHARED) && node.key_start < node.key_end,
            is_added: node.flags & (TEXT_IN_SCRATCH | TEXT_SHARED) == TEXT_IN_SCRATCH,
            has_escapes: node.has(TEXT_ESCAPED),
        })
    }

    /// The object or array that a value stands in.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        let parent = self.node(id).parent;
        (parent != NONE).then_some(NodeId(parent))
    }

    /// The bytes that were decoded.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{Event, FieldPath, Limits};

    #[test]
    fn a_sweep_meets_every_value_that_stands_somewhere() {
        let payload = Bytes::from_static(br#"{"a":{"b":"gone"},"c":["x",1],"d":"cut"}"#);
        let mut event = Event::new();
        event.decode_json(&payload, 0, &Limits::default()).unwrap();
        event.remove(&FieldPath::parse("[a][b]").unwrap());
        event.set_text(&FieldPath::key("e"), "added");
        assert_eq!(event.payload(), &payload[..]);
        let inner = event.get(&FieldPath::parse("[c][0]").unwrap()).unwrap();
        let outer = event.parent(inner).unwrap();
        assert_eq!((&*event.key(outer), event.parent(outer)), ("c", Some(event.root())));
        assert_eq!(event.parent(event.root()), None);
        let met: Vec<_> = event
            .sweep()
            .filter(|swept| swept.kind == crate::Kind::String)
            .map(|swept| (event.text(swept.id).unwrap(), swept.has_own_name, swept.is_added))
            .collect();
        let expected = [("x", false, false), ("cut", true, false), ("added", true, true)];
        assert_eq!(met, expected.map(|(text, own, added)| (text.into(), own, added)));
    }

    #[test]
    fn shared_names_and_texts_are_known() {
        let mut texts = crate::SharedText::default();
        let word = texts.add("kind").unwrap();
        let mut event = Event::new();
        let base = event.share(&texts);
        let node = event.new_shared_text(base, word);
        event.attach_shared(event.root(), base, word, node);
        let known = |event: &Event| {
            event.sweep().map(|swept| (swept.has_own_name, swept.is_added)).collect::<Vec<_>>()
        };
        assert_eq!(known(&event), [(false, false)]);
        event.rewrite_text(node, "other");
        assert_eq!(known(&event), [(false, true)]);
        event.rename(&FieldPath::key("kind"), &FieldPath::key("password"));
        assert_eq!(known(&event), [(true, true)]);
    }
}
