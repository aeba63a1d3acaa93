//! Secrets in the bytes of a line: what stands under the name of one, and what is known by its own shape.
//!
//! Names are found in JSON, also in JSON within a string, in logfmt, addresses, headers and settings; shapes
//! wherever they stand. Nearly every line holds none, so what decides over the speed is how fast that is seen:
//! a vectorised search looks for pieces that each name and each shape has (`oken`, `ssw`, `://`), of which a shop's
//! event holds one or two, and only around these is looked closer. Names and shapes are looked for in two passes,
//! since two searches for few pieces are faster than one for many.
//!
//! What is found lies within one string, number or run of bytes: in JSON no range reaches over the end of a
//! string or begins within an escape, so that what was valid stays so. It takes any bytes, and time in
//! proportion to their number. What is written with escapes, in base64 or compressed is not seen.

mod assignment;
mod fragments;
mod name;
mod quoted;
mod token;

use std::ops::Range;

use crate::text::Text;
use name::Names;
pub use name::{NameFault, check_name};
use token::Tokens;

/// What stands in place of a secret. Hardly a secret is shorter, so that hardly a line grows by being masked.
pub const MASK: &str = "***";
/// What stands in place of a secret that is a number of JSON, which stays one.
pub const NUMBER_MASK: &str = "0";

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its bytes, without quotes and without what tells its kind.
    pub range: Range<usize>,
    /// Whether it is a number of JSON.
    pub is_number: bool,
}

/// What counts as a secret.
#[derive(Clone, Debug)]
pub struct Secrets {
    names: Names,
    tokens: Tokens,
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new(&[])
    }
}

impl Secrets {
    /// The usual names, and further ones that pass [`check_name`].
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self { names: Names::new(names), tokens: Tokens::new() }
    }

    /// Whether a name is that of a secret: its end is.
    #[must_use]
    pub fn is_name(&self, name: &[u8]) -> bool {
        self.names.kind_before(name, name.len()).is_some()
    }

    /// Where secrets stand in a line, in order and apart from each other. Where the line is only the beginning of
    /// what was sent, the beginning of a secret at its end is one too.
    #[must_use]
    pub fn find(&self, line: &[u8], is_cut: bool) -> Vec<Secret> {
        let text = Text::new(line, is_cut);
        let mut secrets = Vec::new();
        self.names.find(&text, &mut secrets);
        self.tokens.find(&text, &mut secrets);
        if secrets.len() > 1 { apart(secrets) } else { secrets }
    }
}

/// In order, and as one where they overlap.
fn apart(mut secrets: Vec<Secret>) -> Vec<Secret> {
    secrets.sort_unstable_by_key(|secret| secret.range.start);
    let mut apart: Vec<Secret> = Vec::with_capacity(secrets.len());
    for secret in secrets {
        match apart.last_mut() {
            Some(last) if secret.range.start < last.range.end => {
                last.range.end = last.range.end.max(secret.range.end);
                last.is_number &= secret.is_number;
            }
            _ => apart.push(secret),
        }
    }
    apart
}

#[cfg(test)]
mod tests;
