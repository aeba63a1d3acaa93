//! The token that shops' loggers show at the doors. Only its digest is kept, so that it can neither be
//! printed nor compared byte by byte.

use std::fmt;
use std::hint::black_box;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The shortest token, in bytes.
pub const INGEST_TOKEN_BYTES_MIN: usize = 16;

/// A token that can be compared with what somebody offers, and nothing else.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct IngestToken {
    digest: [u8; 32],
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
        Ok(Self { digest: Sha256::digest(token).into() })
    }

    /// Whether the offered bytes are the token. The time it takes tells nothing about the token: both
    /// digests have one length, and every byte is compared.
    #[must_use]
    pub fn matches(&self, offered: &[u8]) -> bool {
        let offered: [u8; 32] = Sha256::digest(offered).into();
        let pairs = self.digest.iter().zip(&offered);
        pairs.fold(0, |difference, (a, b)| black_box(difference | (a ^ b))) == 0
    }
}

impl TryFrom<String> for IngestToken {
    type Error = IngestTokenTooShort;

    fn try_from(token: String) -> Result<Self, IngestTokenTooShort> {
        Self::new(&token)
    }
}

impl fmt::Debug for IngestToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IngestToken(hidden)")
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
