//! What is known of names and addresses, for filters that need what only the network knows. A filter asks here and
//! never waits: what is missing is noted, found between two batches by the resolver, and kept for a while.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The first address of this name.
    Address(Box<str>),
    /// The name of this address.
    Name(IpAddr),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An address or a name.
    Found(Box<str>),
    /// There is none, or the server says that it cannot tell.
    Missing,
    /// No server answered in time.
    TimedOut,
}

/// How one filter wants its questions answered.
#[derive(Clone, Debug)]
pub struct LookupSettings {
    /// Servers in place of the system's.
    pub servers: Vec<SocketAddr>,
    /// Domains that a short name is looked up in.
    pub search: Vec<String>,
    /// How many dots a name has that is looked up as it is first.
    pub dots: Option<usize>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Attempts after the first.
    pub retries: usize,
    /// How many answers are kept.
    pub kept_max: NonZeroUsize,
    /// How long what was found is kept.
    pub found_for: Duration,
    /// How long it is kept that nothing was found.
    pub missing_for: Duration,
    /// Of files in the form of `/etc/hosts`: addresses by name, and names by address.
    pub hosts: BTreeMap<String, String>,
}

/// What one rehearsal of a pipeline has asked in vain, by filter. Never shared: each partition rehearses its own batch,
/// and waits for its own answers.
#[derive(Debug, Default)]
pub struct Wanted(Vec<(Arc<Lookups>, HashSet<Question>)>);

impl Wanted {
    fn add(&mut self, lookups: &Arc<Lookups>, question: &Question) {
        let known = self.0.iter_mut().find(|(of, _)| Arc::ptr_eq(of, lookups));
        match known {
            Some((_, questions)) => {
                questions.insert(question.clone());
            }
            None => self.0.push((Arc::clone(lookups), HashSet::from([question.clone()]))),
        }
    }

    /// Takes the questions, each filter's by themselves.
    pub(crate) fn take(&mut self) -> Vec<(Arc<Lookups>, HashSet<Question>)> {
        std::mem::take(&mut self.0)
    }
}

/// The questions of one filter with their answers, shared by its instances.
#[derive(Debug)]
pub struct Lookups {
    settings: LookupSettings,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    /// Answers, and when they are to be asked again.
    known: LruCache<Question, (Answer, Instant)>,
    /// When the last batch began to be looked at.
    now: Instant,
}

impl Lookups {
    /// An empty table.
    #[must_use]
    pub fn new(settings: LookupSettings) -> Self {
        let known = LruCache::new(settings.kept_max);
        let table = Table { known, now: Instant::now() };
        Self { settings, table: Mutex::new(table) }
    }

    /// How its questions are to be answered.
    #[must_use]
    pub fn settings(&self) -> &LookupSettings {
        &self.settings
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer, if it is known, however old it is.
    pub fn ask(&self, question: &Question) -> Option<Answer> {
        self.table().known.get(question).map(|(answer, _)| answer.clone())
    }

    /// The answer, if it is known and not too old; otherwise it is wanted.
    pub fn rehearse(self: &Arc<Self>, question: &Question, wanted: &mut Wanted) -> Option<Answer> {
        let answer = {
            let mut table = self.table();
            let now = table.now;
            let known = table.known.get(question).filter(|(_, until)| *until > now);
            known.map(|(answer, _)| answer.clone())
        };
        if answer.is_none() {
            wanted.add(self, question);
        }
        answer
    }

    /// Begins with another batch.
    pub(crate) fn begin(&self, now: Instant) {
        self.table().now = now;
    }

    /// Keeps an answer.
    pub(crate) fn put(&self, question: Question, answer: Answer, now: Instant) {
        let kept_for = match answer {
            Answer::Found(_) => self.settings.found_for,
            Answer::Missing | Answer::TimedOut => self.settings.missing_for,
        };
        // What was just asked serves the batch that asked it, however short it is kept.
        self.table().known.put(question, (answer, now + kept_for));
    }
}
