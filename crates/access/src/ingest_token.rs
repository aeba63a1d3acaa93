//! The token that shops' loggers show at the doors. Only its digest is kept, so that it can neither be
//! printed nor compared byte by byte.

use serde::Deserialize;

use crate::secret::SecretDigest;

/// The shortest token, in bytes.
pub const INGEST_TOKEN_BYTES_MIN: usize = 16;

/// A token that can be compared with what somebody offers, and nothing else.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct IngestToken {
    digest: SecretDigest,
}

/// The token is too easy to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an ingest token has at least {INGEST_TOKEN_BYTES_MIN} bytes, as `openssl rand -hex 16` makes"
)]
pub struct IngestTokenTooShort;

impl IngestToken {
    /// Takes the digest of a token.
    ///
    /// # Errors
    /// It has fewer than [`INGEST_TOKEN_BYTES_MIN`] bytes.
    pub fn new(token: &str) -> Result<Self, IngestTokenTooShort> {
        if token.len() < INGEST_TOKEN_BYTES_MIN {
            return Err(IngestTokenTooShort);
        }
        Ok(Self { digest: SecretDigest::of(token.as_bytes()) })
    }

    /// Whether the offered bytes are the token, in a time that tells nothing about it.
    #[must_use]
    pub fn matches(&self, offered: &[u8]) -> bool {
        self.digest.matches(offered)
    }
}

impl TryFrom<String> for IngestToken {
    type Error = IngestTokenTooShort;

    fn try_from(token: String) -> Result<Self, IngestTokenTooShort> {
        Self::new(&token)
    }
}

#[cfg(test)]
mod tests {
    use super::{IngestToken, IngestTokenTooShort};

    #[test]
    fn only_the_same_token_matches() {
        let token = IngestToken::new("0123456789abcdef").unwrap();
        assert!(token.matches(b"0123456789abcdef"));
        assert!(!token.matches(b"0123456789abcdeg"));
        assert!(!token.matches(b"0123456789abcdef0"));
        assert!(!token.matches(b""));
    }

    #[test]
    fn a_short_token_is_refused_and_a_token_is_never_printed() {
        assert_eq!(IngestToken::new("hunter2").unwrap_err(), IngestTokenTooShort);
        let read: IngestToken = serde_json::from_str("\"0123456789abcdef\"").unwrap();
        assert!(!format!("{read:?}").contains("0123456789"));
        assert!(serde_json::from_str::<IngestToken>("\"short\"").is_err());
    }
}
