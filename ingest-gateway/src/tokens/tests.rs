//! The table against a store that goes away and comes back, and against those who guess.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use document_store::{
    Change, CollectionSpec, Document, DocumentError, DocumentStore, ErrorKind, Find, Found as Page,
    IndexValue,
};
use jiff::Timestamp;
use service::{Context, HealthState};
use shops::NewToken;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::{Found, PART, Tokens};

/// A store of tokens in memory, that can be away.
#[derive(Default)]
pub(crate) struct Book {
    documents: Mutex<Vec<Document>>,
    pub(crate) is_away: AtomicBool,
    /// How often all tokens were read.
    reads: AtomicUsize,
}

impl Book {
    /// Makes a token of a shop, and gives its id and its text.
    pub(crate) async fn give(&self, shop: &str) -> (String, String) {
        self.give_until(shop, None).await
    }

    /// The same of one that ends.
    pub(crate) async fn give_until(
        &self,
        shop: &str,
        expires_at: Option<Timestamp>,
    ) -> (String, String) {
        let (shop, created_by) = (shop.parse().unwrap(), "ada".to_owned());
        let new = NewToken { shop, label: None, expires_at, created_by };
        let (token, text) = shops::create(self, new).await.unwrap();
        (token.id, text)
    }

    pub(crate) async fn revoke(&self, id: &str) {
        shops::revoke(self, id, Timestamp::now()).await.unwrap().unwrap();
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    fn answer(&self) -> Result<(), DocumentError> {
        match self.is_away.load(Ordering::Relaxed) {
            true => Err(DocumentError::new(ErrorKind::Transient, "the store is away")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl DocumentStore for Book {
    async fn ensure_collections(&self, _: &[CollectionSpec]) -> Result<(), DocumentError> {
        self.answer()
    }

    async fn get_many(
        &self,
        _: &str,
        ids: &[&str],
    ) -> Result<Vec<Option<Document>>, DocumentError> {
        self.answer()?;
        let documents = self.documents.lock().unwrap();
        let get = |id: &&str| documents.iter().find(|document| document.id == **id).cloned();
        Ok(ids.iter().map(get).collect())
    }

    async fn apply(&self, _: &str, changes: Vec<Change>) -> Result<(), DocumentError> {
        self.answer()?;
        let mut documents = self.documents.lock().unwrap();
        for change in changes {
            let (id, body) = match change {
                Change::Put { id, body, .. } => (id, Some(body)),
                Change::Delete { id, .. } => (id, None),
            };
            documents.retain(|document| document.id != id);
            documents.extend(body.map(|body| Document { id, version: 1, body }));
        }
        Ok(())
    }

    async fn find(&self, _: &str, _: &str, _: &Find) -> Result<Page, DocumentError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.answer()?;
        let mut documents = self.documents.lock().unwrap().clone();
        documents.retain(is_token);
        Ok(Page { documents, next: None })
    }

    async fn count(&self, _: &str, _: &str, _: &[IndexValue]) -> Result<u64, DocumentError> {
        self.answer().map(|()| 0)
    }
}

/// Whether a document is in the index: what says that tokens have changed is none of them.
fn is_token(document: &Document) -> bool {
    document.id.len() == 32
}

struct Rig {
    book: Arc<Book>,
    context: Context,
    tokens: Arc<Tokens>,
    _watching: AbortOnDropHandle<()>,
}

fn rig(refresh_interval: Duration) -> Rig {
    let (book, context) = (Arc::new(Book::default()), Context::default());
    let tokens = Tokens::new(Some(book.clone()), &context);
    let watching = Arc::clone(&tokens).watch(refresh_interval, context.clone());
    let watching = AbortOnDropHandle::new(tokio::spawn(watching));
    Rig { book, context, tokens, _watching: watching }
}

impl Rig {
    fn find(&self, token: &str) -> Found {
        self.tokens.find(token.as_bytes(), Timestamp::now())
    }

    async fn find_anew(&self, token: &str) -> Found {
        self.tokens.find_anew(token.as_bytes(), Timestamp::now()).await
    }

    fn age_seconds(&self) -> f64 {
        let text = self.context.metrics.text();
        let name = "millrace_gateway_tokens_age_seconds ";
        let age = text.lines().find_map(|line| line.strip_prefix(name));
        age.unwrap().parse().unwrap()
    }
}

fn of(shop: &str) -> Found {
    Found::Of(shop.parse().unwrap())
}

fn guess(number: u32) -> String {
    format!("mrt_{number:043}")
}

#[tokio::test(start_paused = true)]
async fn a_new_token_is_known_at_once_and_those_who_guess_do_not_weary_the_store() {
    let rig = rig(Duration::from_secs(3_600));
    let (_, north) = rig.book.give("north").await;
    assert_eq!(rig.find(&north), Found::Untold, "nothing was read yet");
    assert_eq!(rig.find_anew(&north).await, of("north"));
    let (_, south) = rig.book.give("south").await;
    assert_eq!(rig.find(&south), Found::Unknown);
    assert_eq!(rig.find_anew(&south).await, of("south"));

    let before = rig.book.reads();
    let mut guesses = JoinSet::new();
    for number in 0..500 {
        let (tokens, guess) = (Arc::clone(&rig.tokens), guess(number));
        guesses.spawn(async move { tokens.find_anew(guess.as_bytes(), Timestamp::now()).await });
    }
    while let Some(found) = guesses.join_next().await {
        assert_eq!(found.unwrap(), Found::Unknown);
    }
    assert_eq!(rig.book.reads(), before, "nothing has changed");
    let (looks, begun) = (rig.tokens.looks(), Instant::now());
    for number in 0..5 {
        assert_eq!(rig.find_anew(&guess(number)).await, Found::Unknown);
    }
    assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(rig.tokens.looks() - looks <= 6, "one look is for all who ask");
    assert_eq!(rig.book.reads(), before);
    assert_eq!(rig.find(&north), of("north"));
}

#[tokio::test(start_paused = true)]
async fn all_are_read_when_some_have_changed_and_else_once_a_minute() {
    let rig = rig(Duration::from_secs(2));
    let (id, north) = rig.book.give("north").await;
    assert_eq!(rig.find_anew(&north).await, of("north"));
    let (before, looks) = (rig.book.reads(), rig.tokens.looks());
    sleep(Duration::from_secs(50)).await;
    assert_eq!(rig.book.reads(), before, "nothing has changed");
    assert!(rig.tokens.looks() > looks + 20 && rig.age_seconds() < 3.0, "it is looked at");
    let (_, south) = rig.book.give("south").await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!((rig.find(&south), rig.book.reads()), (of("south"), before + 1));
    rig.book.revoke(&id).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!((rig.find(&north), rig.book.reads()), (Found::Revoked, before + 2));

    // Somebody makes one, and does not say so.
    let told = rig.book.documents.lock().unwrap().clone();
    let (_, west) = rig.book.give("west").await;
    {
        let mut documents = rig.book.documents.lock().unwrap();
        documents.retain(is_token);
        documents.extend(told.into_iter().filter(|document| !is_token(document)));
    }
    sleep(Duration::from_secs(50)).await;
    assert_eq!((rig.find(&west), rig.book.reads()), (Found::Unknown, before + 2));
    sleep(Duration::from_secs(20)).await;
    assert_eq!((rig.find(&west), rig.book.reads()), (of("west"), before + 3));
}

#[tokio::test(start_paused = true)]
async fn only_an_end_is_told_to_those_who_wait_for_one() {
    let rig = rig(Duration::from_secs(2));
    let (id, north) = rig.book.give("north").await;
    assert_eq!(rig.find_anew(&north).await, of("north"));
    let mut endings = rig.tokens.endings();
    rig.book.give("south").await;
    sleep(Duration::from_secs(70)).await;
    assert!(!endings.has_changed().unwrap(), "one more, and all were read");
    rig.book.revoke(&id).await;
    endings.changed().await.unwrap();
    assert_eq!(rig.find(&north), Found::Revoked, "it is known when it is told");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_leaves_the_tokens_in_force_and_that_shows() {
    let rig = rig(Duration::from_secs(2));
    let (id, north) = rig.book.give("north").await;
    assert_eq!(rig.find_anew(&north).await, of("north"));
    rig.book.is_away.store(true, Ordering::Relaxed);
    let looks = rig.tokens.looks();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(rig.find(&north), of("north"));
    let made_elsewhere = guess(0);
    assert_eq!(rig.find_anew(&made_elsewhere).await, Found::Untold, "it may be a new one");
    assert!(rig.age_seconds() >= 50.0, "{}", rig.age_seconds());
    assert!(rig.tokens.looks() > looks + 20, "it is looked again and again");
    let parts = rig.context.health.parts();
    assert!(matches!(&parts[PART], HealthState::Degraded { reason } if reason.contains("away")));
    assert!(rig.context.health.is_ready());

    rig.book.is_away.store(false, Ordering::Relaxed);
    assert_eq!(rig.find_anew(&made_elsewhere).await, Found::Unknown);
    rig.book.revoke(&id).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(rig.find(&north), Found::Revoked);
    assert!(rig.age_seconds() < 3.0 && !rig.context.health.parts().contains_key(PART));
}

#[tokio::test(start_paused = true)]
async fn before_the_store_was_read_nobody_can_tell_and_without_one_there_are_no_tokens() {
    let away = rig(Duration::from_secs(2));
    let (_, north) = away.book.give("north").await;
    away.book.is_away.store(true, Ordering::Relaxed);
    assert_eq!(away.find_anew(&north).await, Found::Untold);
    away.book.is_away.store(false, Ordering::Relaxed);
    assert_eq!(away.find_anew(&north).await, of("north"));

    let context = Context::default();
    let none = Tokens::new(None, &context);
    Arc::clone(&none).watch(Duration::from_secs(2), context).await;
    let begun = Instant::now();
    assert_eq!(none.find_anew(north.as_bytes(), Timestamp::now()).await, Found::Unknown);
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits for a store that is none");
}

#[tokio::test(start_paused = true)]
async fn a_token_ends_with_its_time_though_nothing_is_read() {
    let rig = rig(Duration::from_secs(3_600));
    let ends = Timestamp::now() + Duration::from_secs(600);
    let (_, north) = rig.book.give_until("north", Some(ends)).await;
    assert_eq!(rig.find_anew(&north).await, of("north"));
    assert_eq!(rig.tokens.find(north.as_bytes(), ends), Found::Expired);
}
