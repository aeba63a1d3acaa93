//! One bulk: operations become requests of bounded size, and each operation ends with one outcome. What may work
//! later is sent again by whoever asked; here a document is sent again only in another form, in smaller
//! company, or to the index of its day of receipt.

mod blocked;
mod owners;
mod plan;

use std::sync::Arc;

use event::Event;
use futures::stream::{FuturesUnordered, TryStreamExt};
use reqwest::Method;

use super::body::{Encoded, Encoding, Item};
use super::bulk_answer;
use super::concurrency::Went;
use super::failure::{EngineError, RETRY_SOON, refused};
use super::form::Form;
use super::index::index_of_receipt;
use super::shared::Shared;
use super::verdict::{Verdict, judge, rejected};
use crate::{IndexOperation, ItemOutcome, StoreError};

use plan::{Plan, Round, chunks, plan};

/// Operations with their outcomes.
type Settled = Vec<(usize, ItemOutcome)>;

/// Indexes operations.
///
/// # Errors
/// Nothing can be indexed until somebody changes something.
pub(crate) async fn bulk(
    shared: &Arc<Shared>,
    operations: Vec<IndexOperation>,
) -> Result<Vec<ItemOutcome>, StoreError> {
    if operations.is_empty() {
        return Ok(Vec::new());
    }
    let mut operations = Arc::new(operations);
    let Plan { mut outcomes, rounds, indices } = {
        let operations = Arc::clone(&operations);
        shared.blocking(move |shared| plan(&operations, &shared.index_prefixes)).await?
    };
    match shared.ensure_indices(indices).await {
        Ok(not_ours) => owners::settle(&not_ours, &mut operations, &mut outcomes),
        Err(StoreError::Unavailable { after, reason }) => {
            let retry = ItemOutcome::Retry { after, reason };
            return Ok(outcomes
                .into_iter()
                .map(|one| one.unwrap_or_else(|| retry.clone()))
                .collect());
        }
        Err(error) => return Err(error),
    }
    for Round { items, after } in rounds {
        let mut free = Vec::with_capacity(items.len());
        for item in items {
            if outcomes[item.place].is_some() {
                continue;
            }
            // A later version must not be overtaken by an earlier one that is tried again.
            let earlier = after.get(&item.place).and_then(|earlier| outcomes[*earlier].as_ref());
            match earlier {
                Some(retry @ ItemOutcome::Retry { .. }) => {
                    outcomes[item.place] = Some(retry.clone());
                }
                _ => free.push(item),
            }
        }
        let requests: FuturesUnordered<_> = chunks(shared, &operations, free)
            .into_iter()
            .map(|items| send(shared, &operations, items))
            .collect();
        let settled: Vec<Settled> = requests.try_collect().await?;
        for (place, outcome) in settled.into_iter().flatten() {
            outcomes[place] = Some(outcome);
        }
    }
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unsettled)).collect())
}

/// What one request came to.
#[derive(Debug, Default)]
struct Sent {
    settled: Settled,
    /// Groups to be sent now: halves of one that was too large, and documents in another form.
    again: Vec<Vec<Item>>,
    /// What goes to an index that takes no more writes, each with what becomes of it if no other one does.
    blocked: Vec<(Item, ItemOutcome)>,
    /// Why nothing more should be sent for the moment.
    pause: Option<ItemOutcome>,
}

async fn send(
    shared: &Arc<Shared>,
    operations: &Arc<Vec<IndexOperation>>,
    items: Vec<Item>,
) -> Result<Settled, StoreError> {
    let mut settled = Settled::with_capacity(items.len());
    let mut waiting = vec![items];
    while let Some(items) = waiting.pop() {
        let mut sent = send_once(shared, operations, items).await?;
        blocked::settle(shared, operations, &mut sent).await?;
        owners::hold(shared, operations, &mut sent).await?;
        settled.extend(sent.settled);
        waiting.extend(sent.again);
        if let Some(retry) = sent.pause {
            let left = waiting.drain(..).flatten();
            settled.extend(left.map(|item| (item.place, retry.clone())));
        }
    }
    Ok(settled)
}

