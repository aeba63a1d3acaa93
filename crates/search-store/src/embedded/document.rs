//! Turns a document into what is indexed: terms, words, columns, and the record that is given back. A
//! value that does not fit its field's kind is not found by that field and costs nothing else.

use event::{Event, Kind, NodeId as ValueId};
use schema::FieldKind;
use tantivy::schema::Field as Handle;
use tantivy::schema::document::{ReferenceValue, ReferenceValueLeaf, Value};

use super::catalog::{Catalog, CatalogField, NodeId, TIMESTAMP};
use super::record::write_record;
use super::term::{self, FIELDS, INDEX, SHAPE, SHOP, VALUE_BYTES_MAX};
use crate::bounds::{DOCUMENT_LIMITS, INVALID_NAME, PATH_BYTES_MAX, check_name};
use crate::{IndexOperation, value};

/// Values below flattened fields are found as long as all terms together are not larger than this many
/// times the document.
const TERMS_FACTOR_MAX: usize = 4;
/// What a document may have in terms however small it is.
const TERMS_BYTES_MIN: usize = 64 << 10;

/// A document as tantivy takes it in: all its bytes in one buffer.
#[derive(Debug)]
pub(crate) struct Indexed {
    buffer: Vec<u8>,
    record_end: u32,
    /// How far the buffer may grow by values below flattened fields.
    buffer_max: usize,
    terms: Vec<(u32, u32)>,
    columns: Vec<(Handle, Leaf)>,
    sequence: (Handle, u64),
    handles: (Handle, Handle),
}

#[derive(Debug, Clone, Copy)]
enum Leaf {
    Words(u32, u32),
    Long(i64),
    Count(u64),
    Double(f64),
}

impl Indexed {
    /// The term of the document's id.
    pub(crate) fn identity(&self) -> &[u8] {
        let (from, to) = self.terms.first().copied().unwrap_or_default();
        &self.buffer[from as usize..to as usize]
    }

    /// Sets its place in the order in which documents are indexed.
    pub(crate) fn set_sequence(&mut self, sequence: u64) {
        self.sequence.1 = sequence;
    }
}

/// Why a document can never be indexed.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

/// Makes documents ready to be indexed; one is used for many documents.
pub(crate) struct Preparer<'a> {
    catalog: &'a Catalog,
    event: Event,
    path: String,
    shape: Vec<u8>,
}

impl<'a> Preparer<'a> {
    pub(crate) fn new(catalog: &'a Catalog) -> Self {
        Self { catalog, event: Event::new(), path: String::new(), shape: Vec::new() }
    }

    /// # Errors
    /// For what is not one JSON object, and for names that are too long.
    pub(crate) fn prepare(&mut self, operation: &IndexOperation) -> Result<Indexed, Unfit> {
        for (name, text) in
            [("id", operation.id.as_str()), ("index", &operation.index), ("shop", &operation.shop)]
        {
            check_name(name, text).map_err(|message| Unfit { kind: INVALID_NAME, message })?;
        }
        self.event
            .decode_json(&operation.document, operation.received_at_ns, &DOCUMENT_LIMITS)
            .map_err(|refusal| Unfit {
                kind: refusal.kind.as_str(),
                message: refusal.to_string(),
            })?;
        let handles = self.catalog.handles;
        let mut buffer = Vec::with_capacity(operation.document.len() * 2 + 256);
        write_record(operation, &mut buffer);
        let mut document = Indexed {
            record_end: position(&buffer),
            buffer_max: TERMS_BYTES_MIN + buffer.len() * (TERMS_FACTOR_MAX + 1),
            buffer,
            terms: Vec::with_capacity(48),
            columns: Vec::with_capacity(16),
            sequence: (handles.sequence, 0),
            handles: (handles.record, handles.terms),
        };
        document.push_pair(&term::identity(&operation.id), &[]);
        document.push_term(INDEX, operation.index.as_bytes());
        document.push_term(SHOP, operation.shop.as_bytes());
        let order = term::identity_order(&operation.id);
        document.columns.push((handles.timestamp, Leaf::Long(operation.timestamp_ns)));
        document.columns.push((handles.identity, Leaf::Count(order)));
        self.shape.clear();
        self.shape.resize(self.catalog.fields.len().div_ceil(8), 0);
        self.object(self.event.root(), Some(self.catalog.root()), None, &mut document);
        let used = self.shape.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        document.push_term(SHAPE, &self.shape[..used]);
        Ok(document)
    }

