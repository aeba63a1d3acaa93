//! Values that become others where they stand: same name, same place, no new node. What was scanned
//! is not overwritten: a text that is not part of the payload goes to the scratch buffer.

use std::ops::Range;

use crate::document::Event;
use crate::node::{
    CHANGED, KEY_ESCAPED, Kind, NONE, NodeId, TEXT_ESCAPED, TEXT_IN_SCRATCH, TEXT_IS_LINE,
    TEXT_SHARED, mark_changed,
};

impl Event {
    /// The bytes of a value's name as they stand, escapes and all; empty in an array.
    #[inline]
    #[must_use]
    pub fn key_content(&self, id: NodeId) -> &[u8] {
        self.key_slice(self.node(id))
    }

    /// Whether a value's name holds escapes.
    #[inline]
    #[must_use]
    pub fn key_has_escapes(&self, id: NodeId) -> bool {
        self.node(id).has(KEY_ESCAPED)
    }

    /// Gives a value of an object another name, which the object does not have.
    pub fn rename_in_place(&mut self, id: NodeId, name: &str) {
        self.forget_field(id);
        self.name(id, name);
        self.note_field(id);
        let parent = self.node(id).parent;
        mark_changed(&mut self.nodes, parent);
    }

    /// Makes a string the number that it spells. Its content must be a number of JSON.
    pub fn unquote(&mut self, id: NodeId) {
        self.retype(id, Kind::String, Kind::Number);
    }

    /// Makes a number or a truth value the string that spells it.
    pub fn quote(&mut self, id: NodeId) {
        if matches!(self.kind(id), Kind::Number | Kind::True | Kind::False) {
            self.retype(id, self.kind(id), Kind::String);
        }
    }

    fn retype(&mut self, id: NodeId, from: Kind, to: Kind) {
        let node = &mut self.nodes[id.0 as usize];
        if node.kind == from {
            node.kind = to;
            let parent = node.parent;
            mark_changed(&mut self.nodes, parent);
        }
    }

    /// Makes a string a part of itself. `part` is in bytes of [`Event::content`], must not cut a
    /// character or an escape, and is ignored if it lies outside.
    pub fn narrow(&mut self, id: NodeId, part: Range<usize>) {
        let node = &mut self.nodes[id.0 as usize];
        let length = (node.end - node.start) as usize;
        if node.kind == Kind::String && part.start <= part.end && part.end <= length {
            node.end = node.start + part.end as u32;
            node.flags &= !TEXT_IS_LINE;
            node.start += part.start as u32;
            let parent = node.parent;
            mark_changed(&mut self.nodes, parent);
        }
    }

    /// Makes a value this string.
    pub fn rewrite_text(&mut self, id: NodeId, text: &str) {
        let (span, escaped) = self.write_scratch(text, b"\"");
        self.rewrite(id, Kind::String, span, if escaped { TEXT_ESCAPED } else { 0 });
    }

    /// Makes a value this number, given as valid JSON.
    pub fn rewrite_number(&mut self, id: NodeId, text: &str) {
        let start = self.scratch.len();
        self.scratch.extend_from_slice(text.as_bytes());
        self.rewrite(id, Kind::Number, start..self.scratch.len(), 0);
    }

    /// Makes a value this truth value.
    pub fn rewrite_bool(&mut self, id: NodeId, value: bool) {
        let start = self.scratch.len();
        let (kind, text): (_, &[u8]) =
            if value { (Kind::True, b"true") } else { (Kind::False, b"false") };
        self.scratch.extend_from_slice(text);
        self.rewrite(id, kind, start..self.scratch.len(), 0);
    }

    fn rewrite(&mut self, id: NodeId, kind: Kind, span: Range<usize>, flags: u8) {
        let node = &mut self.nodes[id.0 as usize];
        node.kind = kind;
        node.start = span.start as u32;
        node.end = span.end as u32;
        node.first_child = NONE;
        node.last_child = NONE;
        let gone = TEXT_ESCAPED | TEXT_SHARED | TEXT_IS_LINE | CHANGED;
        node.flags = node.flags & !gone | TEXT_IN_SCRATCH | flags;
        let parent = node.parent;
        mark_changed(&mut self.nodes, parent);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{Event, FieldPath, Limits, NodeId};

    fn event(json: &'static str) -> Event {
        let mut event = Event::new();
        event.decode_json(&Bytes::from_static(json.as_bytes()), 0, &Limits::default()).unwrap();
        event
    }

    fn at(event: &Event, path: &str) -> NodeId {
        event.get(&FieldPath::parse(path).unwrap()).unwrap()
    }

    fn written(event: &Event) -> String {
        let mut out = Vec::new();
        event.write_json(&mut out);
        String::from_utf8(out).unwrap().split_once(',').unwrap().1.to_owned()
    }

    #[test]
    fn quotes_come_and_go() {
        let mut event = event(r#"{"a":{"amount":"129.90","id":12345,"flag":true}}"#);
        let (amount, id) = (at(&event, "[a][amount]"), at(&event, "[a][id]"));
        event.unquote(amount);
        event.quote(id);
        let flag = at(&event, "[a][flag]");
        event.quote(flag);
        assert_eq!(written(&event), r#""a":{"amount":129.90,"id":"12345","flag":"true"}}"#);
        event.unquote(amount);
        assert_eq!(written(&event), r#""a":{"amount":129.90,"id":"12345","flag":"true"}}"#);
    }

    #[test]
    fn a_part_takes_the_place_of_the_whole() {
        let mut event = event(r#"{"a":["66.249.73.135, 10.0.0.7"]}"#);
        let list = at(&event, "[a][0]");
        event.narrow(list, 0..13);
        assert_eq!(written(&event), r#""a":["66.249.73.135"]}"#);
        event.narrow(list, 5..99);
        assert_eq!(written(&event), r#""a":["66.249.73.135"]}"#);
        event.narrow(list, 3..6);
        assert_eq!(written(&event), r#""a":["249"]}"#);
    }

    #[test]
    fn a_name_changes_where_it_stands() {
        let mut event = event(r#"{"a":{"x":1,"y":{"z":2}}}"#);
        let y = at(&event, "[a][y]");
        event.rename_in_place(y, "say \"no\"");
        assert_eq!(written(&event), r#""a":{"x":1,"say \"no\"":{"z":2}}}"#);
    }

    #[test]
    fn a_value_is_rewritten_where_it_stands() {
        let mut event =
            event(r#"{"a":{"b":{"secret":[1,{"c":2}]},"d":"\u00e9","e":null,"f":"yes"}}"#);
        let (b, d) = (at(&event, "[a][b]"), at(&event, "[a][d]"));
        let (e, f) = (at(&event, "[a][e]"), at(&event, "[a][f]"));
        event.rewrite_text(b, "say \"no\"");
        event.rewrite_text(d, "plain");
        event.rewrite_number(e, "1.50");
        event.rewrite_bool(f, true);
        assert_eq!(written(&event), r#""a":{"b":"say \"no\"","d":"plain","e":1.50,"f":true}}"#);
        assert_eq!(event.text(b).as_deref(), Some("say \"no\""));
        assert!(!event.has_escapes(d));
        assert_eq!(event.key_content(d), b"d");
    }
}
