//! Columns with their names: those of the pipeline, and those that the first row of each shop names. What is remembered is
//! bounded, and nothing that a row names reaches the platform's words.

use std::collections::HashMap;

use event::FieldPath;

use super::Csv;
use super::convert::Conversion;
use super::row::Row;

/// Most bytes of the headers that one worker remembers.
const HEADERS_BYTES_MAX: usize = 16 << 20;
/// Most bytes of one of them: no shop takes the room of all others.
const HEADER_BYTES_MAX: usize = HEADERS_BYTES_MAX / 8;
/// What a header takes beside its columns, in bytes.
const HEADER_BYTES: usize = 256;
/// What a column takes beside its name, in bytes.
const COLUMN_BYTES: usize = 128;
/// What each step of a path takes, in bytes.
const STEP_BYTES: usize = 128;

/// A column with its name as it stands in a header.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    /// Where it goes, if it is not just a name.
    pub(super) path: Option<FieldPath>,
    pub(super) conversion: Option<Conversion>,
}

/// Columns in their order; `None` for one that a header leaves without a name.
pub(super) type Columns = Vec<Option<Column>>;

/// Whether a row holds the names of these columns.
pub(super) fn is_header(columns: &[Option<Column>], row: &Row) -> bool {
    let names = columns.iter().map(|column| column.as_ref().map(|column| column.name.as_str()));
    names_in(row).eq(names)
}

/// The names in a row; an empty one is none.
fn names_in(row: &Row) -> impl Iterator<Item = Option<&str>> {
    row.cells().map(|cell| cell.filter(|name| !name.is_empty()))
}

/// What first rows have named, by shop. None is forgotten to make room: the shop's next row would be taken for a header.
#[derive(Debug, Default)]
pub(super) struct Headers {
    by_shop: HashMap<Box<str>, Columns>,
    bytes: usize,
}

impl Headers {
    /// The columns that a shop's first row has named.
    pub(super) fn of(&self, shop: &str) -> Option<&Columns> {
        self.by_shop.get(shop)
    }

    /// Remembers what a shop's first row names; false if there is no room.
    pub(super) fn keep(&mut self, shop: &str, columns: Columns) -> bool {
        let columns_bytes: usize = columns.iter().map(|column| size_bytes(column.as_ref())).sum();
        let bytes = HEADER_BYTES + shop.len() + columns_bytes;
        let fits = bytes <= HEADER_BYTES_MAX && self.bytes + bytes <= HEADERS_BYTES_MAX;
        if fits {
            self.bytes += bytes;
            self.by_shop.insert(shop.into(), columns);
        }
        fits
    }
}

/// What a column takes in memory, about.
fn size_bytes(column: Option<&Column>) -> usize {
    let Some(Column { name, path, .. }) = column else { return COLUMN_BYTES };
    let steps = path.as_ref().map_or(0, |path| path.segments().len());
    // The name stands in a path twice more.
    COLUMN_BYTES + 3 * name.len() + STEP_BYTES * steps
}

impl Csv {
    /// The columns that a row names.
    pub(super) fn named_by(&self, row: &Row) -> Columns {
        names_in(row).map(|name| name.map(|name| self.column(name))).collect()
    }

    /// A column of a name that a row gives. What is no reference is only a name, and so is what would change the event's
    /// own words.
    fn column(&self, name: &str) -> Column {
        let path = if name.contains('[') { self.escape_style.parse(name).ok() } else { None };
        let path = match &self.target {
            Some(target) => path.map(|path| target.join(&path)),
            None => path.filter(|path| !path.segments()[0].key.starts_with('@')),
        };
        let conversion = self.conversions.get(name).copied();
        Column { name: name.to_owned(), path, conversion }
    }
}
