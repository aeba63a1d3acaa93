//! Several changes: all of them in one transaction, or none. A transaction that others got in the way
//! of is made again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use mongodb::bson::Document as Record;
use mongodb::options::{ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use mongodb::{ClientSession, Database};

use super::change::duplicate;
use super::client::Deadline;
use super::error::{self, DUPLICATE_KEY, Failure, WRITE_CONFLICT};
use super::steps::{Kind, Step};
use crate::catalog::Collection;
use crate::{Change, DocumentError, ErrorKind};

/// How often a transaction is made until it is given up.
const ATTEMPTS_MAX: u32 = 12;
/// How often a commit is asked for again whose outcome is not known.
const COMMITS_MAX: u32 = 5;
const DELAY_MIN: Duration = Duration::from_millis(5);
const DELAY_MAX: Duration = Duration::from_millis(250);

/// Why a transaction did not come to its end.
enum Stop {
    /// Another one was in the way.
    Again,
    /// It would fail again.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        let failure = error.into();
        if failure.lets_try_again() { Self::Again } else { Self::Failed(failure) }
    }
}

/// Makes the changes where all their conditions hold.
pub(super) async fn apply(
    place: &str,
    database: &Database,
    collection: &Collection,
    changes: &[Change],
    deadline: Deadline,
) -> Result<(), Failure> {
    let steps = Step::all(collection, changes)?;
    let mut session = database.client().start_session().await?;
    for attempt in 0..ATTEMPTS_MAX {
        wait(attempt).await;
        deadline.check()?;
        let mut work = Work { place, database, collection, session: &mut session, deadline };
        match work.attempt(&steps).await {
            Ok(()) => return Ok(()),
            Err(Stop::Failed(failure)) => return Err(failure),
            Err(Stop::Again) => {}
        }
    }
    let text = format!(
        "{} changes of `{}` at {place} were given up: others changed the same documents meanwhile, \
         or the server was being replaced, {ATTEMPTS_MAX} times",
        changes.len(),
        collection.name
    );
    Err(DocumentError::new(ErrorKind::Transient, text).into())
}

/// Waits before an attempt that is not the first: longer each time, and not as long as others do.
async fn wait(attempt: u32) {
    if attempt > 0 {
        let longest = DELAY_MIN.saturating_mul(1 << attempt.min(10)).min(DELAY_MAX);
        let percent = u32::try_from(RandomState::new().hash_one(attempt) % 100).unwrap_or_default();
        tokio::time::sleep(longest * percent / 100).await;
    }
}

struct Work<'w> {
    place: &'w str,
    database: &'w Database,
    collection: &'w Collection,
    session: &'w mut ClientSession,
    deadline: Deadline,
}

impl Work<'_> {
    async fn attempt(&mut self, steps: &[Step<'_>]) -> Result<(), Stop> {
        self.session
            .start_transaction()
            .read_concern(ReadConcern::snapshot())
            .write_concern(WriteConcern::majority())
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .await?;
        for step in steps {
            if let Err(stop) = self.step(step).await {
                // The server ends what is not committed also by itself.
                drop(self.session.abort_transaction().await);
                return Err(stop);
            }
        }
        self.commit().await
    }

    async fn step(&mut self, step: &Step<'_>) -> Result<(), Stop> {
        let command = step.command(&self.collection.name);
        let reply = self.database.run_command(command).session(&mut *self.session).await?;
        if let Ok(errors) = reply.get_array("writeErrors")
            && let Some(error) = errors.first().and_then(|error| error.as_document())
        {
            return Err(self.refused(step, error));
        }
        let counted = reply.get_i32("n").map_or(0, |n| usize::try_from(n).unwrap_or_default());
        if step.kind.counts_all() && counted != step.ids.len() {
            return Err(Stop::Failed(self.other_version(step).into()));
        }
        if step.kind == Kind::Absent {
            let command = step.removal(&self.collection.name);
            self.database.run_command(command).session(&mut *self.session).await?;
        }
        Ok(())
    }

    /// What the error of one statement means.
    fn refused(&self, step: &Step<'_>, error: &Record) -> Stop {
        let text = error.get_str("errmsg").unwrap_or_default();
        let place = error.get_i32("index").ok().and_then(|index| usize::try_from(index).ok());
        let id = place.and_then(|place| step.ids.get(place)).unwrap_or(&"?");
        let is_id = error.get_document("keyPattern").is_ok_and(|keys| keys.contains_key("_id"));
        match error.get_i32("code") {
            Ok(WRITE_CONFLICT) => Stop::Again,
            // Another one has stored the same new document meanwhile: now it can be replaced.
            Ok(DUPLICATE_KEY) if is_id && step.kind == Kind::Update => Stop::Again,
            Ok(DUPLICATE_KEY) => Stop::Failed(duplicate(self.collection, id, text).into()),
            _ => Stop::Failed(error::of_write_error(self.place, error).into()),
        }
    }

    fn other_version(&self, step: &Step<'_>) -> DocumentError {
        let name = &self.collection.name;
        let text = match step.ids.as_slice() {
            [id] => format!("document {id} of `{name}` does not have the version expected"),
            ids => format!(
                "one of {} documents of `{name}` ({} and others) does not have the version expected",
                ids.len(),
                ids[0]
            ),
        };
        DocumentError::new(ErrorKind::Conflict, text)
    }

    async fn commit(&mut self) -> Result<(), Stop> {
        let mut attempt = 0;
        loop {
            match self.session.commit_transaction().await {
                Ok(()) => return Ok(()),
                Err(error)
                    if error::is_commit_unknown(&error)
                        && attempt < COMMITS_MAX
                        && !self.deadline.is_over() =>
                {
                    attempt += 1;
                    wait(attempt).await;
                }
                // It may have happened: to make it again would make it twice.
                Err(error) if error::is_commit_unknown(&error) => {
                    return Err(Stop::Failed(error.into()));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
