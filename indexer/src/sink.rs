//! The sink in front of the search store: one attempt, one answer for each document.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bus::Record;
use pipeline::{Fatal, Outcome, Rejection, Sink};
use search_store::{
    IndexOperation, IndexPrefixes, ItemOutcome, SearchStore, StoreError, StoreErrorKind,
};

use crate::operation::OperationReader;

/// Wait before a store that could not be asked is asked again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Indexes records in a search store.
pub struct SearchSink {
    search: Arc<dyn SearchStore>,
    prefixes: Arc<IndexPrefixes>,
    readers: Mutex<Vec<OperationReader>>,
}

impl std::fmt::Debug for SearchSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchSink").finish_non_exhaustive()
    }
}

impl SearchSink {
    /// A sink in front of this store, whose documents may go to indices of these beginnings beside the platform's own.
    #[must_use]
    pub fn new(search: Arc<dyn SearchStore>, prefixes: IndexPrefixes) -> Self {
        Self { search, prefixes: Arc::new(prefixes), readers: Mutex::default() }
    }

    /// The operations of a batch, or why a record has none. A reader is kept for the next batch.
    fn operations(&self, items: &[Record]) -> Vec<Result<IndexOperation, Rejection>> {
        let readers = || self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = readers().pop();
        let mut reader = kept.unwrap_or_else(|| OperationReader::new(Arc::clone(&self.prefixes)));
        let operations = items.iter().map(|item| reader.read(item)).collect();
        readers().push(reader);
        operations
    }
}

#[async_trait]
impl Sink for SearchSink {
    async fn deliver(&self, items: &[Record]) -> Result<Vec<Outcome>, Fatal> {
        let mut operations = Vec::with_capacity(items.len());
        let mut outcomes = Vec::with_capacity(items.len());
        for operation in self.operations(items) {
            match operation {
                Ok(operation) => {
                    operations.push(operation);
                    outcomes.push(None);
                }
                Err(rejection) => outcomes.push(Some(Outcome::Rejected(rejection))),
            }
        }
        let asked = operations.len();
        let mut answers = match self.search.bulk(operations).await {
            Ok(answers) if answers.len() == asked => answers.into_iter(),
            Ok(answers) => {
                let count = answers.len();
                return Err(Fatal(format!(
                    "the search store answered {count} of {asked} operations: this is a mistake in it"
                )));
            }
            Err(error) => return unanswered(error, outcomes),
        };
        let outcome = |known: Option<Outcome>| {
            known.or_else(|| answers.next().map(from_store)).unwrap_or(Outcome::Delivered)
        };
        Ok(outcomes.into_iter().map(outcome).collect())
    }
}

/// What becomes of a batch that the store did not take at all.
fn unanswered(error: StoreError, outcomes: Vec<Option<Outcome>>) -> Result<Vec<Outcome>, Fatal> {
    let after = match &error {
        StoreError::Unavailable { after, .. } => *after,
        _ if error.kind() == StoreErrorKind::Unavailable => RETRY_AFTER,
        _ => return Err(Fatal(error.to_string())),
    };
    let reason = error.to_string();
    let retry = || Outcome::RetryLater { after, reason: reason.clone() };
    Ok(outcomes.into_iter().map(|known| known.unwrap_or_else(retry)).collect())
}

fn from_store(outcome: ItemOutcome) -> Outcome {
    match outcome {
        ItemOutcome::Done => Outcome::Delivered,
        ItemOutcome::Retry { after, reason } => Outcome::RetryLater { after, reason },
        ItemOutcome::Rejected { kind, message } => {
            Outcome::Rejected(Rejection { kind: kind.into(), message, position_bytes: None })
        }
    }
}

#[cfg(test)]
mod tests;
