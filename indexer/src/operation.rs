//! From a record to the operation that indexes it: log type and time of its document choose the index.

use bus::Record;
use event::{Event, FieldPath, Limits};
use pipeline::Rejection;
use search_store::IndexOperation;

/// Reads operations out of records; one is used again and again.
#[derive(Debug)]
pub struct OperationReader {
    event: Event,
    limits: Limits,
    dataset: FieldPath,
}

impl Default for OperationReader {
    fn default() -> Self {
        Self {
            event: Event::new(),
            limits: Limits::documents(),
            dataset: FieldPath::dotted("event.dataset"),
        }
    }
}

impl OperationReader {
    /// The operation for a record.
    ///
    /// # Errors
    /// A payload that is not one JSON object.
    pub fn read(&mut self, record: &Record) -> Result<IndexOperation, Rejection> {
        self.event.decode_json(&record.payload, record.received_at_ns, &self.limits)?;
        let dataset = self.event.get(&self.dataset).and_then(|found| self.event.text(found));
        let timestamp_ns = self.event.timestamp_ns;
        let (index, _clamped) = schema::index_name(
            dataset.as_deref().unwrap_or_default(),
            timestamp_ns,
            record.received_at_ns,
        );
        Ok(IndexOperation {
            id: record.id.to_string(),
            index,
            shop: record.shop.to_string(),
            timestamp_ns,
            received_at_ns: record.received_at_ns,
            document: record.payload.clone(),
        })
    }
}
