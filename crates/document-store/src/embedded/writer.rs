//! The writing thread: takes the calls that wait and makes each run of changes one transaction.

use redb::Durability;
use tokio::sync::{mpsc, oneshot};

use super::database::Failure;
use super::{Shared, change, collection};
use crate::{Change, CollectionSpec, DocumentError, ErrorKind};

use std::sync::PoisonError;

/// How many calls go into one transaction.
const GROUP_CALLS: usize = 64;

/// A call that waits.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Result<(), DocumentError>>,
}

/// What is to be written.
pub(super) enum Work {
    Ensure(Vec<CollectionSpec>),
    Apply { collection: String, changes: Vec<Change> },
}

/// Writes until the store is dropped.
pub(super) fn run(shared: &Shared, mut jobs: mpsc::Receiver<Job>) {
    let mut waiting = Vec::with_capacity(GROUP_CALLS);
    while jobs.blocking_recv_many(&mut waiting, GROUP_CALLS) > 0 {
        // Whoever has gone away would not know whether it happened: it does not.
        waiting.retain(|job| !job.answer.is_closed());
        let joins = |a: &Job, b: &Job| {
            matches!((&a.work, &b.work), (Work::Apply { .. }, Work::Apply { .. }))
        };
        let mut results = Vec::with_capacity(waiting.len());
        for run in waiting.chunk_by(joins) {
            write_run(shared, run, &mut results);
        }
        for (job, result) in waiting.drain(..).zip(results) {
            // Nobody listens any more; it is written all the same.
            drop(job.answer.send(result));
        }
    }
}

/// Writes all in one transaction; if one of them is refused, each in its own. When the file fails nobody
/// knows whether a commit was done: then nothing is tried again here.
fn write_run(shared: &Shared, run: &[Job], results: &mut Vec<Result<(), DocumentError>>) {
    match write(shared, run) {
        Ok(()) => results.extend(run.iter().map(|_| Ok(()))),
        Err(error) if run.len() == 1 => results.push(Err(error)),
        Err(error) if matches!(error.kind, ErrorKind::Transient | ErrorKind::Fatal) => {
            results.extend(run.iter().map(|_| Err(error.clone())));
        }
        Err(_) => {
            results.extend(run.iter().map(|job| write(shared, std::slice::from_ref(job))));
        }
    }
}

fn write(shared: &Shared, run: &[Job]) -> Result<(), DocumentError> {
    let changed = shared.database.with(|database| {
        let mut transaction = database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        let mut changed = Vec::new();
        for job in run {
            match &job.work {
                Work::Ensure(specs) => {
                    let catalog = shared.catalog.read().unwrap_or_else(PoisonError::into_inner);
                    changed = collection::ensure(&transaction, &catalog, specs)?;
                }
                Work::Apply { collection, changes } => {
                    let collection = shared.collection(collection)?;
                    change::apply(&transaction, &collection, changes)?;
                }
            }
        }
        transaction.commit()?;
        Ok::<_, Failure>(changed)
    })?;
    let mut catalog = shared.catalog.write().unwrap_or_else(PoisonError::into_inner);
    catalog.extend(changed.into_iter().map(|collection| (collection.name.clone(), collection)));
    Ok(())
}
