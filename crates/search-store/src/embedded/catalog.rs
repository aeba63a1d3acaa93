//! The fields of a part of the index: which column or words of tantivy hold each, the way from an event's
//! keys to them, and their record on disk. A part keeps its fields for ever; other fields need another
//! part.

use hashbrown::HashMap;
use schema::{Field, FieldKind};
use serde::{Deserialize, Serialize};
use tantivy::schema::{
    BytesOptions, Field as Handle, IndexRecordOption, NumericOptions, Schema, SchemaBuilder,
    TextFieldIndexing, TextOptions,
};

use super::term::FIELDS;
use crate::words::WORDS;

/// The field whose value is the operation's timestamp, whatever the document says.
pub(crate) const TIMESTAMP: &str = "@timestamp";
/// The version of the layout of terms, columns and stored records.
const LAYOUT: u32 = 1;

/// The columns that every document has.
pub(crate) const TIMESTAMP_COLUMN: &str = "timestamp";
/// The order in which documents were indexed.
pub(crate) const SEQUENCE_COLUMN: &str = "sequence";
/// The first bytes of the id.
pub(crate) const IDENTITY_COLUMN: &str = "identity";

/// One field and where its values are.
#[derive(Debug, Clone)]
pub(crate) struct CatalogField {
    pub(crate) name: String,
    pub(crate) kind: FieldKind,
    /// Its place among the fields.
    pub(crate) place: u16,
    /// Its column or words; none for kinds that are only terms.
    pub(crate) handle: Option<Handle>,
    pub(crate) column: String,
}

impl CatalogField {
    /// What its terms begin with.
    pub(crate) fn code(&self) -> u16 {
        FIELDS + self.place
    }
}

/// Handles of the fields that every document has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handles {
    pub(crate) record: Handle,
    pub(crate) terms: Handle,
    pub(crate) timestamp: Handle,
    pub(crate) sequence: Handle,
    pub(crate) identity: Handle,
}

/// All fields of a part.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) fields: Vec<CatalogField>,
    pub(crate) handles: Handles,
    pub(crate) schema: Schema,
    by_name: HashMap<String, u16>,
    tree: Vec<Node>,
}

/// A place on the way to fields: the object behind `shop.order`.
#[derive(Debug, Default)]
struct Node {
    field: Option<u16>,
    children: HashMap<Box<str>, u32>,
}

/// A [`Node`] by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

/// The record of a part's fields.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    layout: u32,
    fields: Vec<(String, String)>,
}

impl Catalog {
    /// The catalog of these fields; of fields of one name the first counts.
    pub(crate) fn new(fields: &[Field]) -> Self {
        let mut named: Vec<(String, FieldKind)> = vec![(TIMESTAMP.to_owned(), FieldKind::Date)];
        named.extend(fields.iter().map(|field| (field.name.clone(), field.kind)));
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named.dedup_by(|later, earlier| later.0 == earlier.0);
        named.truncate(usize::from(u16::MAX - FIELDS));
        Self::of_named(named)
    }

