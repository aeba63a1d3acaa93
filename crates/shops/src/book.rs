//! The book of ingest tokens in the document store. A token is never changed but by being revoked, and one that is
//! revoked stays, so that it can be told who had what; of very many the oldest go.
//!
//! Each change writes the book's edition anew in the same transaction, so that whoever knows all tokens need not read
//! them again to know that they are the same.

use access::{SecretDigest, ShopName, generate_secret};
use bytes::Bytes;
use document_store::{
    Change, CollectionSpec, Document, DocumentError, DocumentStore, ErrorKind, Expect,
    FIND_LIMIT_MAX, Find, IndexSpec, IndexValue,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::token::{NewToken, TOKEN_PREFIX, Token, TokenError};

/// The collection of ingest tokens; an id is the token's.
pub const INGEST_TOKENS: CollectionSpec = CollectionSpec {
    name: "ingest_tokens",
    indexes: &[
        IndexSpec { name: BY_SHOP, fields: &["shop", "id"], unique: false },
        IndexSpec { name: BY_STATE, fields: &["state", "id"], unique: false },
        IndexSpec { name: BY_SHOP_AND_STATE, fields: &["shop", "state", "id"], unique: false },
    ],
};
const BY_SHOP: &str = "by_shop";
const BY_STATE: &str = "by_state";
const BY_SHOP_AND_STATE: &str = "by_shop_and_state";
/// The document with the edition, which is in no index. No token has such an id.
const EDITION: &str = "edition";

/// The most tokens of a shop that are not revoked.
pub const LIVE_TOKENS_OF_SHOP_MAX: u64 = 1_000;
/// The most tokens of all shops that are not revoked.
pub const LIVE_TOKENS_MAX: u64 = 100_000;
/// The most revoked tokens that are kept.
pub const REVOKED_TOKENS_MAX: u64 = 10_000;
/// How often a token that others change at the same moment is read.
const TRIES: usize = 2;

/// How many tokens there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) live_of_shop_max: u64,
    pub(crate) live_max: u64,
    pub(crate) revoked_max: u64,
}

const ROOM: Room = Room {
    live_of_shop_max: LIVE_TOKENS_OF_SHOP_MAX,
    live_max: LIVE_TOKENS_MAX,
    revoked_max: REVOKED_TOKENS_MAX,
};

/// What `revoked_at` says, for the index, which holds texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Live,
    Revoked,
}

impl State {
    fn value(self) -> IndexValue {
        let name = match self {
            Self::Live => "live",
            Self::Revoked => "revoked",
        };
        IndexValue::Text(name.to_owned())
    }
}

/// Which changes a book has seen: another one after each of them. None before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Edition(Option<Bytes>);

impl Edition {
    /// That of the book now. Tokens that are read later may be newer, and are never older.
    pub(crate) async fn read(documents: &dyn DocumentStore) -> Result<Self, DocumentError> {
        let document = documents.get(INGEST_TOKENS.name, EDITION).await?;
        Ok(Self(document.map(|document| document.body)))
    }

    /// The change that makes another one. It belongs to each change of a token.
    fn next() -> Change {
        let body = serde_json::json!({ "edition": Uuid::now_v7() }).to_string().into();
        Change::Put { id: EDITION.to_owned(), body, expect: Expect::Any }
    }
}

/// A token as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    state: State,
    pub(crate) digest: SecretDigest,
    #[serde(flatten)]
    pub(crate) token: Token,
}

impl Stored {
    fn read(document: &Document) -> Result<Self, TokenError> {
        serde_json::from_slice(&document.body).map_err(|error| unreadable(&document.id, &error))
    }

    fn body(&self) -> Result<Bytes, TokenError> {
        let body = serde_json::to_vec(self);
        body.map(Bytes::from).map_err(|error| unreadable(&self.token.id, &error))
    }
}

fn unreadable(id: &str, error: &serde_json::Error) -> TokenError {
    TokenError::Unreadable { id: id.to_owned(), reason: error.to_string() }
}

/// Whether this can be a token's id: nothing else is looked for.
fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Makes the collection and its indexes where they are missing.
///
/// # Errors
/// Of the document store.
pub async fn ensure_collections(documents: &dyn DocumentStore) -> Result<(), DocumentError> {
    documents.ensure_collections(&[INGEST_TOKENS]).await
}

/// Makes a token and gives it with its text, which is stored nowhere: show it now.
///
/// # Errors
/// The label or the time of expiry cannot be used, there are [`LIVE_TOKENS_OF_SHOP_MAX`] tokens of the shop or
/// [`LIVE_TOKENS_MAX`] of all that are not revoked, or the document store fails.
pub async fn create(
    documents: &dyn DocumentStore,
    new: NewToken,
) -> Result<(Token, String), TokenError> {
    create_within(documents, new, ROOM).await
}

/// The same, with room for so many.
pub(crate) async fn create_within(
    documents: &dyn DocumentStore,
    new: NewToken,
    room: Room,
) -> Result<(Token, String), TokenError> {
    let now = Timestamp::now();
    new.check(now)?;
    make_room(documents, &new.shop, room).await?;
    let text = format!("{TOKEN_PREFIX}{}", generate_secret()?);
    let NewToken { shop, label, expires_at, created_by } = new;
    let id = Uuid::now_v7().simple().to_string();
    let (created_at, revoked_at) = (now, None);
    let token = Token { id, shop, label, created_at, created_by, expires_at, revoked_at };
    let stored = Stored { state: State::Live, digest: SecretDigest::of(text.as_bytes()), token };
    let (id, body) = (stored.token.id.clone(), stored.body()?);
    let put = Change::Put { id, body, expect: Expect::Absent };
    documents.apply(INGEST_TOKENS.name, vec![put, Edition::next()]).await?;
    Ok((stored.token, text))
}

