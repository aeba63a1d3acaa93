//! Sessions: a family of refresh tokens of which only the newest is good (RFC 9700, 4.14.2).
//!
//! Each refresh replaces the token; one that was replaced before shows that somebody else has it, and
//! ends the session. Tokens are stored as digests only.

use std::fmt;
use std::time::Duration;

use access::{SecretDigest, generate_secret};
use bytes::Bytes;
use document_store::{
    Change, CollectionSpec, Document, DocumentError, DocumentStore, ErrorKind, Expect, Find,
    IndexSpec, IndexValue,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::problem::Problem;

/// The collection of sessions; an id is the family's.
pub(super) const SESSIONS: CollectionSpec = CollectionSpec {
    name: "sessions",
    indexes: &[
        IndexSpec { name: BY_USER, fields: &["user", "created_at_ms"], unique: false },
        IndexSpec { name: BY_EXPIRY, fields: &["expires_at_ms"], unique: false },
    ],
};
const BY_USER: &str = "by_user";
const BY_EXPIRY: &str = "by_expiry";

/// Sessions of a user; at the next sign-in the oldest ends.
const PER_USER_MAX: u64 = 50;
/// How long the token before the newest is still answered, without a new cookie: two tabs that refresh
/// at the same moment share one cookie, and only one of them can be first.
const OVERLAP: Duration = Duration::from_secs(10);
const PAGE: usize = 100;

/// How long sessions last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    /// Without a refresh.
    pub(super) idle: Duration,
    /// At all.
    pub(super) whole: Duration,
}

/// The cookie's value: the family and the secret that is good now.
pub(super) struct SessionToken {
    family: String,
    secret: String,
}

impl SessionToken {
    /// Reads `family.secret`; `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (family, secret) = text.split_once('.')?;
        let family = Uuid::try_parse(family).ok()?.simple().to_string();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_secret = (1..=64).contains(&secret.len()) && secret.bytes().all(plain);
        is_secret.then(|| Self { family, secret: secret.to_owned() })
    }
}

impl fmt::Display for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.family, self.secret)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Session {
    user: String,
    newest: SecretDigest,
    before: Option<SecretDigest>,
    refreshed_at_ms: i64,
    created_at_ms: i64,
    expires_at_ms: i64,
}

/// What a refresh gives.
#[derive(Debug)]
pub(super) struct Refreshed {
    /// Whose session it is.
    pub(super) user: String,
    /// The token for the next refresh; `None` if another request has it already.
    pub(super) token: Option<SessionToken>,
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionToken").field("family", &self.family).finish_non_exhaustive()
    }
}

/// Why there is no refresh.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// There is no such session, or no longer.
    #[error("there is no such session")]
    Unknown,
    /// The token was replaced before: the session has ended now.
    #[error("the refresh token was used before")]
    Reused,
    /// Of the document store.
    #[error(transparent)]
    Documents(#[from] DocumentError),
    /// What is stored is no session.
    #[error("a session cannot be read or written: {0}")]
    Unreadable(String),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Documents(error) => error.into(),
            Refused::Unreadable(_) => Self::internal(refused),
            Refused::Unknown | Refused::Reused => Self::unauthorized("sign in"),
        }
    }
}

fn read(document: &Document) -> Result<Session, Refused> {
    serde_json::from_slice(&document.body).map_err(|error| Refused::Unreadable(error.to_string()))
}

fn body(session: &Session) -> Result<Bytes, Refused> {
    let body = serde_json::to_vec(session);
    body.map(Bytes::from).map_err(|error| Refused::Unreadable(error.to_string()))
}

fn secret() -> Result<String, Refused> {
    generate_secret().map_err(|error| Refused::Unreadable(error.to_string()))
}

fn in_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn expiry_ms(created_at_ms: i64, now_ms: i64, lifetime: Lifetime) -> i64 {
    let whole = created_at_ms.saturating_add(in_ms(lifetime.whole));
    whole.min(now_ms.saturating_add(in_ms(lifetime.idle)))
}

fn of_user(user: &str) -> Find {
    let equals = vec![IndexValue::Text(user.to_owned())];
    Find { equals, limit: PAGE, ..Find::default() }
}

