//! The document that grows while an event is converted: objects are made when their first field
//! comes, and no field is set twice.

use event::{Event, NodeId};
use schema::{Place, Schema};

/// Where fields of the document stand by now. Used again for each event.
#[derive(Debug)]
pub(super) struct Target {
    names: Vec<&'static str>,
    parents: Vec<Option<Place>>,
    nodes: Vec<Option<NodeId>>,
    used: Vec<Place>,
}

impl Target {
    pub(super) fn new(schema: &'static Schema) -> Self {
        let document = schema.document();
        let places = || document.places();
        Self {
            names: places().map(|place| document.name(place)).collect(),
            parents: places().map(|place| document.parent(place)).collect(),
            nodes: vec![None; document.len()],
            used: Vec::with_capacity(64),
        }
    }

    /// Forgets the event before.
    pub(super) fn clear(&mut self) {
        for place in self.used.drain(..) {
            self.nodes[place.index()] = None;
        }
    }

    /// What stands at a place.
    pub(super) fn at(&self, place: Place) -> Option<NodeId> {
        self.nodes[place.index()]
    }

    /// Puts a value that stands nowhere at a place where nothing is.
    pub(super) fn put(&mut self, event: &mut Event, place: Place, node: NodeId) {
        let holder = self.holder(event, place);
        event.attach(holder, self.names[place.index()], node);
        self.nodes[place.index()] = Some(node);
        self.used.push(place);
    }

    /// The object at a place.
    pub(super) fn object(&mut self, event: &mut Event, place: Place) -> NodeId {
        if let Some(node) = self.nodes[place.index()] {
            return node;
        }
        let node = event.new_object();
        self.put(event, place, node);
        node
    }

    fn holder(&mut self, event: &mut Event, place: Place) -> NodeId {
        match self.parents[place.index()] {
            // Only the document itself has none around it.
            Some(parent) if self.parents[parent.index()].is_some() => self.object(event, parent),
            _ => event.root(),
        }
    }
}
