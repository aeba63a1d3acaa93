//! Joins what several callers index at the same time into one bulk. An engine writes each shard's part of a request
//! to its disk by itself, so that many small requests cost it more than a few large ones.
//!
//! Whoever comes while nothing is on its way goes at once. Who comes meanwhile waits until as much has come
//! together as a request may hold, until a bulk ends, or for a moment, whichever is first, and, where as many
//! bulks run as the engine takes, until one ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::body::estimate;
use super::bulk;
use super::form::Form;
use super::shared::{Shared, mistake};
use crate::{IndexOperation, ItemOutcome, StoreError};

/// How long a caller waits for others while there is room for another bulk.
const LINGER: Duration = Duration::from_millis(100);

/// What a bulk came to, an outcome for each operation.
type Answer = Result<Vec<ItemOutcome>, StoreError>;

/// What one caller asks for.
#[derive(Debug)]
struct Call {
    operations: Vec<IndexOperation>,
    bytes: usize,
    answer: oneshot::Sender<Answer>,
}

/// What a bulk may hold.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    bytes: usize,
    documents: usize,
}

/// Whether callers that wait are sent off before a request is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Only if nothing is on its way.
    IfIdle,
    Now,
}

/// The rule, without waiting.
#[derive(Debug, Default)]
struct Waiting {
    calls: VecDeque<Call>,
    bytes: usize,
    documents: usize,
    running: usize,
}

impl Waiting {
    fn push(&mut self, call: Call) {
        self.bytes += call.bytes;
        self.documents += call.operations.len();
        self.calls.push_back(call);
    }

    /// The calls of the next bulk, if there is to be one, which runs from now on. A call is never divided.
    fn take(&mut self, due: Due, running_max: usize, bounds: Bounds) -> Option<Vec<Call>> {
        let is_full = self.bytes >= bounds.bytes || self.documents >= bounds.documents;
        let is_due = self.running == 0 || is_full || due == Due::Now;
        if self.calls.is_empty() || !is_due || self.running >= running_max.max(1) {
            return None;
        }
        let (mut bytes, mut documents) = (0, 0);
        let mut taken = Vec::new();
        while let Some(call) = self.calls.pop_front_if(|call| {
            let fits = bytes + call.bytes <= bounds.bytes
                && documents + call.operations.len() <= bounds.documents;
            fits || documents == 0
        }) {
            bytes += call.bytes;
            documents += call.operations.len();
            taken.push(call);
        }
        self.bytes -= bytes;
        self.documents -= documents;
        self.running += 1;
        Some(taken)
    }
}

/// Callers that wait, and how many bulks run.
#[derive(Debug, Default)]
pub(crate) struct Gather(Mutex<Waiting>);

impl Gather {
    fn with<T>(&self, act: impl FnOnce(&mut Waiting) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Indexes operations, together with those of others.
///
/// # Errors
/// Nothing can be indexed until somebody changes something.
pub(crate) async fn bulk(shared: &Arc<Shared>, operations: Vec<IndexOperation>) -> Answer {
    if operations.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = operations.iter().map(|operation| estimate(operation, Form::AsIs)).sum();
    let (answer, mut answered) = oneshot::channel();
    shared.gather.with(|waiting| waiting.push(Call { operations, bytes, answer }));
    start(shared, Due::IfIdle);
    let answer = match tokio::time::timeout(LINGER, &mut answered).await {
        Ok(answer) => answer,
        Err(_) => {
            start(shared, Due::Now);
            answered.await
        }
    };
    // Who runs it answers, or fails on its way.
    answer.unwrap_or_else(|_| Err(mistake()))
}

/// Sends off what is due.
fn start(shared: &Arc<Shared>, due: Due) {
    // Without a runtime the process ends, and with it whoever waits.
    let Ok(runtime) = Handle::try_current() else { return };
    let bounds =
        Bounds { bytes: shared.bulk_bytes_max(), documents: shared.config.bulk_documents_max };
    let limit = shared.concurrency.limit();
    while let Some(calls) = shared.gather.with(|waiting| waiting.take(due, limit, bounds)) {
        let running = Running(Arc::clone(shared));
        runtime.spawn(run(running, calls));
    }
}

/// A bulk that runs; when it ends, whatever way, the next may.
struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.gather.with(|waiting| waiting.running -= 1);
        start(&self.0, Due::Now);
    }
}

