//! Field names, types, units and aliases, read from `schemas/*.json`: their only source.
//!
//! Names never come from events.

mod document;
mod error;
mod field;
mod index_name;
mod node;

use std::sync::OnceLock;

pub use document::{DocumentTree, Place};
pub use error::SchemaError;
pub use field::{Field, FieldKind};
pub use index_name::{INDEX_PREFIX, LOG_TYPES, OTHER, index_name, is_believable};

/// All that `schemas/*.json` say.
#[derive(Debug)]
pub struct Schema {
    document: DocumentTree,
}

impl Schema {
    /// The schemas that this program was built with.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Schema> = OnceLock::new();
        EMBEDDED.get_or_init(|| {
            Self::read(include_str!("../../../schemas/document.json"))
                .expect("a test reads the same bytes")
        })
    }

    /// Reads schemas.
    ///
    /// # Errors
    /// Says which file does not keep to the form, and where.
    pub fn read(document: &str) -> Result<Self, SchemaError> {
        Ok(Self { document: DocumentTree::read(document)? })
    }

    /// Every field of the documents, in the order of the schema. Fields below a nested one follow it.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        self.document.fields()
    }

    /// The documents' fields as a tree of names.
    #[must_use]
    pub fn document(&self) -> &DocumentTree {
        &self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_schemas_can_be_read() {
        let schema = Schema::read(include_str!("../../../schemas/document.json")).unwrap();
        assert!(schema.fields().len() > 100);
    }
}