    fn of_named(named: Vec<(String, FieldKind)>) -> Self {
        let mut builder = SchemaBuilder::new();
        let column = || NumericOptions::default().set_fast();
        let handles = Handles {
            record: builder.add_bytes_field("record", BytesOptions::default().set_stored()),
            terms: builder.add_bytes_field("terms", BytesOptions::default().set_indexed()),
            timestamp: builder.add_i64_field(TIMESTAMP_COLUMN, column()),
            sequence: builder.add_u64_field(SEQUENCE_COLUMN, column()),
            identity: builder.add_u64_field(IDENTITY_COLUMN, column()),
        };
        let words = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(WORDS)
                .set_fieldnorms(false)
                .set_index_option(IndexRecordOption::WithFreqsAndPositions),
        );
        let mut catalog = Self {
            fields: Vec::with_capacity(named.len()),
            handles,
            schema: Schema::builder().build(),
            by_name: HashMap::new(),
            tree: vec![Node::default()],
        };
        for (place, (name, kind)) in (0..).zip(named) {
            let column_name = format!("f{place}");
            let handle = match kind {
                FieldKind::Date if name == TIMESTAMP => Some(handles.timestamp),
                FieldKind::Long | FieldKind::Decimal { .. } | FieldKind::Date => {
                    Some(builder.add_i64_field(&column_name, column()))
                }
                FieldKind::Double => Some(builder.add_f64_field(&column_name, column())),
                FieldKind::Text => Some(builder.add_text_field(&column_name, words.clone())),
                _ => None,
            };
            let column = if name == TIMESTAMP { TIMESTAMP_COLUMN.to_owned() } else { column_name };
            catalog.insert(CatalogField { name, kind, place, handle, column });
        }
        catalog.schema = builder.build();
        catalog
    }

    fn insert(&mut self, field: CatalogField) {
        let mut at = 0usize;
        for segment in field.name.split('.') {
            let next = u32::try_from(self.tree.len()).unwrap_or(u32::MAX);
            let child = *self.tree[at].children.entry(segment.into()).or_insert(next);
            if child == next {
                self.tree.push(Node::default());
            }
            at = child as usize;
        }
        self.tree[at].field = Some(field.place);
        self.by_name.insert(field.name.clone(), field.place);
        self.fields.push(field);
    }

    /// The record of the fields, from which [`read`](Self::read) makes the same catalog.
    pub(crate) fn record(&self) -> String {
        let fields = self.fields.iter().map(|f| (f.name.clone(), kind_name(f.kind))).collect();
        serde_json::to_string_pretty(&Stored { layout: LAYOUT, fields })
            .expect("pairs of strings are always JSON")
    }

    /// The catalog that a part was made with; `None` if the record cannot be understood.
    pub(crate) fn read(record: &str) -> Option<Self> {
        let stored: Stored = serde_json::from_str(record).ok()?;
        let kinds = stored.fields.into_iter().map(|(name, kind)| Some((name, named_kind(&kind)?)));
        let named = kinds.collect::<Option<Vec<_>>>()?;
        (stored.layout == LAYOUT).then(|| Self::of_named(named))
    }

    /// The field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&CatalogField> {
        self.by_name.get(name).map(|place| &self.fields[usize::from(*place)])
    }

    /// Where an event's keys begin.
    pub(crate) fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// One key further; a key may hold dots.
    pub(crate) fn step(&self, from: NodeId, key: &str) -> Option<NodeId> {
        let node = &self.tree[from.0 as usize];
        if let Some(child) = node.children.get(key) {
            return Some(NodeId(*child));
        }
        let (first, rest) = key.split_once('.')?;
        let child = node.children.get(first)?;
        self.step(NodeId(*child), rest)
    }

    /// The field that ends here.
    pub(crate) fn field_at(&self, node: NodeId) -> Option<&CatalogField> {
        self.tree[node.0 as usize].field.map(|place| &self.fields[usize::from(place)])
    }
}

fn kind_name(kind: FieldKind) -> String {
    match kind {
        FieldKind::Keyword => "keyword".to_owned(),
        FieldKind::Text => "text".to_owned(),
        FieldKind::Long => "long".to_owned(),
        FieldKind::Double => "double".to_owned(),
        FieldKind::Decimal { scale } => format!("decimal {scale}"),
        FieldKind::Boolean => "boolean".to_owned(),
        FieldKind::Date => "date".to_owned(),
        FieldKind::Ip => "ip".to_owned(),
        FieldKind::GeoPoint => "geo_point".to_owned(),
        FieldKind::Flattened => "flattened".to_owned(),
        FieldKind::Nested => "nested".to_owned(),
    }
}

fn named_kind(name: &str) -> Option<FieldKind> {
    Some(match name {
        "keyword" => FieldKind::Keyword,
        "text" => FieldKind::Text,
        "long" => FieldKind::Long,
        "double" => FieldKind::Double,
        "boolean" => FieldKind::Boolean,
        "date" => FieldKind::Date,
        "ip" => FieldKind::Ip,
        "geo_point" => FieldKind::GeoPoint,
        "flattened" => FieldKind::Flattened,
        "nested" => FieldKind::Nested,
        other => FieldKind::Decimal { scale: other.strip_prefix("decimal ")?.parse().ok()? },
    })
}