async fn send_once(
    shared: &Arc<Shared>,
    operations: &Arc<Vec<IndexOperation>>,
    items: Vec<Item>,
) -> Result<Sent, StoreError> {
    let mut place = shared.concurrency.place().await;
    let asked = Arc::clone(operations);
    let encoded = shared
        .blocking(move |shared| {
            let encoding = Encoding {
                namespace: &shared.config.index_namespace,
                fields: &shared.fields,
                level: shared.config.compression_level,
            };
            let stamp = shared.stamps.take(items.len());
            encoding.encode(&asked, items, stamp, &mut Event::new())
        })
        .await?;
    let Encoded { body, bytes, items, refused } = encoded;
    let mut sent = Sent { settled: refused, ..Sent::default() };
    if items.is_empty() {
        return Ok(sent);
    }
    place.sending();
    let path = format!("_bulk?{}", bulk_answer::FILTER);
    let time = shared.config.bulk_timeout.0;
    let went = match shared.client.ask(Method::POST, &path, body, time).await {
        Ok(answer) if answer.status.as_u16() == 200 => {
            read_items(&mut sent, operations, items, &answer.body)?
        }
        Ok(answer) => match answer.status.as_u16() {
            413 => {
                if items.len() > 1 {
                    shared.was_too_large(bytes);
                }
                split(&mut sent, operations, items, 413, &EngineError::of(&answer.body));
                Went::Neither
            }
            400 => {
                let error = EngineError::of(&answer.body);
                split(&mut sent, operations, items, 400, &error);
                Went::Neither
            }
            _ => later(&mut sent, items, refused_whole(shared, &answer)?),
        },
        Err(failure) => {
            // Who comes back may come back empty.
            shared.forget_indices();
            let reason = failure.told(&shared.client.shown());
            later(&mut sent, items, ItemOutcome::Retry { after: RETRY_SOON, reason })
        }
    };
    place.end(went, bytes);
    Ok(sent)
}

fn refused_whole(
    shared: &Shared,
    answer: &super::client::Answer,
) -> Result<ItemOutcome, StoreError> {
    match refused(answer, &shared.client.shown()) {
        StoreError::Unavailable { after, reason } => Ok(ItemOutcome::Retry { after, reason }),
        StoreError::Invalid(reason) => Ok(ItemOutcome::Retry { after: RETRY_SOON, reason }),
        other => Err(other),
    }
}

/// All of a request is tried again later.
fn later(sent: &mut Sent, items: Vec<Item>, retry: ItemOutcome) -> Went {
    sent.settled.extend(items.into_iter().map(|item| (item.place, retry.clone())));
    sent.pause = Some(retry);
    Went::Overloaded
}

/// A request is refused as a whole: each half by itself, and a single document in its reduced form if that
/// is not what was sent.
fn split(
    sent: &mut Sent,
    operations: &[IndexOperation],
    mut items: Vec<Item>,
    status: u16,
    error: &EngineError,
) {
    match items.as_slice() {
        [one] if status == 413 => {
            let bytes = operations[one.place].document.len();
            let message = format!("the engine takes no document of {bytes} bytes");
            let kind = "too_large".to_owned();
            sent.settled.push((one.place, ItemOutcome::Rejected { kind, message }));
        }
        [one] if one.form == Form::AsIs => {
            sent.again.push(vec![Item { form: Form::Reduced, ..*one }]);
        }
        [one] => sent.settled.push((one.place, rejected(status, error))),
        _ => {
            let second = items.split_off(items.len() / 2);
            sent.again.push(second);
            sent.again.push(items);
        }
    }
}

/// The outcome of each operation of a request that was answered.
fn read_items(
    sent: &mut Sent,
    operations: &[IndexOperation],
    items: Vec<Item>,
    body: &[u8],
) -> Result<Went, StoreError> {
    let ids = items.iter().map(|item| operations[item.place].id.as_str());
    let answers = match bulk_answer::parse(body, ids) {
        Ok(answers) => answers,
        Err(reason) => {
            return Ok(later(sent, items, ItemOutcome::Retry { after: RETRY_SOON, reason }));
        }
    };
    let mut went = Went::Well;
    let mut again = Vec::new();
    for (item, answer) in items.iter().zip(&answers) {
        let verdict = judge(answer, item.form, item.moved);
        let outcome = match verdict {
            Verdict::Settled(outcome) => outcome,
            Verdict::Busy(outcome) => {
                went = Went::Overloaded;
                outcome
            }
            Verdict::Reduce => {
                again.push(Item { form: Form::Reduced, ..*item });
                continue;
            }
            Verdict::Move(_) if index_of_receipt(&operations[item.place]).is_some() => {
                again.push(Item { moved: true, ..*item });
                continue;
            }
            Verdict::Move(otherwise) => otherwise,
            Verdict::Blocked(refusal) => {
                sent.blocked.push((*item, refusal));
                continue;
            }
            Verdict::Fatal(reason) => return Err(StoreError::Fatal(reason)),
        };
        sent.settled.push((item.place, outcome));
    }
    if !again.is_empty() {
        tracing::debug!(documents = again.len(), "documents are sent again in another form");
        sent.again.push(again);
    }
    Ok(went)
}

/// Every operation is settled; if one were not, it comes again.
fn unsettled() -> ItemOutcome {
    ItemOutcome::Retry {
        after: RETRY_SOON,
        reason: "the search store did not settle this document: this is a mistake in it".to_owned(),
    }
}
