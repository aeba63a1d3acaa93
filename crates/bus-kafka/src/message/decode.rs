//! Reads messages, ours and others'. Nothing that stands in one makes it panic, allocate more than the
//! message is long, or lose a message without a word.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bus::frame::{self, FrameError};
use bus::{BusError, Codec, Record, RecordId};
use bytes::Bytes;
use bytestring::ByteString;
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Headers, Message};

use super::{
    ATTEMPT, CODEC, CONTENT_TYPE, FORMAT, FORMAT_BATCH, FORMAT_JSON, ID, LISTENER, RECEIVED_AT,
    RECORDS, ROUTING_KEY, SHOP, SOURCE, TRACE_CONTEXT, VERSION, VERSION_1,
};
use crate::counters::{Counters, count};
use crate::error::fatal;

/// The content type of a damaged frame, which stands in its place as one record.
const DAMAGED: &str = "application/vnd.millrace.damaged-frame";
/// The listener of messages that others wrote.
const FOREIGN_LISTENER: &str = "kafka";
/// The tenant of messages that others wrote.
const FOREIGN_SHOP: &str = "default";

/// The headers that are looked at.
const KNOWN: [&str; 13] = [
    VERSION,
    FORMAT,
    ID,
    RECEIVED_AT,
    SHOP,
    SOURCE,
    LISTENER,
    CONTENT_TYPE,
    TRACE_CONTEXT,
    ROUTING_KEY,
    CODEC,
    ATTEMPT,
    // Not needed for reading: for those who count without opening a frame.
    RECORDS,
];

/// The parts of a message, apart from the client library.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) offset: u64,
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) value: Option<Bytes>,
    /// The headers that are known, with their values.
    pub(crate) headers: Vec<(&'static str, Bytes)>,
}

impl Raw {
    /// Copies a message out of the library's memory.
    pub(crate) fn copy(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().map_or_else(Vec::new, copy_headers);
        Self {
            offset: u64::try_from(message.offset()).unwrap_or_default(),
            timestamp_ms: message.timestamp().to_millis(),
            value: message.payload().map(Bytes::copy_from_slice),
            headers,
        }
    }

    fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> ByteString {
        let text = self.header(name).and_then(|value| ByteString::try_from(value.clone()).ok());
        text.unwrap_or_default()
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        std::str::from_utf8(self.header(name)?).ok()?.parse().ok()
    }
}

/// Copies the headers that are known, all into one buffer.
fn copy_headers(headers: &BorrowedHeaders) -> Vec<(&'static str, Bytes)> {
    let mut buffer = Vec::new();
    let mut ends = Vec::with_capacity(headers.count().min(KNOWN.len()));
    for place in 0..headers.count() {
        // The library panics at a name that is not UTF-8, which a stranger may write.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let header = headers.try_get(place)?;
            let name = KNOWN.into_iter().find(|name| *name == header.key)?;
            header.value.map(|value| (name, value))
        }));
        if let Ok(Some((name, value))) = read {
            buffer.extend_from_slice(value);
            ends.push((name, buffer.len()));
        }
    }
    let mut rest = Bytes::from(buffer);
    let mut taken = 0;
    let cut = |(name, end): (&'static str, usize)| {
        let value = rest.split_to(end - taken);
        taken = end;
        (name, value)
    };
    ends.into_iter().map(cut).collect()
}

/// What a message holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) offset: u64,
    pub(crate) bytes: usize,
    pub(crate) records: Vec<Record>,
}

/// Reads the messages of one partition.
#[derive(Debug, Clone)]
pub(crate) struct Decoder {
    /// The topic's name in the cluster.
    pub(crate) topic: Arc<str>,
    pub(crate) partition: u32,
    /// How messages of others are decoded.
    pub(crate) codec: Codec,
    pub(crate) counters: Arc<Counters>,
}

impl Decoder {
    /// Reads a message: no record if it has no value.
    ///
    /// # Errors
    /// [`ErrorKind::Fatal`](bus::ErrorKind::Fatal) for a version that is not known.
    pub(crate) fn decode(&self, raw: Raw) -> Result<Incoming, BusError> {
        let offset = raw.offset;
        let bytes = raw.value.as_ref().map_or(0, Bytes::len) + headers_bytes(&raw);
        let records = self.records(raw)?;
        Ok(Incoming { offset, bytes, records })
    }

