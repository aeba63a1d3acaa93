//! The cursor of a page: the document after which the next one begins. All stores order by time, then id, so
//! it needs nothing of a store and never expires; that of a consistent search, in `stable.rs`, does.

mod stable;

pub(crate) use stable::{StableCursor, View};

use crate::{Order, StoreError};

/// The longest text that can be a cursor.
const CURSOR_BYTES_MAX: usize = 1_024;

/// The document after which a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) order: Order,
    pub(crate) timestamp_ns: i64,
    pub(crate) id: String,
}

impl Cursor {
    /// The text that [`parse`](Self::parse) reads.
    pub(crate) fn text(&self) -> String {
        let order = match self.order {
            Order::NewestFirst => 'n',
            Order::OldestFirst => 'o',
        };
        format!("1{order}.{}.{}", self.timestamp_ns, self.id)
    }

    /// # Errors
    /// For a text that this store did not make, or made for the other order or a consistent search.
    pub(crate) fn parse(text: &str, order: Order) -> Result<Self, StoreError> {
        if stable::is_stable(text) {
            let message =
                "this cursor is of a consistent search: send `consistent` with every page";
            return Err(StoreError::Invalid(message.to_owned()));
        }
        if text.len() > CURSOR_BYTES_MAX {
            return Err(foreign());
        }
        let (kind, rest) = text.split_once('.').ok_or_else(foreign)?;
        let (timestamp, id) = rest.split_once('.').ok_or_else(foreign)?;
        let timestamp_ns = timestamp.parse().map_err(|_| foreign())?;
        let cursor = Self { order, timestamp_ns, id: id.to_owned() };
        if id.is_empty() || cursor.text() != text || !kind.starts_with('1') {
            return Err(foreign());
        }
        Ok(cursor)
    }
}

/// Lets a text pass that whoever serves users has not signed.
///
/// # Errors
/// The cursor of a consistent search: it holds the engine's name of a point in time, and nobody's text reaches an engine
/// as such a name.
pub fn check_unsigned_cursor(text: &str) -> Result<(), StoreError> {
    if stable::is_stable(text) { Err(foreign()) } else { Ok(()) }
}

/// A text that is no cursor of this search.
fn foreign() -> StoreError {
    let message = "this cursor is not one of this search: begin with the first page";
    StoreError::Invalid(message.to_owned())
}