    fn object(
        &mut self,
        object: ValueId,
        node: Option<NodeId>,
        flattened: Option<u16>,
        document: &mut Indexed,
    ) {
        let mut next = self.event.first_child(object);
        while let Some(child) = next {
            next = self.event.next_sibling(child);
            let key = self.event.key(child);
            let below = node.and_then(|node| self.catalog.step(node, &key));
            if below.is_none() && flattened.is_none() {
                continue;
            }
            let length = self.path.len();
            if flattened.is_some() {
                if !self.path.is_empty() {
                    self.path.push('.');
                }
                self.path.push_str(&key);
            }
            drop(key);
            self.value(child, below, flattened, document);
            self.path.truncate(length);
        }
    }

    fn value(
        &mut self,
        value: ValueId,
        node: Option<NodeId>,
        flattened: Option<u16>,
        document: &mut Indexed,
    ) {
        let field = node.and_then(|node| self.catalog.field_at(node));
        match self.event.kind(value) {
            Kind::Null => {}
            Kind::Array => {
                let mut next = self.event.first_child(value);
                while let Some(element) = next {
                    next = self.event.next_sibling(element);
                    self.value(element, node, flattened, document);
                }
            }
            Kind::Object => match field.map(|field| (field.kind, field.place)) {
                Some((FieldKind::GeoPoint, place)) => set_bit(&mut self.shape, place),
                Some((FieldKind::Flattened | FieldKind::Nested, place)) => {
                    set_bit(&mut self.shape, place);
                    let outer = std::mem::take(&mut self.path);
                    self.object(value, node, Some(place), document);
                    self.path = outer;
                }
                _ => self.object(value, node, flattened, document),
            },
            Kind::String | Kind::Number | Kind::True | Kind::False => match (field, flattened) {
                (Some(field), _) if field.kind != FieldKind::Flattened => {
                    self.scalar(value, field, document);
                }
                (Some(field), _) => {
                    let outer = std::mem::take(&mut self.path);
                    self.leaf(value, field.place, document);
                    self.path = outer;
                }
                (None, Some(place)) => self.leaf(value, place, document),
                (None, None) => {}
            },
        }
    }

    /// A value below a flattened field.
    fn leaf(&mut self, value: ValueId, place: u16, document: &mut Indexed) {
        let Some(text) = self.event.scalar_text(value) else { return };
        set_bit(&mut self.shape, place);
        let full = document.buffer.len() > document.buffer_max;
        if full || text.len() > VALUE_BYTES_MAX || self.path.len() > PATH_BYTES_MAX {
            return;
        }
        let code = FIELDS + place;
        document.push_pair(&term::path_prefix(code, &self.path), text.as_bytes());
        document.push_pair(&term::any_path_prefix(code), text.as_bytes());
    }

    fn scalar(&mut self, value: ValueId, field: &CatalogField, document: &mut Indexed) {
        if field.name == TIMESTAMP {
            return;
        }
        // Escapes are rare: a content without any is already the text.
        let text;
        let content = match self.event.content(value) {
            Some(content) if !self.event.has_escapes(value) => content,
            _ => {
                text = self.event.scalar_text(value).unwrap_or_default();
                text.as_bytes()
            }
        };
        if push_scalar(content, field, document) {
            set_bit(&mut self.shape, field.place);
        }
    }
}

