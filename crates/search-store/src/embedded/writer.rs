//! The one writer: a thread that takes bulks, replaces what is already indexed, and commits for all that
//! wait. A bulk is answered when its documents are durable and can be found. It never parses a document.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{IndexWriter, Term};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::document::Indexed;
use super::folder::{self, FolderLock};
use super::identity::IdentityFilter;
use super::part::{Part, PartError, PartName};
use super::shared::{Shared, Snapshot};
use crate::{ItemOutcome, StoreError};

/// How long a document waits after the writer failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long the first bulks wait until the ids of before are known.
const KNOWN_WAIT: Duration = Duration::from_secs(5);
/// How often an idle writer looks for finished merges.
const IDLE: Duration = Duration::from_secs(2);
/// How often parts are held against the retention.
const RETENTION_CHECK: Duration = Duration::from_secs(600);
/// Writers that are open at a time: this week's, and one for a replay.
const WRITERS_MAX: usize = 2;
/// Without another bulk for this long, those that wait are all there is.
const QUIET: Duration = Duration::from_millis(20);
/// With fewer documents, commits are as far apart as a bulk may wait.
const QUIET_DOCUMENTS: usize = 200;
/// With more, there is this many times the length of a commit between two.
const PAUSE: u32 = 4;

/// What the writer is told.
pub(crate) enum Message {
    Bulk(Bulk),
    /// The ids that were indexed before the start.
    Known(IdentityFilter),
    /// To settle everything and end.
    Close,
}

/// The documents' outcomes in their order.
type Answer = Result<Vec<ItemOutcome>, StoreError>;

