//! What a bulk consists of, before anything is sent: which operations can never be indexed, which go one after the
//! other, and how many a request holds.

use std::collections::{BTreeSet, HashMap};

use event::Event;

use crate::elasticsearch::body::{Item, estimate};
use crate::elasticsearch::form::first_form;
use crate::elasticsearch::shared::Shared;
use crate::{IndexOperation, IndexPrefixes, ItemOutcome};

/// What is known of each operation.
type Outcomes = Vec<Option<ItemOutcome>>;

/// Operations of which no two are of one document.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) items: Vec<Item>,
    /// The operation before, of the same document.
    pub(super) after: HashMap<usize, usize>,
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Plan {
    /// Of what can never be indexed.
    pub(super) outcomes: Outcomes,
    pub(super) rounds: Vec<Round>,
    /// The indices that documents go to.
    pub(super) indices: BTreeSet<String>,
}

/// Looks all operations over. Those of one document go one after the other.
pub(super) fn plan(operations: &[IndexOperation], prefixes: &IndexPrefixes) -> Plan {
    let mut event = Event::new();
    let mut outcomes: Outcomes = Vec::with_capacity(operations.len());
    let mut rounds = vec![Round::default()];
    let mut indices = BTreeSet::new();
    let mut seen: hashbrown::HashMap<(&str, &str), (usize, usize)> =
        hashbrown::HashMap::with_capacity(operations.len());
    for (place, operation) in operations.iter().enumerate() {
        let form = match first_form(operation, prefixes, &mut event) {
            Ok(form) => form,
            Err(outcome) => {
                outcomes.push(Some(outcome));
                continue;
            }
        };
        outcomes.push(None);
        if !indices.contains(&*operation.index) {
            indices.insert(operation.index.to_string());
        }
        let key = (operation.id.as_str(), &*operation.index);
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
pub(super) fn chunks(
    shared: &Shared,
    operations: &[IndexOperation],
    items: Vec<Item>,
) -> Vec<Vec<Item>> {
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

#[cfg(test)]
mod tests {
    use super::{Plan, plan};
    use crate::IndexPrefixes;
    use crate::contract::operation;

    #[test]
    fn operations_of_one_document_go_one_after_the_other() {
        let mut operations: Vec<_> =
            ["a", "b", "a", "c", "a"].iter().map(|id| operation(0, id, "{}")).collect();
        operations[3].document = bytes::Bytes::from_static(b"[]");
        let Plan { outcomes, rounds, indices } = plan(&operations, &IndexPrefixes::default());
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
