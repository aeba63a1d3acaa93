//! A second event with what one holds, for filters that make several events of one.

use std::mem::size_of;

use crate::document::Event;
use crate::names::Names;
use crate::node::{
    CHANGED, KEY_IN_SCRATCH, Kind, NONE, Node, NodeId, TEXT_IN_SCRATCH, TEXT_IS_LINE, link,
};
use crate::shared_text::KeptText;

impl Event {
    /// A new event with what this one holds, and nothing of what was removed from it. Both point into
    /// the same payload.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let mut copy = Self {
            nodes: Vec::with_capacity(self.nodes.len()),
            payload: self.payload.clone(),
            line: self.line.clone(),
            scratch: Vec::with_capacity(self.scratch.len()),
            kept: KeptText::default(),
            names: Names::new(),
            is_rough: self.is_rough,
            timestamp_ns: self.timestamp_ns,
        };
        copy.copy_from(self, self.root());
        copy
    }

    /// Copies a value of an event that this one is a duplicate of, with all that it holds; the copy
    /// stands nowhere yet. Of any other event it copies its texts too.
    pub fn new_copy_from(&mut self, other: &Self, of: NodeId) -> NodeId {
        self.is_rough |= other.is_rough;
        self.copy_from(other, of)
    }

    /// What a value with all that it holds takes in bytes: nodes, names and texts, wherever they lie.
    #[must_use]
    pub fn size_bytes(&self, id: NodeId) -> usize {
        let node = self.node(id);
        let text = if node.is_container() { 0 } else { self.text_slice(node).len() };
        let mut size = size_of::<Node>() + self.key_slice(node).len() + text;
        let mut at = node.first_child;
        while at != NONE {
            size += self.size_bytes(NodeId(at));
            at = self.node(NodeId(at)).next;
        }
        size
    }

    fn copy_from(&mut self, other: &Self, of: NodeId) -> NodeId {
        let same_payload = self.payload.as_ptr_range() == other.payload.as_ptr_range();
        let mut node = other.node(of).alone();
        // An element of an array has no name, and the event itself has none.
        let has_key = node.key_end > 0;
        if self.line.as_ptr_range() != other.line.as_ptr_range() {
            node.flags &= !TEXT_IS_LINE;
        }
        if has_key && (!same_payload || node.has(KEY_IN_SCRATCH)) {
            (node.key_start, node.key_end) = self.add_quoted(other.key_slice(&node), b"\":");
            node.flags |= KEY_IN_SCRATCH;
        }
        if node.is_container() && node.end == 0 {
            // What the other event has filed of it is not filed here.
            node.start = 0;
        }
        if !same_payload || node.has(TEXT_IN_SCRATCH) {
            (node.start, node.end) = match node.kind {
                // Its slice stays behind: it is written child by child.
                Kind::Object | Kind::Array => {
                    node.flags |= CHANGED;
                    (0, 0)
                }
                Kind::String => self.add_quoted(other.text_slice(&node), b"\""),
                _ => self.add_bytes(other.text_slice(&node)),
            };
            node.flags |= TEXT_IN_SCRATCH;
        }
        let top = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        let mut at = other.node(of).first_child;
        while at != NONE {
            let child = self.copy_from(other, NodeId(at));
            link(&mut self.nodes, top.0, child.0);
            at = other.node(NodeId(at)).next;
        }
        top
    }

    /// Copies what stands between quotes, escapes and all, so that it is output as a whole.
    fn add_quoted(&mut self, content: &[u8], end: &[u8]) -> (u32, u32) {
        self.scratch.push(b'"');
        let span = self.add_bytes(content);
        self.scratch.extend_from_slice(end);
        span
    }

    fn add_bytes(&mut self, bytes: &[u8]) -> (u32, u32) {
        let start = self.scratch.len() as u32;
        self.scratch.extend_from_slice(bytes);
        (start, self.scratch.len() as u32)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use crate::growth::assert_linear;
    use crate::names::{self, Known};
    use crate::{Event, FieldPath, Limits};

    fn decoded(payload: &str) -> Event {
        let mut event = Event::new();
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        event.decode_json(&payload, 7, &Limits::documents()).unwrap();
        event
    }

    fn written(event: &Event) -> String {
        let mut out = Vec::new();
        event.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// Of the payload, changed, added and taken from JSON.
    fn changed() -> Event {
        let payload = "{\"a\":{\"b\":[1,{\"c\\n\":\"\\u00e9\"}] ,\n\"gone\":0},\"\":true,\"d\":null,\"f\":\"\\ud800\"}";
        let mut event = decoded(payload);
        event.remove(&FieldPath::parse("[a][gone]").unwrap());
        event.set_text(&FieldPath::key("quote\""), "\"\n\u{1}");
        event.set_number(&FieldPath::parse("[n][o]").unwrap(), "1.50");
        let json = event.new_json_within(br#"{"x":[{"y":"z\t"},false]}"#, &Limits::default());
        event.place(&FieldPath::key("json"), json.unwrap());
        event.add_tag("one");
        event
    }

    #[test]
    fn a_duplicate_is_written_as_its_original() {
        let event = changed();
        let copy = event.duplicate();
        assert_eq!(written(&copy), written(&event));
        assert_eq!(written(&copy.duplicate()), written(&event));
        assert_eq!(copy.payload().as_ptr(), event.payload().as_ptr());
        assert_eq!(written(&Event::new().duplicate()), written(&Event::new()));
    }

    #[test]
    fn a_duplicate_finds_its_fields_without_a_table_of_them() {
        let mut copy = changed().duplicate();
        copy.set_text(&FieldPath::key("new"), "x");
        copy.remove(&FieldPath::key("d"));
        let is_there = ["a", "", "f", "new", "d", "gone"]
            .map(|name| copy.get(&FieldPath::key(name)).is_some());
        assert_eq!(is_there, [true, true, true, true, false, false]);
        assert_eq!(copy.names.known(names::hash(b"a")), Known::Nothing);
        // Once it is decoded into it has one.
        copy.decode_json(&Bytes::from_static(b"{\"b\":1}"), 7, &Limits::documents()).unwrap();
        assert_ne!(copy.names.known(names::hash(b"b")), Known::Nothing);
        assert!(copy.get(&FieldPath::key("b")).is_some());
    }

    #[test]
    fn what_is_done_to_one_is_not_done_to_the_other() {
        let event = changed();
        let mut copy = event.duplicate();
        copy.set_text(&FieldPath::parse("[a][b][0]").unwrap(), "new");
        copy.remove(&FieldPath::key("json"));
        copy.add_tag("two");
        let out: Value = serde_json::from_str(&written(&copy)).unwrap();
        assert_eq!(out["a"]["b"], json!(["new", {"c\n": "é"}]));
        assert_eq!(out["tags"], json!(["_lone_surrogate", "one", "two"]));
        let out: Value = serde_json::from_str(&written(&event)).unwrap();
        assert_eq!(out["a"]["b"], json!([1, {"c\n": "é"}]));
        assert_eq!(out["json"], json!({"x": [{"y": "z\t"}, false]}));
    }

    #[test]
    fn values_are_copied_from_any_event() {
        let event = changed();
        for mut into in [event.duplicate(), decoded(r#"{"other":"payload"}"#)] {
            let names = ["a", "", "d", "f", "quote\"", "n", "json", "tags"];
            let object = into.new_object();
            for name in names {
                let of = event.get(&FieldPath::key(name)).unwrap();
                let copy = into.new_copy_from(&event, of);
                into.attach_as_is(object, copy);
            }
            into.place(&FieldPath::key("copy"), object);
            let out: Value = serde_json::from_str(&written(&into)).unwrap();
            let original: Value = serde_json::from_str(&written(&event)).unwrap();
            for name in names {
                assert_eq!(out["copy"][name], original[name], "{name}");
            }
        }
    }

    #[test]
    fn a_size_counts_names_texts_and_values() {
        let event = changed();
        let copy = event.duplicate();
        let size =
            |event: &Event, name| event.size_bytes(event.get(&FieldPath::key(name)).unwrap());
        for name in ["a", "json", "tags"] {
            assert_eq!(size(&event, name), size(&copy, name));
        }
        let one = size(&event, "d");
        assert!(size(&event, "json") > 5 * (one - 5), "five values");
        assert!(event.size_bytes(event.root()) > size(&event, "a") + size(&event, "json"));
    }

    #[test]
    fn duplicates_take_time_in_proportion_to_what_is_left() {
        assert_linear(|size| {
            let list = vec!["1"; size].join(",");
            let mut event = decoded(&format!(r#"{{"a":1,"list":[{list}]}}"#));
            event.remove(&FieldPath::key("list"));
            let base = event.duplicate();
            for _ in 0..size {
                std::hint::black_box(base.duplicate());
            }
        });
    }
}
