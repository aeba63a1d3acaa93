//! Makes indexes, and gives documents that were stored before an index was known their keys.

use mongodb::bson::{Document as Record, RawDocumentBuf, doc};
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};

use super::error::{self, DUPLICATE_KEY, Failure, code, is_another_index};
use super::record::{self, document, key_field, keys_of, selector};
use crate::catalog::{Collection, Index};
use crate::{Document, DocumentError, ErrorKind};

/// How many documents get their keys with one command.
const DOCUMENTS_OF_COMMAND: usize = 500;
/// How often all documents without a key are looked for, while others store more of them.
const PASSES_MAX: u32 = 5;

/// An index that is made and filled.
#[derive(Clone, Copy)]
pub(super) struct Filling<'f> {
    /// The server as it may be shown.
    pub(super) place: &'f str,
    pub(super) database: &'f Database,
    pub(super) collection: &'f Collection,
    pub(super) index: &'f Index,
}

impl Filling<'_> {
    /// Makes an index if it is missing, with the documents that are there if it is new.
    pub(super) async fn make(self, is_new: bool) -> Result<(), Failure> {
        if is_new {
            self.fill().await?;
        }
        let (collection, index) = (self.collection, self.index);
        let field = key_field(&index.name);
        let options = IndexOptions::builder()
            .name(index.name.clone())
            .unique(index.unique.then_some(true))
            .partial_filter_expression(doc! {field.as_str(): {"$gte": ""}})
            .build();
        let model = IndexModel::builder().keys(doc! {field: 1}).options(options).build();
        let records = self.database.collection::<Record>(&collection.name);
        match records.create_index(model).await {
            Ok(_) => Ok(()),
            Err(error) if is_another_index(&error) => Err(another_index(collection, index)),
            Err(error) if code(&error) == Some(DUPLICATE_KEY) => Err(clash(collection, index)),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives every document that has no key in an index its key.
    pub(super) async fn fill(self) -> Result<(), Failure> {
        for _ in 0..PASSES_MAX {
            if self.fill_once().await? == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn fill_once(self) -> Result<usize, Failure> {
        let batch_size = u32::try_from(DOCUMENTS_OF_COMMAND).unwrap_or(u32::MAX);
        let mut cursor = self
            .database
            .collection::<RawDocumentBuf>(&self.collection.name)
            .find(doc! {key_field(&self.index.name): {"$exists": false}})
            .projection(doc! {record::VERSION: 1, record::BODY: 1})
            .batch_size(batch_size)
            .await?;
        let (mut filled, mut statements) = (0, Vec::new());
        while cursor.advance().await? {
            statements.push(self.statement(&document(cursor.current())?)?);
            filled += 1;
            if statements.len() == DOCUMENTS_OF_COMMAND {
                self.update(std::mem::take(&mut statements)).await?;
            }
        }
        if !statements.is_empty() {
            self.update(statements).await?;
        }
        Ok(filled)
    }

    /// Gives this document its key. Whoever has changed it meanwhile has given it one: its version is
    /// another then, or, where it was removed and stored anew, the key is there.
    pub(super) fn statement(self, document: &Document) -> Result<Record, DocumentError> {
        let Self { collection, index, .. } = self;
        let only = Collection { name: collection.name.clone(), indexes: vec![index.clone()] };
        let keys = keys_of(&only, &document.id, &document.body).map_err(|error| {
            let text = format!("the new index `{}` cannot be filled: {error}", index.name);
            DocumentError::new(ErrorKind::Fatal, text)
        })?;
        let (key, field) = (keys.into_iter().next().flatten(), key_field(&index.name));
        let mut selector = selector(&document.id, Some(document.version));
        selector.insert(field.clone(), doc! {"$exists": false});
        Ok(doc! {"q": selector, "u": {"$set": {field: key}}})
    }

    pub(super) async fn update(self, statements: Vec<Record>) -> Result<(), Failure> {
        let command = doc! {
            "update": self.collection.name.as_str(),
            "updates": statements,
            "ordered": false,
            "writeConcern": {"w": "majority"},
        };
        let reply = self.database.run_command(command).await?;
        let first = reply.get_array("writeErrors").ok().and_then(|errors| errors.first());
        match first.and_then(|error| error.as_document()) {
            None => Ok(()),
            Some(error) if matches!(error.get_i32("code"), Ok(DUPLICATE_KEY)) => {
                Err(clash(self.collection, self.index))
            }
            Some(error) => Err(error::of_write_error(self.place, error).into()),
        }
    }
}

/// Takes an index away, with the keys of it.
pub(super) async fn clear(
    database: &Database,
    collection: &str,
    index: &str,
) -> Result<(), Failure> {
    let field = key_field(index);
    let records = database.collection::<Record>(collection);
    records
        .update_many(
            doc! {field.as_str(): {"$exists": true}},
            doc! {"$unset": {field.as_str(): ""}},
        )
        .await?;
    Ok(())
}

fn clash(collection: &Collection, index: &Index) -> Failure {
    let text = format!(
        "the new index `{}` cannot be made: several documents of `{}` have the same values in it",
        index.name, collection.name
    );
    DocumentError::new(ErrorKind::Fatal, text).into()
}

fn another_index(collection: &Collection, index: &Index) -> Failure {
    let (name, collection) = (&index.name, &collection.name);
    let text = format!(
        "on `{collection}` stands an index `{name}` that is not ours: drop it \
         (db.{collection}.dropIndex(\"{name}\")) and start again"
    );
    DocumentError::new(ErrorKind::Fatal, text).into()
}