/// Adds a value as its field's kind says; false if it does not fit.
fn push_scalar(content: &[u8], field: &CatalogField, document: &mut Indexed) -> bool {
    let text = || std::str::from_utf8(content).ok();
    let leaf = match field.kind {
        FieldKind::Keyword => {
            if content.len() <= VALUE_BYTES_MAX {
                document.push_term(field.code(), content);
            }
            return true;
        }
        FieldKind::Text => {
            let from = position(&document.buffer);
            document.buffer.extend_from_slice(content);
            Some(Leaf::Words(from, position(&document.buffer)))
        }
        FieldKind::Long => value::indexed_scaled(content, 0).map(Leaf::Long),
        FieldKind::Decimal { scale } => value::indexed_scaled(content, scale).map(Leaf::Long),
        FieldKind::Double => value::parse_double(content).map(Leaf::Double),
        FieldKind::Date => text().and_then(value::indexed_date).map(Leaf::Long),
        FieldKind::Boolean => {
            let fits = matches!(content, b"true" | b"false");
            if fits {
                document.push_term(field.code(), content);
            }
            return fits;
        }
        FieldKind::Ip => {
            let address = text().and_then(value::parse_address);
            if let Some(octets) = address {
                document.push_term(field.code(), &octets);
            }
            return address.is_some();
        }
        FieldKind::GeoPoint | FieldKind::Flattened | FieldKind::Nested => return true,
    };
    let (Some(handle), Some(leaf)) = (field.handle, leaf) else { return false };
    document.columns.push((handle, leaf));
    true
}

fn set_bit(shape: &mut [u8], place: u16) {
    if let Some(byte) = shape.get_mut(usize::from(place / 8)) {
        *byte |= 1 << (place % 8);
    }
}

fn position(buffer: &[u8]) -> u32 {
    u32::try_from(buffer.len()).unwrap_or(u32::MAX)
}

impl Indexed {
    fn push_term(&mut self, code: u16, value: &[u8]) {
        self.push_pair(&term::code(code), value);
    }

    fn push_pair(&mut self, first: &[u8], second: &[u8]) {
        let from = position(&self.buffer);
        self.buffer.extend_from_slice(first);
        self.buffer.extend_from_slice(second);
        self.terms.push((from, position(&self.buffer)));
    }

    fn bytes(&self, from: u32, to: u32) -> &[u8] {
        &self.buffer[from as usize..to as usize]
    }

    fn borrow(&self, leaf: Leaf) -> Borrowed<'_> {
        match leaf {
            Leaf::Words(from, to) => {
                Borrowed::Text(std::str::from_utf8(self.bytes(from, to)).unwrap_or_default())
            }
            Leaf::Long(value) => Borrowed::Long(value),
            Leaf::Count(value) => Borrowed::Count(value),
            Leaf::Double(value) => Borrowed::Double(value),
        }
    }
}

/// A value of an [`Indexed`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Borrowed<'a> {
    Bytes(&'a [u8]),
    Text(&'a str),
    Long(i64),
    Count(u64),
    Double(f64),
}

impl<'a> Value<'a> for Borrowed<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = std::iter::Empty<(&'a str, Self)>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match *self {
            Borrowed::Bytes(bytes) => ReferenceValueLeaf::Bytes(bytes),
            Borrowed::Text(text) => ReferenceValueLeaf::Str(text),
            Borrowed::Long(value) => ReferenceValueLeaf::I64(value),
            Borrowed::Count(value) => ReferenceValueLeaf::U64(value),
            Borrowed::Double(value) => ReferenceValueLeaf::F64(value),
        })
    }
}

impl tantivy::Document for Indexed {
    type Value<'a> = Borrowed<'a>;
    type FieldsValuesIter<'a> = Box<dyn Iterator<Item = (Handle, Borrowed<'a>)> + 'a>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        let (record, terms) = self.handles;
        let stored = (record, Borrowed::Bytes(self.bytes(0, self.record_end)));
        let sequence = (self.sequence.0, Borrowed::Count(self.sequence.1));
        Box::new(
            std::iter::once(stored)
                .chain(
                    self.terms
                        .iter()
                        .map(move |(from, to)| (terms, Borrowed::Bytes(self.bytes(*from, *to)))),
                )
                .chain(std::iter::once(sequence))
                .chain(self.columns.iter().map(|(handle, leaf)| (*handle, self.borrow(*leaf)))),
        )
    }
}

#[cfg(test)]
mod tests;
