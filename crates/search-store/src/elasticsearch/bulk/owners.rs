//! What becomes of documents whose index is not ours: they go beside it, or nowhere. Nothing is written into an index of
//! somebody else, whose fields are of other types and which no search of ours reads.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Sent;
use crate::elasticsearch::body::Item;
use crate::elasticsearch::index::{beside, is_own};
use crate::elasticsearch::named::Owner;
use crate::elasticsearch::shared::Shared;
use crate::{IndexOperation, ItemOutcome, StoreError};

const KIND: &str = "foreign_index";

/// Gives the operations of indices that are not ours those beside them, or their outcomes.
pub(super) fn settle(
    not_ours: &BTreeMap<String, Owner>,
    operations: &mut Arc<Vec<IndexOperation>>,
    outcomes: &mut [Option<ItemOutcome>],
) {
    if not_ours.is_empty() {
        return;
    }
    for (operation, outcome) in Arc::make_mut(operations).iter_mut().zip(outcomes) {
        if outcome.is_some() {
            continue;
        }
        match not_ours.get(&*operation.index) {
            Some(Owner::Another) => operation.index = beside(&operation.index).into(),
            Some(Owner::Others) => *outcome = Some(refused(&operation.index)),
            Some(Owner::We) | None => {}
        }
    }
}

/// Finds an outcome for each document that would go on to an index of its day of receipt that is not ours.
///
/// # Errors
/// As of [`Shared::ensure_indices`].
pub(super) async fn hold(
    shared: &Shared,
    operations: &[IndexOperation],
    sent: &mut Sent,
) -> Result<(), StoreError> {
    let names = sent.again.iter().flatten().filter_map(|item| named(*item, operations));
    let names: BTreeSet<String> = names.map(Cow::into_owned).collect();
    if names.is_empty() {
        return Ok(());
    }
    let not_ours = match shared.ensure_indices(names).await {
        Ok(not_ours) => Ok(not_ours),
        Err(StoreError::Unavailable { after, reason }) => Err(ItemOutcome::Retry { after, reason }),
        Err(error) => return Err(error),
    };
    let outcome = |item: Item| {
        let name = named(item, operations)?;
        match &not_ours {
            Ok(not_ours) => not_ours.contains_key(&*name).then(|| refused(&name)),
            Err(retry) => Some(retry.clone()),
        }
    };
    let Sent { settled, again, .. } = sent;
    for items in again.iter_mut() {
        items.retain(|item| match outcome(*item) {
            Some(outcome) => {
                settled.push((item.place, outcome));
                false
            }
            None => true,
        });
    }
    again.retain(|items| !items.is_empty());
    Ok(())
}

/// The index of the day of receipt that a document goes to, if its name is one that the installation chooses.
fn named(item: Item, operations: &[IndexOperation]) -> Option<Cow<'_, str>> {
    let index = item.moved.then(|| item.index(&operations[item.place]));
    index.filter(|index| !is_own(index))
}

fn refused(index: &str) -> ItemOutcome {
    ItemOutcome::Rejected {
        kind: KIND.to_owned(),
        message: format!(
            "the index {index} is not Millrace's, or would be made by the template of somebody else: remove it or that \
             template, or take other names in enricher.index and search.index_prefixes"
        ),
    }
}
