//! Builds the body of a bulk request: a line for the operation and a line for the document, straight from the
//! documents' bytes, compressed as it grows.

use std::borrow::Cow;
use std::io::Write;

use bytes::Bytes;
use event::Event;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::client::Body;
use super::fields::Fields;
use super::form::{Form, decode};
use super::index::{index_of_receipt, is_own};
use super::stamp::STEP;
use super::{hidden, reduced};
use crate::{IndexOperation, ItemOutcome};

/// Bytes that are gathered before they are compressed.
const GATHERED_BYTES: usize = 64 << 10;

/// An operation by its place, and how its document is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) place: usize,
    pub(crate) form: Form,
    /// Whether it goes to the index of its day of receipt, since its own takes no more.
    pub(crate) moved: bool,
}

impl Item {
    /// An operation on its way to its own index.
    pub(crate) fn new(place: usize, form: Form) -> Self {
        Self { place, form, moved: false }
    }

    /// The index that the operation is sent to, without the namespace.
    pub(crate) fn index<'a>(&self, operation: &'a IndexOperation) -> Cow<'a, str> {
        match self.moved.then(|| index_of_receipt(operation)).flatten() {
            Some(index) => Cow::Owned(index),
            None => Cow::Borrowed(&operation.index),
        }
    }
}

/// A body, and what stands in it.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) body: Body,
    /// Its size before compression.
    pub(crate) bytes: usize,
    /// The operations in it, in order.
    pub(crate) items: Vec<Item>,
    /// The operations that are not: they can never be indexed.
    pub(crate) refused: Vec<(usize, ItemOutcome)>,
}

/// What an encoder needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoding<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) fields: &'a Fields,
    /// 0 is without compression.
    pub(crate) level: u32,
}

/// About how long an operation is in a body.
pub(crate) fn estimate(operation: &IndexOperation, form: Form) -> usize {
    let document = operation.document.len();
    let document = if form == Form::AsIs { document } else { document * 3 };
    document + operation.id.len() * 2 + operation.index.len() + operation.shop.len() + 200
}

impl Encoding<'_> {
    /// Encodes the operations at these places; the first document has this stamp.
    pub(crate) fn encode(
        &self,
        operations: &[IndexOperation],
        items: Vec<Item>,
        first_stamp: i64,
        event: &mut Event,
    ) -> Encoded {
        let whole = items.iter().map(|item| estimate(&operations[item.place], item.form)).sum();
        let mut out = Output::new(self.level, whole);
        let mut kept = Vec::with_capacity(items.len());
        let mut refused = Vec::new();
        let mut sent = first_stamp;
        for item in items {
            let operation = &operations[item.place];
            if item.form == Form::Reduced
                && let Err(outcome) = decode(operation, event)
            {
                refused.push((item.place, outcome));
                continue;
            }
            let buffer = out.buffer();
            self.write_action(operation, item, buffer);
            match item.form {
                Form::AsIs => hidden::write_document(operation, sent, buffer),
                Form::Reduced => {
                    reduced::write_document(operation, sent, event, self.fields, buffer);
                }
            }
            buffer.push(b'\n');
            kept.push(item);
            sent += STEP;
        }
        let (bytes, body) = out.finish();
        Encoded { body, bytes, items: kept, refused }
    }

    fn write_action(&self, operation: &IndexOperation, item: Item, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"index\":{\"_index\":\"");
        let index = item.index(operation);
        // Both were checked: nothing in them needs an escape.
        if is_own(&index) {
            out.extend_from_slice(self.namespace.as_bytes());
        }
        out.extend_from_slice(index.as_bytes());
        out.extend_from_slice(b"\",\"_id\":");
        hidden::write_text(&operation.id, out);
        out.extend_from_slice(b"}}\n");
    }
}

/// Gathers bytes and compresses them in pieces.
struct Output {
    gathered: Vec<u8>,
    compressed: Option<GzEncoder<Vec<u8>>>,
    bytes: usize,
}

impl Output {
    fn new(level: u32, whole: usize) -> Self {
        if level == 0 {
            return Self { gathered: Vec::with_capacity(whole), compressed: None, bytes: 0 };
        }
        let compressed = Vec::with_capacity(whole / 3);
        Self {
            gathered: Vec::with_capacity(GATHERED_BYTES * 2),
            compressed: Some(GzEncoder::new(compressed, Compression::new(level))),
            bytes: 0,
        }
    }

    /// Where the next lines are written.
    fn buffer(&mut self) -> &mut Vec<u8> {
        if self.gathered.len() >= GATHERED_BYTES {
            self.compress();
        }
        &mut self.gathered
    }

    fn compress(&mut self) {
        if let Some(encoder) = &mut self.compressed {
            self.bytes += self.gathered.len();
            // A vector takes all that is written.
            let _infallible = encoder.write_all(&self.gathered);
            self.gathered.clear();
        }
    }

    fn finish(mut self) -> (usize, Body) {
        self.compress();
        match self.compressed {
            None => {
                let bytes = Bytes::from(self.gathered);
                (bytes.len(), Body::Lines { bytes, compressed: false })
            }
            Some(encoder) => {
                let bytes = Bytes::from(encoder.finish().unwrap_or_default());
                (self.bytes, Body::Lines { bytes, compressed: true })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use event::Event;
    use flate2::read::GzDecoder;

    use super::{Body, Encoding, Form, Item};
    use crate::contract::operation;
    use crate::elasticsearch::fields::Fields;

    fn lines(level: u32, count: usize) -> String {
        let operations: Vec<_> =
            (0..count).map(|number| operation(0, &format!("{number}\"\n"), r#"{"a":1}"#)).collect();
        let items = (0..count).map(|place| Item::new(place, Form::AsIs)).collect();
        let fields = Fields::new(&[]);
        let encoding = Encoding { namespace: "north-", fields: &fields, level };
        let encoded = encoding.encode(&operations, items, 1_024, &mut Event::new());
        let Body::Lines { bytes, compressed } = encoded.body else { panic!("lines") };
        assert_eq!((compressed, encoded.items.len()), (level > 0, count));
        let mut text = String::new();
        if compressed {
            GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("gzip");
        } else {
            text = String::from_utf8(bytes.to_vec()).expect("text");
        }
        assert_eq!(encoded.bytes, text.len());
        text
    }

    #[test]
    fn each_operation_is_two_lines_in_order() {
        for level in [0, 1, 6] {
            let text = lines(level, 3_000);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines.len(), 6_000);
            for (number, pair) in lines.chunks(2).enumerate() {
                let action: serde_json::Value = serde_json::from_str(pair[0]).expect("JSON");
                assert_eq!(action["index"]["_id"], format!("{number}\"\n"));
                assert_eq!(
                    action["index"]["_index"],
                    "north-ecommerce-logs-transaction-2026.11.24"
                );
                let document: serde_json::Value = serde_json::from_str(pair[1]).expect("JSON");
                assert_eq!(document["a"], 1);
                assert_eq!(document["millrace"]["sent"], 1_024 * (number + 1));
            }
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_left_out() {
        let operations = [operation(0, "a", "{"), operation(0, "b", "{}")];
        let items = (0..2).map(|place| Item::new(place, Form::Reduced)).collect();
        let fields = Fields::new(&[]);
        let encoding = Encoding { namespace: "", fields: &fields, level: 0 };
        let encoded = encoding.encode(&operations, items, 0, &mut Event::new());
        assert_eq!(encoded.items, [Item::new(1, Form::Reduced)]);
        assert_eq!(encoded.refused.len(), 1);
        assert_eq!(encoded.refused[0].0, 0);
    }
}
