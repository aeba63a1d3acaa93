//! A field of the documents: its name and what its values are.

/// What the values of a field are; one field has one kind in all documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// A string that is found as a whole.
    Keyword,
    /// A string that is found by its words.
    Text,
    /// A whole number of 64 bits.
    Long,
    /// A floating-point number.
    Double,
    /// A number that is exact to this many decimals: money.
    Decimal {
        /// Decimals.
        scale: u8,
    },
    /// A truth value.
    Boolean,
    /// An instant.
    Date,
    /// An address, version 4 or 6.
    Ip,
    /// An object of `lat` and `lon`.
    GeoPoint,
    /// Any object: its leaves are found as keywords under their dotted paths.
    Flattened,
    /// An array of objects, each found by itself where the engine can.
    Nested,
}

/// A field of the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Dotted name: `shop.order.amount`.
    pub name: String,
    /// What its values are.
    pub kind: FieldKind,
    /// What it means, for documentation.
    pub description: String,
}
