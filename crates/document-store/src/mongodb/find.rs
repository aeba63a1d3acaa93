//! Reading: by id, and by index with pages. A page mark is the last key of its page.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use mongodb::bson::{Document as Record, RawDocumentBuf, doc};

use super::error::Failure;
use super::key::{end_of_prefix, values_key};
use super::record::{self, ID, document, key_field};
use crate::catalog::Collection;
use crate::{Document, FIND_LIMIT_MAX, Find, Found, IndexValue, mark};

/// How many ids one question names. Not all of them: a server may compare each with each.
const IDS_OF_QUESTION: usize = 128;
/// How many questions of one call are on their way.
const QUESTIONS_AT_ONCE: usize = 4;

type Records = mongodb::Collection<RawDocumentBuf>;

/// Documents in the order of the ids.
pub(super) async fn get_many(
    records: &Records,
    ids: &[String],
) -> Result<Vec<Option<Document>>, Failure> {
    let questions: Vec<_> = ids.chunks(IDS_OF_QUESTION).map(|ids| ask(records, ids)).collect();
    let answers: Vec<_> =
        stream::iter(questions).buffer_unordered(QUESTIONS_AT_ONCE).try_collect().await?;
    let found: HashMap<&str, &Document> =
        answers.iter().flatten().map(|found| (found.id.as_str(), found)).collect();
    Ok(ids.iter().map(|id| found.get(id.as_str()).map(|&found| found.clone())).collect())
}

async fn ask(records: &Records, ids: &[String]) -> Result<Vec<Document>, Failure> {
    let filter = match ids {
        [id] => doc! {ID: id},
        ids => doc! {ID: {"$in": ids}},
    };
    // One answer holds them all, where they are not too large for it.
    let batch_size = u32::try_from(ids.len() + 1).unwrap_or(u32::MAX);
    let mut cursor = records
        .find(filter)
        .projection(doc! {record::VERSION: 1, record::BODY: 1})
        .batch_size(batch_size)
        .await?;
    let mut found = Vec::with_capacity(ids.len());
    while cursor.advance().await? {
        found.push(document(cursor.current())?);
    }
    Ok(found)
}

/// One page of an index.
pub(super) async fn find(
    records: &Records,
    collection: &Collection,
    index: &str,
    find: &Find,
) -> Result<Found, Failure> {
    let index = collection.index(index, &find.equals)?;
    let query = mark::query(&collection.name, &index.name, find.descending);
    let prefix = values_key(&find.equals);
    let mut range = range(&prefix);
    if let Some(after) = &find.after {
        let last = mark::read(after, &query, prefix.as_bytes())?;
        let last = String::from_utf8(last).map_err(|_| mark::wrong())?;
        range.insert(if find.descending { "$lt" } else { "$gt" }, last);
    }
    let limit = find.limit.min(FIND_LIMIT_MAX);
    if limit == 0 {
        return Ok(Found::default());
    }
    let field = key_field(&index.name);
    let one_more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut cursor = records
        .find(doc! {field.as_str(): range})
        .sort(doc! {field.as_str(): if find.descending { -1 } else { 1 }})
        .limit(one_more)
        .batch_size(u32::try_from(limit + 2).unwrap_or(u32::MAX))
        .await?;
    let mut found = Found::default();
    let mut last = String::new();
    while cursor.advance().await? {
        if found.documents.len() == limit {
            found.next = Some(mark::write(&query, last.as_bytes()));
            break;
        }
        let record = cursor.current();
        last.clear();
        last.push_str(record::key(record, &index.name)?);
        found.documents.push(document(record)?);
    }
    Ok(found)
}

/// How many documents an index holds.
pub(super) async fn count(
    records: &Records,
    collection: &Collection,
    index: &str,
    equals: &[IndexValue],
) -> Result<u64, Failure> {
    let index = collection.index(index, equals)?;
    let filter = doc! {key_field(&index.name): range(&values_key(equals))};
    Ok(records.count_documents(filter).await?)
}

/// The keys that begin with a prefix. A text as lower end is what makes the server use the index,
/// which holds texts only.
fn range(prefix: &str) -> Record {
    let mut range = doc! {"$gte": prefix};
    if let Some(end) = end_of_prefix(prefix) {
        range.insert("$lt", end);
    }
    range
}
