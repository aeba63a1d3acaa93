//! The secrets that sign access tokens, and texts that come back: one file each in a folder that only we can read.
//!
//! Any number of them verifies, the newest signs: a secret is replaced by adding one and removing the
//! old one once its last token has expired. Nothing here ever prints a secret.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::permission::Role;
use crate::scope::{Scope, Shops};
use crate::secret::{NoRandomNumbers, SECRET_BYTES, random};
use crate::token::{TOKEN_BYTES_MAX, TokenKey, TokenRefusal};

const KEYS_MAX: usize = 16;
const PREFIX: &str = "token-";
const SUFFIX: &str = ".key";

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The folder or a file cannot be read or written.
    #[error("the token keys in {path} cannot be used: {error}")]
    File {
        /// Folder or file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Other users of the machine can read it.
    #[error("{path} can be read by others: run `chmod 600 {path}`, or remove it to get a new one")]
    ReadByOthers {
        /// The file.
        path: PathBuf,
    },
    /// It holds no secret.
    #[error("{path} is not a token key: remove it to get a new one (access tokens of now end)")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// More than the verifier should try.
    #[error("{path} holds more than {KEYS_MAX} token keys: remove the oldest")]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// No secret can be made.
    #[error("no token key can be made: {0}")]
    Random(#[from] NoRandomNumbers),
    /// A token cannot be signed.
    #[error("no token can be signed: {0}")]
    Sign(String),
}

/// Issues and verifies access tokens; cloning shares.
#[derive(Clone)]
pub struct Keys {
    /// Newest first; never empty.
    keys: Arc<Vec<TokenKey>>,
}

impl Keys {
    /// Reads the secrets of a folder; makes folder and first secret where there are none.
    ///
    /// # Errors
    /// Folder or file cannot be used; the text says what to do.
    pub fn load_or_create(folder: &Path) -> Result<Self, KeysError> {
        let at = |error| KeysError::File { path: folder.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at)?;
        let mut keys = Vec::new();
        for entry in fs::read_dir(folder).map_err(at)? {
            let path = entry.map_err(at)?.path();
            if let Some(id) = id_of(&path) {
                keys.push(read(id, &path)?);
            }
            if keys.len() > KEYS_MAX {
                return Err(KeysError::TooMany { path: folder.to_owned() });
            }
        }
        if keys.is_empty() {
            keys.push(create(folder)?);
        }
        keys.sort_by_key(|key| std::cmp::Reverse(key.id));
        Ok(Self { keys: Arc::new(keys) })
    }

    /// A secret that nobody keeps: for tests.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn ephemeral() -> Result<Self, KeysError> {
        let key = token_key(Uuid::now_v7(), &random::<SECRET_BYTES>()?)?;
        Ok(Self { keys: Arc::new(vec![key]) })
    }

    /// Signs an access token for `user` with the newest secret.
    ///
    /// # Errors
    /// The token would be longer than [`TOKEN_BYTES_MAX`]: too many shops by name.
    pub fn issue(
        &self,
        user: &str,
        role: Role,
        shops: &Shops,
        now_s: u64,
        time_to_live: Duration,
    ) -> Result<String, KeysError> {
        let newest = self.keys.first().ok_or_else(|| KeysError::Sign("no key".to_owned()))?;
        let token = newest
            .issue(user, role, shops, now_s, time_to_live)
            .map_err(|error| KeysError::Sign(error.to_string()))?;
        if token.len() > TOKEN_BYTES_MAX {
            let text = format!("{user}'s shops do not fit into {TOKEN_BYTES_MAX} bytes");
            return Err(KeysError::Sign(text));
        }
        Ok(token)
    }

    /// Turns a token into the scope that it proves; `now_s` is in seconds since 1970.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn verify(&self, token: &str, now_s: u64) -> Result<Scope, TokenRefusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenRefusal::TooLong);
        }
        let key = self.keys.iter().find(|key| key.signs(token));
        key.ok_or(TokenRefusal::ForeignHeader)?.verify(token, now_s)
    }

    /// A text that `user` is given and brings back, with our signature before it: nobody else can have made it, and
    /// nobody else can use it. It can be read.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn seal(&self, user: &str, text: &str) -> Result<String, KeysError> {
        let newest = self.keys.first().ok_or_else(|| KeysError::Sign("no key".to_owned()))?;
        newest.seal(user, text).map_err(|error| KeysError::Sign(error.to_string()))
    }

    /// The text of [`seal`](Self::seal); none if no secret of now has signed it for this user.
    #[must_use]
    pub fn unseal<'a>(&self, user: &str, sealed: &'a str) -> Option<&'a str> {
        let (signature, text) = sealed.split_once('.')?;
        self.keys.iter().any(|key| key.has_sealed(user, text, signature)).then_some(text)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| key.id)).finish()
    }
}

fn id_of(path: &Path) -> Option<Uuid> {
    let name = path.file_name()?.to_str()?;
    Uuid::try_parse(name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?).ok()
}

fn token_key(id: Uuid, secret: &[u8]) -> Result<TokenKey, KeysError> {
    TokenKey::new(id, secret).ok_or_else(|| KeysError::Sign("the secret is refused".to_owned()))
}

fn read(id: Uuid, path: &Path) -> Result<TokenKey, KeysError> {
    let at = |error| KeysError::File { path: path.to_owned(), error };
    if fs::metadata(path).map_err(at)?.permissions().mode() & 0o077 != 0 {
        return Err(KeysError::ReadByOthers { path: path.to_owned() });
    }
    let text = fs::read_to_string(path).map_err(at)?;
    match URL_SAFE_NO_PAD.decode(text.trim()) {
        Ok(secret) if secret.len() == SECRET_BYTES => token_key(id, &secret),
        _ => Err(KeysError::NotAKey { path: path.to_owned() }),
    }
}

/// Writes a new secret so that a crash leaves it whole or not at all.
fn create(folder: &Path) -> Result<TokenKey, KeysError> {
    let id = Uuid::now_v7();
    let secret: [u8; SECRET_BYTES] = random()?;
    let path = folder.join(format!("{PREFIX}{}{SUFFIX}", id.simple()));
    let unfinished = path.with_extension("new");
    let write = || {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(URL_SAFE_NO_PAD.encode(secret).as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error| KeysError::File { path: path.clone(), error })?;
    token_key(id, &secret)
}

#[cfg(test)]
mod tests;
