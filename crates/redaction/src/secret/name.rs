//! Names of secrets: what stands behind one is nobody's business, whatever it looks like.
//!
//! The end of a name tells: `db_password`, `X-Api-Key` and `accessToken` are names of secrets, `password_reset_at` and
//! `passwordless` are not. Words may stand together, or be held apart by `_`, `-`, `.` or a capital letter.

use super::Secret;
use super::assignment;
use super::fragments::Fragments;
use crate::text::{Text, begins_word};

/// What a value under a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A secret, whatever it looks like.
    Secret,
    /// Credentials behind a scheme, or alone.
    Authorization,
    /// Pairs of names and values; something else is no secret, as `accepted` is none.
    Cookie,
}

/// Names that no other word ends with.
pub(super) const ANYWHERE: [&str; 3] = ["password", "passwd", "passphrase"];
/// Names that must begin a word.
pub(super) const WORDS: [&str; 25] = [
    "access_token",
    "api_key",
    "api_token",
    "auth_token",
    "bearer_token",
    "card_verification",
    "client_secret",
    "cvc",
    "cvc2",
    "cvv",
    "cvv2",
    "id_token",
    "ingest_token",
    "private_key",
    "pwd",
    "refresh_token",
    "secret",
    "secret_access_key",
    "secret_key",
    "security_code",
    "security_token",
    "session_token",
    "shared_access_key",
    "verification_code",
    "verification_value",
];
pub(super) const AUTHORIZATION: &str = "authorization";
pub(super) const COOKIES: [&str; 2] = ["cookie", "cookies"];
/// Each of the names holds one of these: as it is written in lower case, in capitals, and where words stand
/// together. They are rare in anything else.
const FRAGMENTS: [&str; 30] = [
    "ssw", "ssW", "SSW", "phr", "Phr", "PHR", "pwd", "Pwd", "PWD", "cret", "CRET", "key", "Key",
    "KEY", "oken", "OKEN", "rizat", "RIZAT", "okie", "OKIE", "cvv", "Cvv", "CVV", "cvc", "Cvc",
    "CVC", "rific", "RIFIC", "curity", "CURITY",
];
/// Longest piece of a further name that is looked for.
const FRAGMENT_BYTES_MAX: usize = 4;
/// Shortest, or it would be found in every line.
const FRAGMENT_BYTES_MIN: usize = 3;
/// The shell's name of the folder that it is in, which no secret has.
const WORKING_FOLDER: &[u8] = b"PWD";

/// Why a name is not taken for one of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It has a character that is no letter, digit, `_`, `-` or `.`.
    #[error("has `{}`: a name has letters (a-z), digits, `_`, `-` and `.`", .0.escape_debug())]
    Character(char),
    /// None of its words has three letters.
    #[error("has no word of three letters, and shorter ones are in every line")]
    Short,
}

/// Whether a further name can be one of secrets.
///
/// # Errors
/// [`NameFault`] says what is in the way.
pub fn check_name(name: &str) -> Result<(), NameFault> {
    let other =
        |character: &char| !character.is_ascii_alphanumeric() && !"_-.".contains(*character);
    if let Some(character) = name.chars().find(other) {
        return Err(NameFault::Character(character));
    }
    let is_long = longest_word(name).len() >= FRAGMENT_BYTES_MIN;
    if is_long { Ok(()) } else { Err(NameFault::Short) }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b'.')
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_separator(byte)
}

fn longest_word(name: &str) -> &str {
    name.split(['_', '-', '.']).max_by_key(|word| word.len()).unwrap_or_default()
}

/// A name of secrets.
#[derive(Clone, Debug)]
struct Name {
    /// Its letters and digits, in lower case.
    letters: Vec<u8>,
    /// Whether another word may stand right before it.
    is_anywhere: bool,
    kind: Kind,
}

