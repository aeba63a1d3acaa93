//! What has no field of its own: names that no schema has, and values that could not be converted.
//! They go into two flattened objects, within bounds, so that no event can make a new field.

use event::{Event, Kind, NodeId};
use schema::{Place, Schema};

use super::target::Target;
use crate::filters::redact;

/// Longest name in bytes: names and values together are terms of the index.
const NAME_BYTES_MAX: usize = 256;

/// How much `shop.extra` and `shop.unparsed` together may hold of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Values, containers included.
    pub(super) values_max: u32,
    /// Objects and arrays within each other.
    pub(super) depth_max: u32,
}

/// Puts leftovers in their place. Used again for each event.
#[derive(Debug)]
pub(super) struct Leftovers {
    bounds: Bounds,
    extra: Place,
    unparsed: Place,
    overflow: Place,
    values: u32,
    /// Members of an object, as JSON, of what is beyond the bounds.
    beyond: Vec<u8>,
    name: String,
}

impl Leftovers {
    pub(super) fn new(schema: &Schema, bounds: Bounds) -> Self {
        let known = schema.known();
        Self {
            bounds,
            extra: known.extra,
            unparsed: known.unparsed,
            overflow: known.overflow,
            values: 0,
            beyond: Vec::new(),
            name: String::new(),
        }
    }

    /// Forgets the event before.
    pub(super) fn clear(&mut self) {
        self.values = 0;
        self.beyond.clear();
    }

    /// Keeps a value of the event's first level under the name that it has.
    pub(super) fn keep(&mut self, event: &mut Event, target: &mut Target, node: NodeId) {
        let name = event.key_content(node);
        // Names of one level are not the same, but one with dots may be another's way.
        if event.key_has_escapes(node) || name.contains(&b'.') {
            return self.keep_below(event, target, "", node);
        }
        if self.admits(event, node) {
            let extra = target.object(event, self.extra);
            event.attach_as_is(extra, node);
        }
    }

    /// Keeps a value under the name that it has within `prefix`.
    pub(super) fn keep_below(
        &mut self,
        event: &mut Event,
        target: &mut Target,
        prefix: &str,
        node: NodeId,
    ) {
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        name.push_str(prefix);
        if !prefix.is_empty() {
            name.push('.');
        }
        name.push_str(&event.key(node));
        self.keep_as(event, target, self.extra, &name, node);
        self.name = name;
    }

    /// Keeps a value that could not be converted under the name of its rule.
    pub(super) fn keep_unparsed(
        &mut self,
        event: &mut Event,
        target: &mut Target,
        name: &str,
        node: NodeId,
    ) {
        self.keep_as(event, target, self.unparsed, name, node);
    }

    fn keep_as(
        &mut self,
        event: &mut Event,
        target: &mut Target,
        place: Place,
        name: &str,
        node: NodeId,
    ) {
        if !self.admits_as(event, name, node) {
            return;
        }
        let holder = target.object(event, place);
        let Some(earlier) = event.child(holder, name) else {
            event.attach(holder, name, node);
            return;
        };
        if event.kind(earlier) == Kind::Array {
            event.push(earlier, node);
            return;
        }
        let both = event.new_array();
        event.replace(earlier, both);
        event.push(both, earlier);
        event.push(both, node);
    }

    /// Whether a value is within the bounds under its own name; what is not is written down.
    fn admits(&mut self, event: &mut Event, node: NodeId) -> bool {
        let length = event.key_content(node).len();
        if (1..=NAME_BYTES_MAX).contains(&length) && self.admits_below(event, node) {
            return true;
        }
        let name = event.key(node).into_owned();
        self.write_down(event, &name, node);
        false
    }

    fn admits_as(&mut self, event: &mut Event, name: &str, node: NodeId) -> bool {
        let good = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains('\0');
        if good && self.admits_below(event, node) {
            return true;
        }
        self.write_down(event, name, node);
        false
    }

    /// Whether a value and all below it are within the bounds, of which they then take their part.
    pub(super) fn admits_below(&mut self, event: &Event, node: NodeId) -> bool {
        let mut values = self.values;
        let fits = self.within(event, node, 1, &mut values);
        if fits {
            self.values = values;
        }
        fits
    }

    /// Counts a value and all below it; false beyond the bounds. Depth is bounded, so it may recur.
    fn within(&self, event: &Event, node: NodeId, depth: u32, values: &mut u32) -> bool {
        *values += 1;
        if *values > self.bounds.values_max {
            return false;
        }
        let Some(mut at) = event.first_child(node) else {
            return true;
        };
        if depth > self.bounds.depth_max {
            return false;
        }
        loop {
            let named = event.kind(node) == Kind::Array || is_good_name(event, at);
            if !named || !self.within(event, at, depth + 1, values) {
                return false;
            }
            match event.next_sibling(at) {
                Some(next) => at = next,
                None => return true,
            }
        }
    }

    /// Adds a member to the text of what is beyond the bounds. Nothing is masked in a text by the
    /// names within, so that is done before.
    fn write_down(&mut self, event: &mut Event, name: &str, node: NodeId) {
        redact::mask_member(event, name, node);
        self.beyond.push(if self.beyond.is_empty() { b'{' } else { b',' });
        self.beyond.push(b'"');
        event::escape(name, &mut self.beyond);
        self.beyond.extend_from_slice(b"\":");
        event.raw(node, &mut self.beyond);
    }

    /// Puts what is beyond the bounds, as one text; says whether there is any.
    pub(super) fn finish(&mut self, event: &mut Event, target: &mut Target) -> bool {
        if self.beyond.is_empty() {
            return false;
        }
        let earlier = target.at(self.overflow);
        if let Some(earlier) = earlier {
            self.write_down(event, "shop.overflow", earlier);
        }
        self.beyond.push(b'}');
        let text = String::from_utf8_lossy(&self.beyond);
        match earlier {
            Some(earlier) => event.rewrite_text(earlier, &text),
            None => {
                let node = event.new_text(&text);
                target.put(event, self.overflow, node);
            }
        }
        true
    }
}

fn is_good_name(event: &Event, node: NodeId) -> bool {
    let name = event.key_content(node);
    let good = (1..=NAME_BYTES_MAX).contains(&name.len());
    good && !(event.key_has_escapes(node) && event.key(node).contains('\0'))
}