/// Refuses where there are enough, and removes the oldest revoked tokens where these are too many. Tokens that are
/// made at the same moment may be a few more.
async fn make_room(
    documents: &dyn DocumentStore,
    shop: &ShopName,
    room: Room,
) -> Result<(), TokenError> {
    let of_shop = [IndexValue::Text(shop.as_str().to_owned()), State::Live.value()];
    let live_of_shop = documents.count(INGEST_TOKENS.name, BY_SHOP_AND_STATE, &of_shop).await?;
    if live_of_shop >= room.live_of_shop_max {
        let (shop, most) = (shop.clone(), room.live_of_shop_max);
        return Err(TokenError::TooManyOfShop { shop, most });
    }
    let live = documents.count(INGEST_TOKENS.name, BY_STATE, &[State::Live.value()]).await?;
    if live >= room.live_max {
        return Err(TokenError::TooMany { most: room.live_max });
    }
    let equals = vec![State::Revoked.value()];
    let revoked = documents.count(INGEST_TOKENS.name, BY_STATE, &equals).await?;
    let surplus = usize::try_from(revoked.saturating_sub(room.revoked_max)).unwrap_or(usize::MAX);
    if surplus == 0 {
        return Ok(());
    }
    let oldest = Find { equals, limit: surplus.min(FIND_LIMIT_MAX), ..Find::default() };
    let oldest = documents.find(INGEST_TOKENS.name, BY_STATE, &oldest).await?;
    let delete = |document: Document| Change::Delete { id: document.id, expect: Expect::Any };
    let changes = oldest.documents.into_iter().map(delete).chain([Edition::next()]).collect();
    documents.apply(INGEST_TOKENS.name, changes).await?;
    Ok(())
}

/// Every token, revoked ones too, by shop and time of making.
///
/// # Errors
/// The document store fails, or holds what is no token.
pub async fn list(documents: &dyn DocumentStore) -> Result<Vec<Token>, TokenError> {
    let stored = all_stored(documents, Vec::new()).await?;
    stored.into_iter().map(|stored| Ok(stored?.token)).collect()
}

/// Every token of a shop, revoked ones too, by time of making.
///
/// # Errors
/// As [`list`].
pub async fn list_of_shop(
    documents: &dyn DocumentStore,
    shop: &ShopName,
) -> Result<Vec<Token>, TokenError> {
    let equals = vec![IndexValue::Text(shop.as_str().to_owned())];
    let stored = all_stored(documents, equals).await?;
    stored.into_iter().map(|stored| Ok(stored?.token)).collect()
}

/// All tokens that begin with these values, page by page, and the mistake in the place of what is no token. A token
/// that is revoked meanwhile keeps its place.
pub(crate) async fn all_stored(
    documents: &dyn DocumentStore,
    equals: Vec<IndexValue>,
) -> Result<Vec<Result<Stored, TokenError>>, DocumentError> {
    let mut find = Find { equals, limit: FIND_LIMIT_MAX, ..Find::default() };
    let mut all = Vec::new();
    loop {
        let found = documents.find(INGEST_TOKENS.name, BY_SHOP, &find).await?;
        all.extend(found.documents.iter().map(Stored::read));
        if found.next.is_none() {
            return Ok(all);
        }
        find.after = found.next;
    }
}

/// The token with this id.
///
/// # Errors
/// The document store fails, or holds what is no token.
pub async fn get(documents: &dyn DocumentStore, id: &str) -> Result<Option<Token>, TokenError> {
    let stored = read(documents, id).await?;
    Ok(stored.map(|(stored, _)| stored.token))
}

/// A token with its version.
async fn read(
    documents: &dyn DocumentStore,
    id: &str,
) -> Result<Option<(Stored, u64)>, TokenError> {
    if !is_id(id) {
        return Ok(None);
    }
    let Some(document) = documents.get(INGEST_TOKENS.name, id).await? else { return Ok(None) };
    Ok(Some((Stored::read(&document)?, document.version)))
}

/// Ends a token for good, and gives it; `None` where there is none. One that is revoked already stays as it is.
///
/// # Errors
/// The document store fails, or somebody else has changed the token at the same moment twice: try again.
pub async fn revoke(
    documents: &dyn DocumentStore,
    id: &str,
    now: Timestamp,
) -> Result<Option<Token>, TokenError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let Some((stored, version)) = read(documents, id).await? else { return Ok(None) };
        if stored.token.revoked_at.is_some() {
            return Ok(Some(stored.token));
        }
        let token = Token { revoked_at: Some(now), ..stored.token };
        let revoked = Stored { state: State::Revoked, token, ..stored };
        let (id, body, expect) = (id.to_owned(), revoked.body()?, Expect::Version(version));
        let changes = vec![Change::Put { id, body, expect }, Edition::next()];
        match documents.apply(INGEST_TOKENS.name, changes).await {
            Ok(()) => return Ok(Some(revoked.token)),
            // Somebody else was first, most likely with the same wish.
            Err(error) if error.kind == ErrorKind::Conflict && tries < TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
}
