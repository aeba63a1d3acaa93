//! One change: one atomic call, without a transaction.

use mongodb::bson::RawDocumentBuf;
use mongodb::error::Error;

use super::client::Deadline;
use super::error::{DUPLICATE_KEY, Failure, code};
use super::record::{Content, selector};
use crate::catalog::Collection;
use crate::{Change, DocumentError, ErrorKind, Expect};

/// Two that store the same new document can get in each other's way once.
const UPSERTS_MAX: u32 = 3;

type Records = mongodb::Collection<RawDocumentBuf>;

/// Makes a change where its condition holds.
pub(super) async fn apply(
    records: &Records,
    collection: &Collection,
    change: &Change,
    deadline: Deadline,
) -> Result<(), Failure> {
    deadline.check()?;
    match change {
        Change::Put { id, body, expect } => match expect {
            Expect::Any => put(records, collection, id, body, deadline).await,
            Expect::Absent | Expect::Version(0) => insert(records, collection, id, body).await,
            Expect::Version(version) => {
                let update = Content::new(collection, id, body)?.update();
                let done = records.update_one(selector(id, Some(*version)), update).await;
                let done = done.map_err(|error| taken(collection, id, error))?;
                let holds = done.matched_count == 1;
                holds.then_some(()).ok_or_else(|| other_version(collection, id, *version).into())
            }
        },
        Change::Delete { id, expect } => match expect {
            Expect::Any => {
                records.delete_one(selector(id, None)).await?;
                Ok(())
            }
            Expect::Absent | Expect::Version(0) => {
                let there = records.find_one(selector(id, None)).await?;
                there.map_or(Ok(()), |_| Err(there_already(collection, id).into()))
            }
            Expect::Version(version) => {
                let done = records.delete_one(selector(id, Some(*version))).await?;
                let holds = done.deleted_count == 1;
                holds.then_some(()).ok_or_else(|| other_version(collection, id, *version).into())
            }
        },
    }
}

async fn put(
    records: &Records,
    collection: &Collection,
    id: &str,
    body: &[u8],
    deadline: Deadline,
) -> Result<(), Failure> {
    let mut attempt = 1;
    loop {
        let update = Content::new(collection, id, body)?.update();
        match records.update_one(selector(id, None), update).upsert(true).await {
            Ok(_) => return Ok(()),
            Err(error) if code(&error) == Some(DUPLICATE_KEY) && attempt < UPSERTS_MAX => {
                attempt += 1;
                deadline.check()?;
            }
            Err(error) => return Err(taken(collection, id, error)),
        }
    }
}

async fn insert(
    records: &Records,
    collection: &Collection,
    id: &str,
    body: &[u8],
) -> Result<(), Failure> {
    let record = Content::new(collection, id, body)?.record(id);
    let record = RawDocumentBuf::try_from(&record)?;
    match records.insert_one(record).await {
        Ok(_) => Ok(()),
        Err(error) => Err(taken(collection, id, error)),
    }
}

/// Names a duplicate; leaves other errors as they are.
fn taken(collection: &Collection, id: &str, error: Error) -> Failure {
    match code(&error) {
        Some(DUPLICATE_KEY) => duplicate(collection, id, &error.to_string()).into(),
        _ => error.into(),
    }
}

/// The conflict of a duplicate key; the server's text names the index, and values, which are not
/// shown.
pub(super) fn duplicate(collection: &Collection, id: &str, server_text: &str) -> DocumentError {
    let names = |name: &str| server_text.contains(&format!("index: {name} "));
    let index = collection.indexes.iter().find(|index| names(&index.name));
    let name = &collection.name;
    match index {
        None if names("_id_") => there_already(collection, id),
        Some(index) => {
            let index = &index.name;
            let text = format!("another document of `{name}` has the values of {id} in `{index}`");
            DocumentError::new(ErrorKind::Conflict, text)
        }
        None => {
            let text = format!("another document of `{name}` has the unique values of {id}");
            DocumentError::new(ErrorKind::Conflict, text)
        }
    }
}

/// The conflict of a document that should not be there.
pub(super) fn there_already(collection: &Collection, id: &str) -> DocumentError {
    let text = format!("document {id} of `{}` is there already", collection.name);
    DocumentError::new(ErrorKind::Conflict, text)
}

fn other_version(collection: &Collection, id: &str, version: u64) -> DocumentError {
    let text = format!("document {id} of `{}` does not have version {version}", collection.name);
    DocumentError::new(ErrorKind::Conflict, text)
}
