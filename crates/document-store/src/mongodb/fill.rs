//! Makes indexes, and gives documents that were stored before an index was known their keys.

use mongodb::bson::{Document as Record, RawDocumentBuf, doc};
use mongodb::options::IndexOptions;
use mongodb::{Database, IndexModel};

use super::error::{self, DUPLICATE_KEY, Failure, code, is_another_index};
use super::record::{self, document, key_field, keys_of, selector};
use crate::catalog::{Collection, Index};
use crate::{DocumentError, ErrorKind};

/// How many documents get their keys with one command.
const DOCUMENTS_OF_COMMAND: usize = 500;
/// How often all documents without a key are looked for, while others store more of them.
const PASSES_MAX: u32 = 5;

/// Makes an index if it is missing, with the documents that are there if it is new.
pub(super) async fn make(
    database: &Database,
    collection: &Collection,
    index: &Index,
    is_new: bool,
) -> Result<(), Failure> {
    if is_new {
        fill(database, collection, index).await?;
    }
    let field = key_field(&index.name);
    let options = IndexOptions::builder()
        .name(index.name.clone())
        .unique(index.unique.then_some(true))
        .partial_filter_expression(doc! {field.as_str(): {"$gte": ""}})
        .build();
    let model = IndexModel::builder().keys(doc! {field: 1}).options(options).build();
    let records = database.collection::<Record>(&collection.name);
    match records.create_index(model).await {
        Ok(_) => Ok(()),
        Err(error) if is_another_index(&error) => Err(another_index(collection, index)),
        Err(error) if code(&error) == Some(DUPLICATE_KEY) => Err(clash(collection, index)),
        Err(error) => Err(error.into()),
    }
}

/// Gives every document that has no key in an index its key.
pub(super) async fn fill(
    database: &Database,
    collection: &Collection,
    index: &Index,
) -> Result<(), Failure> {
    for _ in 0..PASSES_MAX {
        if fill_once(database, collection, index).await? == 0 {
            break;
        }
    }
    Ok(())
}

async fn fill_once(
    database: &Database,
    collection: &Collection,
    index: &Index,
) -> Result<usize, Failure> {
    let of_index = Collection { name: collection.name.clone(), indexes: vec![index.clone()] };
    let field = key_field(&index.name);
    let batch_size = u32::try_from(DOCUMENTS_OF_COMMAND).unwrap_or(u32::MAX);
    let mut cursor = database
        .collection::<RawDocumentBuf>(&collection.name)
        .find(doc! {field.as_str(): {"$exists": false}})
        .projection(doc! {record::VERSION: 1, record::BODY: 1})
        .batch_size(batch_size)
        .await?;
    let (mut filled, mut updates) = (0, Vec::new());
    while cursor.advance().await? {
        let document = document(cursor.current())?;
        let keys = keys_of(&of_index, &document.id, &document.body).map_err(|error| {
            let text = format!("the new index `{}` cannot be filled: {error}", index.name);
            DocumentError::new(ErrorKind::Fatal, text)
        })?;
        let key = keys.into_iter().next().flatten();
        // Whoever has changed the document meanwhile has given it its key.
        let selector = selector(&document.id, Some(document.version));
        updates.push(doc! {"q": selector, "u": {"$set": {field.as_str(): key}}});
        filled += 1;
        if updates.len() == DOCUMENTS_OF_COMMAND {
            update(database, collection, index, std::mem::take(&mut updates)).await?;
        }
    }
    if !updates.is_empty() {
        update(database, collection, index, updates).await?;
    }
    Ok(filled)
}

async fn update(
    database: &Database,
    collection: &Collection,
    index: &Index,
    updates: Vec<Record>,
) -> Result<(), Failure> {
    let command = doc! {
        "update": collection.name.as_str(),
        "updates": updates,
        "ordered": false,
        "writeConcern": {"w": "majority"},
    };
    let reply = database.run_command(command).await?;
    let first = reply.get_array("writeErrors").ok().and_then(|errors| errors.first());
    match first.and_then(|error| error.as_document()) {
        None => Ok(()),
        Some(error) if matches!(error.get_i32("code"), Ok(DUPLICATE_KEY)) => {
            Err(clash(collection, index))
        }
        Some(error) => Err(error::of_write_error(&collection.name, error).into()),
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
