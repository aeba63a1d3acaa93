//! The document that grows while an event is converted: objects are made when their first field
//! comes, and no field is set twice.

use event::{Event, NodeId, SharedText, SharedTextBase, TextSpan};
use schema::{Place, Schema};

/// Where fields of the document stand by now. Used again for each event.
#[derive(Debug)]
pub(super) struct Target {
    texts: SharedText,
    base: SharedTextBase,
    places: Vec<PlaceState>,
    /// Number of the event.
    event: u32,
}

#[derive(Clone, Copy, Debug)]
struct PlaceState {
    name: TextSpan,
    /// The object around it; `None` for the document itself.
    parent: Option<Place>,
    /// What stands there in the event of this number.
    node: NodeId,
    event: u32,
}

impl Target {
    /// The target of a schema's documents, and the texts that their values may share.
    pub(super) fn new(schema: &'static Schema, mut texts: SharedText) -> Self {
        let document = schema.document();
        let mut nothing = Event::new();
        let places = document.places().map(|place| PlaceState {
            name: texts.add(document.name(place)).expect("names in a schema need no escapes"),
            parent: document.parent(place).filter(|parent| *parent != document.root()),
            node: nothing.root(),
            event: 0,
        });
        let places = places.collect();
        let base = nothing.share(&texts);
        Self { texts, base, places, event: 0 }
    }

    /// Forgets the event before, and begins with this one.
    pub(super) fn begin(&mut self, event: &mut Event) {
        self.event = self.event.wrapping_add(1);
        if self.event == 0 {
            // After four thousand million events numbers come again.
            self.places.iter_mut().for_each(|place| place.event = 0);
            self.event = 1;
        }
        self.base = event.share(&self.texts);
    }

    /// What stands at a place.
    #[inline]
    pub(super) fn at(&self, place: Place) -> Option<NodeId> {
        let state = &self.places[place.index()];
        (state.event == self.event).then_some(state.node)
    }

    /// Puts a value that stands nowhere at a place where nothing is.
    #[inline]
    pub(super) fn put(&mut self, event: &mut Event, place: Place, node: NodeId) {
        let number = self.event;
        let state = &mut self.places[place.index()];
        state.node = node;
        state.event = number;
        let PlaceState { name, parent, .. } = *state;
        let holder = match parent {
            Some(parent) => self.object(event, parent),
            None => event.root(),
        };
        event.attach_shared(holder, self.base, name, node);
    }

    /// Puts a shared text at a place where nothing is.
    pub(super) fn put_shared(&mut self, event: &mut Event, place: Place, text: TextSpan) {
        let node = event.new_shared_text(self.base, text);
        self.put(event, place, node);
    }

    /// Puts shared texts at a place where nothing is.
    pub(super) fn put_all_shared(&mut self, event: &mut Event, place: Place, texts: &[TextSpan]) {
        if texts.is_empty() {
            return;
        }
        let array = event.new_array();
        for text in texts {
            let node = event.new_shared_text(self.base, *text);
            event.push(array, node);
        }
        self.put(event, place, array);
    }

    /// The object at a place.
    #[inline]
    pub(super) fn object(&mut self, event: &mut Event, place: Place) -> NodeId {
        match self.at(place) {
            Some(node) => node,
            None => self.new_object(event, place),
        }
    }

    fn new_object(&mut self, event: &mut Event, place: Place) -> NodeId {
        let node = event.new_object();
        self.put(event, place, node);
        node
    }
}
