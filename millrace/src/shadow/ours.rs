//! Our side: what the pipeline makes of a line.

use bus::{Codec, Record, RecordId};
use bytes::Bytes;
use enricher::Processor;
use event::Refusal;
use serde_json::Value;

use super::Options;

/// A pipeline at work.
pub(super) struct Ours {
    processor: Processor,
    /// Used again for every line.
    record: Record,
    lines: u64,
}

impl Ours {
    pub(super) fn new(options: &Options) -> Self {
        let content_type = match options.codec {
            Codec::Json => "application/json",
            Codec::Plain => "text/plain",
        };
        let record = Record {
            received_at_ns: options.received_at_ns,
            shop: "default".into(),
            listener: "shadow".into(),
            codec: options.codec,
            content_type: content_type.into(),
            ..Record::default()
        };
        let processor = Processor::new(&options.plan, options.limits.clone());
        Self { processor, record, lines: 0 }
    }

    /// The events of a line.
    ///
    /// # Errors
    /// Why it is none.
    pub(super) fn run(&mut self, line: &[u8]) -> Result<Vec<Value>, Refusal> {
        self.lines += 1;
        self.record.id = RecordId::from_idempotency_key("default", "millrace shadow", self.lines);
        self.record.payload = Bytes::copy_from_slice(line);
        let mut events = Vec::new();
        let mut json = Vec::new();
        self.processor.run(&self.record, |event, _| {
            json.clear();
            event.write_json(&mut json);
            // Events are written as JSON; the text is compared where that should ever fail.
            let event = serde_json::from_slice(&json)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&json).into_owned()));
            events.push(event);
        })?;
        Ok(events)
    }
}
