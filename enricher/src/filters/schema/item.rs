//! Arrays of objects with fields of their own: the lines of an order.

use event::{Event, Kind, NodeId};
use schema::{Action, Place, Rule, Table};

use super::SchemaFilter;
use super::value::Converted;

impl SchemaFilter {
    /// Converts an array of objects where it stands; says also whether all their values fitted.
    pub(super) fn nested(
        &mut self,
        event: &mut Event,
        place: Place,
        table: &'static Table,
        name: &'static str,
        node: NodeId,
    ) -> (Converted, bool) {
        match event.kind(node) {
            Kind::Array => {}
            Kind::Null => return (Converted::Absent, true),
            _ => return (Converted::Fails, true),
        }
        let mut all = true;
        let mut next = event.detach_all(node);
        while let Some(element) = next {
            next = event.next_sibling(element);
            match event.kind(element) {
                Kind::Object => {
                    all &= self.item(event, table, name, element);
                    event.push(node, element);
                }
                Kind::Null => {}
                _ => {
                    all = false;
                    self.leftovers.keep_unparsed(event, &mut self.target, name, element);
                }
            }
        }
        self.target.put(event, place, node);
        (Converted::Fits, all)
    }

    /// Converts one object: names in their order first, then aliases.
    fn item(
        &mut self,
        event: &mut Event,
        table: &'static Table,
        name: &'static str,
        item: NodeId,
    ) -> bool {
        let mut waiting: smallvec::SmallVec<[(u8, &'static Rule, NodeId); 8]> = Default::default();
        let mut all = true;
        let mut next = event.detach_all(item);
        while let Some(node) = next {
            next = event.next_sibling(node);
            let meaning = table.get(event.key(node).as_bytes());
            let Some((meaning, id)) = meaning.and_then(|meaning| Some((meaning, meaning.rule?)))
            else {
                self.keep(event, name, node);
                continue;
            };
            let rule = self.schema.rule(id);
            if meaning.rank == 0 {
                all &= self.item_value(event, rule, name, item, node);
            } else {
                waiting.push((meaning.rank, rule, node));
            }
        }
        waiting.sort_by_key(|(rank, ..)| *rank);
        for (_, rule, node) in waiting {
            all &= self.item_value(event, rule, name, item, node);
        }
        all
    }

    fn item_value(
        &mut self,
        event: &mut Event,
        rule: &'static Rule,
        name: &'static str,
        item: NodeId,
        node: NodeId,
    ) -> bool {
        let Action::Value(conversion) = &rule.action else {
            self.keep(event, name, node);
            return true;
        };
        let field = self.schema.document().name(conversion.place);
        if event.child(item, field).is_some() {
            self.keep(event, name, node);
            return true;
        }
        match self.convert_one(event, conversion, node) {
            Converted::Fits if event.key_content(node) == field.as_bytes() => {
                event.attach_as_is(item, node);
            }
            Converted::Fits => event.attach(item, field, node),
            Converted::Absent => {}
            Converted::Fails => {
                self.leftovers.keep_unparsed(event, &mut self.target, &rule.name, node);
                return false;
            }
        }
        true
    }
}
