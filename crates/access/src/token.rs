//! Access tokens: JSON Web Tokens (RFC 7519) with the precautions of RFC 8725.
//!
//! One algorithm, HS256: the process that verifies a token is the one that issued it, so a shared
//! secret of 256 random bits is enough and there is no public key that could be taken for a secret.
//! The header of a token is never parsed: it must be, byte for byte, one that we write.

use std::collections::HashSet;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::permission::Role;
use crate::scope::{Scope, Shops};

/// How far the clocks of issuer and verifier may differ, in seconds.
pub const CLOCK_SKEW_S: u64 = 60;
/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 4096;

const ISSUER: &str = "millrace";
const AUDIENCE: &str = "millrace-api";
/// RFC 9068's type, so that no other kind of token passes for an access token.
const TYPE: &str = "at+jwt";

/// Why a token is not believed. The caller answers 401 whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Longer than [`TOKEN_BYTES_MAX`].
    #[error("the token is too long")]
    TooLong,
    /// Its header is none that we write: another algorithm, an unknown key, a surplus field.
    #[error("the token's header is not one of ours")]
    ForeignHeader,
    /// Its signature is wrong.
    #[error("the token's signature is wrong")]
    WrongSignature,
    /// A claim is missing, has the wrong type or names somebody else.
    #[error("the token's claims are wrong")]
    WrongClaims,
    /// It was good until a while ago.
    #[error("the token has expired")]
    Expired,
    /// It was issued in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
}

/// What a seal signs: never what a token signs, which has no NUL.
fn sealed_bytes(user: &str, text: &str) -> Vec<u8> {
    let digits = user.len().to_string();
    ["seal", &digits, user, text].join("\0").into_bytes()
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    exp: u64,
    iat: u64,
    jti: Uuid,
    role: Role,
    shops: Shops,
}

/// One secret with the encoded header of the tokens that it signs.
pub(crate) struct TokenKey {
    pub(crate) id: Uuid,
    header: Header,
    encoded_header: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl TokenKey {
    /// Makes the key from its secret.
    pub(crate) fn new(id: Uuid, secret: &[u8]) -> Option<Self> {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(id.simple().to_string());
        let encoding = EncodingKey::from_secret(secret);
        let sample = jsonwebtoken::encode(&header, &(), &encoding).ok()?;
        let encoded_header = sample.split_once('.')?.0.to_owned();
        Some(Self {
            id,
            header,
            encoded_header,
            encoding,
            decoding: DecodingKey::from_secret(secret),
        })
    }

    /// Signs a token.
    pub(crate) fn issue(
        &self,
        user: &str,
        role: Role,
        shops: &Shops,
        now_s: u64,
        time_to_live: Duration,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.to_owned(),
            exp: now_s.saturating_add(time_to_live.as_secs()),
            iat: now_s,
            jti: Uuid::now_v7(),
            role,
            shops: shops.clone(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.encoding)
    }

    /// Whether this key may have signed the token.
    pub(crate) fn signs(&self, token: &str) -> bool {
        token.split_once('.').is_some_and(|(header, _)| header == self.encoded_header)
    }

    /// Signs a text for a user.
    pub(crate) fn seal(
        &self,
        user: &str,
        text: &str,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let sealed = sealed_bytes(user, text);
        let signature = jsonwebtoken::crypto::sign(&sealed, &self.encoding, Algorithm::HS256)?;
        Ok(format!("{signature}.{text}"))
    }

    /// Whether the signature is this key's.
    pub(crate) fn has_sealed(&self, user: &str, text: &str, signature: &str) -> bool {
        let sealed = sealed_bytes(user, text);
        let algorithm = Algorithm::HS256;
        jsonwebtoken::crypto::verify(signature, &sealed, &self.decoding, algorithm).unwrap_or(false)
    }

    /// Checks signature and claims.
    pub(crate) fn verify(&self, token: &str, now_s: u64) -> Result<Scope, TokenRefusal> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // Times are checked below, against the caller's clock; that they are there and are numbers,
        // by the type of the claims.
        validation.validate_exp = false;
        validation.required_spec_claims = HashSet::new();
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenRefusal::WrongSignature,
                _ => TokenRefusal::WrongClaims,
            })?
            .claims;
        if claims.exp.saturating_add(CLOCK_SKEW_S) <= now_s {
            return Err(TokenRefusal::Expired);
        }
        if claims.iat > now_s.saturating_add(CLOCK_SKEW_S) {
            return Err(TokenRefusal::NotYetValid);
        }
        Ok(Scope::new(&claims.sub, claims.role, claims.shops))
    }
}