impl Name {
    fn new(name: &str, is_anywhere: bool, kind: Kind) -> Self {
        let letters = name.bytes().filter(|byte| !is_separator(*byte));
        Self { letters: letters.map(|byte| byte.to_ascii_lowercase()).collect(), is_anywhere, kind }
    }

    /// Whether it stands before this place.
    fn is_before(&self, bytes: &[u8], end: usize) -> bool {
        let mut at = end;
        for letter in self.letters.iter().rev() {
            if at < end && at > 0 && is_separator(bytes[at - 1]) {
                at -= 1;
            }
            if at == 0 || !bytes[at - 1].eq_ignore_ascii_case(letter) {
                return false;
            }
            at -= 1;
        }
        self.is_anywhere || begins_word(bytes, at) || begins_capital(bytes, at)
    }
}

/// Whether a word begins here whose capital letter holds it apart from the one before: `userSecret`.
fn begins_capital(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| bytes[before]);
    let goes_on_small = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    bytes[at].is_ascii_uppercase()
        && before.is_some_and(|before| !before.is_ascii_uppercase() || goes_on_small)
}

/// The names of secrets.
#[derive(Clone, Debug)]
pub(super) struct Names {
    names: Vec<Name>,
    fragments: Fragments,
}

impl Names {
    /// The usual ones, and further ones that pass [`check_name`].
    pub(super) fn new(further: &[String]) -> Self {
        let mut names: Vec<Name> = Vec::new();
        names.extend(ANYWHERE.map(|name| Name::new(name, true, Kind::Secret)));
        names.extend(WORDS.map(|name| Name::new(name, false, Kind::Secret)));
        names.push(Name::new(AUTHORIZATION, false, Kind::Authorization));
        names.extend(COOKIES.map(|name| Name::new(name, false, Kind::Cookie)));
        let further = || further.iter().filter(|name| check_name(name).is_ok());
        names.extend(further().map(|name| Name::new(name, false, Kind::Secret)));
        let mut fragments: Vec<Vec<u8>> =
            FRAGMENTS.iter().map(|text| text.as_bytes().to_vec()).collect();
        fragments.extend(further().flat_map(|name| fragments_of(name)));
        fragments.sort_unstable();
        fragments.dedup();
        Self { names, fragments: Fragments::new(&fragments) }
    }

    /// What the name that ends at a place stands for, if it is that of a secret.
    pub(super) fn kind_before(&self, bytes: &[u8], end: usize) -> Option<Kind> {
        let name = self.names.iter().find(|name| name.is_before(bytes, end))?;
        let begins_so = bytes[..end].strip_suffix(WORKING_FOLDER);
        let is_working_folder =
            begins_so.is_some_and(|rest| !rest.last().is_some_and(|byte| is_separator(*byte)));
        (!is_working_folder).then_some(name.kind)
    }

    /// Adds what stands behind names of secrets, in order.
    pub(super) fn find(&self, text: &Text<'_>, secrets: &mut Vec<Secret>) {
        let mut at = 0;
        while let Some(hit) = self.fragments.find(text.bytes, at) {
            // All that is found within a name has the same end, so that is looked at once.
            let end = text.end_of(hit, in_name);
            at = match self.kind_before(text.bytes, end) {
                Some(kind) => assignment::find(text, end, kind, secrets).max(hit + 1),
                None => end.max(hit + 1),
            };
        }
    }
}

/// What to look for of a further name: the end of its longest word.
fn fragments_of(name: &str) -> Vec<Vec<u8>> {
    let word = longest_word(name).as_bytes();
    let start = word.len().saturating_sub(FRAGMENT_BYTES_MAX);
    let small = word[start..].to_ascii_lowercase();
    let mut fragments = vec![word[start..].to_vec(), small.to_ascii_uppercase()];
    if start == 0 {
        let mut capital = small.clone();
        capital[..1].make_ascii_uppercase();
        fragments.push(capital);
    }
    fragments.push(small);
    fragments
}
