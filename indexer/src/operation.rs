//! From a record to the operation that indexes it: the index is the one that the enricher names, if it is allowed;
//! otherwise log type and time of the document choose it.

use std::sync::{Arc, LazyLock, Once};

use bus::{Record, document_type};
use event::{Event, FieldPath, Limits, members, parse_iso8601, plain_text};
use memchr::memchr;
use memchr::memmem::Finder;
use pipeline::Rejection;
use schema::IndexNames;
use search_store::{IndexOperation, IndexPrefixes};

/// Names of indices that a reader keeps.
const KEPT_MAX: usize = 16;

static DATASET: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"dataset\""));

/// Reads operations out of records; one is used again and again.
#[derive(Debug)]
pub struct OperationReader {
    event: Event,
    limits: Limits,
    dataset: FieldPath,
    names: IndexNames,
    prefixes: Arc<IndexPrefixes>,
    /// The names that were read last, with what becomes of them.
    kept: Vec<(Box<str>, Option<Arc<str>>)>,
    /// Which of them gives way next.
    turn: usize,
}

impl OperationReader {
    /// A reader that lets documents go to indices of these beginnings, beside the platform's own.
    #[must_use]
    pub fn new(prefixes: Arc<IndexPrefixes>) -> Self {
        Self {
            event: Event::new(),
            limits: Limits::documents(),
            dataset: FieldPath::dotted("event.dataset"),
            names: IndexNames::default(),
            prefixes,
            kept: Vec::new(),
            turn: 0,
        }
    }

    /// The operation for a record.
    ///
    /// # Errors
    /// A payload that is not one JSON object.
    pub fn read(&mut self, record: &Record) -> Result<IndexOperation, Rejection> {
        let received_at_ns = record.received_at_ns;
        let named = document_type::index_of(&record.content_type);
        let named = named.and_then(|name| self.allowed(name));
        let (timestamp_ns, own) = match glance(&record.payload) {
            Some((timestamp_ns, dataset)) => {
                (timestamp_ns, self.names.name(dataset, timestamp_ns, received_at_ns))
            }
            None => {
                self.event.decode_json(&record.payload, received_at_ns, &self.limits)?;
                let dataset = self.event.get(&self.dataset);
                let dataset = dataset.and_then(|found| self.event.text(found));
                let dataset = dataset.as_deref().unwrap_or_default();
                let timestamp_ns = self.event.timestamp_ns;
                (timestamp_ns, self.names.name(dataset, timestamp_ns, received_at_ns))
            }
        };
        Ok(IndexOperation {
            id: record.id.to_string(),
            index: named.unwrap_or(own),
            shop: record.shop.clone(),
            timestamp_ns,
            received_at_ns: record.received_at_ns,
            document: record.payload.clone(),
        })
    }

    /// The index of this name, if documents may go there.
    fn allowed(&mut self, name: &str) -> Option<Arc<str>> {
        if let Some((_, known)) = self.kept.iter().find(|(kept, _)| **kept == *name) {
            return known.clone();
        }
        let index = self.prefixes.allow(name).then(|| Arc::from(name));
        if index.is_none() {
            tell_refused(name);
        }
        let kept = (Box::from(name), index.clone());
        if self.kept.len() < KEPT_MAX {
            self.kept.push(kept);
        } else {
            self.kept[self.turn] = kept;
            self.turn = (self.turn + 1) % KEPT_MAX;
        }
        index
    }
}

/// Says once that settings do not go together, and not for each document.
fn tell_refused(name: &str) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        let name: String = name.chars().take(schema::INDEX_BYTES_MAX).collect();
        tracing::warn!(
            name,
            "documents go to the platform's own indices, since search.index_prefixes does not allow the index that the \
             enricher names"
        );
    });
}

/// Time and log type of a sound document that has them without escapes, as the enricher writes them. Of keys that stand
/// twice the last counts, as when it is decoded.
fn glance(document: &[u8]) -> Option<(i64, &str)> {
    let (mut timestamp_ns, mut dataset) = (None, None);
    let mut all = members(document);
    for (name, value) in all.by_ref() {
        match name {
            b"@timestamp" => timestamp_ns = Some(parse_iso8601(plain_text(value)?)?),
            b"event" => dataset = dataset_of(value)?,
            _ if name.contains(&b'\\') => return None,
            _ => {}
        }
    }
    all.is_at_end().then_some((timestamp_ns?, dataset?))
}

/// The log type in the object `event`, and whether there is one.
fn dataset_of(event: &[u8]) -> Option<Option<&str>> {
    let mut dataset = None;
    let mut members = members(event);
    while let Some((name, value)) = members.next() {
        match name {
            b"dataset" => {
                dataset = Some(plain_text(value)?);
                // The enricher writes it first and once, and the object was read to its end before.
                let rest = members.rest();
                if memchr(b'\\', rest).is_none() && DATASET.find(rest).is_none() {
                    break;
                }
            }
            _ if name.contains(&b'\\') => return None,
            _ => {}
        }
    }
    Some(dataset)
}
