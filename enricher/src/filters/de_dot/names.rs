//! Where members of objects stand, so that many of them cost time in proportion.

use std::collections::HashMap;

use event::{Event, Kind, NodeId};

/// What was looked up within one event. An object is read once and then kept up to date.
#[derive(Default)]
pub(super) struct Members {
    objects: HashMap<NodeId, HashMap<String, NodeId>>,
}

impl Members {
    /// Puts a field that stands somewhere under names within an object, in place of what is there; objects
    /// on the way are made. False, with nothing changed, where something else stands in the way.
    pub(super) fn put(
        &mut self,
        event: &mut Event,
        object: NodeId,
        names: &[String],
        field: NodeId,
    ) -> bool {
        let Some((last, way)) = names.split_last() else { return false };
        let mut at = object;
        for name in way {
            at = match self.find(event, at, name) {
                Some(inner) if inner == field => return false,
                Some(inner) => inner,
                None if event.kind(at) == Kind::Object => {
                    let inner = event.new_object();
                    self.attach(event, at, name, inner);
                    inner
                }
                None => return false,
            };
        }
        if event.kind(at) != Kind::Object {
            return false;
        }
        let old = self.find(event, at, last);
        if old == Some(field) {
            return true;
        }
        event.detach(field);
        match old {
            Some(old) => {
                event.replace(old, field);
                self.note(at, last, field);
            }
            None => self.attach(event, at, last, field),
        }
        true
    }

    fn find(&mut self, event: &Event, container: NodeId, name: &str) -> Option<NodeId> {
        match event.kind(container) {
            Kind::Object => {
                let members = self.objects.entry(container).or_insert_with(|| {
                    event.children(container).map(|(name, id)| (name.into_owned(), id)).collect()
                });
                members.get(name).copied()
            }
            Kind::Array => event.element(container, name.parse().ok()?),
            _ => None,
        }
    }

    fn attach(&mut self, event: &mut Event, object: NodeId, name: &str, id: NodeId) {
        event.attach(object, name, id);
        self.note(object, name, id);
    }

    fn note(&mut self, object: NodeId, name: &str, id: NodeId) {
        if let Some(members) = self.objects.get_mut(&object) {
            members.insert(name.to_owned(), id);
        }
    }
}
