//! Grok patterns written out: `%{NAME:alias:type}` becomes the named group `(?<alias:type>...)` around
//! the definition of `NAME`, until no reference is left.
//!
//! The text of an event never comes here: patterns are from the configuration and its files.

use service::suggest::nearest;

use super::definitions::Definitions;

/// How deep definitions may refer to each other.
const DEPTH_MAX: usize = 64;
/// How long a pattern may become, in bytes.
const LENGTH_MAX_BYTES: usize = 256 << 10;

/// Why a pattern cannot be written out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpansionError {
    #[error("the pattern %{{{name}}} is not defined")]
    Unknown { name: String, nearest: Option<String> },
    #[error("the definition of %{{{name}}} leads back to itself")]
    Endless { name: String },
    #[error(
        "the pattern is longer than {LENGTH_MAX_BYTES} bytes when its definitions are written out"
    )]
    TooLong,
    #[error("`{reference}` defines a pattern inside the braces")]
    Inline { reference: String },
}

impl ExpansionError {
    /// What to write instead.
    pub(super) fn way_out(&self) -> String {
        match self {
            Self::Unknown { nearest: Some(near), .. } => format!("did you mean %{{{near}}}?"),
            Self::Unknown { .. } => {
                "define it in `pattern_definitions` or in a file of `patterns_dir`".to_owned()
            }
            Self::Endless { .. } => "change the definition".to_owned(),
            Self::TooLong => "split it into several patterns".to_owned(),
            Self::Inline { .. } => "move the definition to `pattern_definitions`".to_owned(),
        }
    }
}

/// Writes a pattern out. With `name_all`, references without an alias are named by their pattern.
pub(super) fn expand(
    pattern: &str,
    definitions: &Definitions,
    name_all: bool,
) -> Result<String, ExpansionError> {
    let mut expansion = Expansion { definitions, name_all, out: String::new(), inside: Vec::new() };
    expansion.write(pattern)?;
    Ok(expansion.out)
}

struct Expansion<'a> {
    definitions: &'a Definitions,
    name_all: bool,
    out: String,
    /// The definitions that are being written out, outermost first.
    inside: Vec<String>,
}

impl Expansion<'_> {
    fn write(&mut self, pattern: &str) -> Result<(), ExpansionError> {
        let mut rest = pattern;
        while let Some(at) = rest.find("%{") {
            let Some(reference) = Reference::read(&rest[at..]) else {
                self.out.push_str(&rest[..at + 2]);
                rest = &rest[at + 2..];
                continue;
            };
            self.out.push_str(&rest[..at]);
            rest = &rest[at + reference.length..];
            self.write_reference(&reference)?;
        }
        self.out.push_str(rest);
        if self.out.len() > LENGTH_MAX_BYTES { Err(ExpansionError::TooLong) } else { Ok(()) }
    }

    fn write_reference(&mut self, reference: &Reference<'_>) -> Result<(), ExpansionError> {
        let name = reference.name;
        if reference.is_definition {
            return Err(ExpansionError::Inline { reference: format!("%{{{name}=...}}") });
        }
        let Some(definition) = self.definitions.get(name) else {
            let nearest = nearest(name, self.definitions.names()).map(ToOwned::to_owned);
            return Err(ExpansionError::Unknown { name: name.to_owned(), nearest });
        };
        if self.inside.len() >= DEPTH_MAX || self.inside.iter().any(|outer| outer == name) {
            return Err(ExpansionError::Endless { name: name.to_owned() });
        }
        match reference.alias {
            Some(alias) => self.out.extend(["(?<", alias, ">"]),
            None if self.name_all => self.out.extend(["(?<", name, ">"]),
            None => self.out.push_str("(?:"),
        }
        self.inside.push(name.to_owned());
        self.write(definition)?;
        self.inside.pop();
        self.out.push(')');
        Ok(())
    }
}

/// `%{NAME}`, `%{NAME:alias}`, `%{NAME:alias:type}`; other text up to the brace means nothing.
struct Reference<'p> {
    name: &'p str,
    alias: Option<&'p str>,
    is_definition: bool,
    /// With its braces, in bytes.
    length: usize,
}

impl<'p> Reference<'p> {
    /// Reads a reference at the start of a text that begins with `%{`.
    fn read(text: &'p str) -> Option<Self> {
        let end = text.find('}')?;
        let inside = &text[2..end];
        let (name, rest) = split(inside, |letter| letter.is_ascii_alphanumeric() || letter == '_');
        if name.is_empty() {
            return None;
        }
        let alias = rest.strip_prefix(':').map(|rest| {
            split(rest, |letter| letter.is_ascii_alphanumeric() || "_@[]:.-".contains(letter)).0
        });
        Some(Self {
            name,
            alias: alias.filter(|alias| !alias.is_empty()),
            is_definition: rest.starts_with('='),
            length: end + 1,
        })
    }
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !belongs(letter)).unwrap_or(text.len()))
}
