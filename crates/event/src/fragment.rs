//! JSON that many events get: scanned once, then copied into each.

use crate::document::Event;
use crate::node::{
    KEY_IN_SCRATCH, KEY_SHARED, Kind, NONE, Node, NodeId, TEXT_IN_SCRATCH, TEXT_SHARED,
};
use crate::path::FieldPath;
use crate::refusal::Limits;
use crate::scan::scan_wrapped;

/// A JSON value as nodes, with places counted from its own start.
#[derive(Clone, Debug)]
pub struct Fragment {
    text: Box<[u8]>,
    nodes: Box<[Node]>,
    is_rough: bool,
}

impl Fragment {
    /// Scans JSON text that this program made, names and all; its values may hold text of an event.
    /// `None` if it is not one JSON value.
    #[must_use]
    pub fn new(json: &[u8]) -> Option<Self> {
        Self::scan(json, KEY_IN_SCRATCH | TEXT_IN_SCRATCH | KEY_SHARED)
    }

    /// As [`Fragment::new`], of text that is no event's.
    #[must_use]
    pub fn constant(json: &[u8]) -> Option<Self> {
        Self::scan(json, KEY_IN_SCRATCH | TEXT_IN_SCRATCH | KEY_SHARED | TEXT_SHARED)
    }

    fn scan(json: &[u8], flags: u8) -> Option<Self> {
        let text = [b"{\"\":", json, b"}"].concat();
        let mut nodes = Vec::new();
        let (wrapper, scanned) =
            scan_wrapped(&text, 0, &Limits::documents(), &mut nodes, flags).ok()?;
        let is_rough = scanned.is_rough();
        // The wrapper is left out: the value stands nowhere.
        nodes.remove(wrapper as usize);
        let without_wrapper = |id: &mut u32| *id = id.checked_sub(1).unwrap_or(NONE);
        for node in &mut nodes {
            // What has the name of a later one stands nowhere.
            let Node { parent, first_child, last_child, next, previous, .. } = node;
            for id in [parent, first_child, last_child, next, previous] {
                if *id != NONE {
                    without_wrapper(id);
                }
            }
        }
        Some(Self { text: text.into(), nodes: nodes.into(), is_rough })
    }

    /// What it takes in memory, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.text.len() + std::mem::size_of_val(&*self.nodes)
    }

    /// The JSON text.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        self.text.get(4..self.text.len() - 1).unwrap_or_default()
    }
}

impl Event {
    /// Copies a fragment into this event; the value stands nowhere yet.
    pub fn new_fragment(&mut self, fragment: &Fragment) -> NodeId {
        let text_base = self.scratch.len() as u32;
        let node_base = self.nodes.len() as u32;
        self.scratch.extend_from_slice(&fragment.text);
        let moved = |id: u32| if id == NONE { NONE } else { id + node_base };
        self.nodes.extend(fragment.nodes.iter().map(|node| Node {
            key_start: node.key_start + text_base,
            key_end: node.key_end + text_base,
            start: node.start + text_base,
            end: node.end + text_base,
            parent: moved(node.parent),
            first_child: moved(node.first_child),
            last_child: moved(node.last_child),
            next: moved(node.next),
            previous: moved(node.previous),
            ..*node
        }));
        self.is_rough |= fragment.is_rough;
        NodeId(node_base)
    }

    /// Adds the members of an object to the object at a path, in place of those that are there;
    /// anything else takes the place of what is there. False where the way is blocked.
    pub fn merge_fragment(&mut self, path: &FieldPath, fragment: &Fragment) -> bool {
        let added = self.new_fragment(fragment);
        match self.get(path) {
            Some(present)
                if self.kind(present) == Kind::Object && self.kind(added) == Kind::Object =>
            {
                self.merge_members(present, added);
                true
            }
            _ => self.place(path, added),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::Fragment;
    use crate::{Event, FieldPath, Limits};

    fn written(event: &Event) -> Value {
        let mut out = Vec::new();
        event.write_json(&mut out);
        let mut value: Value = serde_json::from_slice(&out).unwrap();
        value.as_object_mut().unwrap().remove("@timestamp");
        value
    }

    #[test]
    fn a_fragment_is_the_same_in_every_event() {
        let json = br#"{"name":"Lund\u00f6n","location":{"lat":51.5,"lon":-0.1},"list":[1,{"a":[]},null]}"#;
        let fragment = Fragment::new(json).unwrap();
        assert_eq!(fragment.json(), json);
        let expected: Value = serde_json::from_slice(json).unwrap();
        let mut event = Event::new();
        for payload in ["{}", r#"{"before":[1,2],"geo":{"name":"old","kept":true}}"#] {
            event
                .decode_json(&Bytes::from_static(payload.as_bytes()), 0, &Limits::default())
                .unwrap();
            event.set_text(&FieldPath::key("text"), "moves the base");
            assert!(event.merge_fragment(&FieldPath::key("geo"), &fragment));
            assert!(event.merge_fragment(&FieldPath::dotted("second.geo"), &fragment));
            event.set_bool(&FieldPath::dotted("second.geo.location.lat"), true);
            let mut out = written(&event);
            assert_eq!(out["second"]["geo"]["location"]["lat"], true);
            out["second"]["geo"]["location"]["lat"] = json!(51.5);
            assert_eq!(out["second"]["geo"], expected);
            assert_eq!(out["geo"]["name"], expected["name"]);
            assert_eq!(out["geo"]["list"], expected["list"]);
        }
        assert_eq!(written(&event)["geo"]["kept"], true);
    }

    #[test]
    fn scalars_are_fragments_and_other_texts_are_none() {
        let mut event = Event::new();
        for json in ["1.50", "\"x\"", "null", "[]"] {
            let fragment = Fragment::new(json.as_bytes()).unwrap();
            assert!(event.merge_fragment(&FieldPath::key("v"), &fragment), "{json}");
            assert_eq!(written(&event)["v"], serde_json::from_str::<Value>(json).unwrap());
        }
        let twice = Fragment::new(br#"{"a":{"b":1},"c":2,"a":3}"#).unwrap();
        assert!(event.merge_fragment(&FieldPath::key("v"), &twice));
        assert_eq!(written(&event)["v"], json!({"c": 2, "a": 3}), "the last one of a name stays");
        for json in ["", "1,2", "{", "1}"] {
            assert!(Fragment::new(json.as_bytes()).is_none(), "{json}");
        }
        event.set_text(&FieldPath::key("v"), "in the way");
        let fragment = Fragment::new(b"1").unwrap();
        assert!(!event.merge_fragment(&FieldPath::dotted("v.x"), &fragment));
    }
}
