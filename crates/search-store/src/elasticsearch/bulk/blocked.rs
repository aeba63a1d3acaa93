//! What becomes of documents whose index takes no more writes. One that stands there already is done: it is sent
//! again, and would otherwise stand twice. A block that the index is too young for passes, and is waited for.
//! Everything else goes to the index of its day of receipt.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::Sent;
use crate::elasticsearch::body::Item;
use crate::elasticsearch::client::Body;
use crate::elasticsearch::config::ElasticsearchConfig;
use crate::elasticsearch::failure::{RETRY_LONG, RETRY_SOON, refused, unanswered};
use crate::elasticsearch::index::{begin_of_day, in_engine, index_of_receipt};
use crate::elasticsearch::shared::Shared;
use crate::{IndexOperation, ItemOutcome, StoreError};

/// An index is made at most this long before its day begins: no document is of a later day.
const DAY: Duration = Duration::from_secs(86_400);

/// Finds an outcome, or another index, for each document that is blocked.
///
/// # Errors
/// The engine does not let us look.
pub(super) async fn settle(
    shared: &Shared,
    operations: &[IndexOperation],
    sent: &mut Sent,
) -> Result<(), StoreError> {
    let blocked = std::mem::take(&mut sent.blocked);
    if blocked.is_empty() {
        return Ok(());
    }
    let items: Vec<Item> = blocked.iter().map(|(item, _)| *item).collect();
    let standing = match standing(shared, operations, &items).await {
        Ok(standing) => standing,
        Err(StoreError::Unavailable { after, reason }) => {
            let retry = ItemOutcome::Retry { after, reason };
            sent.settled.extend(items.iter().map(|item| (item.place, retry.clone())));
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let now = Timestamp::now();
    let mut moved = Vec::new();
    for ((item, refusal), stands) in blocked.into_iter().zip(standing) {
        let operation = &operations[item.place];
        let index = item.index(operation);
        let outcome = if stands {
            ItemOutcome::Done
        } else if !is_lasting(&index, now, &shared.config) {
            let reason = format!("the index {index} takes no writes for the moment");
            ItemOutcome::Retry { after: RETRY_LONG, reason }
        } else if !item.moved && index_of_receipt(operation).is_some() {
            moved.push(Item { moved: true, ..item });
            continue;
        } else {
            refusal
        };
        sent.settled.push((item.place, outcome));
    }
    if !moved.is_empty() {
        sent.again.push(moved);
    }
    Ok(())
}

/// Whether an index is so old that it may have been compacted, which ends its writes for good. Without our
/// policies that is left to somebody else's, from the end of its day on.
fn is_lasting(index: &str, now: Timestamp, config: &ElasticsearchConfig) -> bool {
    let Some(begin_ns) = begin_of_day(index) else { return true };
    let compact_after = if config.policies { config.compact_after.0 } else { DAY * 2 };
    let begin_ns = i128::from(begin_ns) - nanoseconds(DAY);
    now.as_nanosecond() - begin_ns >= nanoseconds(compact_after)
}

fn nanoseconds(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).unwrap_or(i128::MAX / 2)
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    docs: Vec<Looked<'a>>,
}

/// One document that was looked for; one of an index that is not there is not found either.
#[derive(Deserialize)]
struct Looked<'a> {
    #[serde(borrow, rename = "_id")]
    id: Cow<'a, str>,
    #[serde(default)]
    found: bool,
}

/// Whether each document stands in the index that it was sent to.
async fn standing(
    shared: &Shared,
    operations: &[IndexOperation],
    items: &[Item],
) -> Result<Vec<bool>, StoreError> {
    let namespace = &shared.config.index_namespace;
    let asked = items.iter().map(|item| {
        let operation = &operations[item.place];
        let index = item.index(operation);
        json!({ "_index": in_engine(namespace, &index), "_id": operation.id })
    });
    let body = json!({ "docs": asked.collect::<Vec<_>>() });
    let path = "_mget?_source=false&filter_path=docs._id,docs.found";
    let body = Body::Json(Bytes::from(body.to_string()));
    let hosts = shared.client.shown();
    let answer = shared.client.ask(Method::POST, path, body, shared.config.read_time_max.0).await;
    let answer = answer.map_err(|failure| unanswered(&failure, &hosts))?;
    if answer.status.as_u16() != 200 {
        return Err(refused(&answer, &hosts));
    }
    let read = serde_json::from_slice::<Answer<'_>>(&answer.body).ok();
    let fits = |read: &Answer<'_>| {
        let ids = items.iter().map(|item| operations[item.place].id.as_str());
        read.docs.iter().map(|one| &*one.id).eq(ids)
    };
    let read = read.filter(fits).ok_or_else(|| StoreError::Unavailable {
        after: RETRY_SOON,
        reason: "the engine's answer to which documents are there cannot be read".to_owned(),
    })?;
    Ok(read.docs.into_iter().map(|one| one.found).collect())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::is_lasting;
    use crate::elasticsearch::config::ElasticsearchConfig;

    #[test]
    fn a_block_lasts_from_when_the_index_may_be_compacted() {
        let config = ElasticsearchConfig::default();
        let others = ElasticsearchConfig { policies: false, ..config.clone() };
        let lasts = |now: &str, config| {
            let now: Timestamp = now.parse().expect("an instant");
            is_lasting("ecommerce-logs-error-2026.11.24", now, config)
        };
        assert!(!lasts("2026-11-24T12:00:00Z", &config));
        assert!(!lasts("2026-11-29T23:59:59Z", &config));
        assert!(lasts("2026-11-30T00:00:00Z", &config));
        assert!(!lasts("2026-11-24T23:59:59Z", &others));
        assert!(lasts("2026-11-25T00:00:00Z", &others));
        assert!(is_lasting("ecommerce-logs-error", Timestamp::UNIX_EPOCH, &config));
    }
}
