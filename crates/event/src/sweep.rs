//! All of an event at once, without its structure: for questions whose answer is nearly always no.

use crate::document::Event;
use crate::node::{NONE, NodeId, TEXT_IN_SCRATCH};

impl Event {
    /// Every value that stands somewhere, in no order. A few that stand nowhere may be among them, so
    /// a yes must be looked at again.
    pub fn values(&self) -> impl Iterator<Item = NodeId> + '_ {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(|(_, node)| node.parent != NONE).map(|(number, _)| NodeId(number as u32))
    }

    /// The bytes that were decoded.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether a value's text is not part of the payload.
    #[must_use]
    pub fn is_added(&self, id: NodeId) -> bool {
        self.node(id).has(TEXT_IN_SCRATCH)
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
        let met: Vec<_> = event
            .values()
            .filter_map(|id| Some((event.text(id)?.into_owned(), event.is_added(id))))
            .collect();
        let expected = [("x", false), ("cut", false), ("added", true)];
        assert_eq!(met, expected.map(|(text, added)| (text.to_owned(), added)));
    }
}