    fn records(&self, raw: Raw) -> Result<Vec<Record>, BusError> {
        let Some(value) = raw.value.clone() else {
            count(&self.counters.empty_messages, 1);
            return Ok(Vec::new());
        };
        let Some(version) = raw.header(VERSION) else {
            count(&self.counters.foreign_messages, 1);
            return Ok(vec![self.foreign(&raw, value, self.codec)]);
        };
        if version != VERSION_1 {
            return Err(self.newer(raw.offset, VERSION, version));
        }
        match raw.header(FORMAT) {
            None => Ok(vec![self.one_record(&raw, value)]),
            Some(format) if format == FORMAT_JSON => Ok(vec![self.one_record(&raw, value)]),
            Some(format) if format == FORMAT_BATCH => self.frame(&raw, value),
            Some(format) => Err(self.newer(raw.offset, FORMAT, format)),
        }
    }

    fn newer(&self, offset: u64, header: &str, value: &[u8]) -> BusError {
        fatal(format!(
            "the message {}/{}/{offset} has {header} `{}`, which this release does not know: it was \
             written by a newer one; upgrade this service first, then the ones that write",
            self.topic,
            self.partition,
            value.escape_ascii(),
        ))
    }

    fn frame(&self, raw: &Raw, value: Bytes) -> Result<Vec<Record>, BusError> {
        match frame::decode(&value) {
            Ok(records) => Ok(records),
            Err(FrameError::Version(version)) => {
                Err(self.newer(raw.offset, "a frame of version", version.to_string().as_bytes()))
            }
            Err(error) => {
                count(&self.counters.damaged_messages, 1);
                tracing::error!(
                    topic = %self.topic, partition = self.partition, offset = raw.offset, %error,
                    bytes = value.len(),
                    "a frame is damaged: it is handed on as one record that no stage can read"
                );
                let mut record = self.foreign(raw, value, Codec::Json);
                record.content_type = DAMAGED.into();
                Ok(vec![record])
            }
        }
    }

    fn one_record(&self, raw: &Raw, payload: Bytes) -> Record {
        let id = raw.header(ID).and_then(|id| RecordId::parse(std::str::from_utf8(id).ok()?));
        let codec = match raw.header(CODEC) {
            Some(codec) if codec == "plain" => Codec::Plain,
            _ => Codec::Json,
        };
        Record {
            id: id.unwrap_or_else(|| self.derived_id(raw.offset)),
            received_at_ns: raw.number(RECEIVED_AT).unwrap_or_else(|| received_at_ns(raw)),
            shop: raw.text(SHOP),
            source: raw.text(SOURCE),
            listener: raw.text(LISTENER),
            codec,
            content_type: raw.text(CONTENT_TYPE),
            trace_context: raw.text(TRACE_CONTEXT),
            attempt: raw.number(ATTEMPT).unwrap_or_default(),
            routing_key: raw.text(ROUTING_KEY),
            log_type: None,
            payload,
        }
    }

    /// A message of somebody else: whatever it holds is a record, and the same one each time it is read.
    fn foreign(&self, raw: &Raw, payload: Bytes, codec: Codec) -> Record {
        Record {
            id: self.derived_id(raw.offset),
            received_at_ns: received_at_ns(raw),
            shop: FOREIGN_SHOP.into(),
            source: format!("kafka:{}/{}", self.topic, self.partition).into(),
            listener: FOREIGN_LISTENER.into(),
            codec,
            content_type: raw.text(CONTENT_TYPE),
            trace_context: raw.text(TRACE_CONTEXT),
            payload,
            ..Record::default()
        }
    }

    fn derived_id(&self, offset: u64) -> RecordId {
        let place = format!("kafka:{}/{}/{offset}", self.topic, self.partition);
        RecordId::default().derive(&place)
    }
}

/// The broker's time of a message in nanoseconds; 0 for one from a time when there was none.
fn received_at_ns(raw: &Raw) -> i64 {
    raw.timestamp_ms.unwrap_or_default().saturating_mul(1_000_000)
}

fn headers_bytes(raw: &Raw) -> usize {
    raw.headers.iter().map(|(name, value)| name.len() + value.len()).sum()
}
