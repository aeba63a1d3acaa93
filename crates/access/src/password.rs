//! Passwords: argon2id hashes in PHC strings, and random passwords for first starts and resets.
//!
//! A verification takes as long for a user who does not exist as for one who does.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use crate::secret::random;

/// The shortest password that somebody may choose, in characters.
pub const PASSWORD_CHARACTERS_MIN: usize = 12;
/// The longest password, in characters: what is longer is refused before it is hashed.
pub const PASSWORD_CHARACTERS_MAX: usize = 256;

/// OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Stands in for the hash of a user who does not exist. Nobody knows a password for it: salt and hash
/// are arbitrary bytes.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGtub3dzIGl0$\
                      c29tZSBieXRlcyB0aGF0IG5vIHBhc3N3b3JkIHlpZWw";

/// Letters and digits that are not mistaken for each other (Crockford's base 32): 5 bits each.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const GROUPS: usize = 4;
const GROUP_CHARACTERS: usize = 6;

/// Why a password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too easy to guess.
    #[error("a password has at least {PASSWORD_CHARACTERS_MIN} characters")]
    TooShort,
    /// Too long to hash.
    #[error("a password has at most {PASSWORD_CHARACTERS_MAX} characters")]
    TooLong,
    /// The system gave no random numbers, or no memory.
    #[error("the password cannot be hashed: the system gave no random numbers or no memory")]
    System,
}

fn argon2() -> Argon2<'static> {
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .expect("the parameters are constants within argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
}

/// Hashes a password that somebody chose. Takes tens of milliseconds of processor time.
///
/// # Errors
/// The password is too short or too long, or the system has no random numbers.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    match password.chars().count() {
        0..PASSWORD_CHARACTERS_MIN => Err(PasswordError::TooShort),
        PASSWORD_CHARACTERS_MIN..=PASSWORD_CHARACTERS_MAX => argon2()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|_| PasswordError::System),
        _ => Err(PasswordError::TooLong),
    }
}

/// Whether the password belongs to the hash. Pass `None` where there is no such user: the answer is
/// no, after the same work. Takes tens of milliseconds of processor time.
#[must_use]
pub fn verify_password(password: &str, hash: Option<&str>) -> bool {
    let plausible = password.len() <= PASSWORD_CHARACTERS_MAX * 4;
    let password = if plausible { password } else { "" };
    let right = argon2().verify_password(password.as_bytes(), hash.unwrap_or(NOBODY)).is_ok();
    right && plausible && hash.is_some()
}

/// A random password of 120 bits in groups that can be read out.
///
/// # Errors
/// The system gives no random numbers.
pub fn generate_password() -> Result<String, PasswordError> {
    let bytes: [u8; GROUPS * GROUP_CHARACTERS] = random().map_err(|_| PasswordError::System)?;
    let character = |byte: &u8| char::from(ALPHABET[usize::from(byte % 32)]);
    let groups = bytes.chunks(GROUP_CHARACTERS).map(|group| group.iter().map(character).collect());
    Ok(groups.collect::<Vec<String>>().join("-"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use argon2::PasswordHash;

    use super::*;

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let hash = hash_password("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify_password("correct horse battery", Some(&hash)));
        assert!(!verify_password("correct horse batterx", Some(&hash)));
        assert_ne!(hash, hash_password("correct horse battery").unwrap(), "salted");
    }

    #[test]
    fn an_unknown_user_costs_the_same_hash() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let somebody = hash_password("correct horse battery").unwrap();
        let somebody = PasswordHash::new(&somebody).unwrap();
        assert_eq!(nobody.params, somebody.params);
        assert_eq!(nobody.algorithm, somebody.algorithm);
        assert_eq!(nobody.hash.map(|hash| hash.len()), somebody.hash.map(|hash| hash.len()));
        assert!(!verify_password("", None));
        assert!(!verify_password("correct horse battery", Some("not a hash")));
    }

    #[test]
    fn lengths_are_limited() {
        assert_eq!(hash_password("short").unwrap_err(), PasswordError::TooShort);
        assert_eq!(hash_password(&"x".repeat(257)).unwrap_err(), PasswordError::TooLong);
        let hash = hash_password(&"é".repeat(256)).unwrap();
        assert!(verify_password(&"é".repeat(256), Some(&hash)));
        assert!(!verify_password(&"x".repeat(10_000_000), Some(&hash)));
    }

    #[test]
    fn generated_passwords_differ_and_can_be_used() {
        let made: HashSet<String> = (0..100).map(|_| generate_password().unwrap()).collect();
        assert_eq!(made.len(), 100);
        let one = made.iter().next().unwrap();
        assert_eq!(one.len(), 27, "{one}");
        assert!(hash_password(one).is_ok());
    }
}
