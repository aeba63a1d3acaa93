//! Single values: converted, and put into their fields.

use event::{Event, Kind, NodeId};
use schema::FieldKind::{Flattened, Keyword, Text};
use schema::{Conversion, Place, Rule};

use super::pass::Pass;
use super::value::{Converted, convert, plain};
use super::{SchemaFilter, is_same};

impl SchemaFilter {
    pub(super) fn value(
        &mut self,
        event: &mut Event,
        pass: &mut Pass,
        rule: &'static Rule,
        conversion: &'static Conversion,
        prefix: &'static str,
        node: NodeId,
    ) {
        let known = self.schema.known();
        if conversion.place == known.extra || conversion.place == known.unparsed {
            return self.merge(event, pass, rule, conversion.place, node);
        }
        if let Some(earlier) = self.target.at(conversion.place) {
            if !is_same(event, earlier, node) && event.kind(node) != Kind::Null {
                self.keep(event, prefix, node);
            }
            return;
        }
        if conversion.many {
            return self.many(event, pass, rule, conversion, node);
        }
        if conversion.kind == Flattened && !self.leftovers.admits_below(event, node) {
            return self.fail(event, pass, &rule.name, node);
        }
        let list = conversion.first_of_list.and_then(|place| first_of_list(event, place, node));
        match self.convert_one(event, conversion, node) {
            Converted::Fits => {
                pass.list = pass.list.or(list);
                self.place(event, conversion, node);
            }
            Converted::Absent if list.is_none() => {}
            Converted::Absent | Converted::Fails => {
                // A list of which the first is no value is kept whole.
                let whole = list.map_or(node, |(_, list)| list);
                self.fail(event, pass, &rule.name, whole);
            }
        }
    }

    #[inline]
    pub(super) fn convert_one(
        &mut self,
        event: &mut Event,
        conversion: &Conversion,
        node: NodeId,
    ) -> Converted {
        if !matches!(conversion.kind, Keyword | Text) && event.kind(node) == Kind::String {
            plain(event, node);
        }
        convert(event, node, conversion)
    }

    /// Puts a converted value into its fields.
    fn place(&mut self, event: &mut Event, conversion: &Conversion, node: NodeId) {
        for also in &conversion.also {
            if self.target.at(*also).is_none() {
                let copy = event.new_copy(node);
                self.target.put(event, *also, copy);
            }
        }
        if let Some(outcome) = &conversion.outcome {
            let is = |words: &[Box<str>]| words.iter().any(|word| event.text_is(node, word));
            let (success, failure) = (is(&outcome.success), is(&outcome.failure));
            if success || failure {
                self.platform.put_outcome(event, &mut self.target, success);
            }
        }
        self.target.put(event, conversion.place, node);
    }

    /// A field that is an array: each element by itself; one value alone is an array of one.
    fn many(
        &mut self,
        event: &mut Event,
        pass: &mut Pass,
        rule: &'static Rule,
        conversion: &'static Conversion,
        node: NodeId,
    ) {
        let array = if event.kind(node) == Kind::Array { node } else { event.new_array() };
        let mut next = if array == node { event.detach_all(node) } else { Some(node) };
        while let Some(element) = next {
            next = if array == node { event.next_sibling(element) } else { None };
            match self.convert_one(event, conversion, element) {
                Converted::Fits => event.push(array, element),
                Converted::Absent => {}
                Converted::Fails => self.fail(event, pass, &rule.name, element),
            }
        }
        if event.first_child(array).is_some() {
            self.place(event, conversion, array);
        }
    }

    /// Leftovers of an event that was converted before join those of this time.
    fn merge(
        &mut self,
        event: &mut Event,
        pass: &mut Pass,
        rule: &'static Rule,
        place: Place,
        node: NodeId,
    ) {
        let unparsed = place == self.schema.known().unparsed;
        if event.kind(node) != Kind::Object {
            return self.fail(event, pass, &rule.name, node);
        }
        let mut next = event.detach_all(node);
        while let Some(inner) = next {
            next = event.next_sibling(inner);
            if unparsed {
                // The event has the tag from then.
                let name = event.key(inner).into_owned();
                self.leftovers.keep_unparsed(event, &mut self.target, &name, inner);
            } else {
                self.leftovers.keep_below(event, &mut self.target, "", inner);
            }
        }
    }

    /// `GET /cart HTTP/1.1`. A line that says something else than a field that is there is kept.
    pub(super) fn request_line(
        &mut self,
        event: &mut Event,
        prefix: &'static str,
        node: NodeId,
    ) -> Converted {
        match event.kind(node) {
            Kind::Null => return Converted::Absent,
            Kind::String => plain(event, node),
            _ => return Converted::Fails,
        }
        let line = event.content(node).unwrap_or_default();
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Converted::Fails;
        };
        let is_method = !method.is_empty() && method.iter().all(u8::is_ascii_uppercase);
        let version_length = version.strip_prefix(b"HTTP/").map_or(0, <[u8]>::len);
        if !is_method || target.is_empty() || version_length == 0 {
            return Converted::Fails;
        }
        let (end_of_method, end_of_target) = (method.len(), method.len() + 1 + target.len());
        let known = self.schema.known();
        let mut differs = false;
        for (place, part) in [
            (known.request_method, 0..end_of_method),
            (known.request_target, end_of_method + 1..end_of_target),
            (known.request_version, line.len() - version_length..line.len()),
        ] {
            let copy = event.new_copy(node);
            event.narrow(copy, part);
            match self.target.at(place) {
                Some(earlier) => differs |= event.text(earlier) != event.text(copy),
                None => self.target.put(event, place, copy),
            }
        }
        if differs {
            self.keep(event, prefix, node);
        }
        Converted::Fits
    }
}

/// Cuts a list after its first element; gives the field of the whole list and the list.
fn first_of_list(event: &mut Event, place: Place, node: NodeId) -> Option<(Place, NodeId)> {
    let comma = event.content(node)?.iter().position(|byte| *byte == b',')?;
    let list = (event.kind(node) == Kind::String).then(|| event.new_copy(node))?;
    event.narrow(node, 0..comma);
    Some((place, list))
}
