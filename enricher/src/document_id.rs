//! `enricher.document_id`: which events of a shop are one document, as Logstash's output `elasticsearch` says it.
//!
//! What an event says never is an id by itself: it is hashed with the shop of its record. All shops share the
//! indices, and no text of one may name the document of another.

use bus::{Record, RecordId};
use event::Event;

use crate::field_reference::EscapeStyle;
use crate::template::{Template, TemplateError};

/// Longest text that names a document, in bytes: a search engine takes no longer id.
const TEXT_BYTES_MAX: usize = 512;

/// A text with references to fields: events of a shop for which it is the same are one document.
#[derive(Clone, Debug)]
pub(crate) struct DocumentId {
    text: Template,
}

impl DocumentId {
    /// Reads the text of a setting.
    ///
    /// # Errors
    /// Those of [`Template::parse_as`], and for a text that is the same for all events.
    pub(crate) fn parse(text: &str, escape_style: EscapeStyle) -> Result<Self, TemplateError> {
        let template = Template::parse_as(text, escape_style)?;
        if template.literal().is_some() {
            return Err(TemplateError {
                message: format!(
                    "`{text}` holds no `%{{field}}`: all events of a shop would be one document"
                ),
                way_out: "write `%{name}` or `%{[outer][inner]}`".to_owned(),
            });
        }
        Ok(Self { text: template })
    }

    /// The id of an event of this record; `None` where a field that the text names is not there, or the text is
    /// none that an engine takes as an id. Such an event is no other one's document: the text as it is written
    /// would make one of all of them.
    pub(crate) fn of(&self, event: &Event, record: &Record) -> Option<RecordId> {
        let text = self.text.render_if_there(event, record.received_at_ns)?;
        let is_fit = (1..=TEXT_BYTES_MAX).contains(&text.len());
        is_fit.then(|| RecordId::of_document(&record.shop, &text))
    }
}

#[cfg(test)]
mod tests;
