//! The tags of an event: an array of texts, which a single text may stand for.

use crate::document::Event;
use crate::node::{Kind, NodeId};

impl Event {
    /// Whether the event has a tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        let Some(tags) = self.child(self.root(), "tags") else {
            return false;
        };
        self.text_is(tags, tag) || self.elements(tags).any(|element| self.text_is(element, tag))
    }

    /// Adds a tag; one that the event has already is not added again.
    pub fn add_tag(&mut self, tag: &str) {
        if !self.has_tag(tag) {
            self.push_tag(tag);
        }
    }

    /// Adds a tag even if the event has it already, as the common option `add_tag` does.
    pub fn push_tag(&mut self, tag: &str) {
        let added = self.new_text(tag);
        let tags = self.tags_array();
        self.push(tags, added);
    }

    /// The array of tags: made if there is none, and out of a single value.
    fn tags_array(&mut self) -> NodeId {
        let root = self.root();
        match self.child(root, "tags") {
            Some(tags) if self.kind(tags) == Kind::Array => tags,
            Some(single) => {
                let array = self.new_array();
                self.replace(single, array);
                if self.kind(single) != Kind::Null {
                    self.push(array, single);
                }
                array
            }
            None => {
                let array = self.new_array();
                self.attach(root, "tags", array);
                array
            }
        }
    }

    /// Removes every tag of this name. A single value becomes an array by this, as in Logstash.
    pub fn remove_tag(&mut self, tag: &str) {
        if self.child(self.root(), "tags").is_none() {
            return;
        }
        let tags = self.tags_array();
        let mut at = self.first_child(tags);
        while let Some(element) = at {
            at = self.next_sibling(element);
            if self.text_is(element, tag) {
                self.detach(element);
            }
        }
    }
}