/// Runs one bulk for all these callers, for as long as one of them waits for it.
async fn run(running: Running, calls: Vec<Call>) {
    let mut operations = Vec::with_capacity(calls.iter().map(|call| call.operations.len()).sum());
    let mut callers = Vec::with_capacity(calls.len());
    for call in calls.into_iter().filter(|call| !call.answer.is_closed()) {
        callers.push((call.answer, call.operations.len()));
        operations.extend(call.operations);
    }
    let gone = futures::future::join_all(callers.iter_mut().map(|(answer, _)| answer.closed()));
    let outcome = tokio::select! {
        outcome = bulk::bulk(&running.0, operations) => outcome,
        _ = gone => return,
    };
    let mut outcomes = match outcome {
        Ok(outcomes) => outcomes.into_iter(),
        Err(error) => {
            callers.into_iter().for_each(|(answer, _)| drop(answer.send(Err(error.clone()))));
            return;
        }
    };
    for (answer, count) in callers {
        drop(answer.send(Ok(outcomes.by_ref().take(count).collect())));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::{Bounds, Call, Due, Waiting};
    use crate::contract::operation;

    const BOUNDS: Bounds = Bounds { bytes: 100, documents: 4 };

    fn waiting(calls: &[(usize, usize)]) -> Waiting {
        let mut waiting = Waiting::default();
        for (bytes, documents) in calls {
            let operations = (0..*documents).map(|_| operation(0, "a", "{}")).collect();
            waiting.push(Call { operations, bytes: *bytes, answer: oneshot::channel().0 });
        }
        waiting
    }

    /// Bytes of the calls of the next bulk.
    fn take(waiting: &mut Waiting, due: Due, running_max: usize) -> Option<Vec<usize>> {
        let calls = waiting.take(due, running_max, BOUNDS)?;
        Some(calls.iter().map(|call| call.bytes).collect())
    }

    #[test]
    fn the_first_goes_at_once_and_later_ones_when_they_are_many_or_due() {
        let mut waiting = waiting(&[(10, 1)]);
        assert_eq!(take(&mut waiting, Due::IfIdle, 8), Some(vec![10]));
        let few = self::waiting(&[(20, 1), (30, 1)]);
        few.calls.into_iter().for_each(|call| waiting.push(call));
        assert_eq!(take(&mut waiting, Due::IfIdle, 8), None);
        assert_eq!(take(&mut waiting, Due::Now, 8), Some(vec![20, 30]));
        let many = self::waiting(&[(60, 1), (50, 1)]);
        many.calls.into_iter().for_each(|call| waiting.push(call));
        assert_eq!(take(&mut waiting, Due::IfIdle, 8), Some(vec![60]));
        assert_eq!(take(&mut waiting, Due::IfIdle, 8), None);
        assert_eq!((waiting.bytes, waiting.documents, waiting.running), (50, 1, 3));
    }

    #[test]
    fn bounds_hold_for_bytes_and_documents_and_no_call_is_divided() {
        let mut waiting = waiting(&[(500, 9), (1, 3), (1, 2), (90, 1), (20, 1)]);
        for bulk in [vec![500], vec![1], vec![1, 90], vec![20]] {
            assert_eq!(take(&mut waiting, Due::Now, 8), Some(bulk));
        }
        assert_eq!(take(&mut waiting, Due::Now, 8), None);
    }

    #[test]
    fn no_more_run_than_the_engine_takes() {
        let mut waiting = waiting(&[(100, 4), (100, 4)]);
        assert_eq!(take(&mut waiting, Due::Now, 0), Some(vec![100]));
        assert_eq!(take(&mut waiting, Due::Now, 1), None);
        waiting.running -= 1;
        assert_eq!(take(&mut waiting, Due::Now, 1), Some(vec![100]));
    }
}
