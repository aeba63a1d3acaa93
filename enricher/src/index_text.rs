//! `enricher.index`: which index a document goes to, as Logstash's output `elasticsearch` says it.
//!
//! What an event says is put into a name only where it has nothing but letters of names, and behind a fixed beginning:
//! which beginnings documents may go to, the indexer holds against `search.index_prefixes`. What does not fit goes to
//! the platform's own index.

use std::sync::Arc;

use bus::{Record, document_type};
use bytestring::ByteString;
use event::Event;
use schema::{has_index_letters, is_believable, is_named_index};

use crate::field_reference::EscapeStyle;
use crate::template::{Template, TemplateError};

/// Tag of an event whose fields give no name of an index.
const TAG_REFUSED: &str = "_index_name_refused";
/// Tag of an event whose own time is not believed.
const TAG_NO_TIME: &str = "_timestampparsefailure";
/// What stands for a field where a name is only looked at.
const FIELD: &str = "x";
/// Content types that a worker keeps.
const KEPT_MAX: usize = 16;

const SECOND_NS: i64 = 1_000_000_000;
const DAY_NS: i64 = 86_400 * SECOND_NS;
/// Beginnings of days, with how a name that ends with the day has it.
const DAYS: [(i64, [&str; 3]); 2] = [
    (1_795_478_400 * SECOND_NS, ["2026", "11", "24"]),
    (1_927_843_200 * SECOND_NS, ["2031", "02", "03"]),
];
/// What may stand between year, month and day.
const DAY_SEPARATORS: [&str; 3] = [".", "-", "_"];

/// A text with references to fields and dates that names indices.
#[derive(Clone, Debug)]
pub(crate) struct IndexText {
    text: Template,
    has_date: bool,
    /// Whether the name is the same for all events of a day.
    is_of_day: bool,
}

/// What is known of a text that names indices before any event is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexOutline {
    /// What all names begin with.
    pub beginning: String,
    /// What stands between year, month and day, where each name ends with its day.
    pub day_separator: Option<char>,
}

impl IndexOutline {
    /// Reads the text of a setting.
    ///
    /// # Errors
    /// For a text that is none, without a fixed beginning, or that never gives a name of an index.
    pub fn parse(text: &str, escape_style: EscapeStyle) -> Result<Self, TemplateError> {
        IndexText::parse(text, escape_style).map(|index| index.outline())
    }
}

impl IndexText {
    /// # Errors
    /// As [`IndexOutline::parse`].
    pub(crate) fn parse(text: &str, escape_style: EscapeStyle) -> Result<Self, TemplateError> {
        let template = Template::parse_as(text, escape_style)?;
        let way_out = "write a fixed beginning before what is put in, as `shop-%{+YYYY.MM.dd}`";
        let refused = |message: String| TemplateError { message, way_out: way_out.to_owned() };
        if !is_named_index(template.beginning()) {
            return Err(refused(format!(
                "`{text}` has no fixed beginning that is one of an index: a letter or digit, then a-z, 0-9, `-`, `_` \
                 and `.`, and not `{}` or `{}`",
                schema::INDEX_PREFIX,
                schema::NAMED_ALIAS
            )));
        }
        let [(begin, _), (other, _)] = DAYS;
        let sample = template.of_time(begin, FIELD);
        if !is_named_index(&sample) {
            return Err(refused(format!(
                "`{text}` gives names as `{sample}`, and no index can have one: they have 128 bytes at most, and a-z, \
                 0-9, `-`, `_` and `.` only"
            )));
        }
        let is_same_all_day = sample == template.of_time(begin + DAY_NS - 1, FIELD);
        let has_date = sample != template.of_time(other, FIELD);
        let is_of_day = is_same_all_day && !template.names_fields();
        Ok(Self { text: template, has_date, is_of_day })
    }

    fn outline(&self) -> IndexOutline {
        let beginning = self.text.beginning().to_owned();
        let ends_with_day = |separator: &&&str| {
            DAYS.iter().all(|(begin, day)| {
                self.text.date_at_end(*begin).is_some_and(|date| date == day.join(**separator))
            })
        };
        let separator = DAY_SEPARATORS.iter().find(ends_with_day);
        let day_separator = separator.and_then(|separator| separator.chars().next());
        IndexOutline { beginning, day_separator }
    }

    /// Writes the name for an event that happened then; false where it has none.
    fn write(&self, event: &Event, timestamp_ns: i64, name: &mut String) -> bool {
        let is_fit = |value: &str| !value.is_empty() && has_index_letters(value);
        name.clear();
        self.text.write_fit(event, timestamp_ns, is_fit, name) && is_named_index(name)
    }
}

/// Tells the indexer, by the content types of records, which indices their documents are for. A worker's own.
#[derive(Debug, Default)]
pub(crate) struct ContentTypes {
    text: Option<Arc<IndexText>>,
    name: String,
    /// The last day since 1970, of names that are the same all day.
    day: Option<(i64, ByteString)>,
    /// Those that were written last, so that names that come again cost nothing.
    kept: Vec<ByteString>,
    /// Which of them gives way next.
    turn: usize,
}

impl ContentTypes {
    pub(crate) fn new(text: Option<Arc<IndexText>>) -> Self {
        Self { text, ..Self::default() }
    }

    /// The content type of the document of an event of this record. The event is tagged where the index is not the one
    /// that the text and its own time give.
    pub(crate) fn of(&mut self, event: &mut Event, record: &Record) -> ByteString {
        let Some(text) = self.text.clone() else { return document_type::DOCUMENT };
        let is_believed = is_believable(event.timestamp_ns, record.received_at_ns);
        if text.has_date && !is_believed {
            event.add_tag(TAG_NO_TIME);
        }
        let time_ns = if is_believed { event.timestamp_ns } else { record.received_at_ns };
        let day = time_ns.div_euclid(DAY_NS);
        if let Some((known, content_type)) = &self.day
            && *known == day
        {
            return content_type.clone();
        }
        if !text.write(event, time_ns, &mut self.name) {
            event.add_tag(TAG_REFUSED);
            return document_type::DOCUMENT;
        }
        let content_type = self.keep();
        if text.is_of_day {
            self.day = Some((day, content_type.clone()));
        }
        content_type
    }

    /// The content type for the name that was written.
    fn keep(&mut self) -> ByteString {
        let name = self.name.as_str();
        let is_known = |kept: &&ByteString| document_type::index_of(kept) == Some(name);
        if let Some(kept) = self.kept.iter().find(is_known) {
            return kept.clone();
        }
        let content_type = document_type::document_for(name);
        if self.kept.len() < KEPT_MAX {
            self.kept.push(content_type.clone());
        } else {
            self.kept[self.turn] = content_type.clone();
            self.turn = (self.turn + 1) % KEPT_MAX;
        }
        content_type
    }
}

#[cfg(test)]
mod tests;