/// Documents that are ready to be indexed, and who waits for them.
pub(crate) struct Bulk {
    /// With the week of receipt.
    pub(crate) documents: Vec<(i64, Indexed)>,
    pub(crate) reply: oneshot::Sender<Answer>,
    /// Gives the room back that the documents take.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// The commits that take in a document and the removal of its earlier versions, by number.
type Commits = RangeInclusive<u64>;

/// A bulk whose documents are handed to tantivy, but not committed.
struct Waiting {
    commits: Vec<Result<Commits, PartError>>,
    reply: oneshot::Sender<Answer>,
    _permit: OwnedSemaphorePermit,
}

struct OpenWriter {
    part: Arc<Part>,
    writer: IndexWriter<Indexed>,
    changed: bool,
    last_used: u64,
}

/// The state of the writing thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    messages: Receiver<Message>,
    writers: Vec<OpenWriter>,
    waiting: Vec<Waiting>,
    pending: HashMap<Box<[u8]>, PartName>,
    pending_since: Option<Instant>,
    /// When the last commit ended, and how long it took.
    committed: (Instant, Duration),
    /// The number of the next commit, and those that failed since somebody was answered.
    commit: u64,
    failed: BTreeMap<u64, PartError>,
    /// Ids indexed since the start; with those from before once they are read.
    filter: IdentityFilter,
    filter_complete: bool,
    sequence: u64,
    turn: u64,
    retention_checked: Instant,
    /// Held until nothing is written any more.
    _lock: FolderLock,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, messages: Receiver<Message>, lock: FolderLock) -> Self {
        let filter = IdentityFilter::new(shared.config.identity_memory.as_usize());
        let snapshot = shared.snapshot();
        Self {
            shared,
            messages,
            writers: Vec::new(),
            waiting: Vec::new(),
            pending: HashMap::new(),
            pending_since: None,
            committed: (Instant::now(), Duration::ZERO),
            commit: 0,
            failed: BTreeMap::new(),
            filter,
            filter_complete: snapshot.parts.is_empty(),
            sequence: snapshot.sequence,
            turn: 0,
            retention_checked: Instant::now(),
            _lock: lock,
        }
    }

    /// Runs until it is told to close, or everybody who could tell is gone.
    pub(crate) fn run(mut self) {
        self.drop_old_parts();
        let mut open = self.wait_for_known_ids();
        while open {
            match self.messages.recv_timeout(self.patience()) {
                Ok(Message::Bulk(bulk)) => self.take(bulk),
                Ok(Message::Known(known)) => self.know(&known),
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => open = false,
                Err(RecvTimeoutError::Timeout) if self.waiting.is_empty() => self.open_merged(),
                Err(RecvTimeoutError::Timeout) => self.commit(),
            }
            if self.is_due() {
                self.commit();
            }
            self.shared.points.close_expired(Instant::now());
            if self.retention_checked.elapsed() >= RETENTION_CHECK {
                self.drop_old_parts();
            }
        }
        // Whoever asked before the end is still answered.
        while let Ok(message) = self.messages.try_recv() {
            if let Message::Bulk(bulk) = message {
                self.take(bulk);
            }
        }
        self.commit();
        self.shared.points.close_all();
    }

    /// Lets bulks wait a moment after the start: to look each id up would take longer. False if the
    /// store was closed meanwhile.
    fn wait_for_known_ids(&mut self) -> bool {
        let start = Instant::now();
        let mut early = Vec::new();
        let mut open = true;
        while open && !self.filter_complete {
            match self.messages.recv_timeout(KNOWN_WAIT.saturating_sub(start.elapsed())) {
                Ok(Message::Bulk(bulk)) => early.push(bulk),
                Ok(Message::Known(known)) => self.know(&known),
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => open = false,
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
        early.into_iter().for_each(|bulk| self.take(bulk));
        open
    }

    fn know(&mut self, known: &IdentityFilter) {
        self.filter.unite(known);
        self.filter_complete = true;
    }

    /// How long to wait for the next message.
    fn patience(&self) -> Duration {
        let Some(since) = self.pending_since else { return IDLE };
        let wait = self.shared.config.commit_wait.0;
        let left = wait.saturating_sub(since.elapsed());
        let (ended, length) = self.committed;
        let many = self.pending.len() >= QUIET_DOCUMENTS;
        let pause = if many { wait.min(length * PAUSE) } else { wait };
        left.min(pause.saturating_sub(ended.elapsed()).max(QUIET))
    }

    fn is_due(&self) -> bool {
        let waited = self
            .pending_since
            .is_some_and(|since| since.elapsed() >= self.shared.config.commit_wait.0);
        !self.waiting.is_empty()
            && (waited || self.pending.len() >= self.shared.config.commit_documents)
    }

    fn take(&mut self, bulk: Bulk) {
        let mut commits = Vec::with_capacity(bulk.documents.len());
        for (week, document) in bulk.documents {
            let first = self.commit;
            let added = self.add(week, document);
            commits.push(added.map(|()| first..=self.commit));
        }
        self.pending_since.get_or_insert_with(Instant::now);
        self.waiting.push(Waiting { commits, reply: bulk.reply, _permit: bulk.permit });
    }

    fn add(&mut self, week: i64, mut document: Indexed) -> Result<(), PartError> {
        let part = self.part_of(week)?;
        let identity: Box<[u8]> = document.identity().into();
        for place in self.earlier(&identity)? {
            let term = Term::from_field_bytes(place.catalog.handles.terms, &identity);
            self.change(&place, |writer| {
                writer.delete_query(Box::new(TermQuery::new(term, IndexRecordOption::Basic)))
            })?;
        }
        self.sequence += 1;
        document.set_sequence(self.sequence);
        self.change(&part, |writer| writer.add_document(document))?;
        self.filter.insert(&identity);
        self.pending.insert(identity, part.name);
        Ok(())
    }

    /// Changes a part.
    fn change(
        &mut self,
        part: &Arc<Part>,
        change: impl FnOnce(&mut IndexWriter<Indexed>) -> tantivy::Result<u64>,
    ) -> Result<(), PartError> {
        if let Some(error) = self.failed.get(&self.commit) {
            // Once is enough: whatever else waits for this commit comes again with it.
            return Err(error.clone());
        }
        let place = self.open_writer(part)?;
        let open = &mut self.writers[place];
        open.changed = true;
        match change(&mut open.writer) {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = PartError::from(error);
                self.abandon(part, &error);
                Err(error)
            }
        }
    }

    /// Gives a part's writer up: all that waits for this commit must come again. What the part holds
    /// is read anew, since nobody knows how far the engine came.
    fn abandon(&mut self, part: &Arc<Part>, error: &PartError) {
        tracing::error!(
            part = %part.name,
            %error,
            "the search index cannot be written; what waits is tried again"
        );
        self.failed.insert(self.commit, error.clone());
        self.writers.retain(|open| open.part.name != part.name);
        self.pending.retain(|_, name| *name != part.name);
        part.close();
    }

    /// The parts that hold an earlier version of a document.
    fn earlier(&self, identity: &[u8]) -> Result<Vec<Arc<Part>>, PartError> {
        let snapshot = self.shared.snapshot();
        let mut found = Vec::new();
        let pending = self.pending.get(identity);
        let may_be_committed = !self.filter_complete || self.filter.may_contain(identity);
        for part in snapshot.parts.iter().rev() {
            let here =
                pending == Some(&part.name) || (may_be_committed && self.holds(part, identity)?);
            if here {
                found.push(Arc::clone(part));
            }
        }
        Ok(found)
    }

    fn holds(&self, part: &Part, identity: &[u8]) -> Result<bool, PartError> {
        let view = self.shared.view(part)?;
        for segment in &view.segments {
            if segment.terms.terms().get(identity)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The part of a week that has the fields of now; made if there is none.
    fn part_of(&mut self, week: i64) -> Result<Arc<Part>, PartError> {
        let snapshot = self.shared.snapshot();
        let of_week = || snapshot.parts.iter().filter(|part| part.name.week == week);
        let current = &self.shared.catalog;
        if let Some(part) = of_week().find(|part| Arc::ptr_eq(&part.catalog, current)) {
            return Ok(Arc::clone(part));
        }
        let generation = of_week().map(|part| part.name.generation + 1).max().unwrap_or(1);
        let name = PartName { week, generation };
        let part = Arc::new(Part::create(&self.shared.folder, name, Arc::clone(current))?);
        let mut parts = snapshot.parts.clone();
        parts.push(Arc::clone(&part));
        parts.sort_by_key(|part| part.name);
        self.shared.publish(Snapshot { parts, sequence: snapshot.sequence });
        Ok(part)
    }

    /// The place of a part's writer, opened if need be.
    fn open_writer(&mut self, part: &Arc<Part>) -> Result<usize, PartError> {
        self.turn += 1;
        if let Some(place) = self.writers.iter().position(|open| open.part.name == part.name) {
            self.writers[place].last_used = self.turn;
            return Ok(place);
        }
        if self.writers.len() >= WRITERS_MAX {
            self.settle();
            self.writers.sort_by_key(|open| open.last_used);
            let closed = self.writers.len().saturating_sub(WRITERS_MAX - 1);
            self.writers.drain(..closed);
        }
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(self.shared.config.writer_memory.as_usize().max(16 << 20))
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer: IndexWriter<Indexed> = part.index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(merge_policy()));
        self.writers.push(OpenWriter {
            part: Arc::clone(part),
            writer,
            changed: false,
            last_used: self.turn,
        });
        Ok(self.writers.len() - 1)
    }

    /// Makes durable and visible all that changed.
    fn settle(&mut self) {
        let start = Instant::now();
        let mut failures = Vec::new();
        for open in self.writers.iter_mut().filter(|open| open.changed) {
            let committed = open.writer.commit().map_err(PartError::from);
            match committed.and_then(|_| open.part.settle(&self.shared.folder)) {
                Ok(()) => open.changed = false,
                Err(error) => failures.push((Arc::clone(&open.part), error)),
            }
        }
        failures.iter().for_each(|(part, error)| self.abandon(part, error));
        let parts = self.shared.snapshot().parts.clone();
        self.shared.publish(Snapshot { parts, sequence: self.sequence });
        self.pending.clear();
        self.commit += 1;
        self.committed = (Instant::now(), start.elapsed());
    }

    /// Settles, and answers all that wait.
    fn commit(&mut self) {
        self.settle();
        self.pending_since = None;
        let failed = mem::take(&mut self.failed);
        for waiting in mem::take(&mut self.waiting) {
            let outcomes = waiting.commits.into_iter().map(|commits| match commits {
                Ok(commits) => match failed.range(commits).next() {
                    None => Ok(ItemOutcome::Done),
                    Some((_, error)) => outcome_of(error),
                },
                Err(error) => outcome_of(&error),
            });
            // Whoever asked may be gone; the documents are indexed all the same.
            drop(waiting.reply.send(outcomes.collect()));
        }
    }

    /// Opens what merges made while nothing was written, so that the merged files can go.
    fn open_merged(&mut self) {
        let snapshot = self.shared.snapshot();
        for part in &snapshot.parts {
            let reloaded = part
                .is_stale()
                .and_then(|stale| if stale { part.reload().map(|_| ()) } else { Ok(()) });
            if let Err(error) = reloaded {
                tracing::warn!(part = %part.name, %error, "merged segments cannot be opened");
            }
        }
    }

    fn drop_old_parts(&mut self) {
        self.retention_checked = Instant::now();
        let now_ns = jiff::Timestamp::now().as_nanosecond();
        let kept_ns =
            i128::try_from(self.shared.config.retention.0.as_nanos()).unwrap_or(i128::MAX);
        let snapshot = self.shared.snapshot();
        let is_old = |name: PartName| i128::from(name.end_ns()) + kept_ns < now_ns;
        if snapshot.parts.iter().any(|part| is_old(part.name)) {
            self.settle();
            self.writers.retain(|open| !is_old(open.part.name));
            let kept = snapshot.parts.iter().filter(|part| !is_old(part.name));
            let parts = kept.cloned().collect();
            self.shared.publish(Snapshot { parts, sequence: self.sequence });
        }
        // By what the folder holds: what could not be dropped the last time is no longer known here.
        if let Err(error) = folder::drop_parts(&self.shared.folder, is_old) {
            tracing::warn!(%error, "parts of the search index cannot be dropped; it is tried again");
        }
    }
}

/// A machine that failed may work later; damage stays, whatever is tried.
fn outcome_of(error: &PartError) -> Result<ItemOutcome, StoreError> {
    match error {
        PartError::Io(reason) => Ok(ItemOutcome::Retry {
            after: RETRY_AFTER,
            reason: format!("the search index: {reason}"),
        }),
        PartError::Damaged(reason) => Err(StoreError::Fatal(format!(
            "a part of the search index is damaged: {reason}; restart, which sets it aside"
        ))),
    }
}

/// Eight segments of one size, within a factor of four, become one; beyond two million documents none
/// is merged, so that no merge takes minutes.
fn merge_policy() -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(8);
    policy.set_level_log_size(2.0);
    policy.set_min_layer_size(1_000);
    policy.set_max_docs_before_merge(2_000_000);
    policy.set_del_docs_ratio_before_merge(0.3);
    policy
}
