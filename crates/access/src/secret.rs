//! Random secrets and their digests. A store keeps the digest only, so that whoever reads it can neither
//! use the secret nor compare it byte by byte.

use std::fmt;
use std::hint::black_box;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng;
use rand::rngs::SysRng;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Random bits of a generated secret, in bytes.
pub(crate) const SECRET_BYTES: usize = 32;

/// The system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomNumbers;

pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandomNumbers> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomNumbers)?;
    Ok(bytes)
}

/// A secret of 256 random bits, in letters that fit into an address, a header or a cookie.
///
/// # Errors
/// The system gives no random numbers.
pub fn generate_secret() -> Result<String, NoRandomNumbers> {
    Ok(URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>()?))
}

/// What is kept of a secret: SHA-256, which is enough where the secret itself is random. Not for
/// passwords.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest of a secret.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Whether the offered bytes are the secret. The time it takes tells nothing about the secret: the
    /// digests have one length, and every byte is compared.
    #[must_use]
    pub fn matches(&self, offered: &[u8]) -> bool {
        let offered = Self::of(offered);
        let pairs = self.0.iter().zip(&offered.0);
        pairs.fold(0, |difference, (a, b)| black_box(difference | (a ^ b))) == 0
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(hidden)")
    }
}

impl Serialize for SecretDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for SecretDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(D::Error::custom)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("a digest has 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_matches_its_digest() {
        let secret = generate_secret().unwrap();
        assert_eq!(secret.len(), 43);
        assert_ne!(secret, generate_secret().unwrap());
        let digest = SecretDigest::of(secret.as_bytes());
        assert!(digest.matches(secret.as_bytes()));
        assert!(!digest.matches(&secret.as_bytes()[1..]));
        assert!(!digest.matches(b""));
        let stored = serde_json::to_string(&digest).unwrap();
        assert!(!stored.contains(&secret));
        assert!(!digest.matches(stored.trim_matches('"').as_bytes()), "the digest is no secret");
        assert_eq!(serde_json::from_str::<SecretDigest>(&stored).unwrap(), digest);
        assert!(serde_json::from_str::<SecretDigest>("\"c2hvcnQ\"").is_err());
    }
}