/// Begins a session.
pub(super) async fn open(
    documents: &dyn DocumentStore,
    user: &str,
    lifetime: Lifetime,
    now: Timestamp,
) -> Result<SessionToken, Refused> {
    let find = of_user(user);
    if documents.count(SESSIONS.name, BY_USER, &find.equals).await? >= PER_USER_MAX {
        let oldest = documents.find(SESSIONS.name, BY_USER, &Find { limit: 1, ..find }).await?;
        remove(documents, oldest.documents).await?;
    }
    let token = SessionToken { family: Uuid::now_v7().simple().to_string(), secret: secret()? };
    let now_ms = now.as_millisecond();
    let session = Session {
        user: user.to_owned(),
        newest: SecretDigest::of(token.secret.as_bytes()),
        before: None,
        refreshed_at_ms: now_ms,
        created_at_ms: now_ms,
        expires_at_ms: expiry_ms(now_ms, now_ms, lifetime),
    };
    documents.put(SESSIONS.name, &token.family, body(&session)?, Expect::Absent).await?;
    Ok(token)
}

/// Replaces the token of a session.
pub(super) async fn refresh(
    documents: &dyn DocumentStore,
    token: &SessionToken,
    lifetime: Lifetime,
    now: Timestamp,
) -> Result<Refreshed, Refused> {
    loop {
        let stored = documents.get(SESSIONS.name, &token.family).await?.ok_or(Refused::Unknown)?;
        let session = read(&stored)?;
        let now_ms = now.as_millisecond();
        if session.expires_at_ms <= now_ms {
            return Err(Refused::Unknown);
        }
        let offered = token.secret.as_bytes();
        if session.newest.matches(offered) {
            let next = SessionToken { family: token.family.clone(), secret: secret()? };
            let changed = Session {
                newest: SecretDigest::of(next.secret.as_bytes()),
                before: Some(session.newest),
                refreshed_at_ms: now_ms,
                expires_at_ms: expiry_ms(session.created_at_ms, now_ms, lifetime),
                ..session
            };
            let expect = Expect::Version(stored.version);
            match documents.put(SESSIONS.name, &stored.id, body(&changed)?, expect).await {
                Ok(()) => return Ok(Refreshed { user: changed.user, token: Some(next) }),
                // Another request was first; what it stored decides.
                Err(error) if error.kind == ErrorKind::Conflict => continue,
                Err(error) => return Err(error.into()),
            }
        }
        let overlaps = now_ms.saturating_sub(session.refreshed_at_ms) <= in_ms(OVERLAP);
        if overlaps && session.before.is_some_and(|before| before.matches(offered)) {
            return Ok(Refreshed { user: session.user, token: None });
        }
        tracing::warn!(user = session.user, "a refresh token was used twice: the session ends");
        documents.delete(SESSIONS.name, &stored.id, Expect::Any).await?;
        return Err(Refused::Reused);
    }
}

/// Ends a session.
pub(super) async fn close(
    documents: &dyn DocumentStore,
    token: &SessionToken,
) -> Result<(), Refused> {
    let Some(stored) = documents.get(SESSIONS.name, &token.family).await? else { return Ok(()) };
    let session = read(&stored)?;
    let offered = token.secret.as_bytes();
    let is_ours = session.newest.matches(offered)
        || session.before.is_some_and(|before| before.matches(offered));
    if is_ours {
        documents.delete(SESSIONS.name, &stored.id, Expect::Any).await?;
    }
    Ok(())
}

/// Ends all sessions of a user.
pub(super) async fn close_all(documents: &dyn DocumentStore, user: &str) -> Result<(), Refused> {
    loop {
        let found = documents.find(SESSIONS.name, BY_USER, &of_user(user)).await?;
        if found.documents.is_empty() {
            return Ok(());
        }
        remove(documents, found.documents).await?;
    }
}

/// Removes sessions that have expired.
pub(crate) async fn remove_expired(
    documents: &dyn DocumentStore,
    now: Timestamp,
) -> Result<(), DocumentError> {
    let find = Find { limit: PAGE, ..Find::default() };
    loop {
        let found = documents.find(SESSIONS.name, BY_EXPIRY, &find).await?;
        let has_expired = |document: &Document| {
            read(document).is_ok_and(|session| session.expires_at_ms <= now.as_millisecond())
        };
        let expired: Vec<_> = found.documents.into_iter().take_while(has_expired).collect();
        if expired.is_empty() {
            return Ok(());
        }
        remove(documents, expired).await?;
    }
}

async fn remove(
    documents: &dyn DocumentStore,
    sessions: Vec<Document>,
) -> Result<(), DocumentError> {
    let delete = |document: Document| Change::Delete { id: document.id, expect: Expect::Any };
    documents.apply(SESSIONS.name, sessions.into_iter().map(delete).collect()).await
}

#[cfg(test)]
mod tests;
