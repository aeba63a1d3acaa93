//! Users: names, roles, shops and password hashes in the document store. A password is never stored,
//! and a generated one is given back once.

use access::{PasswordError, Role, Shops, generate_password, hash_password};
use bytes::Bytes;
use document_store::{
    CollectionSpec, DocumentError, DocumentStore, ErrorKind, Expect, Find, IndexSpec, IndexValue,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The collection of users.
pub(crate) const USERS: CollectionSpec = CollectionSpec {
    name: "users",
    indexes: &[IndexSpec { name: BY_NAME, fields: &["name"], unique: true }],
};
const BY_NAME: &str = "by_name";
/// The name of the first user.
pub const ADMIN: &str = "admin";
/// The longest name, in characters.
pub(crate) const NAME_CHARACTERS_MAX: usize = 64;

/// Why a user cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// Of the document store.
    #[error(transparent)]
    Documents(#[from] DocumentError),
    /// The password cannot be used.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// What is stored under the name is no user.
    #[error("the user `{name}` is stored in a form that cannot be read: {reason}")]
    Unreadable {
        /// Whose.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Somebody who can sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) shops: Shops,
    pub(crate) password_hash: String,
    pub(crate) created_at: Timestamp,
    pub(crate) password_changed_at: Timestamp,
}

/// A user as stored.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) user: User,
    id: String,
    pub(crate) version: u64,
}

/// Whether this can be a user's name: letters, digits, `.`, `_`, `-`, `@`.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    (1..=NAME_CHARACTERS_MAX).contains(&text.len()) && text.chars().all(plain)
}

/// The user with this name.
pub(crate) async fn find(
    documents: &dyn DocumentStore,
    name: &str,
) -> Result<Option<Stored>, UserError> {
    if !is_name(name) {
        return Ok(None);
    }
    let equals = vec![IndexValue::Text(name.to_owned())];
    let find = Find { equals, limit: 1, ..Find::default() };
    let found = documents.find(USERS.name, BY_NAME, &find).await?;
    let Some(document) = found.documents.into_iter().next() else { return Ok(None) };
    let user = serde_json::from_slice(&document.body).map_err(|error| unreadable(name, &error))?;
    Ok(Some(Stored { user, id: document.id, version: document.version }))
}

/// Replaces a user's password hash, unless the user has changed meanwhile.
pub(crate) async fn set_password_hash(
    documents: &dyn DocumentStore,
    stored: &Stored,
    password_hash: String,
) -> Result<(), UserError> {
    let password_changed_at = Timestamp::now();
    let user = User { password_hash, password_changed_at, ..stored.user.clone() };
    let body = body(&user)?;
    documents.put(USERS.name, &stored.id, body, Expect::Version(stored.version)).await?;
    Ok(())
}

/// Makes the user `admin` if there is none, with this password or a random one. Gives the random one
/// back: it is stored nowhere, so show it now. Where `admin` exists, nothing happens.
///
/// # Errors
/// The password is too short or too long, or the document store fails.
pub async fn ensure_admin(
    documents: &dyn DocumentStore,
    password: Option<&str>,
) -> Result<Option<String>, UserError> {
    crate::ensure_collections(documents).await?;
    if find(documents, ADMIN).await?.is_some() {
        return Ok(None);
    }
    let generated = if password.is_none() { Some(generate_password()?) } else { None };
    let password = password.or(generated.as_deref()).unwrap_or_default();
    let now = Timestamp::now();
    let user = User {
        name: ADMIN.to_owned(),
        role: Role::Admin,
        shops: Shops::All,
        password_hash: hash_password(password)?,
        created_at: now,
        password_changed_at: now,
    };
    match insert(documents, &user).await {
        // Another instance that started at the same time was faster.
        Err(UserError::Documents(error)) if error.kind == ErrorKind::Conflict => Ok(None),
        inserted => inserted.map(|()| generated),
    }
}

/// Stores a new user.
pub(crate) async fn insert(documents: &dyn DocumentStore, user: &User) -> Result<(), UserError> {
    let id = Uuid::now_v7().simple().to_string();
    documents.put(USERS.name, &id, body(user)?, Expect::Absent).await?;
    Ok(())
}

fn body(user: &User) -> Result<Bytes, UserError> {
    let body = serde_json::to_vec(user).map_err(|error| unreadable(&user.name, &error))?;
    Ok(Bytes::from(body))
}

fn unreadable(name: &str, error: &serde_json::Error) -> UserError {
    UserError::Unreadable { name: name.to_owned(), reason: error.to_string() }
}

impl From<UserError> for crate::problem::Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Documents(error) => error.into(),
            UserError::Password(error) => error.into(),
            error @ UserError::Unreadable { .. } => Self::internal(error),
        }
    }
}
