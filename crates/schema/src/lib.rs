//! Field names, types, units and aliases, read from `schemas/*.json`: their only source.
//!
//! Names never come from events.

mod check;
mod compile;
mod conversion;
mod document;
mod embedded;
mod error;
mod field;
mod index_name;
mod key_table;
mod known;
mod log_type;
mod named_index;
mod node;
mod reference;
mod rule;
mod template;

use std::sync::OnceLock;

pub use check::check_document;
pub use conversion::{Conversion, LetterCase, Outcome};
pub use document::{DocumentTree, Place};
pub use error::SchemaError;
pub use field::{Field, FieldKind};
pub use index_name::{
    FRAUD_SCORE, INDEX_PREFIX, IndexNames, LOG_TYPES, OTHER, index_name, is_believable,
    log_type_place,
};
pub use key_table::KeyTable;
pub use known::{ECS_VERSION, KnownPlaces};
pub use log_type::LogType;
pub use named_index::{
    INDEX_BYTES_MAX, NAMED_ALIAS, NamedIndices, has_index_letters, is_named_index,
};
pub use rule::{Action, Meaning, RANK_OF_DOCUMENT_NAMES, Rule, RuleId, Table};
pub use template::{
    Product, StoreFields, TEMPLATE_VERSION, TemplateOptions, VALUE_CHARACTERS_MAX, named_alias,
};

use compile::Compiler;
use node::{Node, parse};

/// All that `schemas/*.json` say.
#[derive(Debug)]
pub struct Schema {
    document: DocumentTree,
    known: KnownPlaces,
    log_types: Vec<LogType>,
    rules: Vec<Rule>,
    /// The rule of each field under its own name, by place.
    own_rules: Vec<Option<RuleId>>,
}

impl Schema {
    /// The schemas that this program was built with.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static EMBEDDED: OnceLock<Schema> = OnceLock::new();
        EMBEDDED.get_or_init(|| {
            Self::read(embedded::DOCUMENT, embedded::ENVELOPE, embedded::LOG_TYPES)
                .expect("a test reads the same bytes")
        })
    }

    /// Reads schemas: the documents' fields, what every log type may hold, and the log types, each
    /// with the name of its file.
    ///
    /// # Errors
    /// Says which file does not keep to the form, and where.
    pub fn read(
        document: &str,
        envelope: &str,
        log_types: &[(&str, &str)],
    ) -> Result<Self, SchemaError> {
        let document = DocumentTree::read(document)?;
        let known = KnownPlaces::find(&document)?;
        let envelope = parse("envelope.json", envelope)?;
        let envelope = Node::root("envelope.json", &envelope);
        let mut compiler = Compiler::new(&document);
        let mut read = Vec::new();
        for (file, text) in log_types {
            let value = parse(file, text)?;
            let node = Node::root(file, &value);
            read.push(LogType::read(&mut compiler, &node, &envelope)?);
        }
        let (rules, own_rules) = compiler.finish();
        Ok(Self { known, log_types: read, rules, own_rules, document })
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

    /// The fields that code names.
    #[must_use]
    pub fn known(&self) -> &KnownPlaces {
        &self.known
    }

    /// Every log type, our own scores included.
    #[must_use]
    pub fn log_types(&self) -> &[LogType] {
        &self.log_types
    }

    /// The log type of this name.
    #[must_use]
    pub fn log_type(&self, name: &str) -> Option<&LogType> {
        self.log_types.iter().find(|log_type| &*log_type.name == name)
    }

    /// A rule.
    #[inline]
    #[must_use]
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[usize::from(id.0)]
    }

    /// The rule of a field under its own name.
    #[must_use]
    pub fn own_rule(&self, place: Place) -> Option<&Rule> {
        self.own_rules[place.index()].map(|id| self.rule(id))
    }
}

#[cfg(test)]
mod tests;
