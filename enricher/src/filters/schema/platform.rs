//! What the platform says of an event: its log type, what ECS calls it, whose it is, when it came.

use bus::Record;
use event::{Event, SharedText, TextSpan};
use schema::{ECS_VERSION, KnownPlaces, LogType, OTHER, Place, Schema};

use super::target::Target;

/// Texts that events share.
#[derive(Debug)]
pub(super) struct Platform {
    known: &'static KnownPlaces,
    /// Log types that shops may send.
    pub(super) log_types: Vec<LogTypeTexts>,
    /// The one of `log_types` that takes what names none.
    pub(super) other: usize,
    ecs_version: TextSpan,
    success: TextSpan,
    failure: TextSpan,
    /// Used again for each event.
    text: Vec<u8>,
}

/// A log type and what is said of its events.
#[derive(Debug)]
pub(super) struct LogTypeTexts {
    pub(super) schema: &'static LogType,
    name: TextSpan,
    event_kind: TextSpan,
    event_categories: Vec<TextSpan>,
    event_types: Vec<TextSpan>,
}

impl Platform {
    pub(super) fn new(schema: &'static Schema) -> (Self, SharedText) {
        let mut texts = SharedText::default();
        let mut add = |text: &str| texts.add(text).expect("words in a schema need no escapes");
        let log_types = schema.log_types().iter().filter(|log_type| log_type.is_for_shops());
        let log_types: Vec<_> = log_types
            .map(|log_type| LogTypeTexts {
                schema: log_type,
                name: add(&log_type.name),
                event_kind: add(&log_type.event_kind),
                event_categories: log_type.event_categories.iter().map(|word| add(word)).collect(),
                event_types: log_type.event_types.iter().map(|word| add(word)).collect(),
            })
            .collect();
        let other = log_types.iter().position(|texts| &*texts.schema.name == OTHER);
        let platform = Self {
            known: schema.known(),
            other: other.expect("a test finds every log type in the schemas"),
            ecs_version: add(ECS_VERSION),
            success: add("success"),
            failure: add("failure"),
            log_types,
            text: Vec::new(),
        };
        (platform, texts)
    }

    /// Which log type an event names, in letters of any case; `None` if it names none that shops may send.
    pub(super) fn log_type(&self, event: &Event) -> Option<usize> {
        let root = event.root();
        let named = event.child(root, "log_type").or_else(|| {
            let object = event.child(root, "event");
            let dataset = object.and_then(|object| event.child(object, "dataset"));
            dataset.or_else(|| event.child(root, "event.dataset"))
        })?;
        let exact =
            self.log_types.iter().position(|texts| event.text_is(named, &texts.schema.name));
        exact.or_else(|| {
            let text = event.text(named)?;
            let is_named = |texts: &LogTypeTexts| texts.schema.name.eq_ignore_ascii_case(&text);
            self.log_types.iter().position(is_named)
        })
    }

    /// What an event cannot say otherwise.
    pub(super) fn put_identity(
        &self,
        event: &mut Event,
        target: &mut Target,
        log_type: usize,
        shop: &str,
    ) {
        let known = self.known;
        target.put_shared(event, known.ecs_version, self.ecs_version);
        target.put_shared(event, known.event_dataset, self.log_types[log_type].name);
        let shop = event.new_text(shop);
        target.put(event, known.organization_id, shop);
    }

    /// What an event may say itself, and else follows from its log type and its record.
    pub(super) fn put_origin(
        &mut self,
        event: &mut Event,
        target: &mut Target,
        log_type: usize,
        record: &Record,
    ) {
        let known = self.known;
        let texts = &self.log_types[log_type];
        if target.at(known.event_kind).is_none() {
            target.put_shared(event, known.event_kind, texts.event_kind);
        }
        for (place, words) in [
            (known.event_category, &texts.event_categories),
            (known.event_type, &texts.event_types),
        ] {
            if target.at(place).is_none() {
                target.put_all_shared(event, place, words);
            }
        }
        if target.at(known.event_id).is_none() {
            self.text.clear();
            self.text.extend_from_slice(record.id.to_string().as_bytes());
            self.put_text(event, target, known.event_id);
        }
        if target.at(known.event_created).is_none() {
            self.text.clear();
            event::format_timestamp(record.received_at_ns, &mut self.text);
            self.put_text(event, target, known.event_created);
        }
    }

    fn put_text(&self, event: &mut Event, target: &mut Target, place: Place) {
        let node = event.new_text(std::str::from_utf8(&self.text).unwrap_or_default());
        target.put(event, place, node);
    }

    /// Says that what was tried succeeded or failed.
    pub(super) fn put_outcome(&self, event: &mut Event, target: &mut Target, success: bool) {
        if target.at(self.known.event_outcome).is_none() {
            let text = if success { self.success } else { self.failure };
            target.put_shared(event, self.known.event_outcome, text);
        }
    }
}
