//! Cryptographic hashes, and HMACs of them where there is a key.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Md5,
}

impl Digest {
    /// The hash of a text, or its HMAC.
    pub(super) fn of(self, text: &[u8], key: Option<&[u8]>) -> Vec<u8> {
        match (self, key) {
            (Self::Sha1, None) => Sha1::digest(text).to_vec(),
            (Self::Sha256, None) => Sha256::digest(text).to_vec(),
            (Self::Sha384, None) => Sha384::digest(text).to_vec(),
            (Self::Sha512, None) => Sha512::digest(text).to_vec(),
            (Self::Md5, None) => Md5::digest(text).to_vec(),
            (Self::Sha1, Some(key)) => keyed::<Hmac<Sha1>>(text, key),
            (Self::Sha256, Some(key)) => keyed::<Hmac<Sha256>>(text, key),
            (Self::Sha384, Some(key)) => keyed::<Hmac<Sha384>>(text, key),
            (Self::Sha512, Some(key)) => keyed::<Hmac<Sha512>>(text, key),
            (Self::Md5, Some(key)) => keyed::<Hmac<Md5>>(text, key),
        }
    }
}

fn keyed<M: Mac + KeyInit>(text: &[u8], key: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("an HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
