//! One bulk: operations become requests of bounded size, and each operation ends with one outcome. Only what the
//! engine did not take is ever sent again, by whoever asked; here a document is sent again only in another
//! form, or in smaller company.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use event::Event;
use futures::stream::{FuturesUnordered, TryStreamExt};
use reqwest::Method;

use super::body::{Encoded, Encoding, Item, estimate};
use super::bulk_answer;
use super::concurrency::Went;
use super::failure::{EngineError, RETRY_SOON, refused};
use super::form::{Form, first_form, index_of_receipt};
use super::shared::Shared;
use super::verdict::{Verdict, judge, rejected};
use crate::{IndexOperation, ItemOutcome, StoreError};

/// What is known of each operation.
type Outcomes = Vec<Option<ItemOutcome>>;
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
    let operations = Arc::new(operations);
    let Plan { mut outcomes, rounds, indices } = {
        let operations = Arc::clone(&operations);
        shared.blocking(move |_| plan(&operations)).await?
    };
    match shared.ensure_indices(indices).await {
        Ok(()) => {}
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

/// Operations of which no two are of one document.
#[derive(Debug, Default)]
struct Round {
    items: Vec<Item>,
    /// The operation before, of the same document.
    after: HashMap<usize, usize>,
}

/// What is to be done.
#[derive(Debug)]
struct Plan {
    /// Of what can never be indexed.
    outcomes: Outcomes,
    rounds: Vec<Round>,
    /// The indices that documents go to.
    indices: BTreeSet<String>,
}

/// Looks all operations over. Those of one document go one after the other.
fn plan(operations: &[IndexOperation]) -> Plan {
    let mut event = Event::new();
    let mut outcomes: Outcomes = Vec::with_capacity(operations.len());
    let mut rounds = vec![Round::default()];
    let mut indices = BTreeSet::new();
    let mut seen: hashbrown::HashMap<(&str, &str), (usize, usize)> =
        hashbrown::HashMap::with_capacity(operations.len());
    for (place, operation) in operations.iter().enumerate() {
        let form = match first_form(operation, &mut event) {
            Ok(form) => form,
            Err(outcome) => {
                outcomes.push(Some(outcome));
                continue;
            }
        };
        outcomes.push(None);
        if !indices.contains(&operation.index) {
            indices.insert(operation.index.clone());
        }
        let key = (operation.id.as_str(), operation.index.as_str());
        let earlier = seen.get(&key).copied();
        let number = earlier.map_or(0, |(round, _)| round + 1);
        if number == rounds.len() {
            rounds.push(Round::default());
        }
        let round = &mut rounds[number];
        round.items.push(Item::new(place, form));
        round.after.extend(earlier.map(|(_, earlier)| (place, earlier)));
        seen.insert(key, (number, place));
    }
    Plan { outcomes, rounds, indices }
}

/// Operations in groups that a request may hold.
fn chunks(shared: &Shared, operations: &[IndexOperation], items: Vec<Item>) -> Vec<Vec<Item>> {
    let (bytes_max, count_max) = (shared.bulk_bytes_max(), shared.config.bulk_documents_max);
    let mut chunks: Vec<Vec<Item>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let length = estimate(&operations[item.place], item.form);
        match chunks.last_mut() {
            Some(chunk) if bytes + length <= bytes_max && chunk.len() < count_max => {
                bytes += length;
                chunk.push(item);
            }
            _ => {
                bytes = length;
                chunks.push(vec![item]);
            }
        }
    }
    chunks
}

/// What one request came to.
#[derive(Debug, Default)]
struct Sent {
    settled: Settled,
    /// Groups to be sent now: halves of one that was too large, and documents in another form.
    again: Vec<Vec<Item>>,
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
        let sent = send_once(shared, operations, items).await?;
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
            Verdict::Move if index_of_receipt(&operations[item.place]).is_some() => {
                again.push(Item { moved: true, ..*item });
                continue;
            }
            Verdict::Move => {
                rejected(answer.status, &answer.error.as_deref().cloned().unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::{Plan, plan};
    use crate::contract::operation;

    #[test]
    fn operations_of_one_document_go_one_after_the_other() {
        let mut operations: Vec<_> =
            ["a", "b", "a", "c", "a"].iter().map(|id| operation(0, id, "{}")).collect();
        operations[3].document = bytes::Bytes::from_static(b"[]");
        let Plan { outcomes, rounds, indices } = plan(&operations);
        assert_eq!(indices.len(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_some()).count(), 1);
        let places: Vec<Vec<usize>> = rounds
            .iter()
            .map(|round| round.items.iter().map(|item| item.place).collect())
            .collect();
        assert_eq!(places, [vec![0, 1], vec![2], vec![4]]);
        assert_eq!((rounds[1].after[&2], rounds[2].after[&4]), (0, 2));
    }
}
