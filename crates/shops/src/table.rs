//! Ingest tokens as a door looks them up: by digest, in memory. No look-up asks the store, so whoever holds a table
//! decides how old it may be.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use access::{SecretDigest, ShopName};
use document_store::DocumentStore;
use jiff::Timestamp;

use crate::book::{Edition, Stored, all_stored};
use crate::token::{Standing, TokenError, standing};

/// Whom a token makes of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The token's id, for logs: no secret.
    pub token_id: Arc<str>,
    /// Whose events are sent with it.
    pub shop: ShopName,
}

/// What an offered token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// A good one.
    Holder(&'a Holder),
    /// One whose time is over.
    Expired,
    /// One that somebody has ended.
    Revoked,
    /// None that was ever made.
    Unknown,
}

#[derive(Clone)]
struct Entry {
    holder: Holder,
    expires_at: Option<Timestamp>,
    is_revoked: bool,
}

/// Every token at the time of loading.
#[derive(Clone, Default)]
pub struct TokenTable {
    entries: HashMap<SecretDigest, Entry>,
    unreadable: Option<Arc<TokenError>>,
    /// Of the book when the reading began.
    edition: Edition,
}

impl TokenTable {
    /// Reads all tokens. What is no token lets nobody in, and keeps no other token out.
    ///
    /// # Errors
    /// The document store fails.
    pub async fn load(documents: &dyn DocumentStore) -> Result<Self, TokenError> {
        let mut table = Self { edition: Edition::read(documents).await?, ..Self::default() };
        for stored in all_stored(documents, Vec::new()).await? {
            match stored {
                Ok(stored) => {
                    let (digest, entry) = entry(stored);
                    table.entries.insert(digest, entry);
                }
                Err(error) => table.unreadable = Some(Arc::new(error)),
            }
        }
        Ok(table)
    }

    /// Whether no token was made or revoked since: one document tells. What others than [`create`](crate::create) and
    /// [`revoke`](crate::revoke) have written is not seen.
    ///
    /// # Errors
    /// The document store fails.
    pub async fn is_current(&self, documents: &dyn DocumentStore) -> Result<bool, TokenError> {
        Ok(Edition::read(documents).await? == self.edition)
    }

    /// Whether a token that was not revoked in the table `before` is revoked or gone.
    #[must_use]
    pub fn ends_any_of(&self, before: &Self) -> bool {
        let live = before.entries.iter().filter(|(_, entry)| !entry.is_revoked);
        let lasts =
            |digest: &SecretDigest| self.entries.get(digest).is_some_and(|entry| !entry.is_revoked);
        live.map(|(digest, _)| digest).any(|digest| !lasts(digest))
    }

    /// When a token ends by itself; `None` where it does not, or is none.
    #[must_use]
    pub fn expires_at(&self, offered: &[u8]) -> Option<Timestamp> {
        self.entries.get(&SecretDigest::of(offered))?.expires_at
    }

    /// What is wrong with a token in the store that is none, if there is one.
    #[must_use]
    pub fn unreadable(&self) -> Option<&TokenError> {
        self.unreadable.as_deref()
    }

    /// What these bytes are now. They are hashed before they are looked up, whatever they are: how long it takes tells
    /// of no token.
    #[must_use]
    pub fn find(&self, offered: &[u8], now: Timestamp) -> Lookup<'_> {
        let Some(entry) = self.entries.get(&SecretDigest::of(offered)) else {
            return Lookup::Unknown;
        };
        match standing(entry.is_revoked, entry.expires_at, now) {
            Standing::Live => Lookup::Holder(&entry.holder),
            Standing::Expired => Lookup::Expired,
            Standing::Revoked => Lookup::Revoked,
        }
    }

    /// How many tokens it holds, with those that have ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no token was ever made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl fmt::Debug for TokenTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenTable").field("tokens", &self.len()).finish_non_exhaustive()
    }
}

fn entry(stored: Stored) -> (SecretDigest, Entry) {
    let Stored { digest, token, .. } = stored;
    let is_revoked = token.revoked_at.is_some();
    let holder = Holder { token_id: token.id.into(), shop: token.shop };
    (digest, Entry { holder, expires_at: token.expires_at, is_revoked })
}
