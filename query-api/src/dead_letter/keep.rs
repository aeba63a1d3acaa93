//! Keeps the letters of `logs.dead` for browsing: a consumer of its own, so that an API that is down
//! loses none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::{Positioned, Record, TOPIC_DEAD};
use document_store::{Change, Document, DocumentError, DocumentStore, ErrorKind, Expect};
use pipeline::{DeadLetter, Fatal, Outcome, Rejection, RunnerSpec, Sink, Stage, State, Verdict};

use super::letters::{DEAD_LETTERS, Stored};

/// The consumer group of dead letters, which is their stage's name too.
pub const DEAD_LETTERS_GROUP: &str = "dead-letters";
/// The longest id, stage or kind of a letter that is kept.
const NAME_BYTES_MAX: usize = 256;
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// What runs on `logs.dead`.
pub(crate) fn runner(documents: Arc<dyn DocumentStore>) -> RunnerSpec {
    RunnerSpec {
        name: DEAD_LETTERS_GROUP,
        topics: vec![TOPIC_DEAD.to_owned()],
        make_stage: Arc::new(|| Box::new(PassOn)),
        resolver: None,
        state: None,
        sink: Arc::new(DeadLetterSink { documents }),
    }
}

/// Decides nothing: the sink reads the letters.
struct PassOn;

impl Stage for PassOn {
    fn process(&mut self, batch: &[Positioned], _: &mut State) -> Vec<Verdict> {
        let forward = |positioned: &Positioned| {
            Verdict::Forward(std::iter::once(positioned.record.clone()).collect())
        };
        batch.iter().map(forward).collect()
    }

    fn is_light(&self) -> bool {
        true
    }
}

/// Reads a letter that can be stored: what is indexed of it is short.
fn read(record: &Record) -> Result<DeadLetter, Rejection> {
    let letter = DeadLetter::from_record(record)?;
    let too_long = [&letter.id, &letter.stage, &letter.kind]
        .into_iter()
        .any(|name| name.len() > NAME_BYTES_MAX);
    if too_long {
        return Err(Rejection {
            kind: "invalid_dead_letter".into(),
            message: format!("a dead letter's names have at most {NAME_BYTES_MAX} bytes"),
            position_bytes: None,
        });
    }
    Ok(letter)
}

/// Stores letters.
struct DeadLetterSink {
    documents: Arc<dyn DocumentStore>,
}

#[async_trait]
impl Sink for DeadLetterSink {
    async fn deliver(&self, items: &[Record]) -> Result<Vec<Outcome>, Fatal> {
        let read: Vec<_> = items.iter().map(read).collect();
        let stored = self.store(read.iter().flatten()).await;
        let outcome = |read: Result<DeadLetter, Rejection>| match (read, &stored) {
            (Err(rejection), _) => Outcome::Rejected(rejection),
            (Ok(_), Ok(())) => Outcome::Delivered,
            (Ok(_), Err(error)) => {
                Outcome::RetryLater { after: RETRY_AFTER, reason: error.to_string() }
            }
        };
        match &stored {
            Err(error) if matches!(error.kind, ErrorKind::Fatal | ErrorKind::Invalid) => {
                Err(Fatal(error.to_string()))
            }
            _ => Ok(read.into_iter().map(outcome).collect()),
        }
    }
}

impl DeadLetterSink {
    async fn store(&self, letters: impl Iterator<Item = &DeadLetter>) -> Result<(), DocumentError> {
        // Of a record that died twice of the same bytes within the batch, the last letter stands.
        let letters: HashMap<&str, &DeadLetter> =
            letters.map(|letter| (letter.id.as_str(), letter)).collect();
        let there = self.there(letters.values().copied()).await?;
        let mut changes = Vec::with_capacity(letters.len());
        for letter in letters.into_values() {
            // One that was stored before ids had a hash keeps its id, for those who have noted it down.
            let of_before = letter.id_without_hash().filter(|id| {
                there.get(id).is_some_and(|earlier| letter.continues(&earlier.letter))
            });
            let id = of_before.unwrap_or_else(|| letter.id.clone());
            // A letter that is read again says nothing new, and must not undo the mark of its replay.
            if there.get(&id).is_some_and(|known| known.letter.attempt >= letter.attempt) {
                continue;
            }
            let letter = DeadLetter { id: id.clone(), ..letter.clone() };
            let body = Stored::new(letter).body()?;
            changes.push(Change::Put { id, body, expect: Expect::Any });
        }
        self.documents.apply(DEAD_LETTERS.name, changes).await
    }

    /// What is stored under the ids that these letters have, or had before ids had a hash.
    async fn there(
        &self,
        letters: impl Iterator<Item = &DeadLetter>,
    ) -> Result<HashMap<String, Stored>, DocumentError> {
        // Many letters may have had one id: it is read once.
        let ids: HashSet<String> = letters
            .flat_map(|letter| std::iter::once(letter.id.clone()).chain(letter.id_without_hash()))
            .collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let there = self.documents.get_many(DEAD_LETTERS.name, &ids).await?;
        let read = |document: Document| {
            let stored = Stored::read(&document).ok()?;
            Some((document.id, stored))
        };
        Ok(there.into_iter().flatten().filter_map(read).collect())
    }
}
