//! An ingest token: the form of its text, and what is known of it. Holds neither the text nor its digest.

use access::{NoRandomNumbers, ShopName};
use document_store::DocumentError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How every token begins, so that whoever finds one knows what it opens.
pub const TOKEN_PREFIX: &str = "mrt_";
/// The longest label, in characters.
pub const LABEL_CHARACTERS_MAX: usize = 100;
/// Letters behind the prefix: 32 random bytes in base64url without padding.
const SECRET_LETTERS: usize = 43;

/// Whether the bytes have the form of a token: the prefix and 43 letters of base64url. It may still be one that
/// nobody has made.
#[must_use]
pub fn is_token(offered: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    offered
        .strip_prefix(TOKEN_PREFIX.as_bytes())
        .is_some_and(|secret| secret.len() == SECRET_LETTERS && secret.iter().all(letter))
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Identity: 32 hexadecimal digits that sort by the time of making. No secret.
    pub id: String,
    /// Whose events are sent with it.
    pub shop: ShopName,
    /// What it is for, in somebody's words.
    pub label: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The user who made it.
    pub created_by: String,
    /// From when on it is refused; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused for good.
    pub revoked_at: Option<Timestamp>,
}

/// Whether a token opens a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Live,
    /// Its time is over.
    Expired,
    /// Somebody has ended it.
    Revoked,
}

impl Token {
    /// Whether it opens a door at this moment.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        standing(self.revoked_at.is_some(), self.expires_at, now)
    }
}

/// Whether what ends at `expires_at` opens a door now.
pub(crate) fn standing(
    is_revoked: bool,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Standing {
    match expires_at {
        _ if is_revoked => Standing::Revoked,
        Some(expires_at) if expires_at <= now => Standing::Expired,
        _ => Standing::Live,
    }
}

/// A token that is to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose events are sent with it.
    pub shop: ShopName,
    /// What it is for: 1 to [`LABEL_CHARACTERS_MAX`] printable characters.
    pub label: Option<String>,
    /// From when on it is refused; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// The user who makes it.
    pub created_by: String,
}

impl NewToken {
    /// Refuses what cannot be kept or would be of no use.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), TokenError> {
        if let Some(label) = &self.label
            && !is_label(label)
        {
            return Err(TokenError::Label);
        }
        match self.expires_at {
            Some(expires_at) if expires_at <= now => Err(TokenError::Past { expires_at }),
            _ => Ok(()),
        }
    }
}

fn is_label(text: &str) -> bool {
    let characters = text.chars().take(LABEL_CHARACTERS_MAX + 1).count();
    (1..=LABEL_CHARACTERS_MAX).contains(&characters) && !text.chars().any(char::is_control)
}

/// Why a token cannot be made, read or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Of the document store.
    #[error(transparent)]
    Documents(#[from] DocumentError),
    /// No secret can be made.
    #[error("no ingest token can be made: {0}")]
    Random(#[from] NoRandomNumbers),
    /// The label cannot be used.
    #[error(
        "a token's label has 1 to {LABEL_CHARACTERS_MAX} printable characters, and no line breaks"
    )]
    Label,
    /// It would never open a door.
    #[error("the token would expire at {expires_at}, which is past: name a time to come")]
    Past {
        /// The time that was given.
        expires_at: Timestamp,
    },
    /// There are as many of the shop as there may be.
    #[error(
        "the shop {shop} has {most} ingest tokens that are not revoked, the most that one shop may have: revoke \
         those that nobody uses"
    )]
    TooManyOfShop {
        /// Whose.
        shop: ShopName,
        /// How many there may be.
        most: u64,
    },
    /// There are as many of all shops as there may be.
    #[error(
        "there are {most} ingest tokens that are not revoked, the most there may be: revoke those that \
         nobody uses"
    )]
    TooMany {
        /// How many there may be.
        most: u64,
    },
    /// What is stored under the id is no token.
    #[error("the ingest token {id} is stored in a form that cannot be read: {reason}")]
    Unreadable {
        /// Whose.
        id: String,
        /// Why.
        reason: String,
    },
}
