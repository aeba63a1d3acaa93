//! The log type of a record, told to those who read the topics with other tools.

use std::sync::{Mutex, PoisonError};

use bus::{Codec, Record};
use event::{Event, FieldPath, Limits};

/// Reads log types; the event and its path are used again and again.
#[derive(Debug)]
pub(crate) struct RecordTypes {
    reader: Mutex<(Event, FieldPath, Limits)>,
}

impl Default for RecordTypes {
    fn default() -> Self {
        let path = FieldPath::dotted("event.dataset");
        Self { reader: Mutex::new((Event::new(), path, Limits::documents())) }
    }
}

impl RecordTypes {
    /// The log type, where the record is an event that has one of ours.
    pub(crate) fn of(&self, record: &Record) -> Option<String> {
        if record.codec != Codec::Json {
            return None;
        }
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let (event, path, limits) = &mut *reader;
        event.decode_json(&record.payload, record.received_at_ns, limits).ok()?;
        let found = event.get(path).and_then(|found| event.text(found))?;
        schema::LOG_TYPES.contains(&&*found).then(|| found.into_owned())
    }
}
